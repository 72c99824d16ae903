"""What comes back from the `openai` library, followed until it has been read: it stays the object that it is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from openai import AsyncStream, Stream
from openai._base_client import AsyncAPIClient
from openai._legacy_response import LegacyAPIResponse
from openai._response import BaseAPIResponse

from otel_genai import guard
from otel_genai.bus import bus
from otel_genai.events import ModelCall
from otel_genai.sources import replies, streams

LARGEST_ANSWER = 4 * 1024 * 1024
"""Bytes of a body that is read piece by piece, up to which it is kept to be read for its usage."""
READING = "reading an answer"


def follow(call: ModelCall, client: Any, reply: Any, ours: bool) -> bool:
    """Read an answer, or follow it while it is read; says whether the call lasts longer than the request."""
    if isinstance(reply, (Stream, AsyncStream)):
        tap(call, reply)
    elif isinstance(reply, (LegacyAPIResponse, BaseAPIResponse)):
        response = reply.http_response
        if response.is_closed:
            if says_json(response):
                replies.read(call, json.loads(response.content))
            return False
        (AsyncBody if isinstance(client, AsyncAPIClient) else Body)(call, response)
    else:
        replies.read(call, reply)
        return False
    if not ours:
        call.holds += 1
    return True


def says_json(response: Any) -> bool:
    return "json" in response.headers.get("content-type", "")


# -- a stream


def tap(call: ModelCall, stream: Any) -> None:
    """Have every item that a stream makes read, and the call end with the stream."""
    inner = stream._iterator
    asynchronous = isinstance(stream, AsyncStream)
    steps = (streams.AsyncStream if asynchronous else streams.Stream)(call, inner, replies.chunk)
    streams.sole_reader(steps)
    stream._iterator = steps

    def closed() -> None:
        if not over_or_running(inner):
            streams.finish(steps, GeneratorExit())

    end_with(stream.response, "aclose" if asynchronous else "close", closed)


def over_or_running(generator: Any) -> bool:
    """Whether a generator has come to its end, or is the one that is at work just now."""
    kind = "ag" if hasattr(generator, "ag_frame") else "gi"
    return getattr(generator, f"{kind}_frame", None) is None or bool(getattr(generator, f"{kind}_running", False))


def tap_parsed(stream: Any) -> None:
    """A stream was made of a response whose body was followed until now: follow the stream instead."""
    held = vars(stream.response)
    body = getattr(held.get("iter_bytes") or held.get("aiter_bytes"), "__self__", None)
    if isinstance(body, Body):
        body.release()
        tap(body.call, stream)


def end_with(response: Any, name: str, end: Callable[[], object]) -> None:
    """Have `end` called when a response is closed, by whom it may be: a stream's helpers close nothing else."""
    close = getattr(response, name)

    def closing() -> None:
        vars(response).pop(name, None)
        try:
            close()
        finally:
            guard.call("ending a call", end)

    async def aclosing() -> None:
        vars(response).pop(name, None)
        try:
            await close()
        finally:
            guard.call("ending a call", end)

    setattr(response, name, aclosing if name == "aclose" else closing)


# -- a body that the user reads


class Body:
    """The body of a response that has not been read when the request returns (`with_streaming_response`)."""

    method, close = "iter_bytes", "close"

    def __init__(self, call: ModelCall, response: Any) -> None:
        self.call = call
        self.over = False
        self._response = response
        self._kept: bytearray | None = bytearray() if says_json(response) else None
        self._original = getattr(response, self.method)
        self._reading: Any = None
        setattr(response, self.method, self.read)
        end_with(response, self.close, self._closed)

    def read(self, *args: Any, **kwargs: Any) -> Any:
        """In place of the response's own method, through which every other way of reading goes."""
        self._reading = self._pieces(self._original(*args, **kwargs))
        return self._reading

    def _pieces(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        try:
            for piece in pieces:
                guard.call(READING, self._note, piece)
                yield piece
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
            replies.read(self.call, json.loads(self._kept))

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
        for name in (self.method, self.close):
            vars(self._response).pop(name, None)

    def __del__(self) -> None:
        self._end(GeneratorExit())


class AsyncBody(Body):
    """The same, read in an event loop."""

    method, close = "aiter_bytes", "aclose"

    async def _pieces(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:  # type: ignore[override]
        try:
            async for piece in pieces:
                guard.call(READING, self._note, piece)
                yield piece
        except BaseException as error:
            self._end(error)
            raise
        guard.call(READING, self._read_whole)
        self._end(None)
