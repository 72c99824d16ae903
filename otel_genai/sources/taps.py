"""Streams of client libraries, which nobody else counts: as every stream, in fewer steps, for each has many pieces.

What makes the pieces is the library's own code, which needs nothing of what its consumer makes current meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any

from .. import guard
from ..bus import bus
from ..events import ModelCall
from . import pieces, streams

READING = "reading a chunk"


class Sole(streams.Body):
    """That of a stream whose pieces nobody else counts. Its call has begun."""

    __slots__ = ()

    def __init__(self, call: ModelCall, inner: Any) -> None:
        self.operation, self.inner, self.notes, self.over, self.world = call, inner, True, False, None
        call.__dict__["reader"] = nobody

    def note(self, item: Any) -> None:
        read(self.operation, item)


def nobody() -> None:
    """In place of a reference to a stream: of all that come to the pieces of a call, none is to count them again."""


class Tap(streams.Stream):
    """The answer of a model, piece by piece."""

    __slots__ = ("_call", "_plain", "_step_inside")

    def __init__(self, call: ModelCall, inner: Any) -> None:
        self._body = Sole(call, inner)
        self._call = call
        self._plain: type | None = None
        self._step_inside: Callable[[], Any] | None = None

    def __next__(self) -> Any:
        try:
            item = (self._step_inside or self._begin())()
        except BaseException as error:
            self._body.stopped(error)
            raise
        if type(item) is self._plain:
            read_more(self._call, item)
        else:
            read(self._call, item)
            if self._plain is None:
                self._settle(type(item))
        return item

    def _begin(self) -> Callable[[], Any]:
        """What makes a piece in a context of its own, in which the call is current: all of them are made there."""
        inside = copy_context().run
        inside(bus.enter, self._call)
        self._step_inside = partial(inside, self._body.inner.__next__)
        return self._step_inside

    def _settle(self, kind: type) -> None:
        """Which class of pieces is worth looking at for more text, once its call knows what only the first ones say."""
        call = self._call
        if call.response_id is not None:
            self._plain = kind if call.contents is None and pieces.is_plain(kind) else type(None)

    def __del__(self) -> None:
        self._step_inside = None  # it holds what makes the pieces, which is closed now
        super().__del__()


class AsyncTap(streams.AsyncStream):
    """The same in an event loop, whose steps happen in the context of who drives them."""

    __slots__ = ()

    def __init__(self, call: ModelCall, inner: Any) -> None:
        self._body = Sole(call, inner)


read: Callable[[Any, Any], None] = guard.quiet(READING, pieces.piece)
"""Counts a piece, and reads it."""
read_more: Callable[[Any, Any], None] = guard.quiet(READING, pieces.more)
