"""The process looks at itself, every 30 seconds: one thread for sessions, event loops, the processor and memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from threading import Event as Flag
from threading import Thread, current_thread
from time import monotonic
from typing import Final

from .. import config, guard
from ..bus import bus
from ..events import Event, Heartbeat, HttpRequest, LivenessWarning, WebSocketHandshake
from ..listeners import Handler
from ..scope import Scope, enter
from .activity import KINDS
from .attention import Thresholds
from .eventloops import EventLoops
from .liveness import LivenessWatch
from .pressure import MemoryWatch
from .recovery import Recovery
from .sessions import Sessions

Undo = Callable[[], None]

JOIN_S: Final = 1.0
STARTS: Final = frozenset({HttpRequest, WebSocketHandshake, *KINDS})
"""What begins on the event loop that it belongs to, and therefore tells that there is one."""


class Pulse:
    """Sessions, event loops and memory under the thresholds of a configuration; `start` and `stop`, again and again."""

    def __init__(self, chosen: config.Config) -> None:
        self._config = chosen
        self._interval_s = chosen.heartbeat_interval_ms / 1e3
        self._flag = Flag()
        self._thread: Thread | None = None
        self._undo: tuple[Undo, ...] = ()
        self.loops = EventLoops()
        self._prepare()

    def _prepare(self) -> None:
        chosen = self._config
        recovery = Recovery(chosen.recover) if chosen.recover else None
        thresholds = Thresholds(chosen.sessions.stuck_session_warn_ms, chosen.sessions.abort_ms)
        recover = recovery.request if recovery else None
        self.sessions = Sessions(thresholds, recover, report=chosen.sessions.enabled)
        if recovery is not None:
            recovery.sessions = self.sessions
        self._liveness = LivenessWatch(chosen.liveness, self.loops.read) if chosen.liveness.enabled else None
        self._memory = MemoryWatch(chosen.memory) if chosen.memory.enabled else None

    @property
    def wanted(self) -> bool:
        """Whether there is anything to look at."""
        chosen = self._config
        return chosen.sessions.enabled or chosen.liveness.enabled or chosen.memory.enabled

    def start(self) -> None:
        """Listen to the bus, watch the event loop that runs here, and begin to look."""
        global _running
        if not self.wanted or self._undo:
            return
        self._undo = (bus.connect(self.sessions.resolve), bus.connect(self._resolve_loops))
        if self._liveness is not None:
            self.loops.notice()
        _running = self
        self._begin()

    def _begin(self) -> None:
        self._flag = Flag()
        self._thread = Thread(target=self._run, args=(self._flag,), name="otel_genai heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more; waits at most a second for a look that is going on."""
        global _running
        _running = None if _running is self else _running
        undo, self._undo = self._undo, ()
        for each in undo:
            each()
        self._flag.set()
        self.loops.stop()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not current_thread() and thread.is_alive():
            thread.join(JOIN_S)

    def forked(self) -> None:
        """In the child of a fork: the work and the loops were the parent's, and its thread is not here."""
        self.loops.clear()
        self._prepare()
        for each in self._undo:
            each()
        self._undo = (bus.connect(self.sessions.resolve), bus.connect(self._resolve_loops))
        self._begin()

    def _resolve_loops(self, event_type: type[Event], kind: str) -> Handler | None:
        begins = event_type in STARTS and kind == getattr(event_type, "started_kind", None)
        return self.loops.notice if begins and self._liveness is not None else None

    def _run(self, flag: Flag) -> None:
        enter(Scope())
        due = monotonic() + self._interval_s
        while not flag.wait(max(0.0, due - monotonic())):
            late_ms = max(0.0, monotonic() - due) * 1e3
            guard.call("looking at the process", self.beat, late_ms)
            due = monotonic() + self._interval_s

    def beat(self, late_ms: float = 0) -> None:
        """Look once.

        Args:
            late_ms: how much later than planned this is.
        """
        self.sessions.prune()
        counts = self.sessions.counts()
        warning = self._liveness.look(counts) if self._liveness is not None else None
        active = counts.open or self.sessions.recent
        if self._memory is not None:
            guard.call("measuring memory", self._memory.look, active)
        if active or warning is not None:
            self._tell(warning, Heartbeat(**asdict(counts)))
            self.sessions.examine(late_ms)

    def _tell(self, warning: LivenessWarning | None, heartbeat: Heartbeat) -> None:
        if warning is not None:
            bus.publish(warning)
        bus.publish(heartbeat)


_running: Pulse | None = None


def start(chosen: config.Config) -> Undo:
    """Have the process look at itself as the configuration says; returns its undo."""
    pulse = Pulse(chosen)
    pulse.start()
    return pulse.stop


@contextmanager
def held() -> Iterator[None]:
    """Under test: the process does not look at itself for a while."""
    pulse = _running
    if pulse is not None:
        pulse.stop()
    try:
        yield
    finally:
        if pulse is not None:
            pulse.sessions.clear()
            pulse.start()


def _forked() -> None:
    if _running is not None:
        guard.call("looking at the process after a fork", _running.forked)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
