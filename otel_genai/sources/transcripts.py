"""What was said to a model and by it, as messages of the GenAI conventions, whichever provider's shape it had.

Each class of content stands for itself, also inside of messages: a system or developer message is of `system_prompt`,
the arguments of a tool call are of `tool_inputs`, a tool's result is of `tool_outputs`. Reasoning is of none.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .. import content, guard
from ..events import Operation
from .fields import field, fields, first_word, several, word
from .media import medium

Part = dict[str, Any]
Classes = frozenset[str]

KEPT_AT_THE_BEGINNING = 20
KEPT_AT_THE_END = 179
"""Of a long history: the messages that are kept; between them stands, as one more, how many are left out."""
SYSTEM_ROLES = frozenset({"system", "developer"})
ROLES = {"model": "assistant", "ai": "assistant", "human": "user", "function": "tool", "toolResult": "tool"}
REASONING = frozenset({"reasoning", "thinking", "redacted_thinking", "reasoning_text", "summary_text"})
INPUTS = ("messages", "input", "contents", "prompt")
MEDIA = ("inline_data", "inlineData", "file_data", "fileData", "uri")
LOOSE = ("thought", *MEDIA, "function_response", "functionResponse", "functionCall")
"""What only a part of Gemini's messages has, or a file of its, which may stand where messages do."""
SYSTEMS = ("system", "instructions", "system_instruction", "systemInstruction")

# -- a call


def asked(operation: Operation, request: object) -> None:
    """Keep what a request asks a model, as far as that is switched on: messages, system prompt, tools offered."""
    contents = operation.contents
    if contents is not None:
        guard.call("keeping content", keep_request, contents, request)


def keep_request(contents: content.Contents, request: object) -> None:
    """The same, for somebody who guards it himself."""
    get = _settings(request)
    given = next((get(name) for name in INPUTS if get(name) is not None), None)
    told = next((get(name) for name in SYSTEMS if get(name) is not None), None)
    classes = contents.classes
    if "input_messages" in classes and given is not None:
        contents.keep("input_messages", spoken(given, classes))
    if "system_prompt" in classes and (parts := list(instructions(told, given))):
        contents.keep("system_prompt", parts)
    if "tool_definitions" in classes and (tools := get("tools") or get("functions")):
        contents.keep("tool_definitions", definitions(tools))


def _settings(request: object) -> Callable[[str], Any]:
    """Reads a request's fields; what Gemini keeps apart in a `config` is one of them."""
    get = fields(request).get
    config = get("config")
    return lambda name: get(name) if get(name) is not None or config is None else field(config, name)


def answered(operation: Operation, reply: object) -> None:
    """Keep what a model answered."""
    contents = operation.contents
    if contents is not None and "output_messages" in contents.classes:
        messages = guard.call("keeping content", lambda: list(answers(reply, contents.classes)))
        if messages:
            guard.call("keeping content", contents.keep, "output_messages", messages)


# -- messages


def spoken(given: object, classes: Classes) -> list[Part]:
    """What was said to a model: a text, a message, or a list of them. Those that say nothing are left out."""
    if isinstance(given, str):
        return [message("user", [text(given)])]
    if not isinstance(given, (list, tuple)):
        given = (given,)
    messages = (one for item in _ends(given) if (one := _input(item, classes)) is not None)
    return list(messages)


def _ends(given: Any) -> Iterator[Any]:
    omitted = len(given) - KEPT_AT_THE_BEGINNING - KEPT_AT_THE_END
    if omitted <= 0:
        yield from given
        return
    yield from given[:KEPT_AT_THE_BEGINNING]
    yield _Omitted(omitted)
    yield from given[-KEPT_AT_THE_END:]


class _Omitted(int):
    """So many messages are left out here."""


def _input(item: Any, classes: Classes) -> Part | None:
    if isinstance(item, _Omitted):
        cut = message("user", [text(f"...(truncated, {int(item)} messages)")])
        return {**cut, "truncated": True, "omitted_messages": int(item)}
    if isinstance(item, str):
        return message("user", [text(item)])
    role = role_of(item)
    if role in SYSTEM_ROLES:
        return None
    made = list(parts(item, role, classes))
    named = role != "tool" and word(field(item, "type")) not in TOOL_CALLS  # else it is the tool's name
    return message(role, made, word(field(item, "name")) if named else None) if made else None


