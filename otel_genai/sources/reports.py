"""What is said of a session: its changes of state, what is the matter with it, and that it is to be recovered."""

from __future__ import annotations

from ..bus import bus
from ..events import Event, SessionRecoveryRequested, SessionState
from ..scope import Scope, enter, reset
from .activity import Session
from .attention import Facts, Recoverable, Thresholds, Verdict


def state_event(session: Session, before: str, reason: str) -> SessionState:
    depth = session.queue_depth
    event = SessionState(state=session.state, previous=before, reason=reason, queue_depth=depth)
    event.derived = True
    return event


def report(session: Session, facts: Facts, verdict: Verdict, now: int, thresholds: Thresholds) -> Event:
    """What is the matter with a session."""
    worst = session.worst(now, thresholds.warn_ms) if facts.work == "tool_call" else None
    tool = worst.operation() if worst else None
    return verdict.event_type(
        state=facts.state,
        age_ms=facts.age_ms,
        queue_depth=facts.queue_depth,
        reason=verdict.reason,
        classification=verdict.classification,
        active_work_kind=facts.work,
        last_progress_age_ms=facts.progress_age_ms,
        last_progress_reason=facts.progress_reason,
        active_tool_name=getattr(tool, "name", None),
        active_tool_call_id=getattr(tool, "call_id", None),
        active_tool_age_ms=facts.tool_age_ms,
        terminal_progress_stale=facts.ended or None,
    )


def requested(session: Session, facts: Facts, verdict: Verdict, may: Recoverable) -> SessionRecoveryRequested:
    return SessionRecoveryRequested(
        state=facts.state,
        state_generation=session.generation,
        age_ms=facts.age_ms,
        queue_depth=facts.queue_depth,
        reason=verdict.reason,
        active_work_kind=facts.work,
        allow_active_abort=may.allow_active_abort,
    )


def tell(event: Event, scope: Scope) -> None:
    """Publish an event about a session, wherever this is."""
    token = enter(scope)
    try:
        bus.publish(event)
    finally:
        reset(token)
