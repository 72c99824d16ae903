"""Where each class of content stands: on the spans of which operations, and under which names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .. import failures
from ..events import (
    HarnessRun,
    McpClientOperation,
    McpServerOperation,
    ModelCall,
    Operation,
    Run,
    ToolExecution,
    Workflow,
)
from . import attributes as a
from .rows import Attribute, SpanEvent

NAMES: Final[Mapping[str, tuple[Attribute, ...]]] = {
    "input_messages": (a.INPUT_MESSAGES, a.CONTENT_INPUT_MESSAGES),
    "output_messages": (a.OUTPUT_MESSAGES, a.CONTENT_OUTPUT_MESSAGES),
    "system_prompt": (a.SYSTEM_INSTRUCTIONS, a.CONTENT_SYSTEM_PROMPT),
    "tool_definitions": (a.TOOL_DEFINITIONS, a.CONTENT_TOOL_DEFINITIONS),
    "tool_inputs": (a.TOOL_CALL_ARGUMENTS, a.CONTENT_TOOL_INPUT),
    "tool_outputs": (a.TOOL_CALL_RESULT, a.CONTENT_TOOL_OUTPUT),
}
"""Every class: its name in the current conventions, and the documented one. Both hold the same JSON."""

SAID: Final = ("input_messages", "output_messages", "system_prompt", "tool_definitions")
OF_A_TOOL: Final = ("tool_inputs", "tool_outputs")
ON: Final[Mapping[type[Operation], tuple[str, ...]]] = {
    ModelCall: SAID,
    HarnessRun: SAID,
    Run: SAID,
    Workflow: ("input_messages", "output_messages"),
    ToolExecution: OF_A_TOOL,
    McpClientOperation: OF_A_TOOL,
    McpServerOperation: OF_A_TOOL,
}
"""The spans that may have content, and of which classes."""

EXCEPTION: Final = SpanEvent(
    "exception",
    (
        a.EXCEPTION_TYPE.of(lambda ended: None if ended.error is None else failures.plain_name(ended.error)),
        a.EXCEPTION_MESSAGE.of(lambda ended: None if ended.error is None else failures.text_of(ended.error)),
    ),
)
"""The text of an error: it may hold what was said, so it leaves only with `capture_content=True`."""
