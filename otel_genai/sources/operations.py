"""`@retrieval`, `@memory`, `@workflow`, `@plan`, `@create_agent`, `@remote_agent`, `@embeddings`: and `with` blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, overload

from ..events import AgentCreation, MemoryOperation, ModelCall, Planning, RemoteAgent, Retrieval, Workflow
from .observe import Block, ModelCallBlock, made

F = TypeVar("F", bound=Callable[..., Any])
MemoryOperationName = Literal[
    "create_memory_store",
    "delete_memory_store",
    "search_memory",
    "create_memory",
    "update_memory",
    "upsert_memory",
    "delete_memory",
]
"""What can be done to a memory, in the words of the GenAI conventions."""


class RetrievalBlock(Block[Retrieval]):
    """A search in a data source."""

    name_field = "data_source"


class MemoryBlock(Block[MemoryOperation]):
    """Something done to what an agent remembers."""

    name_field = "operation"


class AgentCreationBlock(Block[AgentCreation]):
    """The making of an agent at a provider."""

    name_field = "agent"
    from_arguments = ("model", "provider")


class RemoteAgentBlock(Block[RemoteAgent]):
    """An agent at work elsewhere."""

    name_field = "agent"


class PlanningBlock(Block[Planning]):
    """An agent works out its next steps."""

    name_field = "agent"


@overload
def retrieval(function: F, /) -> F: ...
@overload
def retrieval(
    data_source: str | None = None,
    /,
    *,
    provider: str | None = None,
    model: str | None = None,
    top_k: int | None = None,
    server_address: str | None = None,
    server_port: int | None = None,
    new_trace: bool = False,
) -> Block[Retrieval]: ...
def retrieval(first: Any = None, /, *, new_trace: bool = False, **fields: Any) -> Any:
    """Observe a search for what a model will be told: `@retrieval("handbook")`, or `with retrieval("handbook"):`.

    The span is `retrieval {data source}` of the GenAI conventions. Neither the query nor what it finds is exported.

    Args:
        first: the id of the data source, as the application or the provider knows it.
        provider: the provider that searches, if one does.
        model: the model that takes part in it, as for the embedding of the query.
        top_k: most documents that are asked for.
        server_address, server_port: who is asked.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that a retrieval does not have.
    """
    return made(RetrievalBlock, Retrieval, first, new_trace, fields)


def memory(
    operation: MemoryOperationName,
    /,
    *,
    store: str | None = None,
    record: str | None = None,
    record_count: int | None = None,
    provider: str | None = None,
    server_address: str | None = None,
    server_port: int | None = None,
    new_trace: bool = False,
) -> Block[MemoryOperation]:
    """Observe what is done to a memory: `@memory("search_memory")`, or `with memory("create_memory", store="facts"):`.

    The span is named after the operation, by the GenAI conventions. The memories themselves are never exported.

    Args:
        operation: `search_memory`; `create_memory`, `update_memory`, `upsert_memory`, `delete_memory`;
            `create_memory_store`, `delete_memory_store`.
        store: id of the store; on spans only.
        record: id of the record, where it is about one; on spans only.
        record_count: how many records; if that is known only afterwards, `block.update(record_count=3)`.
        provider: the provider that keeps the memory, if one does.
        server_address, server_port: who is asked.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: where the operation is not given first.
    """
    if not isinstance(operation, str):
        raise TypeError(f'memory() takes what is done, as in @memory("search_memory"), not {operation!r}')
    fields = {"store": store, "record": record, "record_count": record_count, "provider": provider}
    where = {"server_address": server_address, "server_port": server_port}
    return MemoryBlock(MemoryOperation, operation, new_trace, {**fields, **where})


@overload
def workflow(function: F, /) -> F: ...
@overload
def workflow(name: str | None = None, /, *, new_trace: bool = False) -> Block[Workflow]: ...
def workflow(first: Any = None, /, *, new_trace: bool = False, **fields: Any) -> Any:
    """Observe agents or steps that were put together as one: `@workflow`, or `with workflow("support"):`.

    The span is `invoke_workflow {name}` of the GenAI conventions. An agent that works alone needs none.

    Args:
        first: the workflow's name; by default the name of the decorated function.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that a workflow does not have.
    """
    return made(Block, Workflow, first, new_trace, fields)


@overload
def plan(function: F, /) -> F: ...
@overload
def plan(agent: str | None = None, /, *, new_trace: bool = False) -> Block[Planning]: ...
def plan(first: Any = None, /, *, new_trace: bool = False, **fields: Any) -> Any:
    """Observe an agent working out its next steps: `@plan`, or `with plan():` around the model call that it takes.

    The span is `plan {agent}` of the GenAI conventions.

    Args:
        first: the agent's name; by default that of the agent at work.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that planning does not have.
    """
    return made(PlanningBlock, Planning, first, new_trace, fields)


@overload
def create_agent(function: F, /) -> F: ...
@overload
def create_agent(
    agent: str | None = None,
    /,
    *,
    provider: str | None = None,
    model: str | None = None,
    agent_id: str | None = None,
    description: str | None = None,
    version: str | None = None,
    server_address: str | None = None,
    server_port: int | None = None,
    new_trace: bool = False,
) -> Block[AgentCreation]: ...
def create_agent(first: Any = None, /, *, new_trace: bool = False, **fields: Any) -> Any:
    """Observe the making of an agent at a provider: `with create_agent("support", provider="openai") as creation:`.

    The span is `create_agent {agent}` of the GenAI conventions. A decorated function's `model` and `provider` arguments
    are read. What is only known afterwards is told by `creation.update(agent_id="asst_1")`.

    Args:
        first: the agent's name.
        provider: who makes and keeps it (values of `gen_ai.provider.name`).
        model: the model that it is given.
        agent_id: the provider's id of it; on spans only.
        description: what the agent is for; on spans only.
        version: the agent's version; on spans only.
        server_address, server_port: who is asked.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that the making of an agent does not have.
    """
    return made(AgentCreationBlock, AgentCreation, first, new_trace, fields)


@overload
def remote_agent(function: F, /) -> F: ...
@overload
def remote_agent(
    agent: str | None = None,
    /,
    *,
    provider: str | None = None,
    agent_id: str | None = None,
    description: str | None = None,
    version: str | None = None,
    model: str | None = None,
    server_address: str | None = None,
    server_port: int | None = None,
    new_trace: bool = False,
) -> Block[RemoteAgent]: ...
def remote_agent(first: Any = None, /, *, new_trace: bool = False, **fields: Any) -> Any:
    """Observe what an agent elsewhere is asked to do: `with remote_agent("writer", provider="a2a"):`, by A2A or HTTP.

    The span is `invoke_agent {agent}` of the GenAI conventions, of kind CLIENT. Requests inside of it carry its
    `traceparent`, as those of a model call do; where the agent's process has `Middleware`, its work is in the same
    trace. For an agent in this process there is `agent`.

    Args:
        first: the agent's name; by default the name of the decorated function.
        provider: who runs it, or how it is spoken to: `aws.bedrock`, `a2a` ...
        agent_id: the id by which its provider knows it; on spans only.
        description: what the agent is for; on spans only.
        version: the agent's version; on spans only.
        model: the model that it is known to use.
        server_address, server_port: who is asked; read off the request where they are not given.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that an agent elsewhere does not have.
    """
    return made(RemoteAgentBlock, RemoteAgent, first, new_trace, fields)


@overload
def embeddings(function: F, /) -> F: ...
@overload
def embeddings(
    model: str | None = None,
    /,
    *,
    provider: str | None = None,
    api: str | None = None,
    transport: str | None = None,
    dimensions: int | None = None,
    encoding_formats: str | Sequence[str] | None = None,
    server_address: str | None = None,
    server_port: int | None = None,
    new_trace: bool = False,
) -> ModelCallBlock: ...
def embeddings(first: Any = None, /, *, new_trace: bool = False, **fields: Any) -> Any:
    """Observe a call that makes embeddings: `@embeddings(provider="openai")`, or `with embeddings("m") as call:`.

    It is a model call whose operation is `embeddings`, and is observed as that: requests inside of it carry its
    `traceparent`, arguments and results are read, and `call.reply(...)` takes the answer.

    Args:
        first: the model that is asked for.
        provider: `openai`, `cohere`, `gcp.gemini` ... (values of `gen_ai.provider.name`).
        api: the provider's API, as `openai-embeddings`.
        transport: how it is reached: `http` ...
        dimensions: how many numbers an embedding is to have.
        encoding_formats: how embeddings are to be written: `float`, `base64`.
        server_address, server_port: who is asked; read off the request where they are not given.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that a model call does not have.
    """
    formats = fields.get("encoding_formats")
    if formats is not None:
        fields["encoding_formats"] = (formats,) if isinstance(formats, str) else tuple(formats)
    return made(ModelCallBlock, ModelCall, first, new_trace, {**fields, "operation": "embeddings"})
