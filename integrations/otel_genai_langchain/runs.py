"""LangChain's runs that are not over, and which operation each one is: its `parent_run_id` says what is inside of what.

Neither threads nor tasks are asked: branches of one step that run beside each other are all children of that step.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from otel_genai import scope
from otel_genai.bus import bus
from otel_genai.events import HarnessRun, ModelCall, Operation
from otel_genai.sources import clients

MOST_RUNS = 10_000
"""More runs at once than this, and the oldest is taken for one that nobody ends any more."""


@dataclass(eq=False, slots=True)
class Run:
    """A run, and the operation that it is, or that it is a part of."""

    operation: Operation | None
    ours: bool = True
    """Whether the operation ends with this run."""
    item: bool = False
    """It is one of the things that the agent around it does."""
    agent: str | None = None
    """What LangChain calls the agent that it is, or is inside of."""
    provider: str | None = None
    """Whose model it asks, as far as LangChain knows it."""


_runs: dict[UUID, Run] = {}


def find(run_id: UUID | None) -> Run | None:
    return None if run_id is None else _runs.get(run_id)


def begun(run_id: UUID) -> bool:
    """Whether it is known: two handlers tell of one run twice."""
    return run_id in _runs


def begin(run_id: UUID, parent_run_id: UUID | None, operation: Operation, agent: str | None = None) -> Run:
    """Start the operation that a run is, inside of the one that its parent is."""
    around = find(parent_run_id)
    outer = None if around is None else around.operation
    if outer is None or is_inside(outer):
        run = _adopting(operation) or Run(operation)
        if run.ours:
            bus.start(operation)
    else:
        run = Run(operation)
        entry = bus.enter(outer)
        try:
            bus.start(operation)
        finally:
            bus.leave(outer, entry)
    run.agent = agent or (around.agent if around else None)
    return keep(run_id, run)


def join(run_id: UUID, around: Run, item: bool = False) -> Run:
    """Note a run that is no operation of its own, but a part of the one around it."""
    return keep(run_id, Run(around.operation, ours=False, item=item, agent=around.agent))


def keep(run_id: UUID, run: Run) -> Run:
    if len(_runs) >= MOST_RUNS:
        end(next(iter(_runs)), GeneratorExit())
    _runs[run_id] = run
    return run


def end(run_id: UUID, error: BaseException | None = None) -> Run | None:
    """A run is over, once."""
    run = _runs.pop(run_id, None)
    if run is None or run.operation is None:
        return run
    call = run.operation if isinstance(run.operation, ModelCall) else None
    if call is not None:
        call.provider = call.provider or run.provider
    if run.ours:
        bus.finish(run.operation, error)
    elif call is not None:
        call.adopted = True
        bus.finish(call)
    return run


def is_inside(operation: Operation) -> bool:
    """Whether what is current is this operation, or inside of it: then it is nearer to what begins now."""
    current = scope.current().operation
    while current is not None and current is not operation:
        current = current.scope.operation
    return current is not None


def _adopting(operation: Operation) -> Run | None:
    """A model call that was made by hand around this one is this one; the provider's request may still be it, too."""
    running = scope.current().operation
    if not isinstance(operation, ModelCall) or not isinstance(running, ModelCall):
        return None
    known = {name: value for name, value in operation.__dict__.items() if name in FACTS and value is not None}
    if not clients.may_be(running, known):
        return None
    clients.adopt(running, known)
    running.adopted = False
    running.holds += 1
    return Run(running, ours=False)


FACTS = frozenset(ModelCall.__dataclass_fields__) - frozenset(Operation.__dataclass_fields__) - {"adopted"}


def agent_of(run: Run | None) -> HarnessRun | None:
    """The agent that a run is, or is a direct part of."""
    operation = None if run is None else run.operation
    return operation if isinstance(operation, HarnessRun) else None
