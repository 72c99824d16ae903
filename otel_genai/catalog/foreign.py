"""What others call things: the attributes of their spans, read as the fields of our events.

In each row the current name of the GenAI conventions comes first, then its former ones, then those of OpenLLMetry
(`traceloop.*`, `llm.*`), OpenInference (`llm.*`, `openinference.*`) and pydantic-ai. The first that is there counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from ..events import (
    AgentCreation,
    HarnessRun,
    MemoryOperation,
    ModelCall,
    Operation,
    Planning,
    Retrieval,
    ToolExecution,
    Workflow,
)

Said = Mapping[str, Any]
Kind = type[Operation]


class Field(NamedTuple):
    """A field of ours, the names of others for it, and how a value of theirs is read; `None` is not told."""

    name: str
    names: tuple[str, ...]
    read: Callable[[Any], Any]


def text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def model(value: Any) -> str | None:
    """A model's id, also where it stands in a request that is written as JSON."""
    if not isinstance(value, str) or not value.startswith("{"):
        return text(value)
    found = _in_request(value)
    return found[1] if found is not None else None


_in_request = re.compile(r'\{\s*"model"\s*:\s*"([^"\\]{1,200})"').match


def lower(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) and value else None


def whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None


def real(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def several(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return (value,) if value else None
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) and value else None


def seconds(value: Any) -> int | None:
    """Seconds, as nanoseconds."""
    return round(value * 1e9) if isinstance(value, int | float) and value >= 0 else None


# -- which operation a span is

OPERATION: Final = "gen_ai.operation.name"
OPERATIONS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("chat", "text_completion", "generate_content", "embeddings"), ModelCall),
    "execute_tool": ToolExecution,
    "invoke_agent": HarnessRun,
    "retrieval": Retrieval,
    "create_agent": AgentCreation,
    "invoke_workflow": Workflow,
    "plan": Planning,
    **{f"{verb}_memory": MemoryOperation for verb in ("search", "create", "update", "upsert", "delete")},
    **{f"{verb}_memory_store": MemoryOperation for verb in ("create", "delete")},
}
WORDS: Final[tuple[tuple[str, Mapping[str, str]], ...]] = (
    (
        "openinference.span.kind",
        {
            "LLM": "chat",
            "EMBEDDING": "embeddings",
            "TOOL": "execute_tool",
            "AGENT": "invoke_agent",
            "RETRIEVER": "retrieval",
        },
    ),
    ("traceloop.span.kind", {"tool": "execute_tool", "agent": "invoke_agent", "workflow": "invoke_workflow"}),
    ("llm.request.type", {"chat": "chat", "completion": "text_completion", "embedding": "embeddings"}),
)
"""Where others say what a span is, and the operation that each of their words stands for."""
BILLED: Final = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.prompt_tokens",
    "gen_ai.usage.completion_tokens",
)


def operation_of(said: Said) -> str | None:
    """The operation of the GenAI conventions that a span is; `None` where it is none that we know."""
    name = said.get(OPERATION)
    if isinstance(name, str):
        return name if name in OPERATIONS else None
    for attribute, words in WORDS:
        if (found := words.get(str(said.get(attribute)))) is not None:
            return found
    billed = "gen_ai.system" in said and any(one in said for one in BILLED)
    return "chat" if billed else None  # the oldest instrumentations name the provider and the tokens alone


# -- what it says

