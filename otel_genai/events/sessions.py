"""Sessions, the lanes they wait in, and how their turns get on.

Which session, agent, channel and run an event is about is said by its scope: publish it inside of `bind(session=...)`.
A session is `idle`, `processing` or `waiting`. Reasons are bounded words (`message_start`), never free text.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .event import Event


@dataclass(eq=False, kw_only=True)
class LaneEnqueued(Event):
    """Something was put into a lane, a queue with a name."""

    kind = "queue.lane.enqueue"

    lane: str = ""
    queue_size: int | None = None
    """How many are in the lane, this one included."""


@dataclass(eq=False, kw_only=True)
class LaneDequeued(Event):
    """Something was taken out of a lane, to be worked on."""

    kind = "queue.lane.dequeue"

    lane: str = ""
    queue_size: int | None = None
    """How many are left in the lane."""
    wait_ms: float | None = None
    """How long it was in the lane, in milliseconds."""


@dataclass(eq=False, kw_only=True)
class SessionState(Event):
    """A session went from one state to another."""

    kind = "session.state"

    state: str | None = None
    previous: str | None = None
    reason: str | None = None
    queue_depth: int | None = None
    """Messages that wait for the session."""
    derived: bool = field(default=False, init=False, repr=False)
    """It follows from what happened in the session; else the program has said so, and then it alone says it."""


@dataclass(eq=False, kw_only=True)
class SessionTurnCreated(Event):
    """A session got a turn to do."""

    kind = "session.turn.created"

    trigger: str | None = None
    """What set it off: `user` or `heartbeat`."""


@dataclass(eq=False, kw_only=True)
class Activity:
    """How a session stands that has not finished in the expected time."""

    state: str | None = None
    age_ms: float | None = None
    """Milliseconds since anything changed in the session."""
    queue_depth: int | None = None
    """Messages that wait for the session."""
    reason: str | None = None
    """As `queued_behind_active_work`, `active_work_without_progress`, `stale_session_state`."""
    classification: str | None = None
    """`long_running`, `blocked_tool_call`, `stalled_agent_run`, `stale_session_state`."""
    active_work_kind: str | None = None
    """`embedded_run`, `model_call`, `tool_call`; none where nothing is at work."""
    last_progress_age_ms: float | None = None
    """Milliseconds since the work showed progress."""
    last_progress_reason: str | None = None
    active_tool_name: str | None = None
    active_tool_call_id: str | None = None
    active_tool_age_ms: float | None = None
    """Milliseconds since the tool began that has been running for longest."""
    terminal_progress_stale: bool | None = None
    """True where the last progress was an end, after which nothing came."""


@dataclass(eq=False, kw_only=True)
class SessionLongRunning(Activity, Event):
    """A session takes long, and its work shows progress. For subscribers: no metric or span is made of it."""

    kind = "session.long_running"


@dataclass(eq=False, kw_only=True)
class SessionStalled(Activity, Event):
    """A session has work that shows no progress. For subscribers: no metric or span is made of it."""

    kind = "session.stalled"


@dataclass(eq=False, kw_only=True)
class SessionStuck(Activity, Event):
    """A session is not done, and nothing is at work on it: it can be recovered."""

    kind = "session.stuck"


@dataclass(eq=False, kw_only=True)
class Recovery:
    """Which session is to be recovered, and why."""

    state: str | None = None
    state_generation: int | None = None
    """Counts the changes of the session, so that a recovery can tell whether it has come too late."""
    age_ms: float | None = None
    """Milliseconds since anything changed in the session."""
    queue_depth: int | None = None
    """Messages that wait for the session."""
    reason: str | None = None
    active_work_kind: str | None = None
    """`embedded_run`, `model_call`, `tool_call`; none where nothing is at work."""


@dataclass(eq=False, kw_only=True)
class SessionRecoveryRequested(Recovery, Event):
    """A session is to be recovered."""

    kind = "session.recovery.requested"

    allow_active_abort: bool = False
    """Whether work that is still active may be aborted for it."""


@dataclass(eq=False, kw_only=True)
class SessionRecoveryCompleted(Recovery, Event):
    """The attempt to recover a session is over."""

    kind = "session.recovery.completed"

    status: str | None = None
    """`aborted`, `released`, `skipped`, `noop`, `failed`."""
    action: str | None = None
    """`abort_embedded_run`, `release_lane`, `keep_lane`, `observe_only`, `none`."""
    outcome_reason: str | None = None
    """Why it ended so: `already_in_flight`, `no_active_work` ...; it is exported in place of `reason`."""
    released: int | None = None
    """How many lanes it has freed."""
    stale: bool | None = None
    """True where the session had changed meanwhile, so that its state was left alone."""


@dataclass(eq=False, kw_only=True)
class RunAttempt(Event):
    """A turn is tried, for the first time or again."""

    kind = "run.attempt"

    attempt: int | None = None
    """1 for the first."""


@dataclass(eq=False, kw_only=True)
class RunProgress(Event):
    """A turn has got further. For subscribers: no metric or span is made of it."""

    kind = "run.progress"

    reason: str | None = None
    """As `assistant_delta`, `tool:<name>:started`, `run:completed`."""
