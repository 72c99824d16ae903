"""What is known of one session: its state, what waits for it, what is at work on it, and when that last got further."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from weakref import ReferenceType, ref

from ..events import (
    Event,
    Exchange,
    HarnessRun,
    Message,
    MessageDispatch,
    ModelCall,
    Operation,
    Run,
    ToolExecution,
    Workflow,
)
from ..scope import Scope
from .attention import Facts, WorkKind

KINDS: dict[type[Event], tuple[WorkKind | None, str]] = {
    Message: (None, "message"),
    MessageDispatch: (None, "dispatch"),
    Run: ("embedded_run", "run"),
    HarnessRun: ("embedded_run", "agent"),
    Workflow: ("embedded_run", "workflow"),
    Exchange: ("embedded_run", "exchange"),
    ModelCall: ("model_call", "model_call"),
    ToolExecution: ("tool_call", "tool"),
}
"""What makes a session busy while it lasts: which kind of work it is, where it is any, and its name in reasons."""


PRECEDENCE: tuple[WorkKind, ...] = ("tool_call", "model_call", "embedded_run")


class Work(NamedTuple):
    """Something that keeps a session busy."""

    kind: WorkKind | None
    began: int
    operation: ReferenceType[Operation]
    """Weak, so that what was dropped without an end is no work any more."""

    @property
    def deadline_ms(self) -> float | None:
        return getattr(self.operation(), "deadline_ms", None)

    def progress(self) -> int:
        """When its stream brought something; 0 where it did not."""
        call = self.operation()
        return call.began + call.last_chunk_ns if isinstance(call, ModelCall) and call.last_chunk_ns else 0

    def overdue(self, now: int, warn_ms: float) -> float:
        deadline_ms = self.deadline_ms
        return age(now, self.began) - (warn_ms if deadline_ms is None else deadline_ms)


@dataclass(slots=True)
class Session:
    """A session as its events have told of it. Times are those of `perf_counter_ns`."""

    scope: Scope
    changed: int
    progressed: int
    progress_reason: str | None = None
    state: str = "idle"
    told: bool = False
    """The program says itself which state the session is in."""
    generation: int = 0
    messages: int = 0
    laned: int = 0
    taken: int = 0
    """Taken out of a lane, but not yet done with."""
    work: dict[int, Work] = field(default_factory=dict)
    reported: dict[str, float] = field(default_factory=dict)
    """The age at which each verdict was last reported, since anything changed."""
    recovering: int | None = None
    """Since when it is being recovered."""
    loop: object = None
    """The event loop that its work was last seen on."""

    @property
    def queue_depth(self) -> int:
        """What waits: a message may be told of when it is queued, and again when it is put into a lane."""
        return max(self.messages, self.laned)

    def touch(self, now: int) -> None:
        """Something changed."""
        self.changed = now
        self.generation += 1
        self.reported.clear()

    def progress(self, now: int, reason: str) -> None:
        self.progressed, self.progress_reason = now, reason
        self.touch(now)

    def enter(self, state: str, now: int) -> str | None:
        """Go to another state; the state before, where it is another."""
        before, self.state = self.state, state
        if before == state:
            return None
        self.touch(now)
        if state == "idle":
            self._done()
        return before

    def _done(self) -> None:
        """One of those that waited has been dealt with."""
        self.messages = max(0, self.messages - 1)
        if self.taken:
            self.taken -= 1
        else:
            self.laned = max(0, self.laned - 1)

    def begin(self, operation: Operation, now: int) -> None:
        kind, name = KINDS[type(operation)]
        self.work[id(operation)] = Work(kind, now, ref(operation))
        if kind is None:
            self.touch(now)
        else:
            self.progress(now, f"{called(operation, name)}:started")

    def end(self, operation: Operation, now: int) -> None:
        known = self.work.pop(id(operation), None)
        name, generation = KINDS[type(operation)][1], self.generation
        self.progress(now, f"{called(operation, name)}:{operation.outcome}")
        if known is not None and self.recovering is not None and known.began <= self.recovering:
            self.generation = generation  # that the recovery has ended it does not make the recovery late

    def settle(self, since: int, now: int) -> str | None:
        """It was recovered: forget what was at work before that. The state before, where it was not idle."""
        self.work = {key: work for key, work in self.work.items() if work.began > since}
        return self.enter("idle", now)

    def sweep(self) -> None:
        """Forget work that was dropped without an end."""
        dead = [key for key, work in self.work.items() if work.operation() is None]
        for key in dead:
            del self.work[key]

    def facts(self, now: int, warn_ms: float) -> Facts:
        """What a verdict is made from."""
        at_work = [work for work in self.work.values() if work.kind is not None]
        streamed = max((work.progress() for work in at_work), default=0)
        kinds = {work.kind for work in at_work}
        kind = next((kind for kind in PRECEDENCE if kind in kinds), None)
        worst = self.worst(now, warn_ms) if kind in ("tool_call", "model_call") else None
        return Facts(
            state=self.state,
            queue_depth=self.queue_depth,
            age_ms=age(now, max(self.changed, streamed)),
            progress_age_ms=age(now, max(self.progressed, streamed)),
            progress_reason="model_call:stream_progress" if streamed > self.progressed else self.progress_reason,
            work=kind,
            owned="embedded_run" in kinds,
            tool_age_ms=age(now, worst.began) if worst and kind == "tool_call" else None,
            deadline_ms=worst.deadline_ms if worst else None,
        )

    def worst(self, now: int, warn_ms: float) -> Work | None:
        """The tool, or else the model call, that is longest past its deadline, or past what stands for one."""
        for kind in PRECEDENCE[:2]:
            found = [work for work in self.work.values() if work.kind == kind]
            if found:
                return max(found, key=lambda work: work.overdue(now, warn_ms))
        return None


def called(operation: Operation, name: str) -> str:
    return f"tool:{operation.name}" if isinstance(operation, ToolExecution) else name


def age(now: int, then: int) -> float:
    """Milliseconds."""
    return max(0, now - then) / 1e6
