"""How late and how busy event loops are, measured on the loops themselves: asyncio's, uvloop's, any."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter, thread_time
from typing import Final, NamedTuple

from .. import guard, locks

RESOLUTION_S: Final = 0.02
CALM_AFTER: Final = 50
"""So many calls in time, and a loop is asked half as often, until one is late again: an idle loop pays for each."""


class LoopReading(NamedTuple):
    """An event loop in an interval: its delay in milliseconds, and the share of the time that it was busy."""

    delay_p99_ms: float
    delay_max_ms: float
    utilization: float


class Sampler:
    """Asks its loop to be called every 20 ms, or 40 while it is calm, and notes how late that is.

    A loop is busy while it uses the processor, and while it lets its calls wait; neither is more than the truth. A loop
    that was stopped and is run again looks late once.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = perf_counter) -> None:
        self.loop = loop
        self.stopped = False
        self._clock = clock
        self._delays: list[float] = []
        self._since = self._due = clock()
        self._in_time = 0
        self._cpu = self._cpu_before = 0.0
        self._begin()

    def _begin(self) -> None:
        """From the thread of the loop."""
        self._cpu = self._cpu_before = thread_time()
        self._again()

    def _again(self) -> None:
        period = RESOLUTION_S if self._in_time < CALM_AFTER else 2 * RESOLUTION_S
        self._due = self._clock() + period
        self.loop.call_later(period, self._tick)

    def _tick(self) -> None:
        delay = self._clock() - self._due
        self._delays.append(delay)
        self._in_time = self._in_time + 1 if delay < RESOLUTION_S else 0
        self._cpu = thread_time()
        if not self.stopped:
            self._again()

    def read(self) -> LoopReading | None:
        """The interval since the last reading; None where nothing was measured. From any thread."""
        now, delays, self._delays = self._clock(), self._delays, []
        waits = now - self._due
        if waits > RESOLUTION_S and self.loop.is_running():
            delays = [*delays, waits]  # it is late right now
        cpu, self._cpu_before = self._cpu - self._cpu_before, self._cpu
        wall, self._since = now - self._since, now
        return reading(delays, cpu, wall)


def reading(delays_s: Sequence[float], cpu_s: float, wall_s: float) -> LoopReading | None:
    """What was measured, in figures; a call that comes early is not late."""
    if not delays_s or wall_s <= 0:
        return None
    late = sorted(max(0.0, delay) for delay in delays_s)
    p99 = late[min(len(late) - 1, len(late) * 99 // 100)]
    busy = min(1.0, max(cpu_s, sum(late)) / wall_s)
    return LoopReading(round(p99 * 1e3, 1), round(late[-1] * 1e3, 1), round(busy, 3))


class EventLoops:
    """The event loops of the process that something was seen on; each has a sampler until it is closed."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget every loop, as the child of a fork does."""
        self._lock = locks.reentrant()
        self._samplers: list[Sampler] = []
        self._last: object = None

    def notice(self, _: object = None) -> None:
        """Watch the loop that runs in this thread, if there is one and it is new."""
        loop = asyncio._get_running_loop()
        if loop is None or loop is self._last:
            return
        self._last = loop
        with self._lock:
            if all(sampler.loop is not loop for sampler in self._samplers):
                sampler = guard.call("watching an event loop", Sampler, loop)
                self._samplers += [sampler] if sampler else []

    def read(self) -> LoopReading | None:
        """The interval since the last reading, each figure that of the loop where it is worst."""
        with self._lock:
            self._samplers = [sampler for sampler in self._samplers if not sampler.loop.is_closed()]
            if self._last is not None and all(sampler.loop is not self._last for sampler in self._samplers):
                self._last = None
            samplers = tuple(self._samplers)
        found = [reading for sampler in samplers if (reading := sampler.read())]
        return LoopReading(*map(max, zip(*found, strict=True))) if found else None

    def stop(self) -> None:
        """Watch no loop any more; each has a last call to make."""
        with self._lock:
            for sampler in self._samplers:
                sampler.stopped = True
        self.clear()
