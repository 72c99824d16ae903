"""What a tool was given, in a word and a length: never what it was, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import guard
from ..events import ToolExecution

KINDS: dict[type, str] = {
    dict: "object",
    list: "array",
    tuple: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
MEASURED = frozenset({"array", "string"})


def read_params(event: ToolExecution, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Set what a decorated call was given, unless its caller has said so.

    The only argument of a call is its parameters, where it is given by position: `search(arguments)`. What is given by
    name, as in `search(**arguments)`, is an object, as several arguments are, and none.
    """
    if event.params_kind is None:
        if len(args) == 1 and not kwargs:
            summarise(event, args[0])
        else:
            event.params_kind = "object"


def summarise(event: ToolExecution, params: Any) -> None:
    """Set kind and length of `params`."""
    kind = KINDS.get(type(params))
    if kind is None:
        guard.call("telling a kind", summarise_foreign, event, params)
        return
    event.params_kind = kind
    if kind in MEASURED:
        event.params_length = len(params)


def summarise_foreign(event: ToolExecution, params: Any) -> None:
    """The same for what is of none of the classes that JSON makes."""
    event.params_kind = "other"
    event.params_kind = kind = kind_of(params)
    if kind in MEASURED:
        event.params_length = len(params)


def kind_of(params: Any) -> str:
    if isinstance(params, Mapping) or hasattr(type(params), "__dataclass_fields__"):
        return "object"
    if hasattr(type(params), "__pydantic_fields__"):
        return "object"
    named = next((kind for known, kind in KINDS.items() if isinstance(params, known)), None)
    return named or (
        "array" if isinstance(params, Sequence) and not isinstance(params, (bytes, bytearray)) else "other"
    )
