"""What a call returned: handed on as it is, and followed until it is over where it is a stream or holds one."""

from __future__ import annotations

from inspect import iscoroutinefunction
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from .. import guard
from ..bus import bus
from ..events import ModelCall, Operation
from . import streams

INNER_ITERATORS = ("body_iterator", "_iterator")
"""Where a streaming response, and the stream of a provider's library, keep what they iterate."""
NEVER_STREAMS = frozenset({type(None), bool, int, float, str, bytes, list, dict, tuple, set})


def follow(operation: Operation, result: Any, on_item: streams.OnItem | None = None) -> Any:
    """What to hand on in place of `result`, where that is a stream that `operation` lasts as long as; else `None`.

    Generators, responses with a `body_iterator`, and the streams of provider libraries, which stay the
    objects they are. For a model call any other iterator, too.
    """
    return guard.call("following a stream", _follow, operation, result, on_item)


def _follow(operation: Operation, result: Any, on_item: streams.OnItem | None) -> Any:
    if isinstance(result, GeneratorType):
        return streams.Stream(operation, result, on_item)
    if isinstance(result, AsyncGeneratorType):
        return streams.AsyncStream(operation, result, on_item)
    kept: Any = getattr(result, "__dict__", None) or ()
    for slot in INNER_ITERATORS:
        if slot in kept and refill(operation, result, slot, kept[slot], on_item):
            return result
    return streams.stepping(operation, result, on_item) if isinstance(operation, ModelCall) else None


def refill(operation: Operation, holder: Any, slot: str, inner: Any, on_item: streams.OnItem | None) -> bool:
    """Put a followed iterator in the place of `inner`; False where there is nothing to follow."""
    if streams.follows(inner, operation):
        bus.finish(operation)  # followed already, and therefore held: this lets go of it
        return True
    steps = streams.stepping(operation, inner, on_item)
    if steps is None and hasattr(type(inner), "__aiter__"):
        steps = streams.AsyncStream(operation, aiter(inner), on_item)
    if steps is None:
        return False
    setattr(holder, slot, steps)
    close_with(steps, holder)
    return True


def close_with(steps: streams.Steps, holder: Any) -> None:
    """Have the operation end when the holder is closed, which does not always reach what it iterates."""
    close = getattr(holder, "close", None)
    if close is None:
        return
    if iscoroutinefunction(close):

        async def aclosing(*args: Any, **kwargs: Any) -> Any:
            try:
                return await close(*args, **kwargs)
            finally:
                streams.finish(steps, GeneratorExit())

        holder.close = aclosing
        return

    def closing(*args: Any, **kwargs: Any) -> Any:
        try:
            return close(*args, **kwargs)
        finally:
            streams.finish(steps, GeneratorExit())

    holder.close = closing
