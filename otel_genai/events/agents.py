"""Turns, agents at work, and their tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    attempts: int = field(default=0, init=False)
    """How often it has been tried, where that is told."""

    def inside(self) -> Scope:
        scope = self.scope
        return scope._replace(operation=self, run=self.run_id or scope.run, trigger=self.trigger or scope.trigger)


@dataclass(eq=False, kw_only=True)
class Settings:
    """How a model is asked to answer."""

    output_type: str | None = None
    """What the answer is to be: `text`, `json`, `image`, `speech`."""
    choice_count: int | None = None
    """How many answers to choose from."""
    seed: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop_sequences: str | Sequence[str] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None


@dataclass(eq=False, kw_only=True)
class HarnessRun(Settings, Operation):
    """An agent at work (the reference system calls what runs it a harness)."""

    started_kind = "harness.run.started"
    completed_kind = "harness.run.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "harness.run.error"}

    name: str | None = None
    plugin: str | None = None
    provider: str | None = None
    model: str | None = None
    description: str | None = None
    data_source: str | None = None
    """Id of the data source that it answers from."""
    input_tokens: int | None = None
    """Tokens read; from the end on those of its own model calls, where nothing else is said. On spans only."""
    output_tokens: int | None = None
    """The same of tokens written."""
    finish_reasons: tuple[str, ...] | None = None
    """Why the model stopped: where nothing else is said, in the last of its own model calls."""
    phase: str | None = None
    """Where it is, and where it failed: `prepare`, `start`, `send`, `resolve`, `cleanup`; none where it has not."""
    result_classification: str | None = None
    """What its result is where that is no answer: `empty`, `reasoning-only`, `planning-only`."""
    yield_detected: bool | None = None
    """Whether it handed the turn back before it was done."""
    items_started: int | None = None
    items_completed: int | None = None
    items_active: int | None = None
    """How many are not over yet. One that failed is neither active nor completed."""
    cleanup_failed: bool | None = None
    """The cleaning up failed too, after something else had."""
    failed_in: str | None = field(default=None, init=False, repr=False)
    """The phase that failed, until another one begins; cleaning up is part of the failure."""
    step: int | None = field(default=None, init=False)
    """Which turn of its loop it is in: its model calls so far and the one that began last; none before the first."""
    inference_calls: int = field(default=0, init=False)
    """Model calls of its own so far, failed ones too: not those of agents inside of it, nor embeddings."""
    tool_calls: int = field(default=0, init=False)
    """Tools of its own that ran so far, failed ones too: not those of agents inside of it, nor blocked ones."""
    used_input_tokens: int | None = field(default=None, init=False, repr=False)
    """What its own model calls have read so far; not those of agents inside of it."""
    used_output_tokens: int | None = field(default=None, init=False, repr=False)
    last_finish_reasons: tuple[str, ...] | None = field(default=None, init=False, repr=False)

    def inside(self) -> Scope:
        return self.scope._replace(operation=self, agent=self.name or self.scope.agent)

    def enter_phase(self, phase: str) -> str | None:
        """Go into a phase; says which one it was in before."""
        before, self.phase = self.phase, phase
        if phase != "cleanup" and self.declared != "error":
            self.failed_in = None
        return before

    def leave_phase(self, before: str | None, error: BaseException | None) -> None:
        """Go back to where it was before the phase, which `error` has ended."""
        phase, self.phase = self.phase, before
        if error is not None and self.failed_in is None:
            self.failed_in = phase
        elif error is not None and phase == "cleanup":
            self.cleanup_failed = True

    def declare(self, reason: BaseException | str) -> None:
        super().declare(reason)
        self.failed_in = self.failed_in or self.phase

    def next_step(self) -> int:
        """Note that a model call of its own begins; says which turn of its loop that is."""
        self.step = self.inference_calls + 1
        return self.step

    def called(
        self, input_tokens: int | None, output_tokens: int | None, finish_reasons: tuple[str, ...] | None
    ) -> None:
        """Note that a model call of its own is over, and what it told."""
        self.inference_calls += 1
        self.last_finish_reasons = finish_reasons
        if input_tokens is not None:
            self.used_input_tokens = (self.used_input_tokens or 0) + input_tokens
        if output_tokens is not None:
            self.used_output_tokens = (self.used_output_tokens or 0) + output_tokens

    def end(self, error: BaseException | None) -> None:
        super().end(error)
        self.phase = (self.failed_in or self.phase) if self.outcome == "error" else None
        if self.input_tokens is None and self.output_tokens is None:
            self.input_tokens, self.output_tokens = self.used_input_tokens, self.used_output_tokens
        if self.finish_reasons is None:
            self.finish_reasons = self.last_finish_reasons


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
    deadline_ms: float | None = None
    """How long it may take, in milliseconds, before its session counts as stalled; never exported."""
    params_hash: str | None = field(default=None, repr=False)
    """What tells equal parameters from others, for who looks for loops (`genai.fingerprint`); never exported."""
    result_hash: str | None = field(default=None, repr=False)
    """The same of the result."""
    agent_step: int | None = field(default=None, init=False)
    """Which turn of its agent's loop asked for it."""

    def begin(self, scope: Scope) -> None:
        super().begin(scope)
        agent = agent_at_work(self)
        self.agent_step = None if agent is None else agent.step

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


def turn_of(operation: Operation) -> Run | HarnessRun | None:
    """The turn that an operation is part of: the run around it, else the outermost agent."""
    around, outermost = operation.scope.operation, None
    while around is not None:
        if isinstance(around, Run):
            return around
        outermost = around if isinstance(around, HarnessRun) else outermost
        around = around.scope.operation
    return outermost
