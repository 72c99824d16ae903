"""What comes back from a client library, followed until it has been read: it stays the object that it is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from weakref import ref

from .. import guard
from ..bus import bus
from ..events import ModelCall
from . import replies, streams, transcripts
from .taps import AsyncTap, Tap

LARGEST_ANSWER = 4 * 1024 * 1024
"""Bytes of a body that is read piece by piece, up to which it is kept to be read for its usage."""
READING = "reading an answer"
ENDING = "ending a call"
PLAIN = ("gi_frame", "gi_running")
ASYNCHRONOUS = ("ag_frame", "ag_running")
"""Where a generator says what it is doing."""

Kinds = tuple[type[Any], ...]


def follow(call: ModelCall, reply: Any, stream_kinds: Kinds, raw_kinds: Kinds, asynchronous: bool) -> bool:
    """Read an answer, or follow it while it is read; says whether the call lasts longer than the request."""
    if isinstance(reply, stream_kinds):
        tap(call, reply, asynchronous)
    elif isinstance(reply, raw_kinds):
        response = reply.http_response
        if response.is_closed:
            if says_json(response):
                read(call, json.loads(response.content))
            return False
        (AsyncBody if asynchronous else Body)(call, reply, stream_kinds)
    else:
        read(call, reply)
        return False
    return True


def read(call: ModelCall, reply: Any) -> None:
    """Read what a whole answer says, and keep what it is where that is kept."""
    replies.read(call, reply)
    if call.contents is not None:
        transcripts.answered(call, reply)


def says_json(response: Any) -> bool:
    return "json" in response.headers.get("content-type", "")


# -- a stream


def tap(call: ModelCall, stream: Any, asynchronous: bool) -> None:
    """Have every item that a stream makes read, and the call end with the stream."""
    stream._iterator = steps = (AsyncTap if asynchronous else Tap)(call, stream._iterator)
    end = partial(end_left, ref(steps))  # a response must not keep a stream alive that its user has dropped
    end_with(stream.response, "aclose" if asynchronous else "close", end)


def end_left(held: ref[Tap | AsyncTap]) -> None:
    """End a stream that was left, if it is still there."""
    steps = held()
    if steps is not None and not over_or_running(steps):
        streams.finish(steps, GeneratorExit())


def over_or_running(generator: Any) -> bool:
    """Whether a generator has come to its end, or is the one that is at work just now."""
    frame, running = ASYNCHRONOUS if hasattr(generator, "ag_frame") else PLAIN
    return getattr(generator, frame, None) is None or bool(getattr(generator, running, False))


def end_with(response: Any, name: str, end: Callable[[], object]) -> None:
    """Have `end` called when a response is closed, by whom it may be: a stream's helpers close nothing else."""
    closing = aclose if name == "aclose" else close
    setattr(response, name, partial(closing, response, name, getattr(response, name), end))


def close(response: Any, name: str, original: Callable[[], object], end: Callable[[], object]) -> None:
    vars(response).pop(name, None)
    try:
        original()
    finally:
        guard.call(ENDING, end)


async def aclose(
    response: Any, name: str, original: Callable[[], Awaitable[object]], end: Callable[[], object]
) -> None:
    vars(response).pop(name, None)
    try:
        await original()
    finally:
        guard.call(ENDING, end)


# -- a body that the user reads


class Body:
    """The body of a response that has not been read when the request returns (`with_streaming_response`)."""

    method, close = "iter_bytes", "close"
    asynchronous = False

    def __init__(self, call: ModelCall, raw: Any, stream_kinds: Kinds) -> None:
        self.call = call
        self.over = False
        self._raw = raw
        self._response = response = raw.http_response
        self._stream_kinds = stream_kinds
        self._kept: bytearray | None = bytearray() if says_json(response) else None
        self._original, self._parse = getattr(response, self.method), raw._parse
        self._reading: Any = None
        setattr(response, self.method, self.read)
        raw._parse = self.parse
        end_with(response, self.close, self._closed)

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        """In place of the method that makes of a body what the user asked for: a stream of it is followed instead."""
        made = self._parse(*args, **kwargs)
        guard.call("following a stream", self._hand_over, made)
        return made

    def _hand_over(self, made: Any) -> None:
        if not self.over and isinstance(made, self._stream_kinds):
            self.release()
            tap(self.call, made, self.asynchronous)

    def read(self, *args: Any, **kwargs: Any) -> Any:
        """In place of the response's own method, through which every other way of reading goes."""
        self._reading = self._pieces(self._original(*args, **kwargs))
        return self._reading

    def _pieces(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        with self._ended():
            for piece in pieces:
                guard.call(READING, self._note, piece)
                yield piece

    @contextmanager
    def _ended(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._end(error)
            raise
        guard.call(READING, self._read_whole)
        self._end(None)

    def _note(self, piece: bytes) -> None:
        if self.call.stream:
            streams.note_chunk(self.call)
        if self._kept is not None:
            self._kept += piece
            if len(self._kept) > LARGEST_ANSWER:
                self._kept = None

    def _read_whole(self) -> None:
        if self._kept:
            read(self.call, json.loads(self._kept))

    def _closed(self) -> None:
        if self._reading is None or not over_or_running(self._reading):
            self._end(GeneratorExit())

    def _end(self, error: BaseException | None) -> None:
        if not self.over:
            self.release()
            bus.finish(self.call, error)

    def release(self) -> None:
        """Let go of the response, which then is as it was."""
        self.over = True
        vars(self._raw).pop("_parse", None)
        for name in (self.method, self.close):
            vars(self._response).pop(name, None)

    def __del__(self) -> None:
        self._end(GeneratorExit())


class AsyncBody(Body):
    """The same, read in an event loop."""

    method, close = "aiter_bytes", "aclose"
    asynchronous = True

    async def _pieces(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:  # type: ignore[override]
        with self._ended():
            async for piece in pieces:
                guard.call(READING, self._note, piece)
                yield piece
