"""What a JSON-RPC message of MCP says, and the trace context that it carries in `params._meta`.

Source: https://modelcontextprotocol.io/seps/414-request-meta (the keys), https://www.w3.org/TR/trace-context-2/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otel_genai import scope
from otel_genai.bus import bus
from otel_genai.events import McpClientOperation, McpServerOperation, Remote, ToolExecution
from otel_genai.events.mcp import McpOperation
from otel_genai.sources.fields import field, word

from . import contents

CONTEXT = ("traceparent", "tracestate")
INVALID_PARAMS = -32602
TIMEOUTS = frozenset({408, -32001})
"""Codes of a wait that was given up: of `mcp` 1, and of 2."""


# -- what it asks


def note_request(operation: McpOperation, params: Any) -> None:
    """Read what a message is about off its parameters; arguments are looked at only where they are kept."""
    if operation.method == "tools/call":
        operation.tool = word(field(params, "name"))
        contents.offer_arguments(operation, params)
    elif operation.method == "prompts/get":
        operation.prompt = word(field(params, "name"))
    elif operation.method == "initialize":
        operation.protocol_version = word(field(params, "protocolVersion"))
    elif operation.method.startswith("resources/") and (uri := field(params, "uri")) is not None:
        operation.resource = str(uri)


def within_its_tool(operation: McpClientOperation) -> None:
    """Where the call is made by an execution of the very tool, it is said on the span of that."""
    around = scope.current().operation
    if isinstance(around, ToolExecution) and around.outcome is None and around.name == operation.tool is not None:
        operation.tool_around = around
        around.source = "mcp" if around.source == "core" else around.source


# -- the context that it carries


def carrying(params: Any) -> dict[str, Any]:
    """A copy of the parameters in whose `_meta` the current trace context stands; the rest of that is kept."""
    copy = dict(params) if isinstance(params, Mapping) else {}
    meta = copy.get("_meta")
    if meta is not None and not isinstance(meta, Mapping):
        return copy  # the other side is to refuse it
    copy["_meta"] = {name: value for name, value in (meta or {}).items() if name not in CONTEXT} | bus.headers()
    if not copy["_meta"] and meta is None:
        del copy["_meta"]
    return copy


def remote(meta: Any, trusted: bool) -> Remote:
    """What `_meta` says of the sender's context, as the headers that it would be; what is no text says nothing."""
    headers = []
    for name in CONTEXT:
        value = meta.get(name) if isinstance(meta, Mapping) else getattr(meta, name, None)  # a pydantic model's extras
        if isinstance(value, str):
            headers.append((name.encode(), value.encode("utf-8", "replace")))
    return Remote(carrier={"type": "http", "headers": headers}, trusted=trusted)


# -- how it is answered


def note_answer(operation: McpOperation, answer: Any) -> None:
    """Read off a result whether a tool has failed, and which version of the protocol is spoken."""
    if operation.method == "tools/call":
        failed = field(answer, "isError") is True
        note_tool(operation, failed)
        if not failed:
            contents.keep_result(operation, answer)
    elif operation.method == "initialize":
        operation.protocol_version = word(field(answer, "protocolVersion")) or operation.protocol_version


def note_tool(operation: McpOperation, failed: bool) -> None:
    """A tool that says it has failed; of several calls within one execution of it the last one counts."""
    if failed:
        operation.declare("tool_error")
    tool = operation.tool_around if isinstance(operation, McpClientOperation) else None
    if tool is not None and failed:
        tool.declare("tool_error")
    elif tool is not None and tool.error_type == "tool_error":
        tool.declared = tool.error_type = tool.error_category = None


def note_error(operation: McpOperation, error: BaseException) -> BaseException | None:
    """Read the code off an error that is JSON-RPC's; any other one is handed back, to be told as it is."""
    code = getattr(getattr(error, "error", None), "code", None)
    if type(error).__name__ == "ValidationError" and isinstance(operation, McpServerOperation):
        code = INVALID_PARAMS
    if not isinstance(error, Exception) or not isinstance(code, int):
        return error
    if code in TIMEOUTS and isinstance(operation, McpClientOperation):
        operation.declare("timeout")
    else:
        operation.refuse(code)
    return None