PROVIDER: Final = Field("provider", ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"), lower)
MODEL: Final = Field(
    "model",
    (
        "gen_ai.request.model",
        "llm.request.model_name",
        "llm.model_name",
        "embedding.model_name",
        "llm.request.model",
        "model_name",
        "llm.invocation_parameters",
        "embedding.invocation_parameters",
    ),
    model,
)
SERVER: Final = (
    Field("server_address", ("server.address",), text),
    Field("server_port", ("server.port",), whole),
)
TOKENS: Final = (
    Field(
        "input_tokens",
        (
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "llm.token_count.prompt",
            "llm.usage.prompt_tokens",
        ),
        whole,
    ),
    Field(
        "output_tokens",
        (
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.token_count.completion",
            "llm.usage.completion_tokens",
        ),
        whole,
    ),
    Field(
        "cache_read_tokens",
        (
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "llm.token_count.prompt_details.cache_read",
        ),
        whole,
    ),
    Field(
        "cache_write_tokens",
        (
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "llm.token_count.prompt_details.cache_write",
        ),
        whole,
    ),
    Field(
        "reasoning_tokens",
        (
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.details.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
            "llm.usage.reasoning_tokens",
        ),
        whole,
    ),
    Field(
        "input_audio_tokens",
        ("gen_ai.usage.audio.input_tokens", "llm.token_count.prompt_details.audio"),
        whole,
    ),
    Field(
        "output_audio_tokens",
        ("gen_ai.usage.audio.output_tokens", "llm.token_count.completion_details.audio"),
        whole,
    ),
)
SETTINGS: Final = (
    Field("temperature", ("gen_ai.request.temperature",), real),
    Field("top_p", ("gen_ai.request.top_p",), real),
    Field("max_tokens", ("gen_ai.request.max_tokens", "gen_ai.request.max_completion_tokens"), whole),
    Field("seed", ("gen_ai.request.seed", "gen_ai.openai.request.seed"), whole),
    Field("choice_count", ("gen_ai.request.choice.count", "gen_ai.request.n"), whole),
    Field("frequency_penalty", ("gen_ai.request.frequency_penalty", "llm.frequency_penalty"), real),
    Field("presence_penalty", ("gen_ai.request.presence_penalty", "llm.presence_penalty"), real),
    Field("stop_sequences", ("gen_ai.request.stop_sequences", "llm.chat.stop_sequences"), several),
    Field("output_type", ("gen_ai.output.type",), text),
)
AGENT_NAMES: Final = ("gen_ai.agent.name", "agent.name", "agent_name", "traceloop.entity.name")
FIELDS: Final[Mapping[Kind, tuple[Field, ...]]] = {
    ModelCall: (
        PROVIDER,
        MODEL,
        *SERVER,
        *TOKENS,
        *SETTINGS,
        Field("response_model", ("gen_ai.response.model", "llm.response.model_name", "llm.response.model"), text),
        Field("response_id", ("gen_ai.response.id", "llm.response.id"), text),
        Field(
            "finish_reasons",
            (
                "gen_ai.response.finish_reasons",
                "gen_ai.response.finish_reason",
                "gen_ai.response.stop_reason",
                "anthropic.message.stop_reason",
                "gen_ai.completion.0.finish_reason",
                "llm.finish_reason",
                "llm.response.finish_reason",
                "llm.response.stop_reason",
            ),
            several,
        ),
        Field("stream", ("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming"), truth),
        Field("first_chunk_ns", ("gen_ai.response.time_to_first_chunk",), seconds),
        Field("top_k", ("gen_ai.request.top_k", "llm.top_k"), whole),
        Field("dimensions", ("gen_ai.embeddings.dimension.count",), whole),
    ),
    ToolExecution: (
        Field("name", ("gen_ai.tool.name", "tool.name", "traceloop.entity.name"), text),
        Field("call_id", ("gen_ai.tool.call.id", "tool.id"), text),
        Field("type", ("gen_ai.tool.type",), text),
        Field("description", ("gen_ai.tool.description", "tool.description"), text),
    ),
    HarnessRun: (
        PROVIDER,
        MODEL,
        Field("name", AGENT_NAMES, text),
        Field("description", ("gen_ai.agent.description",), text),
        Field("data_source", ("gen_ai.data_source.id",), text),
    ),
    Retrieval: (
        PROVIDER,
        MODEL,
        *SERVER,
        Field("data_source", ("gen_ai.data_source.id",), text),
        Field("top_k", ("gen_ai.retrieval.top_k",), whole),
    ),
    MemoryOperation: (
        PROVIDER,
        *SERVER,
        Field("operation", (OPERATION,), text),
        Field("store", ("gen_ai.memory.store.id",), text),
        Field("record", ("gen_ai.memory.record.id",), text),
        Field("record_count", ("gen_ai.memory.record.count",), whole),
    ),
    AgentCreation: (
        PROVIDER,
        MODEL,
        *SERVER,
        Field("agent", AGENT_NAMES, text),
        Field("agent_id", ("gen_ai.agent.id",), text),
    ),
    Workflow: (Field("name", ("gen_ai.workflow.name", "traceloop.workflow.name", "traceloop.entity.name"), text),),
    Planning: (Field("agent", AGENT_NAMES, text),),
}
SCOPE: Final = (
    Field(
        "session",
        ("session.id", "langfuse.session.id", "traceloop.association.properties.session_id"),
        text,
    ),
    Field("conversation", ("gen_ai.conversation.id", "traceloop.association.properties.conversation_id"), text),
)
"""Who it is for, where nobody has said so by `bind`."""
ERROR_TYPE: Final = ("error.type", "exception.type")
FIRST_TOKEN: Final = frozenset({"First Token Stream Event", "gen_ai.first_token"})
"""Span events at whose time the first piece of an answer had come."""
NAMED_BY_SPAN: Final = (ToolExecution, HarnessRun)
"""What bears the name of its span, where nothing else names it."""


def read(fields: tuple[Field, ...], said: Said) -> dict[str, Any]:
    """The fields that a span tells of."""
    found: dict[str, Any] = {}
    for name, names, reading in fields:
        for one in names:
            if (raw := said.get(one)) is not None and (value := reading(raw)) is not None:
                found[name] = value
                break
    return found


def fields_of(kind: Kind, operation: str, said: Said, span_name: str) -> dict[str, Any]:
    """All that a span tells of its operation, by the names of our fields."""
    found = read(FIELDS[kind], said)
    if kind is ModelCall:
        found["operation"] = operation
        _include_cached(found)
    if kind in NAMED_BY_SPAN and "name" not in found:
        found["name"] = span_name.removeprefix(f"{operation} ") or None
    return found


def _include_cached(found: dict[str, Any]) -> None:
    """Who counts cached tokens beside the input and not inside of it is seen by their being more."""
    cached = found.get("cache_read_tokens", 0) + found.get("cache_write_tokens", 0)
    if "input_tokens" in found and cached > found["input_tokens"]:
        found["input_tokens"] += cached
