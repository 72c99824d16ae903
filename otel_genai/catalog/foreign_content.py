"""Where others put content on their spans: the names of their attributes, by the class that each is of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ..capture import CLASSES

Classes = frozenset[str]

EVERYTHING: Final = frozenset(CLASSES)
"""What may hold any class leaves only where all of them may."""
NEVER: Final = frozenset({"reasoning"})
"""What no setting lets out."""

BOTH: Final = "both"
"""In place of a class: what was said to the model, and what it answered."""
MESSAGES: Final[Mapping[str, str]] = {
    "gen_ai.input.messages": "input_messages",
    "gen_ai.output.messages": "output_messages",
    "gen_ai.system_instructions": "system_prompt",
    "gen_ai.prompt": "input_messages",
    "gen_ai.completion": "output_messages",
    "pydantic_ai.all_messages": BOTH,
    "all_messages_events": BOTH,
}
"""JSON of messages, of whose parts each may be of another class."""
ANSWERING: Final = frozenset({"assistant", "model"})

NAMES: Final[Mapping[str, Classes]] = {
    **dict.fromkeys(("gen_ai.tool.definitions", "llm.tools", "tool.json_schema"), frozenset({"tool_definitions"})),
    **dict.fromkeys(
        ("gen_ai.tool.call.arguments", "tool.parameters", "tool_arguments", "llm.function_call"),
        frozenset({"tool_inputs"}),
    ),
    **dict.fromkeys(("gen_ai.tool.call.result", "tool_response"), frozenset({"tool_outputs"})),
    **dict.fromkeys(
        ("final_result", "llm.choices", "gen_ai.evaluation.explanation", "evaluation.explanation"),
        frozenset({"output_messages"}),
    ),
    **dict.fromkeys(
        (
            "embedding.embeddings",
            "gen_ai.memory.query.text",
            "gen_ai.memory.records",
            "gen_ai.prompt.variable",
            "gen_ai.retrieval.documents",
            "gen_ai.retrieval.query.text",
            "input.audio",
            "input.documents",
            "input.images",
            "input.value",
            "llm.invocation_parameters",
            "llm.prompt_template",
            "llm.prompts",
            "llm.request.functions",
            "model_request_parameters",
            "output.audio",
            "output.documents",
            "output.images",
            "output.value",
            "reranker",
            "retrieval.documents",
            "traceloop.entity.input",
            "traceloop.entity.output",
            "traceloop.prompt.template",
            "traceloop.prompt.template_variables",
        ),
        EVERYTHING,
    ),
}
"""Attributes, with all that is below their names (`llm.tools.0.tool.json_schema`)."""

OF_A_TOOL: Final[Mapping[str, Classes]] = {
    "input.value": frozenset({"tool_inputs"}),
    "traceloop.entity.input": frozenset({"tool_inputs"}),
    "output.value": frozenset({"tool_outputs"}),
    "traceloop.entity.output": frozenset({"tool_outputs"}),
}
"""The same on the span of a tool."""

FLAT: Final = re.compile(
    r"(?P<message>(?P<side>llm\.input_messages|llm\.output_messages|gen_ai\.prompt|gen_ai\.completion)\.\d+)"
    r"\.(?P<rest>.+)"
)
"""Messages that are spread over attributes, one for each thing that is said of them."""
HARMLESS: Final = re.compile(r"(?:.*\.)?(?:role|finish_reason|type|id|tool_call_id|name)\Z")
SIDES: Final[Mapping[str, str]] = {
    "llm.input_messages": "input_messages",
    "gen_ai.prompt": "input_messages",
    "llm.output_messages": "output_messages",
    "gen_ai.completion": "output_messages",
}
ROLES: Final[Mapping[str, str]] = {
    "system": "system_prompt",
    "developer": "system_prompt",
    "tool": "tool_outputs",
    "function": "tool_outputs",
}
REASONED: Final = re.compile(r"reasoning|thinking|thought", re.IGNORECASE)
SUSPECT: Final = re.compile(
    r"(?:.*[._])?(?:inputs?|outputs?|prompts?|completions?|messages?|contents?|arguments|results?|query|queries"
    r"|questions?|answers?|documents|instructions|transcript|events|text)\Z",
    re.IGNORECASE,
)
"""How the name of a text ends that a library has its own name for: on a GenAI span it is taken for content."""
TEXTS: Final = frozenset({"exception.message", "exception.stacktrace"})
"""What repeats what was said; it leaves only with `capture_content=True`."""


def spoken_by(role: str, own: str) -> str:
    """The class of what somebody says in messages of the class `own`."""
    if role in ROLES:
        return ROLES[role]
    return own if own != BOTH else "output_messages" if role in ANSWERING else "input_messages"


def classes_of(name: str, said: Mapping[str, Any], *, tool: bool, genai: bool) -> Classes:
    """The classes that an attribute may hold; all of them must be let out for it to leave. None for no content."""
    if (flat := FLAT.match(name)) is not None:
        return _of_flat(flat, said)
    for known in _with_those_above(name):
        if known in NAMES:
            return OF_A_TOOL.get(known, NAMES[known]) if tool else NAMES[known]
    is_text = genai and isinstance(said[name], str | tuple | list) and SUSPECT.match(name) is not None
    return EVERYTHING if is_text else frozenset()


def _of_flat(flat: re.Match[str], said: Mapping[str, Any]) -> Classes:
    rest, message = flat["rest"], flat["message"]
    if REASONED.search(rest):
        return NEVER
    if HARMLESS.match(rest):
        return frozenset()
    if "tool_call" in rest or "function_call" in rest:
        return frozenset({"tool_inputs"})
    role = said.get(f"{message}.message.role", said.get(f"{message}.role"))
    return frozenset({ROLES.get(str(role), SIDES[flat["side"]])})


def _with_those_above(name: str) -> list[str]:
    """`a.b.c`, `a.b`, `a`."""
    parts = name.split(".")
    return [".".join(parts[:size]) for size in range(len(parts), 0, -1)]