def role_of(item: object) -> str:
    """Who speaks: by its `role`, LangChain's `type`, or what an item of OpenAI's Responses is."""
    kind = word(field(item, "type"))
    if kind in ("function_call_output", "tool"):
        return "tool"
    role = word(field(item, "role")) or kind or "user"
    if kind in ("function_call", "reasoning"):
        return "assistant"
    return ROLES.get(role, role if role != "message" else "user")


def answers(reply: object, classes: Classes) -> Iterator[Part]:
    """What a model answered, a message per choice, with why it ended where that is said."""
    if isinstance(reply, str):
        yield {**message("assistant", [text(reply)])}
        return
    for holder in (reply, field(reply, "response"), field(reply, "data"), field(reply, "result")):
        found = list(_answers(holder, classes)) if holder is not None else []
        if found:
            yield from found
            return


def _answers(reply: object, classes: Classes) -> Iterator[Part]:
    get = fields(reply).get
    for choice in several(get("choices") or get("candidates")):
        said = field(choice, "message") or field(choice, "content") or choice
        yield from _answer(list(parts(said, "assistant", classes)), choice)
    if isinstance(output := get("output"), (list, tuple)):
        made = [part for item in output for part in parts(item, "assistant", classes)]
        yield from _answer(made, reply)
    elif get("choices") is None and get("candidates") is None and (said := get("message") or reply) is not None:
        yield from _answer(list(parts(said, "assistant", classes)), reply)


def _answer(made: list[Part], holder: object) -> Iterator[Part]:
    if made:
        reason = first_word((holder,), ("finish_reason", "finishReason", "stop_reason", "stopReason"))
        yield {**message("assistant", made), **({"finish_reason": reason} if reason else {})}


def message(role: str, made: list[Part], name: str | None = None) -> Part:
    return {"role": role, "parts": made, **({"name": name} if name else {})}


# -- parts


def parts(item: Any, role: str, classes: Classes) -> Iterator[Part]:
    """The parts of one message, or of one item of an answer."""
    kind, get = word(field(item, "type")), fields(item).get
    if kind in REASONING:
        return
    if kind in ("function_call", "function_call_output") or any(get(name) is not None for name in LOOSE):
        yield from part(item, classes)
        return
    said = get("content") if get("content") is not None else get("parts")
    if role == "tool":
        call_id = first_word((item,), ("tool_call_id", "toolCallId"))
        yield tool_result(call_id, said, classes)
        return
    yield from _said(said if said is not None else get("text"), classes)
    if refusal := word(get("refusal")):
        yield text(refusal)
    for call in several(get("tool_calls")) or filter(None, (get("function_call"),)):
        function = field(call, "function") or call
        given = field(function, "arguments") if field(function, "arguments") is not None else field(function, "args")
        yield tool_call(word(field(call, "id")), word(field(function, "name")), given, classes)


def _said(said: Any, classes: Classes) -> Iterator[Part]:
    if isinstance(said, str):
        if said:
            yield text(said)
    elif isinstance(said, (list, tuple)):
        for item in said[: content.ITEMS_TRIED[0]]:
            yield from part(item, classes)
    elif said is not None:
        yield from part(said, classes)


def part(item: Any, classes: Classes) -> Iterator[Part]:
    """One part of a message: text, media, a tool's call or its result; nothing of reasoning."""
    if isinstance(item, str):
        yield text(item)
        return
    get = fields(item).get
    kind = word(get("type")) or ""
    if kind in REASONING or get("thought") is True:
        return
    if call := get("function_call") or get("functionCall") or (item if kind in TOOL_CALLS else None):
        given = next((value for name in ARGUMENTS if (value := field(call, name)) is not None), None)
        call_id = first_word((call,), ("call_id", "id"))
        yield tool_call(call_id, word(field(call, "name")), given, classes)
    elif result := get("function_response") or get("functionResponse") or (item if kind in TOOL_RESULTS else None):
        given = next((value for name in RESULTS if (value := field(result, name)) is not None), None)
        yield tool_result(first_word((result,), ("call_id", "tool_use_id", "id")), given, classes)
    elif isinstance(words := get("text") or get("refusal"), str):
        yield text(words)
    elif isinstance(get("parts"), (list, tuple)):
        yield from _said(get("parts"), classes)
    elif (found := medium(item, kind)) is not None:
        yield found


