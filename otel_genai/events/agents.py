"""Turns, agents at work, and their tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ..scope import Scope
from .event import Operation


@dataclass(eq=False, kw_only=True)
class Run(Operation):
    """One turn of an agent: from what triggered it to its answer."""

    started_kind = "run.started"
    completed_kind = "run.completed"

    run_id: str | None = None
    provider: str | None = None
    model: str | None = None
    trigger: str | None = None
    blocked_by: str | None = None

    def inside(self) -> Scope:
        scope = self.scope
        return scope._replace(operation=self, run=self.run_id or scope.run, trigger=self.trigger or scope.trigger)


@dataclass(eq=False, kw_only=True)
class HarnessRun(Operation):
    """An agent at work (the reference system calls what runs it a harness)."""

    started_kind = "harness.run.started"
    completed_kind = "harness.run.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "harness.run.error"}

    name: str | None = None
    plugin: str | None = None
    provider: str | None = None
    model: str | None = None
    description: str | None = None
    phase: str | None = None
    """Where it failed: `prepare`, `start`, `send`, `resolve`, `cleanup`."""
    result_classification: str | None = None
    yield_detected: bool | None = None
    items_started: int | None = None
    items_completed: int | None = None
    items_active: int | None = None
    cleanup_failed: bool | None = None
    inference_calls: int = field(default=0, init=False)
    """Model calls of its own so far, failed ones too: not those of agents inside of it, nor embeddings."""
    tool_calls: int = field(default=0, init=False)
    """Tools of its own that ran so far, failed ones too: not those of agents inside of it, nor blocked ones."""

    def inside(self) -> Scope:
        return self.scope._replace(operation=self, agent=self.name or self.scope.agent)


@dataclass(eq=False, kw_only=True)
class ToolExecution(Operation):
    """One execution of a tool. The parameters themselves are never here, only their kind and length."""

    started_kind = "tool.execution.started"
    completed_kind = "tool.execution.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {
        "error": "tool.execution.error",
        "blocked": "tool.execution.blocked",
    }

    name: str | None = None
    source: str = "core"
    """`core`, `plugin`, `channel`, `mcp`."""
    owner: str | None = None
    call_id: str | None = None
    description: str | None = None
    type: str | None = None
    """`function`, `extension`, `datastore`."""
    params_kind: str | None = None
    params_length: int | None = None
    denied_reason: str | None = None
    params_hash: str | None = field(default=None, repr=False)
    """What tells equal parameters from others, for who looks for loops (`genai.fingerprint`); never exported."""
    result_hash: str | None = field(default=None, repr=False)
    """The same of the result."""

    def end(self, error: BaseException | None) -> None:
        super().end(error)
        agent = None if self.outcome == "blocked" else agent_at_work(self)
        if agent is not None:
            agent.tool_calls += 1


def agent_at_work(operation: Operation) -> HarnessRun | None:
    """The innermost agent that an operation happens inside of."""
    around = operation.scope.operation
    while around is not None and not isinstance(around, HarnessRun):
        around = around.scope.operation
    return around
