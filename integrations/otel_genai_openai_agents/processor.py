"""The SDK's spans as operations: it tells of each where it begins and ends, in the context of the work itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from agents.tracing import Span, Trace, TracingProcessor

from otel_genai import guard
from otel_genai.bus import Entry, bus
from otel_genai.events import HarnessRun, ModelCall, Operation, ToolExecution, Workflow
from otel_genai.sources import contents, params, transcripts

from . import calls

READING = "reading a span of the Agents SDK"


class Running(NamedTuple):
    """An operation that is under way."""

    operation: Operation
    entry: Entry
    handled: BaseException | None
    """What was being handled when it began, which is therefore no error of its own."""


class Processor(TracingProcessor):
    """Makes operations of the SDK's traces and spans. Turns, tasks, handoffs and guardrails are none."""

    def __init__(self) -> None:
        self.users = 1
        """How many want it there; whoever adds it by hand is one of them."""
        self._running: dict[str, Running] = {}

    def on_trace_start(self, trace: Trace) -> None:
        if bus.listening:
            guard.call(READING, self._begin, trace.trace_id, Workflow(name=trace.name))

    def on_trace_end(self, trace: Trace) -> None:
        guard.call(READING, self._end, trace.trace_id, None)

    def on_span_start(self, span: Span[Any]) -> None:
        begin = BEGIN.get(span.span_data.type) if bus.listening else None
        if begin is not None:
            guard.call(READING, lambda: self._begin(span.span_id, begin(span.span_data)))

    def on_span_end(self, span: Span[Any]) -> None:
        guard.call(READING, self._end, span.span_id, span)

    def shutdown(self) -> None:
        """Nothing is held back."""

    def force_flush(self) -> None:
        """Nothing is held back."""

    def _begin(self, key: str, operation: Operation) -> None:
        bus.start(operation)
        self._running[key] = Running(operation, bus.enter(operation), sys.exception())

    def _end(self, key: str, span: Span[Any] | None) -> None:
        running = self._running.pop(key, None)
        if running is None:
            return
        operation = running.operation
        bus.leave(operation, running.entry)
        if span is not None:
            guard.call(READING, read, operation, span)
        error = sys.exception()
        bus.finish(operation, None if error is running.handled else error)


def tool(said: Any) -> ToolExecution:
    return ToolExecution(name=said.name, type="function", source="core" if said.mcp_data is None else "mcp")


BEGIN: dict[str, Callable[[Any], Operation]] = {
    "agent": lambda said: HarnessRun(name=said.name, plugin="openai-agents"),
    "function": tool,
    "generation": calls.of_generation,
    "response": lambda _: ModelCall(operation="chat"),
}


def read(operation: Operation, span: Span[Any]) -> None:
    """Read what a span says at its end; one that failed may have told the model so, and gone on."""
    said = span.span_data
    if isinstance(operation, ModelCall):
        (calls.read_response if said.type == "response" else calls.read_generation)(operation, said)
    elif isinstance(operation, ToolExecution):
        operation.source = "core" if said.mcp_data is None else "mcp"
        params.summarise(operation, transcripts.structured(said.input))
        if operation.contents is not None:
            contents.tool_inputs(operation.contents, {"input": transcripts.structured(said.input)})
        contents.tool_outputs(operation, said.output)
    if span.error is not None:
        operation.declare("tool_error" if isinstance(operation, ToolExecution) else "error")
