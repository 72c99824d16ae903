"""Sessions, followed by what happens in them: the events on the bus are all the bookkeeping there is."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns

from .. import locks
from ..events import (
    Event,
    LaneDequeued,
    LaneEnqueued,
    MessageDelivery,
    MessageQueued,
    Operation,
    ProcessExecution,
    RunProgress,
    SessionRecoveryRequested,
    SessionState,
    Webhook,
)
from ..listeners import Handler
from ..scope import Scope
from .activity import KINDS, Session, age
from .attention import RECENT_MS, Thresholds, is_due, judge, needs_look, recoverable
from .reports import report, requested, state_event, tell

MOST_SESSIONS = 2000
IDLE_MS = 30 * 60_000
PRUNE_MS = 60_000
STATES = frozenset({"idle", "processing", "waiting"})
RECOVERED = frozenset({"aborted", "released", "noop"})
PROGRESS: tuple[type[Operation], ...] = (MessageDelivery, ProcessExecution)
"""Operations that are a sign of progress, and keep nobody busy by themselves."""

Request = Callable[[SessionRecoveryRequested, Scope, object], object]
"""Has a session recovered: what is asked for, whom the session is for, and the event loop of its work."""


@dataclass
class Counts:
    """What the heartbeat tells: sessions by state, messages that wait, and webhooks since the beginning."""

    active: int = 0
    waiting: int = 0
    queued: int = 0
    webhooks_received: int = 0
    webhooks_processed: int = 0
    webhook_errors: int = 0

    @property
    def open(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.active or self.waiting or self.queued)


class Sessions:
    """Every session that events are about, at most 2000: the one that has been idle for longest is forgotten first.

    Args:
        thresholds: from when on a session is reported, and its work may be aborted.
        recover: has a session recovered; without it, none is.
        report: whether sessions are reported at all; without it they are counted only.
        clock: nanoseconds, of the clock that operations begin by.
    """

    def __init__(
        self,
        thresholds: Thresholds,
        recover: Request | None = None,
        *,
        report: bool = True,
        clock: Callable[[], int] = perf_counter_ns,
    ) -> None:
        self._thresholds, self._recover, self._report, self._clock = thresholds, recover, report, clock
        self._webhooks = Counts()
        self.clear()

    def clear(self) -> None:
        """Forget every session, as the child of a fork does: the work was its parent's."""
        self._lock = locks.reentrant()  # a signal handler may come here while its thread has it
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._active: int | None = None
        self._pruned = self._clock()

    def __len__(self) -> int:
        return len(self._sessions)

    # -- what is told

    def resolve(self, event_type: type[Event], _: str) -> Handler | None:
        """What to call for an event; to be connected to the bus."""
        if event_type in KINDS:
            return self._work
        if issubclass(event_type, PROGRESS):
            return self._progress
        others: dict[type[Event], Handler] = {
            LaneDequeued: self._queue,
            LaneEnqueued: self._queue,
            MessageQueued: self._queue,
            RunProgress: self._progress,
            SessionState: self._told,
            Webhook: self._webhook,
        }
        return others.get(event_type)

    def _work(self, event: Event) -> None:
        assert isinstance(event, Operation)
        self._active = now = self._clock()
        if event.scope.session is None:
            return
        with self._lock:
            session = self._of(event.scope.session, event.scope, now)
            if event.outcome is None:
                session.begin(event, now)
                session.loop = asyncio._get_running_loop()
            else:
                session.end(event, now)
            changed = self._derive(session, event, now)
        if changed is not None and self._report:
            tell(changed, event.scope)

    def _derive(self, session: Session, event: Operation, now: int) -> SessionState | None:
        """The state that follows from whether anything is at work, unless the program says the state itself."""
        if session.told:
            return None
        before = session.enter("processing" if session.work else "idle", now)
        if before is None:
            return None
        name = KINDS[type(event)][1]
        reason = f"{name}_{'start' if event.outcome is None else event.outcome}"
        return state_event(session, before, reason)

    def _progress(self, event: Event) -> None:
        self._active = now = self._clock()
        if event.scope.session is None:
            return
        with self._lock:
            session = self._of(event.scope.session, event.scope, now)
            session.progress(now, getattr(event, "reason", None) or event.kind)

    def _queue(self, event: Event) -> None:
        self._active = now = self._clock()
        if event.scope.session is None:
            return
        with self._lock:
            session = self._of(event.scope.session, event.scope, now)
            session.touch(now)
            if isinstance(event, MessageQueued):
                session.messages += 1
            elif isinstance(event, LaneEnqueued):
                session.laned += 1
            elif session.laned:
                session.laned -= 1
                session.taken += 1

    def _told(self, event: Event) -> None:
        assert isinstance(event, SessionState)
        if event.derived or event.scope.session is None or event.state not in STATES:
            return
        self._active = now = self._clock()
        with self._lock:
            session = self._of(event.scope.session, event.scope, now)
            session.told = True
            if session.enter(event.state, now) is None:
                session.touch(now)
            if event.queue_depth is not None:
                session.messages, session.laned = event.queue_depth, 0

    def _webhook(self, event: Event) -> None:
        self._active = self._clock()
        with self._lock:
            if event.kind == Webhook.started_kind:
                self._webhooks.webhooks_received += 1
            elif event.kind == Webhook.completed_kind:
                self._webhooks.webhooks_processed += 1
            else:
                self._webhooks.webhook_errors += 1

    def _of(self, key: str, scope: Scope, now: int) -> Session:
        session = self._sessions.get(key)
        if session is None:
            if len(self._sessions) >= MOST_SESSIONS:
                self._forget_one()
            session = self._sessions[key] = Session(scope._replace(operation=None), now, now)
        else:
            self._sessions.move_to_end(key)
        return session

    def _forget_one(self) -> None:
        idle = (key for key, session in self._sessions.items() if session.state == "idle")
        del self._sessions[next(idle, next(iter(self._sessions)))]

    # -- what is made of it, on each heartbeat

    def counts(self) -> Counts:
        """How busy the sessions are."""
        with self._lock:
            states = [session.state for session in self._sessions.values()]
            queued = sum(session.queue_depth for session in self._sessions.values())
            told = self._webhooks
            return Counts(
                states.count("processing"),
                states.count("waiting"),
                queued,
                told.webhooks_received,
                told.webhooks_processed,
                told.webhook_errors,
            )

    @property
    def recent(self) -> bool:
        """Whether anything has happened lately."""
        return self._active is not None and age(self._clock(), self._active) <= RECENT_MS

    def prune(self) -> None:
        """Forget sessions that have been idle for half an hour, with nothing waiting; once a minute at most."""
        now = self._clock()
        if age(now, self._pruned) < PRUNE_MS:
            return
        self._pruned = now
        with self._lock:
            for key, session in list(self._sessions.items()):
                idle = session.state == "idle" and not session.queue_depth and not session.work
                if idle and age(now, session.changed) >= IDLE_MS:
                    del self._sessions[key]

    def examine(self, late_ms: float = 0) -> None:
        """Report the sessions that need attention, and have recovered those that may be.

        Args:
            late_ms: how much later than planned this is: nobody looked meanwhile.
        """
        if self._report:
            with self._lock:
                sessions = list(self._sessions.values())
            for session in sessions:
                self._examine(session, late_ms)

    def _examine(self, session: Session, late_ms: float) -> None:
        now, thresholds = self._clock(), self._thresholds
        with self._lock:
            session.sweep()
            facts = session.facts(now, thresholds.warn_ms)
            if not needs_look(facts, thresholds):
                return
            verdict = judge(facts, thresholds)
            warn_ms = min(thresholds.warn_ms, facts.limits(thresholds).warn_ms)
            found: list[Event] = []
            if is_due(facts.age_ms, session.reported.get(verdict.kind), warn_ms):
                session.reported[verdict.kind] = facts.age_ms
                found.append(report(session, facts, verdict, now, thresholds))
            may = recoverable(verdict, facts, thresholds, late_ms)
            request = requested(session, facts, verdict, may) if may and self._recover else None
        for event in found:
            tell(event, session.scope)
        if request is not None and self._recover is not None:
            self._recover(request, session.scope, session.loop)

    # -- recovery

    def recovering(self, key: str) -> None:
        """It is being recovered, from now on."""
        with self._lock:
            session = self._sessions.get(key)
            if session is not None:
                session.recovering = self._clock()

    def recovered(self, request: SessionRecoveryRequested, key: str, status: str) -> bool:
        """A recovery is over: where it changed anything, the session is idle. True where the session had moved on."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(key)
            since, generation = (session.recovering, session.generation) if session else (None, 0)
            if session is None or since is None:
                return True
            session.recovering = None
            if status not in RECOVERED:
                return False
            asked = request.state_generation or 0
            if generation != asked and not (session.state == "idle" and generation == asked + 1):
                return True
            before = session.settle(since, now)
            changed = None if before is None else state_event(session, before, f"stuck_recovery:{status}")
        if changed is not None:
            tell(changed, session.scope)
        return False