TOOL_CALLS = frozenset({"tool_use", "function_call", "tool_call", "toolCall", "server_tool_use", "mcp_tool_use"})
TOOL_RESULTS = frozenset({"tool_result", "function_call_output", "tool_call_response", "mcp_tool_result"})
ARGUMENTS = ("arguments", "input", "args")
RESULTS = ("output", "response", "content", "result")


def text(words: str) -> Part:
    return {"type": "text", "content": words}


def tool_call(call_id: str | None, name: str | None, given: Any, classes: Classes) -> Part:
    """A tool's call; what it is given only where that class is switched on."""
    made: Part = {"type": "tool_call", "name": name or "unknown", **({"id": call_id} if call_id else {})}
    return {**made, "arguments": structured(given)} if given is not None and "tool_inputs" in classes else made


def tool_result(call_id: str | None, given: Any, classes: Classes) -> Part:
    """A tool's result; what it is only where that class is switched on."""
    made: Part = {"type": "tool_call_response", **({"id": call_id} if call_id else {})}
    return {**made, "response": _flat(given)} if "tool_outputs" in classes else made


def _flat(given: Any) -> Any:
    """A result that is nothing but parts of text is their lines."""
    if not isinstance(given, (list, tuple)):
        return structured(given)
    lines = [field(item, "text") for item in given]
    if given and all(isinstance(line, str) for line in lines):
        return "\n".join(lines)
    return [medium(item, word(field(item, "type")) or "") or item for item in given[: content.ITEMS_TRIED[0]]]


def structured(given: Any) -> Any:
    """Arguments that are written as JSON, as what they are, so that their fields can be told apart."""
    if not isinstance(given, str) or given[:1] not in ("{", "[") or len(given) > content.LONGEST:
        return given
    read, failed = guard.attempt(json.loads, given)
    return given if failed else read


# -- the system prompt, and tools


def instructions(told: Any, given: Any = None) -> Iterator[Part]:
    """The system prompt: what is given apart from the messages, and the system messages among them."""
    if told is not None:
        yield from (found for found in _said(told, frozenset()) if found["type"] == "text")
    if isinstance(given, (list, tuple)):
        for item in given:
            if not isinstance(item, str) and role_of(item) in SYSTEM_ROLES:
                yield from (found for found in parts(item, "system", frozenset()) if found["type"] == "text")


def definitions(tools: Any) -> list[Part]:
    """The tools that a model is offered; those without a name are left out."""
    offered: Iterable[Any] = tools if isinstance(tools, (list, tuple)) else (tools,)
    found = [one for tool in list(offered)[: content.ITEMS_TRIED[0]] for one in _definitions(tool)]
    return [one for one in found if one["name"]]


def _definitions(tool: Any) -> Iterator[Part]:
    declared = field(tool, "function_declarations") or field(tool, "functionDeclarations")
    for one in several(declared) or (field(tool, "function") or tool,):
        get = fields(one).get
        schema = next((get(name) for name in SCHEMAS if get(name) is not None), None)
        known = {"description": get("description") or documentation(one), "parameters": schema}
        kind = word(field(tool, "type")) or "function"
        name = word(get("name")) or (getattr(one, "__name__", None) if callable(one) else None)
        yield {"type": kind, "name": name or "", **{key: value for key, value in known.items() if value is not None}}


def documentation(tool: Any) -> str | None:
    """What a tool is for that is offered as a function."""
    return inspect.getdoc(tool) if inspect.isroutine(tool) else None


SCHEMAS = ("parameters", "input_schema", "parameters_json_schema", "inputSchema")
