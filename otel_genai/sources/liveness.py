"""When an event loop that is late or full, or a busy processor, is worth a word."""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic
from typing import Final, NamedTuple

from ..events import LivenessWarning
from ..tables import Liveness
from .eventloops import LoopReading
from .sessions import Counts

AGAIN_MS: Final = 120_000


class Measured(NamedTuple):
    """An interval of the process: its event loops, where one was seen, and its processor time in milliseconds."""

    interval_ms: float
    loops: LoopReading | None
    cpu_user_ms: float
    cpu_system_ms: float

    @property
    def cpu_core_ratio(self) -> float:
        return (self.cpu_user_ms + self.cpu_system_ms) / self.interval_ms if self.interval_ms > 0 else 0


def reasons(measured: Measured, limits: Liveness) -> tuple[str, ...]:
    """Why the interval is worth a word; nothing where it is not."""
    found = []
    loops = measured.loops
    if loops and (loops.delay_p99_ms >= limits.delay_p99_ms or loops.delay_max_ms >= limits.delay_max_ms):
        found.append("event_loop_delay")
    if loops and loops.utilization >= limits.utilization:
        found.append("event_loop_utilization")
    if measured.cpu_core_ratio >= limits.cpu_core_ratio:
        found.append("cpu")
    return tuple(found)


class Gate:
    """Lets one through, and then none for two minutes."""

    def __init__(self) -> None:
        self._last_ms: float | None = None

    def passes(self, now_ms: float) -> bool:
        if self._last_ms is not None and now_ms - self._last_ms < AGAIN_MS:
            return False
        self._last_ms = now_ms
        return True


def processor_ms() -> tuple[float, float]:
    """Processor time of the process so far, outside of the kernel and in it."""
    spent = os.times()
    return spent.user * 1e3, spent.system * 1e3


class LivenessWatch:
    """Judges each interval between heartbeats.

    There are two gates, one of which is only for a process that has something to do, so that what concerns its work is
    told even if an idle process has been warned of shortly before.

    Args:
        limits: the thresholds of the configuration.
        loops: the event loops' last interval.
        processor: processor time so far, in milliseconds.
        clock: seconds.
    """

    def __init__(
        self,
        limits: Liveness,
        loops: Callable[[], LoopReading | None],
        *,
        processor: Callable[[], tuple[float, float]] = processor_ms,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._limits, self._loops, self._processor, self._clock = limits, loops, processor, clock
        self._began = self._since = clock()
        self._spent = processor()
        self._always, self._at_work = Gate(), Gate()

    def look(self, counts: Counts) -> LivenessWarning | None:
        """Measure since the last look; the warning, where there is to be one."""
        measured, now = self._measure(), self._clock()
        found = reasons(measured, self._limits)
        if not found or (now - self._began) * 1e3 < self._limits.startup_grace_ms:
            return None
        always = self._always.passes(now * 1e3)
        at_work = counts.open and self._at_work.passes(now * 1e3)
        return warning(found, measured, counts) if always or at_work else None

    def _measure(self) -> Measured:
        now, spent = self._clock(), self._processor()
        interval, self._since = now - self._since, now
        (user, system), self._spent = self._spent, spent
        return Measured(interval * 1e3, self._loops(), spent[0] - user, spent[1] - system)


def warning(found: tuple[str, ...], measured: Measured, counts: Counts) -> LivenessWarning:
    loops = measured.loops
    return LivenessWarning(
        reasons=found,
        interval_ms=measured.interval_ms,
        event_loop_delay_p99_ms=loops.delay_p99_ms if loops else None,
        event_loop_delay_max_ms=loops.delay_max_ms if loops else None,
        event_loop_utilization=loops.utilization if loops else None,
        cpu_user_ms=measured.cpu_user_ms,
        cpu_system_ms=measured.cpu_system_ms,
        active=counts.active,
        waiting=counts.waiting,
        queued=counts.queued,
    )
