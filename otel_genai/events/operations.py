"""Operations of the GenAI conventions that no model, tool or agent does: searching, remembering, planning, judging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..scope import Scope
from .event import Event, Operation


@dataclass(eq=False, kw_only=True)
class Asked(Operation):
    """An operation that is asked of somebody, who may be far away."""

    provider: str | None = None
    server_address: str | None = None
    server_port: int | None = None


@dataclass(eq=False, kw_only=True)
class Retrieval(Asked):
    """A search in a data source for what a model will be told. What is searched for and found is never here."""

    started_kind = "retrieval.started"
    completed_kind = "retrieval.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "retrieval.error"}

    data_source: str | None = None
    """The id by which the application or the provider knows it."""
    model: str | None = None
    top_k: int | None = None
    """Most documents that were asked for."""


@dataclass(eq=False, kw_only=True)
class MemoryOperation(Asked):
    """Something done to what an agent remembers. The memories themselves are never here."""

    started_kind = "memory.operation.started"
    completed_kind = "memory.operation.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "memory.operation.error"}

    operation: str = "search_memory"
    """`search_memory`; `create_`, `update_`, `upsert_`, `delete_memory`; `create_`, `delete_memory_store`."""
    store: str | None = None
    """Id of the store."""
    record: str | None = None
    """Id of the record, where it is about one."""
    record_count: int | None = None
    """How many records were written, deleted or found."""


@dataclass(eq=False, kw_only=True)
class AgentElsewhere(Asked):
    """What is asked of somebody who keeps an agent, about it or of it."""

    agent: str | None = None
    """The agent's name."""
    agent_id: str | None = None
    """The id by which its provider knows it."""
    description: str | None = None
    version: str | None = None
    model: str | None = None


@dataclass(eq=False, kw_only=True)
class AgentCreation(AgentElsewhere):
    """The making of an agent at a provider, which keeps it; a class instantiated here is none."""

    started_kind = "agent.creation.started"
    completed_kind = "agent.creation.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "agent.creation.error"}


@dataclass(eq=False, kw_only=True)
class RemoteAgent(AgentElsewhere):
    """An agent at work elsewhere, as it is seen by who asked it. Its own work is told by its own process."""

    started_kind = "agent.remote.started"
    completed_kind = "agent.remote.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "agent.remote.error"}


@dataclass(eq=False, kw_only=True)
class Workflow(Operation):
    """Several agents or steps that the application has put together as one."""

    started_kind = "workflow.started"
    completed_kind = "workflow.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "workflow.error"}

    name: str | None = None


@dataclass(eq=False, kw_only=True)
class Planning(Operation):
    """An agent works out its next steps. The model call that it takes happens inside of it."""

    started_kind = "planning.started"
    completed_kind = "planning.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "planning.error"}

    agent: str | None = None
    """The agent's name, where it is not the one at work; read `inner.agent`."""

    def inside(self) -> Scope:
        scope = self.scope
        return scope._replace(operation=self, agent=self.agent or scope.agent)


@dataclass(eq=False, kw_only=True)
class EvaluationResult(Event):
    """Somebody judged an answer.

    It belongs to what was judged: `genai.publish(events.EvaluationResult(name="relevance", score=0.9), call.event)`,
    also when that is over. The judge's explanation may repeat what was said, and is never here.
    """

    kind = "evaluation.result"

    name: str | None = None
    """What was judged: `relevance`, `faithfulness` ..."""
    score: float | None = None
    label: str | None = None
    """The score in a word: `pass`, `relevant` ..."""
    response_id: str | None = None
    """The provider's id of the answer."""
    error_type: str | None = None
    """Where the judging failed: class of the error, or a provider's code."""
