"""What a tool is given and gives back by MCP, where `capture_content` lets it out.

A call that is said on the span of a tool of ours is kept for that: it tells what the tool itself does not.
"""

from __future__ import annotations

from typing import Any

from otel_genai import guard
from otel_genai.bus import bus
from otel_genai.content import Contents, fields_of
from otel_genai.events import McpClientOperation
from otel_genai.events.mcp import McpOperation
from otel_genai.sources.contents import KEEPING, tool_inputs, tool_outputs
from otel_genai.sources.fields import field
from otel_genai.sources.media import weighed

CLASSES = ("tool_inputs", "tool_outputs")
NOT_CONTENT = frozenset({"_meta", "meta", "annotations"})
DATA = ("data", "blob")

# -- what is kept


def offer_arguments(operation: McpOperation, params: Any) -> None:
    """Have the arguments kept, should it be a call whose content is."""
    arguments = field(params, "arguments") if bus.keeping else None
    if arguments is not None:
        operation.asked = lambda contents: guard.call(KEEPING, tool_inputs, contents, arguments)


def keep_result(operation: McpOperation, answer: Any) -> None:
    """Keep what a tool gave back; an answer that is none has no content."""
    if operation.contents is not None and field(answer, "content") is not None:
        tool_outputs(operation, result(answer))


def result(answer: Any) -> dict[str, Any]:
    """What all versions and both sides say alike, by the names of the wire."""
    structured = field(answer, "structuredContent")
    told = {"content": [block(item) for item in field(answer, "content")]}
    return told if structured is None else {**told, "structuredContent": structured}


def block(item: Any) -> Any:
    """A text, or another part of a result; of media their size and hash, as everywhere."""
    _, pairs = fields_of(item) or (0, ())
    told = {name: value for name, value in pairs if name not in NOT_CONTENT and value is not None}
    if "uri" in told:
        told["uri"] = str(told["uri"])
    if "resource" in told:
        told["resource"] = block(told["resource"])
    return {name: weighed(value) if name in DATA else value for name, value in told.items()}


# -- within a tool of ours


def lend(operation: McpOperation) -> Contents | None:
    """What a call keeps that is said on the span of the tool around it, which is that tool's in the end."""
    tool = operation.tool_around if isinstance(operation, McpClientOperation) else None
    if tool is None or tool.contents is None or operation.contents is not None:
        return None
    operation.contents = lent = Contents(tool.contents.classes, tool.contents.clean)
    if operation.asked is not None:
        operation.asked(lent)
    return lent


def give_back(operation: McpOperation, lent: Contents | None) -> None:
    """Hand what a call has kept to the tool around it, in place of an earlier call's; the tool's own comes first."""
    tool = operation.tool_around if isinstance(operation, McpClientOperation) else None
    if lent is None or tool is None:
        return
    operation.contents = None
    if tool.contents is None:
        return  # it is over
    heard = tool.contents.heard
    for name in CLASSES:
        heard.pop(name, None)
    heard.update(lent.kept)
