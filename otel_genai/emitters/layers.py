"""Who is around whom among the spans of others and operations of ours, and which of them see the same thing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from .. import scope
from ..catalog import foreign
from ..events import ModelCall, Operation
from .foreign_spans import is_ours
from .traced import Traced

Key = tuple[type[Operation], str | None]
"""What two layers that see the same thing agree about."""


class Seen:
    """A span that runs, of whoever it is, and what is known of what happens inside of it."""

    __slots__ = ("_said", "around", "counted", "inside", "key", "operation", "ours", "parent", "scope", "span")

    def __init__(self, span: Any, parent: Seen | None) -> None:
        self.span = span
        self.parent = parent
        self.ours = is_ours(span)
        self.scope = scope.current()
        self.around = self.scope.operation
        """The operation of ours that it began inside of."""
        self.inside: set[Key] = set()
        """What has been counted inside of it, so that it is not counted again."""
        self.counted = False
        self.operation: Operation | None = None
        self.key: Key | None = None
        self._said: dict[str, Any] | None = None

    @property
    def said(self) -> dict[str, Any]:
        """What it has told so far."""
        return dict(self.span.attributes or {}) if self._said is None else self._said

    def end(self, span: ReadableSpan) -> Key | None:
        """Nothing more will be said."""
        self.span, self._said = span, dict(span.attributes or {})
        self.key = key_told(self._said, span.name)
        return self.key

    @property
    def began(self) -> int:
        return int(self.span.start_time or 0)

    def known(self) -> Key | None:
        """What it is, as soon as it says so; many say it only after they began."""
        if self.key is None and not self.ours:
            self.key = key_told(self.said, self.span.name)
        return self.key


def key_told(said: dict[str, Any], span_name: str) -> Key | None:
    """What a span of others is; `None` for one that is nothing of GenAI's."""
    operation = foreign.operation_of(said)
    if operation is None:
        return None
    kind = foreign.OPERATIONS[operation]
    if kind is ModelCall:
        return kind, "embeddings" if operation == "embeddings" else "inference"
    return kind, foreign.fields_of(kind, operation, said, span_name).get("name")


def key_of(operation: Operation) -> Key | None:
    """The same of an operation."""
    kind = type(operation)
    if isinstance(operation, ModelCall):
        return kind, "embeddings" if operation.operation_name == "embeddings" else "inference"
    return (kind, getattr(operation, "name", None)) if kind in foreign.FIELDS else None


def around(ours: Operation | None, theirs: Seen | None) -> Iterator[Operation | Seen]:
    """What something happens inside of, innermost first: operations of ours, and spans of others."""
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and ours.started_ns >= theirs.began):
            assert ours is not None
            if not is_adopted(ours):
                yield ours
            ours = ours.scope.operation
        else:
            if not theirs.ours:
                yield theirs
            theirs = theirs.parent


def known(one: Operation | Seen) -> Key | None:
    return key_of(one) if isinstance(one, Operation) else one.known()


def nearest_around(ours: Operation | None, theirs: Seen | None) -> Operation | Seen | None:
    """The innermost of those around that is anything of GenAI's."""
    return next((one for one in around(ours, theirs) if known(one) is not None), None)


def same_around(seen: Seen, key: Key) -> list[Operation | Seen]:
    """Those around a span that see the same as it, up to another piece of work."""
    found: list[Operation | Seen] = []
    for one in around(seen.around, seen.parent):
        if isinstance(one, Operation) and was_over(one, seen):
            continue
        what = known(one)
        if what == key:
            found.append(one)
        elif what is not None:
            break
    return found


def was_over(ours: Operation, seen: Seen) -> bool:
    """Whether it had ended when the span began, which then only has its context still."""
    return ours.duration_ns is not None and ours.started_ns + ours.duration_ns < seen.began


def mark(line: Iterator[Operation | Seen], key: Key | None) -> None:
    """Have those around know that this was counted, up to another piece of work."""
    if key is None:
        return
    for one in line:
        if isinstance(one, Seen):
            one.inside.add(key)
        if known(one) not in (None, key):
            return


def is_adopted(operation: Operation) -> bool:
    return isinstance(operation.trace, Traced) and operation.trace.adopted
