"""Streams of client libraries, which nobody else counts: as every stream, in fewer steps, for each has many pieces.

What makes the pieces is the library's own code, which needs nothing of what its consumer makes current meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from .. import guard
from ..events import ModelCall
from ..scope import enter
from . import pieces, streams

READING = "reading a chunk"


class Sole(streams.Body):
    """That of a stream whose pieces nobody else counts."""

    __slots__ = ()

    def note(self, item: Any) -> None:
        read(self.operation, item)


class Tap(streams.Stream):
    """The answer of a model, piece by piece."""

    __slots__ = ("_inside",)

    def __init__(self, call: ModelCall, inner: Any) -> None:
        self._body = Sole(call, inner, pieces.chunk)
        self._inside: Callable[..., Any] | None = None
        streams.sole_reader(self)

    def __next__(self) -> Any:
        body = self._body
        try:
            item = (self._inside or self._begin())(body.inner.__next__)
        except BaseException as error:
            body.stopped(error)
            raise
        read(body.operation, item)
        return item

    def _begin(self) -> Callable[..., Any]:
        """What calls a function in a context of its own, in which the call is current: all pieces are made there."""
        body = self._body
        world = body.world or body.begin()
        context = copy_context()
        context.run(enter, body.scope)
        context.run(world.set, body.worldly)
        self._inside = context.run
        return self._inside


class AsyncTap(streams.AsyncStream):
    """The same in an event loop, whose steps happen in the context of who drives them."""

    __slots__ = ()

    def __init__(self, call: ModelCall, inner: Any) -> None:
        self._body = Sole(call, inner, pieces.chunk)
        streams.sole_reader(self)


read: Callable[[Any, Any], None] = guard.quiet(READING, pieces.piece)
"""Counts a piece, and reads it."""
