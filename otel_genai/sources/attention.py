"""Which sessions need attention, and when to say so again: pure functions over what is known of a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from ..events import Event, SessionLongRunning, SessionStalled, SessionStuck

Kind = Literal["long_running", "stalled", "stuck"]
State = Literal["idle", "processing", "waiting"]
WorkKind = Literal["embedded_run", "model_call", "tool_call"]

RECENT_MS: Final = 120_000
LATE_MS: Final = 1000
"""A heartbeat that is later than that has not seen what happened meanwhile: nothing is aborted for that time."""
ENDS: Final = ("run:completed", "run:ended", "response.completed", "raw_item_completed", "output_item.done")
"""The last words of a run, after which only its bookkeeping is left."""


class Thresholds(NamedTuple):
    """Milliseconds without progress after which a session is reported, and after which its work may be aborted."""

    warn_ms: float = 120_000
    abort_ms: float = 360_000


class Facts(NamedTuple):
    """What is known of a session at a moment. Ages are in milliseconds."""

    state: str = "idle"
    queue_depth: int = 0
    age_ms: float = 0
    """Since anything changed."""
    progress_age_ms: float = 0
    """Since the work showed progress."""
    progress_reason: str | None = None
    work: WorkKind | None = None
    """What is at work: a tool before a model call before a run."""
    owned: bool = False
    """A run is around the work."""
    tool_age_ms: float | None = None
    deadline_ms: float | None = None
    """How long the tool or model call at work may be silent, where somebody has said so."""

    @property
    def ended(self) -> bool:
        """Whether the last progress was an end."""
        return (self.progress_reason or "").endswith(ENDS)

    def limits(self, thresholds: Thresholds) -> Thresholds:
        """The thresholds of this session: a deadline stands for the first, and lifts the second."""
        if self.deadline_ms is None:
            return thresholds
        return Thresholds(self.deadline_ms, max(self.deadline_ms, thresholds.abort_ms))


class Verdict(NamedTuple):
    """What is the matter with a session."""

    kind: Kind
    reason: str
    classification: str

    @property
    def event_type(self) -> Callable[..., Event]:
        types: dict[str, Any] = {
            "long_running": SessionLongRunning,
            "stalled": SessionStalled,
            "stuck": SessionStuck,
        }
        return types[self.kind]  # type: ignore[no-any-return]


class Recoverable(NamedTuple):
    """That a session may be recovered, and whether its active work may be aborted for that."""

    allow_active_abort: bool


NO_PROGRESS: Final = "active_work_without_progress"
UNATTENDED: Final = "queued_work_without_active_run"


def needs_look(facts: Facts, thresholds: Thresholds) -> bool:
    """Whether a session is worth a verdict at all."""
    limit = min(facts.limits(thresholds).warn_ms, thresholds.warn_ms)
    if facts.state == "processing":
        return facts.age_ms > limit
    waits = facts.state == "idle" and facts.queue_depth > 0 and facts.work is not None
    return waits and facts.progress_age_ms > limit


def judge(facts: Facts, thresholds: Thresholds) -> Verdict:
    """The verdict; the first rule that fits."""
    if facts.work is None:
        reason = UNATTENDED if facts.queue_depth > 0 else "stale_session_state"
        return Verdict("stuck", reason, "stale_session_state")
    limit = facts.limits(thresholds).warn_ms
    silent, queued = facts.progress_age_ms > limit, facts.queue_depth > 0
    if facts.state == "idle" and queued and not facts.owned and silent:
        return Verdict("stuck", UNATTENDED, "stale_session_state")
    if facts.work == "tool_call" and silent and (facts.tool_age_ms or 0) > limit:
        return Verdict("stalled", "blocked_tool_call", "blocked_tool_call")
    if queued and facts.work == "embedded_run" and facts.ended:
        return Verdict("stalled", "queued_behind_terminal_active_work", "stalled_agent_run")
    if facts.work == "model_call" and facts.owned and facts.progress_age_ms > min(limit, thresholds.warn_ms):
        return _silent_call(facts, thresholds)
    if silent:
        return Verdict("stalled", NO_PROGRESS, "stalled_agent_run")
    return Verdict("long_running", "queued_behind_active_work" if queued else "active_work", "long_running")


def _silent_call(facts: Facts, thresholds: Thresholds) -> Verdict:
    """A model call of a run: slow providers are silent for long."""
    silent_ms, deadline_ms = facts.progress_age_ms, facts.deadline_ms
    if silent_ms >= thresholds.abort_ms if deadline_ms is None else silent_ms > deadline_ms:
        return Verdict("stalled", NO_PROGRESS, "stalled_agent_run")
    return Verdict("long_running", "active_model_call_without_progress", "long_running")


def is_due(age_ms: float, last_ms: float | None, warn_ms: float) -> bool:
    """Whether to report, at this age, what was last reported at `last_ms`: ever later, while nothing changes."""
    return age_ms >= (warn_ms if last_ms is None else max(last_ms + warn_ms, 2 * last_ms))


def recoverable(verdict: Verdict, facts: Facts, thresholds: Thresholds, late_ms: float = 0) -> Recoverable | None:
    """Whether a session may be recovered. Time for which the heartbeat itself was late does not count."""
    if verdict.kind == "stuck":
        return Recoverable(allow_active_abort=False)
    abort_ms = facts.limits(thresholds).abort_ms + (late_ms if late_ms >= LATE_MS else 0)
    if verdict.kind != "stalled" or facts.progress_age_ms < abort_ms:
        return None
    if facts.work == "tool_call":
        return Recoverable(allow_active_abort=True) if (facts.tool_age_ms or 0) >= abort_ms else None
    if facts.work == "model_call" and not facts.owned:
        return None
    return Recoverable(allow_active_abort=True)
