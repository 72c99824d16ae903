"""One field, one number, one word of a foreign object: a dict, a pydantic model, anything with attributes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, TypeVar, cast

MOST_CLASSES = 512
"""Of how many classes it is remembered how they are read."""

Key = TypeVar("Key")
Value = TypeVar("Value")


class Remembered(dict[Key, Value]):
    """What is found out about a key when it is first asked for, and remembered of as many as there may be classes."""

    __slots__ = ("_find_out",)

    def __init__(self, find_out: Callable[[Key], Value]) -> None:
        self._find_out = find_out

    def __missing__(self, key: Key) -> Value:
        found = self._find_out(key)
        if len(self) < MOST_CLASSES:
            self[key] = found
        return found


_NO_FIELDS: Mapping[str, Any] = {}
_leading_number = re.compile(r"\s*\+?(\d+(?:\.\d+)?)").match


class Fields:
    """The attributes of an object whose class is not known, asked for one by one."""

    __slots__ = ("get",)

    def __init__(self, thing: object) -> None:
        self.get = lambda name: getattr(thing, name, None)


def field(thing: object, name: str) -> Any:
    """A field of a dict or of an object; `None` where there is none."""
    return fields(thing).get(name)


def fields(thing: object) -> Any:
    """What has a `get(name)` for the fields of a dict or of an object, worked out once per class."""
    return _views[type(thing)](thing)


def _view_of(kind: type) -> Callable[[Any], Any]:
    if issubclass(kind, (str, bytes, int, float, list, tuple, type(None))):
        return _nothing
    if issubclass(kind, (Mapping, Fields)):
        return _itself
    return _model_fields if hasattr(kind, "__pydantic_fields__") else Fields


_views = Remembered(_view_of)


def _nothing(_: object) -> Mapping[str, Any]:
    return _NO_FIELDS


def _itself(view: Any) -> Any:
    return view


def _model_fields(model: Any) -> Mapping[str, Any]:
    """Without `getattr`: pydantic takes two microseconds to say that there is nothing."""
    try:
        extra = model.__pydantic_extra__
    except AttributeError:
        extra = None
    return {**model.__dict__, **extra} if extra else model.__dict__


def several(value: object) -> Iterable[Any]:
    """What holds several things, to go through them; nothing where it is one thing, or none."""
    if type(value) is list:
        return value
    one = isinstance(value, (str, bytes, bytearray, Mapping)) or not isinstance(value, Iterable)
    return () if one else cast(Iterable[Any], value)


def number(value: object) -> int | None:
    """A count: what is no number, or no count, is `None`. Text counts as far as it begins with a number."""
    if type(value) is int:
        return value if value >= 0 else None
    if isinstance(value, str):
        found = _leading_number(value)
        value = float(found[1]) if found else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if value >= 0 and math.isfinite(value) else None


def word(value: object) -> str | None:
    """A name or an id; of an enumeration's member its value, or its name where that is a number."""
    if isinstance(value, Enum):
        value = value.value if isinstance(value.value, str) else value.name
    return value if isinstance(value, str) and value else None


def first_word(things: Iterable[object], names: tuple[str, ...]) -> str | None:
    """The first of `names` that one of `things` has as a word."""
    for thing in things:
        get = fields(thing).get
        for name in names:
            value = get(name)
            if type(value) is str and value:
                return value
            if value is not None and (text := word(value)) is not None:
                return text
    return None
