"""Content as JSON: copied from whatever it is, without running any of its code, redacted, bounded, and always valid.

What was cut says so, and how large it was. An object that is no plain data, or data class, is only named.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from itertools import islice
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from . import guard
from .redaction import LOOK_AHEAD, masked_field

LONGEST: Final = 128 * 1024
"""Characters of one piece of content."""
MOST_OF_A_SPAN: Final = 3 * LONGEST
"""Characters of all content on one span."""
ITEMS_TRIED: Final = (200, 50, 10, 1)
"""How many items of each list are kept: the most with which all is short enough."""
ROOM_FOR_MARKS: Final = 64
MOST_FIELDS: Final = 64
DEEPEST: Final = 8
MOST_NODES: Final = 20_000
LONGEST_NAME: Final = 256
BEYOND_THE_CUT: Final = LOOK_AHEAD
"""Characters that are read beyond what is kept of a text, so that a secret across the cut is seen whole."""
MOST_READ: Final = 8 * LONGEST
"""Characters of all texts that are read for one piece of content: with more, fewer items are kept."""
TRIES: Final = 5
LARGEST_INT: Final = 128
"""Bits of a whole number that is written out."""
LARGEST_HASHED: Final = 16 * 1024 * 1024
WRITTEN_OUT: Final = (datetime, date, time, timedelta, Decimal, UUID)

Clean = Callable[[str, int], str | None]
"""What becomes of a text of which so many characters are kept: redacted; `None` where it must not leave."""


class Withheld(Exception):
    """A text of the content could not be redacted: then none of it may leave."""


class Contents:
    """What is kept of one operation's content: of each class that is switched on, one piece of JSON."""

    __slots__ = ("classes", "clean", "draft", "heard", "kept", "left")

    def __init__(self, classes: frozenset[str], clean: Clean) -> None:
        self.classes = classes
        self.clean = clean
        self.kept: dict[str, str] = {}
        self.heard: dict[str, str] = {}
        """Of a turn: what the first of its model calls was told, and what the last one answered.

        Of a tool: what the last call by MCP that it made was given, and gave back.
        """
        self.left = MOST_OF_A_SPAN
        self.draft: Any = None
        """What came in pieces so far: something whose `settle(contents)` keeps what it has become at the end."""

    def keep(self, name: str, value: object) -> None:
        """Keep `value` as the content of a class, in place of what there was."""
        before = len(self.kept.pop(name, ""))
        self.left += before
        try:
            written = as_json(value, min(LONGEST, self.left), self.clean)
        except Withheld:
            return
        self.left -= len(written)
        self.kept[name] = written

    def settle(self) -> None:
        """What came in pieces and never became whole is kept as far as it came."""
        draft, self.draft = self.draft, None
        if draft is not None and not self.whole:
            draft.settle(self)

    def overhear(self, inner: Contents) -> None:
        """Note the first input and the last answer of what happens inside."""
        if told := inner.kept.get("input_messages"):
            self.heard.setdefault("input_messages", told)
        if answer := inner.kept.get("output_messages"):
            self.heard["output_messages"] = answer

    @property
    def told(self) -> dict[str, str]:
        """All there is to tell, by class; what was kept of the operation itself comes first."""
        return {**self.heard, **self.kept}

    @property
    def whole(self) -> bool:
        """Whether the answer or the result is kept already."""
        return "output_messages" in self.kept or "tool_outputs" in self.kept


def as_is(text: str, longest: int) -> str:
    """The beginning of a text, for what is redacted later."""
    return text[:longest]


