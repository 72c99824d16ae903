"""What is said of sessions, their lanes, and their turns: a span and metrics."""

from __future__ import annotations

from dataclasses import replace

from ..events import (
    LaneDequeued,
    LaneEnqueued,
    RunAttempt,
    SessionRecoveryCompleted,
    SessionRecoveryRequested,
    SessionState,
    SessionStuck,
    SessionTurnCreated,
)
from . import attributes as a
from .buckets import UP_TO_AN_HOUR
from .rows import Metric, On, Span

MOST_ATTEMPTS = 10


def attempt(run: RunAttempt) -> int | str | None:
    """Which try it was, as a label: there is no end to them, so beyond ten they are one."""
    if run.attempt is None or 1 <= run.attempt <= MOST_ATTEMPTS:
        return run.attempt
    return f"over_{MOST_ATTEMPTS}" if run.attempt > MOST_ATTEMPTS else "unknown"


LANE = (a.LANE.of("lane"),)
REASON = replace(a.REASON, fallback="unknown")
STATE = a.STATE.of("state", "unknown")
TURN = (
    a.AGENT.of("scope.agent", "unknown"),
    a.CHANNEL.of("scope.channel", "unknown"),
    a.TRIGGER.of("trigger", "unknown"),
)
REQUESTED = (
    STATE,
    a.ACTION.of(lambda recovery: "abort" if recovery.allow_active_abort else "recover"),
    a.ACTIVE_WORK_KIND.of("active_work_kind"),
    REASON.of("reason"),
)
COMPLETED = (
    STATE,
    a.ACTION.of("action", "unknown"),
    a.STATUS.of("status", "unknown"),
    a.ACTIVE_WORK_KIND.of("active_work_kind"),
    REASON.of(lambda recovery: recovery.outcome_reason or recovery.reason),
)


METRICS: tuple[Metric, ...] = (
    Metric(
        "openclaw.queue.lane.enqueue",
        "counter",
        "1",
        "What was put into lanes.",
        (On(LaneEnqueued, 1, LANE),),
    ),
    Metric(
        "openclaw.queue.lane.dequeue",
        "counter",
        "1",
        "What was taken out of lanes.",
        (On(LaneDequeued, 1, LANE),),
    ),
    Metric(
        "openclaw.queue.wait_ms",
        "histogram",
        "ms",
        "How long it was in the lane.",
        (On(LaneDequeued, "wait_ms", LANE),),
        UP_TO_AN_HOUR,
    ),
    Metric(
        "openclaw.session.state",
        "counter",
        "1",
        "Sessions that went to another state.",
        (On(SessionState, 1, (STATE, REASON.of("reason"))),),
    ),
    Metric(
        "openclaw.session.turn.created",
        "counter",
        "1",
        "Turns that sessions got to do.",
        (On(SessionTurnCreated, 1, TURN),),
    ),
    Metric(
        "openclaw.session.stuck",
        "counter",
        "1",
        "Reports of sessions that nothing is at work on and that are not done.",
        (On(SessionStuck, 1, (STATE,)),),
    ),
    Metric(
        "openclaw.session.stuck_age_ms",
        "histogram",
        "ms",
        "How long nothing had changed in a session that is stuck.",
        (On(SessionStuck, "age_ms", (STATE,)),),
        UP_TO_AN_HOUR,
    ),
    Metric(
        "openclaw.session.recovery.requested",
        "counter",
        "1",
        "Recoveries that were asked for.",
        (On(SessionRecoveryRequested, 1, REQUESTED),),
    ),
    Metric(
        "openclaw.session.recovery.completed",
        "counter",
        "1",
        "Recoveries that are over, whichever way.",
        (On(SessionRecoveryCompleted, 1, COMPLETED),),
    ),
    Metric(
        "openclaw.session.recovery.age_ms",
        "histogram",
        "ms",
        "How long nothing had changed in a session that is to be recovered, or was.",
        (On(SessionRecoveryRequested, "age_ms", REQUESTED), On(SessionRecoveryCompleted, "age_ms", COMPLETED)),
        UP_TO_AN_HOUR,
    ),
    Metric(
        "openclaw.run.attempt",
        "counter",
        "1",
        "Tries at turns.",
        (On(RunAttempt, 1, (a.ATTEMPT.of(attempt),)),),
    ),
)

SPANS: tuple[Span, ...] = (
    Span(
        SessionStuck,
        "openclaw.session.stuck",
        "A session is not done, and nothing is at work on it.",
        start=(STATE, a.QUEUE_DEPTH.of(lambda stuck: stuck.queue_depth or 0), a.AGE_MS.of("age_ms")),
        status=lambda _: "session stuck",
    ),
)
