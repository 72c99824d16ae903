"""Follows the streams that litellm answers with: each stays the object that it is, of a class put before its own."""

from __future__ import annotations

from functools import cache
from typing import Any
from weakref import ref

from otel_genai import guard
from otel_genai.events import ModelCall
from otel_genai.sources import pieces, replies, streams
from otel_genai.sources.answers import READING
from otel_genai.sources.fields import field, several

STEPS = "_otel_genai_steps"


def is_stream(reply: object) -> bool:
    return hasattr(type(reply), "__next__") or hasattr(type(reply), "__anext__")


def follow(call: ModelCall, stream: Any) -> bool:
    """Have each step happen inside of the call, which ends with the stream; says no where that is so already."""
    if STEPS in vars(stream):
        return False
    steps = streams.EitherStream(call, Source(call, stream), pieces.chunk)
    if "reader" not in call.__dict__:
        streams.sole_reader(steps)
    vars(stream)[STEPS] = steps
    kind: Any = type(stream)
    stream.__class__ = followed(kind)
    return True


class Source:
    """The steps of a stream as its own class makes them. It keeps no stream alive that its user has dropped."""

    def __init__(self, call: ModelCall, stream: Any) -> None:
        self._call = call
        self._stream = ref(stream)
        self._kind = type(stream)

    def __next__(self) -> Any:
        stream = self._stream()
        try:
            return self._kind.__next__(stream)
        except StopIteration:
            guard.call(READING, read_usage, self._call, stream)
            raise

    async def __anext__(self) -> Any:
        stream = self._stream()
        try:
            return await self._kind.__anext__(stream)
        except StopAsyncIteration:
            guard.call(READING, read_usage, self._call, stream)
            raise

    def close(self) -> Any:
        return self._kind.close(self._stream())

    async def aclose(self) -> Any:
        return await self._kind.aclose(self._stream())


def read_usage(call: ModelCall, stream: Any) -> None:
    """Read what a provider has told at the end, of which a user who has not asked for it is told nothing."""
    if call.input_tokens is None and not call.counted_inside:
        for chunk in several(field(stream, "chunks")):
            if (usage := field(chunk, "usage")) is not None:
                replies.read_usage(call, usage)


def step(stream: Any) -> Any:
    return next(vars(stream)[STEPS])


async def async_step(stream: Any) -> Any:
    return await anext(vars(stream)[STEPS])


def close(stream: Any) -> Any:
    return vars(stream)[STEPS].close()


async def aclose(stream: Any) -> Any:
    return await vars(stream)[STEPS].aclose()


METHODS = {"__next__": step, "__anext__": async_step, "close": close, "aclose": aclose}


@cache
def followed(kind: type) -> type:
    """A class like this one, whose streams are followed."""
    methods = {name: method for name, method in METHODS.items() if hasattr(kind, name)}
    return type(kind.__name__, (kind,), {"__module__": kind.__module__, "__qualname__": kind.__qualname__, **methods})