def as_json(value: object, longest: int = LONGEST, clean: Clean = as_is) -> str:
    """`value` as JSON of at most `longest` characters; `clean` sees every text before it is cut."""
    for most_items in ITEMS_TRIED:
        copied = Copier(most_items).copy(value)
        cut = _fitting_cut(copied, longest)
        for _ in range(TRIES if cut is not None else 0):
            written = _dumped(_written(copied, cut or 0, clean))
            if len(written) <= longest:
                return _valid(written)
            cut = max(0, (cut or 0) * longest // len(written) - ROOM_FOR_MARKS)
    return '{"truncated":true}' if longest >= len('{"truncated":true}') else "null"


def _fitting_cut(copied: Any, longest: int) -> int | None:
    """At which length texts are cut for all of it to be short enough; `None` where none is, or too much is read."""
    allowed = longest
    for _ in range(TRIES):
        cut = _even(_lengths(copied), allowed)
        excess = len(_dumped(_written(copied, cut, as_is))) - longest
        if excess <= 0:
            read = sum(min(length, cut + BEYOND_THE_CUT) for length in _lengths(copied))
            return cut if read <= MOST_READ else None
        less = allowed - excess
        allowed = (less if less > 0 else allowed * longest // (longest + excess)) - ROOM_FOR_MARKS
        if allowed <= 0:
            return None
    return None


def _dumped(written: Any) -> str:
    return json.dumps(written, ensure_ascii=False, separators=(",", ":"))


def _valid(text: str) -> str:
    """Half of a surrogate pair cannot be sent: it becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


class Copier:
    """Copies plain data: so many levels, items and fields of it, and so many of all together."""

    def __init__(self, most_items: int) -> None:
        self.most_items = most_items
        self.nodes = 0
        self.around: list[int] = []

    def copy(self, value: Any) -> Any:
        self.nodes += 1
        scalar, failed = guard.attempt(_scalar, value)
        if failed is not None:
            return _marker("unserializable_value", value)
        if scalar is not _NOT_SCALAR:
            return scalar
        if self.nodes > MOST_NODES:
            return _marker("max_nodes", value)
        if len(self.around) >= DEEPEST:
            return _marker("max_depth", value)
        if id(value) in self.around:
            return _marker("circular_reference", value)
        self.around.append(id(value))
        copied, failed = guard.attempt(self._inside, value)
        self.around.pop()
        return copied if failed is None else _marker("unserializable_value", value)  # as changed by another thread

    def _inside(self, value: Any) -> Any:
        if issubclass(type(value), (list, tuple, set, frozenset)):
            return self._items(value)
        found = fields_of(value)
        return _marker("unserializable_value", value) if found is None else self._fields(*found)

    def _items(self, value: Any) -> list[Any]:
        kind = next(kind for kind in (list, tuple, set, frozenset) if issubclass(type(value), kind))
        size = kind.__len__(value)
        items = [self.copy(item) for item in islice(kind.__iter__(value), self.most_items)]
        omitted = size - self.most_items
        return items if omitted <= 0 else [*items, {"truncated": True, "omitted_items": omitted}]

    def _fields(self, size: int, pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
        copied = {_name(name): self.copy(value) for name, value in islice(pairs, MOST_FIELDS)}
        return copied if size <= MOST_FIELDS else {**copied, "truncated": True, "omitted_fields": size - MOST_FIELDS}


def fields_of(value: Any) -> tuple[int, Iterator[tuple[Any, Any]]] | None:
    """How many fields a mapping, a data class or a model has, and what they are; `None` for any other object."""
    kind = type(value)
    if issubclass(kind, dict):
        return dict.__len__(value), iter(dict.items(value))
    if hasattr(kind, "__pydantic_fields__"):
        found: dict[str, Any] = object.__getattribute__(value, "__dict__")
        extra = getattr(value, "__pydantic_extra__", None)
        found = {**found, **extra} if type(extra) is dict else found
        given = [(name, item) for name, item in found.items() if item is not None]
        return len(given), iter(given)
    names = list(getattr(kind, "__dataclass_fields__", None) or [])
    names = names or [attribute.name for attribute in getattr(kind, "__attrs_attrs__", ())]
    if not names:
        return None
    return len(names), ((name, object.__getattribute__(value, name)) for name in names)


_NOT_SCALAR: Final = object()


def _scalar(value: Any) -> Any:
    """What JSON has a word for, as that; media as their size and hash."""
    kind = type(value)  # never `isinstance`, which asks the object, too
    if value is None or kind is bool or kind is str:
        return value
    if issubclass(kind, Enum):
        return _scalar(object.__getattribute__(value, "_value_"))
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, int):
        return _whole(int.__int__(value))
    if issubclass(kind, float):
        number = float.__float__(value)
        return number if math.isfinite(number) else repr(number)
    if issubclass(kind, (bytes, bytearray, memoryview)):
        return media(value)
    if issubclass(kind, PurePath):
        return PurePath.__str__(value)
    return str(value) if kind in WRITTEN_OUT else _NOT_SCALAR


def _whole(number: int) -> Any:
    bits = number.bit_length()
    return number if bits <= LARGEST_INT else {"truncated": True, "type": "int", "bits": bits}


def media(data: bytes | bytearray | memoryview) -> dict[str, Any]:
    """Bytes as what may be told of them: how many, and what tells them from others."""
    with memoryview(data) as view:
        told: dict[str, Any] = {"type": "bytes", "size": view.nbytes}
        if view.nbytes <= LARGEST_HASHED and view.contiguous:
            told["sha256"] = sha256(view).hexdigest()
    return told


def _name(name: Any) -> str:
    scalar, failed = guard.attempt(_scalar, name)
    if failed is None and isinstance(scalar, str):
        return scalar[: LONGEST_NAME + BEYOND_THE_CUT]
    return repr(scalar) if failed is None and isinstance(scalar, (int, float)) else "?"


def _marker(reason: str, value: object) -> dict[str, Any]:
    return {"truncated": True, "reason": reason, "type": type(value).__qualname__[:LONGEST_NAME]}


def _lengths(copied: Any) -> Iterator[int]:
    if isinstance(copied, str):
        yield len(copied)
    elif isinstance(copied, (list, dict)):
        for item in copied.values() if isinstance(copied, dict) else copied:
            yield from _lengths(item)


def _even(lengths: Iterable[int], allowed: int) -> int:
    """At which length every text is cut so that all of them together are `allowed` characters."""
    ascending = sorted(lengths)
    left = allowed
    for place, length in enumerate(ascending):
        share = left // (len(ascending) - place)
        if length > share:
            return share
        left -= length
    return allowed


def _written(copied: Any, cut: int, clean: Clean) -> Any:
    if isinstance(copied, str):
        return cleaned(copied, cut, clean)
    if isinstance(copied, list):
        return [_written(item, cut, clean) for item in copied]
    if isinstance(copied, dict):
        return {
            cleaned(name, LONGEST_NAME, clean): _written(_masked(name, value), cut, clean)
            for name, value in copied.items()
        }
    return copied


def _masked(name: str, value: Any) -> Any:
    """What a field of an object is, or each item of it, as `masked_field` leaves it."""
    if isinstance(value, list):
        return [_masked(name, item) for item in value]
    return masked_field(name, value) if isinstance(value, (str, int, float)) else value


def cleaned(text: str, cut: int, clean: Clean) -> str:
    """`text`, redacted and then cut, saying how long it was."""
    seen = clean(text, cut)
    if seen is None:
        raise Withheld
    return seen if len(text) <= cut and len(seen) <= cut else f"{seen[:cut]}...(truncated, {len(text)} characters)"
