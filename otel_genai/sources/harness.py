"""`@run`, `@agent` and `@harness`: a turn with its attempts, and an agent at work with its phases and its items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Literal, TypeVar, overload

from .. import locks
from ..bus import bus
from ..events import HarnessRun, Run, RunAttempt, RunProgress
from . import contents, drafts
from .observe import Block, ErrorIf, made

F = TypeVar("F", bound=Callable[..., Any])
PhaseName = Literal["prepare", "start", "send", "resolve", "cleanup"]

PHASES: tuple[PhaseName, ...] = ("prepare", "start", "send", "resolve", "cleanup")
_counting = locks.lock()


class RunBlock(Block[Run]):
    """A turn. Inside of a decorated function, what is told to it is told of the call that is going on."""

    name_field = "run_id"
    asks = staticmethod(contents.asked_of_agent)
    says = staticmethod(contents.said_by_agent)
    on_item = staticmethod(drafts.add_answer)

    def attempt(self, number: int | None = None) -> None:
        """Say that the turn is tried, for the first time or again.

        Args:
            number: which attempt it is; by default the next one, beginning with 1.
        """
        run = self.running()
        run.attempts = run.attempts + 1 if number is None else number
        bus.publish(RunAttempt(attempt=run.attempts))

    def progress(self, reason: str) -> None:
        """Say that the turn has got further, and by what, in a bounded word (`"assistant_delta"`)."""
        bus.publish(RunProgress(reason=reason))


class HarnessPhase:
    """A stretch of an agent's work that has a name, for the case that it fails there."""

    __slots__ = ("_before", "_harness", "_phase")

    def __init__(self, harness: HarnessRun, phase: str) -> None:
        self._harness, self._phase = harness, phase
        self._before: str | None = None

    def __enter__(self) -> None:
        self._before = self._harness.enter_phase(self._phase)

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self._harness.leave_phase(self._before, error)


class HarnessBlock(Block[HarnessRun]):
    """An agent at work. Inside of a decorated function, what is told to it is told of the call that is going on."""

    asks = staticmethod(contents.asked_of_agent)
    says = staticmethod(contents.said_by_agent)
    on_item = staticmethod(drafts.add_answer)

    def phase(self, phase: PhaseName) -> HarnessPhase:
        """Name a stretch of the work: `with harness.phase("send"):`. An error says in which one it came up.

        Where the clean-up fails after something else has, the error keeps the phase of that, and says
        `openclaw.harness.cleanup_failed`.

        Args:
            phase: `prepare`, `start`, `send`, `resolve` or `cleanup`.

        Raises:
            ValueError: for any other word.
        """
        if phase not in PHASES:
            raise ValueError(f"phase {phase!r}: expected one of {', '.join(PHASES)}")
        return HarnessPhase(self.running(), phase)

    @contextmanager
    def item(self) -> Iterator[None]:
        """Count something that the agent works on, as a message or a tool's call: `with harness.item():`.

        It is active until the block is left, and completed if that is without an exception.
        """
        harness = self.running()
        with _counting:
            harness.items_started = (harness.items_started or 0) + 1
            harness.items_active = (harness.items_active or 0) + 1
            harness.items_completed = harness.items_completed or 0
        completed = 0
        try:
            yield
            completed = 1
        finally:
            with _counting:
                harness.items_active -= 1
                harness.items_completed += completed

    def classify(self, classification: str) -> None:
        """Say what its result is where that is no answer, in a bounded word: `empty`, `reasoning-only` ..."""
        self.running().result_classification = classification

    def yielded(self) -> None:
        """Say that the agent handed the turn back before it was done."""
        self.running().yield_detected = True


# -- the face


@overload
def run(function: F, /) -> F: ...
@overload
def run(
    run_id: str | None = None,
    /,
    *,
    trigger: str | None = None,
    provider: str | None = None,
    model: str | None = None,
    error_if: ErrorIf | None = None,
    new_trace: bool = False,
) -> RunBlock: ...
def run(first: Any = None, /, *, error_if: Any = None, new_trace: bool = False, **fields: Any) -> Any:
    """Observe one turn, from what set it off to its answer: `@run`, or `with run("run-1", trigger="user"):`.

    Args:
        first: the id of the turn; it is never exported.
        trigger: what set it off: `user`, `heartbeat`, `cron` ...
        provider: the provider of its model.
        model: its model, where it has only one.
        error_if: whether what a decorated function returned is a failure, as in `tool`.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that a run does not have.
    """
    return made(RunBlock, Run, first, new_trace, fields, error_if)


@overload
def agent(function: F, /) -> F: ...
@overload
def agent(
    name: str | None = None,
    /,
    *,
    plugin: str | None = None,
    provider: str | None = None,
    model: str | None = None,
    description: str | None = None,
    data_source: str | None = None,
    output_type: str | None = None,
    choice_count: int | None = None,
    seed: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_tokens: int | None = None,
    stop_sequences: str | Sequence[str] | None = None,
    frequency_penalty: float | None = None,
    presence_penalty: float | None = None,
    error_if: ErrorIf | None = None,
    new_trace: bool = False,
) -> HarnessBlock: ...
def agent(first: Any = None, /, *, error_if: Any = None, new_trace: bool = False, **fields: Any) -> Any:
    """Observe an agent at work: `@agent`, `@agent("planner")` or `with agent("planner"):`.

    What happens inside carries the agent's name.

    Args:
        first: the agent's name; by default the name of the decorated function.
        plugin: the plugin that brought the agent.
        provider: the provider of its model.
        model: its model, where it has only one.
        description: what the agent is for; on spans only, as all that follow.
        data_source: id of the data source that it answers from.
        output_type: what its answer is to be: `text`, `json`, `image`, `speech`.
        choice_count, seed, temperature, top_p, max_tokens, stop_sequences, frequency_penalty, presence_penalty: what
            its model is asked for.
        error_if: whether what a decorated function returned is a failure, as in `tool`.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that an agent does not have.
    """
    return made(HarnessBlock, HarnessRun, first, new_trace, fields, error_if)


@overload
def harness(function: F, /) -> F: ...
@overload
def harness(
    id: str | None = None,
    /,
    *,
    plugin: str | None = None,
    provider: str | None = None,
    model: str | None = None,
    error_if: ErrorIf | None = None,
    new_trace: bool = False,
) -> HarnessBlock: ...
def harness(first: Any = None, /, *, error_if: Any = None, new_trace: bool = False, **fields: Any) -> Any:
    """Observe what runs an agent, through its life: `with harness("codex", plugin="codex") as harness:`.

    It is what `agent` is, and says more: `with harness.phase("send"):` and the other phases, of which an error names
    the one that it came up in; `with harness.item():` around each thing that it works on; `harness.classify("empty")`;
    `harness.yielded()`. Keep the block to say so in a function that it decorates.

    Args:
        first: the id of what runs the agent, of few; by default the name of the decorated function.
        plugin: the plugin that brought it.
        provider: the provider of its model.
        model: its model, where it has only one.
        error_if: whether what a decorated function returned is a failure, as in `tool`.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that a harness does not have.
    """
    return made(HarnessBlock, HarnessRun, first, new_trace, fields, error_if)
