"""LangChain's callbacks: each tells that a run begins, gets on or ends, and becomes an event of ours."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

from otel_genai import guard
from otel_genai.bus import bus
from otel_genai.events import ModelCall, Operation, Retrieval, ToolExecution
from otel_genai.sources import contents, params, streams, transcripts
from otel_genai.sources.fields import field, first_word, word

from . import chains, models, places, runs

READING = "reading a callback"


class Handler(BaseCallbackHandler):
    """Makes operations of the runs that it is told of: `chain.invoke(question, {"callbacks": [Handler()]})`.

    `otel_genai.instrument("langchain")` gives one to everything. Where several are told of a run, it is one operation.
    """

    run_inline = True
    """Called where the run is, also in an event loop."""
    raise_error = True
    """What fails is swallowed by us and counted, so that a test of ours can see it."""
    ignore_retry = True
    ignore_custom_event = True

    def __init__(self) -> None:
        self.release = weakref.finalize(self, places.hold())
        self.release.atexit = False

    # -- chains, graphs and agents

    def on_chain_start(
        self,
        serialized: Any,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: Any = None,
        metadata: Any = None,
        **kwargs: Any,
    ) -> None:
        if wanted(run_id):
            name = guard.call(READING, named, serialized, kwargs) or "chain"
            guard.call(READING, chains.start, run_id, parent_run_id, name, metadata or {}, tags or ())

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **_: Any) -> None:
        guard.call(READING, chains.end, run_id)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        guard.call(READING, chains.end, run_id, error)

    # -- models

    def on_chat_model_start(self, serialized: Any, messages: Any, *, run_id: UUID, **kwargs: Any) -> None:
        if wanted(run_id):
            guard.call(READING, begin_call, "chat", messages, run_id, kwargs)

    def on_llm_start(self, serialized: Any, prompts: Any, *, run_id: UUID, **kwargs: Any) -> None:
        if wanted(run_id):
            guard.call(READING, begin_call, "text_completion", prompts, run_id, kwargs)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **_: Any) -> None:
        run = runs.find(run_id)
        if run is not None and isinstance(run.operation, ModelCall):
            guard.call(READING, note_token, run.operation, token)

    def on_llm_end(self, response: Any, *, run_id: UUID, **_: Any) -> None:
        guard.call(READING, end_call, run_id, response, None)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        guard.call(READING, end_call, run_id, None, error)

    # -- tools and retrievers

    def on_tool_start(
        self, serialized: Any, input_str: str, *, run_id: UUID, inputs: Any = None, **kwargs: Any
    ) -> None:
        if wanted(run_id):
            guard.call(READING, begin_tool, serialized, input_str if inputs is None else inputs, run_id, kwargs)

    def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:
        guard.call(READING, end_tool, run_id, output)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        guard.call(READING, runs.end, run_id, None if chains.is_handover(error) else error)

    def on_retriever_start(self, serialized: Any, query: str, *, run_id: UUID, **kwargs: Any) -> None:
        if wanted(run_id):
            guard.call(READING, begin_retrieval, serialized, run_id, kwargs)

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **_: Any) -> None:
        guard.call(READING, runs.end, run_id)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        guard.call(READING, runs.end, run_id, error)


def wanted(run_id: UUID) -> bool:
    return bus.listening and not runs.begun(run_id)


def named(serialized: Any, kwargs: Mapping[str, Any]) -> str | None:
    """What a run is called: by its user, or else after its class."""
    found = first_word((kwargs, serialized), ("name",))
    path = field(serialized, "id")
    return word(path[-1]) if found is None and isinstance(path, list) and path else found


# -- models


def begin_call(operation: str, given: Any, run_id: UUID, kwargs: Mapping[str, Any]) -> None:
    metadata, asked = kwargs.get("metadata") or {}, kwargs.get("invocation_params") or {}
    run = runs.begin(run_id, kwargs.get("parent_run_id"), models.call_for(operation, metadata, asked))
    run.provider = models.provider(metadata)
    if run.operation is not None:
        if run.operation.contents is not None:
            told = given[0] if operation == "chat" else list(given)
            transcripts.asked(run.operation, {"messages": told, "tools": asked.get("tools")})
        if kwargs.get("batch_size", 1) == 1:
            places.enter(run_id, run.operation)


def note_token(call: ModelCall, token: Any) -> None:
    """A piece has come, which counts unless the stream of the provider's library is followed."""
    if "reader" not in call.__dict__:
        streams.note_chunk(call)
        if isinstance(token, str):
            call.response_bytes = (call.response_bytes or 0) + len(token.encode("utf-8", "surrogatepass"))


def end_call(run_id: UUID, response: Any, error: BaseException | None) -> None:
    run = runs.find(run_id)
    if run is not None and isinstance(call := run.operation, ModelCall) and response is not None:
        guard.call(READING, models.answered, call, response)
    runs.end(run_id, error)


# -- tools and retrievers


def begin_tool(serialized: Any, given: Any, run_id: UUID, kwargs: Mapping[str, Any]) -> None:
    tool = ToolExecution(
        name=word(field(serialized, "name")) or word(kwargs.get("name")),
        description=word(field(serialized, "description")),
        call_id=word(kwargs.get("tool_call_id")),
        type="function",
    )
    params.summarise(tool, given)
    runs.begin(run_id, kwargs.get("parent_run_id"), tool)
    places.enter(run_id, tool)
    if tool.contents is not None:
        contents.tool_inputs(tool.contents, given if isinstance(given, dict) else {"input": given})


def end_tool(run_id: UUID, output: Any) -> None:
    """A tool that failed may say so in a message to the model."""
    run = runs.find(run_id)
    tool: Operation | None = None if run is None else run.operation
    if isinstance(tool, ToolExecution):
        said = output if field(output, "tool_call_id") is None else field(output, "content")
        contents.tool_outputs(tool, said)
        if field(output, "status") == "error":
            tool.declare("tool_error")
    runs.end(run_id)


def begin_retrieval(serialized: Any, run_id: UUID, kwargs: Mapping[str, Any]) -> None:
    retrieval = Retrieval(data_source=named(serialized, kwargs))
    run = runs.begin(run_id, kwargs.get("parent_run_id"), retrieval)
    places.enter(run_id, run.operation)
