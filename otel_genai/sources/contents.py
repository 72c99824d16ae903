"""The content that decorators and blocks see: arguments, results, and what is handed in by hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from .. import content, guard
from ..capture import CLASSES
from ..events import Operation
from . import transcripts
from .transcripts import Part, message, text

Named = Callable[[Any, tuple[Any, ...], dict[str, Any]], dict[str, Any]]
Keep = Callable[[content.Contents, dict[str, Any]], object]

KEEPING: Final = "keeping content"
SELF: Final = ("self", "cls")

# -- by hand


def keep(operation: Operation, given: Mapping[str, Any]) -> None:
    """Keep what is handed in by the name of its class; `TypeError` for a name that is none."""
    for name in given:
        if name not in CLASSES:
            raise TypeError(f"content() has no {name!r}; it takes {', '.join(CLASSES)}")
    contents = operation.contents
    for name, value in given.items() if contents is not None else ():
        if contents is not None and name in contents.classes and value is not None:
            guard.call(KEEPING, _keep, contents, name, value)


def _keep(contents: content.Contents, name: str, value: Any) -> None:
    shape = SHAPES.get(name)
    contents.keep(name, value if shape is None else shape(value, contents.classes))


def said(value: Any, classes: frozenset[str]) -> list[Part]:
    """What was answered, as messages: a reply of a provider, a text, or any other result."""
    if isinstance(value, (list, tuple)) and all(isinstance(item, (str, dict)) for item in value):
        spoken = transcripts.spoken(list(value), classes)
        return [{**one, "role": "assistant" if one["role"] == "user" else one["role"]} for one in spoken]
    answers = list(transcripts.answers(value, classes))
    return answers or [message("assistant", [text(content.as_json(value))])]


SHAPES: Final[Mapping[str, Callable[[Any, frozenset[str]], Any]]] = {
    "input_messages": transcripts.spoken,
    "output_messages": said,
    "system_prompt": lambda value, _: list(transcripts.instructions(value)),
    "tool_definitions": lambda value, _: transcripts.definitions(value),
}

# -- of decorated functions


def binder(function: Any) -> Named:
    """Gives the arguments of a call by their names, without `self`."""
    plain = getattr(function, "__func__", function)
    signature = guard.call("reading a signature", inspect.signature, plain)
    alone = hasattr(function, "__self__") or isinstance(function, staticmethod)

    def named(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        if signature is None:
            return {**{str(place): value for place, value in enumerate(args)}, **kwargs}
        before = () if instance is None or alone else (instance,)
        found = signature.bind_partial(*before, *args, **kwargs).arguments
        return {name: value for name, value in found.items() if not (before and value is instance and name in SELF)}

    return named


def keep_arguments(
    keep: Keep, named: Named, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any], contents: content.Contents
) -> None:
    """Keep what a call was given; for a part of it that has begun to be kept."""
    guard.call(KEEPING, lambda: keep(contents, named(instance, args, kwargs)))


def tool_inputs(contents: content.Contents, arguments: dict[str, Any]) -> None:
    """What a tool was given."""
    if "tool_inputs" in contents.classes:
        contents.keep("tool_inputs", arguments)


def tool_outputs(operation: Operation, result: Any) -> None:
    """What a tool gave back."""
    contents = operation.contents
    if contents is not None and "tool_outputs" in contents.classes:
        contents.keep("tool_outputs", result)


def asked_of_model(contents: content.Contents, arguments: dict[str, Any]) -> None:
    """What a model was asked: the arguments that are called as in providers' requests."""
    transcripts.keep_request(contents, arguments)


def asked_of_agent(contents: content.Contents, arguments: dict[str, Any]) -> None:
    """What an agent was asked: its first argument where that is a text or a conversation, else all of them."""
    if not arguments:
        return
    first = next(iter(arguments.values()))
    messages = isinstance(first, list) and all(issubclass(type(one), dict) for one in first)
    if "input_messages" in contents.classes:
        asked: Any = first if messages or isinstance(first, str) else content.as_json(arguments, clean=contents.clean)
        contents.keep("input_messages", transcripts.spoken(asked, contents.classes))
    if messages and "system_prompt" in contents.classes and (told := list(transcripts.instructions(None, first))):
        contents.keep("system_prompt", told)


def said_by_agent(operation: Operation, result: Any) -> None:
    """What an agent answered."""
    contents = operation.contents
    if contents is not None and "output_messages" in contents.classes and result is not None:
        contents.keep("output_messages", said(result, contents.classes))
