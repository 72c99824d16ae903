"""Makes every model call of the `openai` library (1, 2 and 3) an operation, without a decorator.

Wrapped is the one method that all requests go through, so that chat completions, Responses, embeddings and completions
are seen alike, plain or streamed, parsed or raw, with the library's retries inside of one operation. Nothing that is
sent or returned is another than without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai._base_client
import openai._streaming
import wrapt

from otel_genai import guard
from otel_genai.bus import bus

from . import answers, calls

Wrapped = Callable[..., Any]

READING_REQUEST = "reading a request"


def instrument() -> Callable[[], None]:
    """Observe the clients of this process, also those that exist already; returns the undo."""
    undo = [_wrap(module, path, wrapper) for module, path, wrapper in WRAPPERS]

    def restore() -> None:
        for step in undo:
            step()

    return restore


def _wrap(module: Any, path: str, wrapper: Callable[..., Any]) -> Callable[[], None]:
    on = True

    def switched(wrapped: Wrapped, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return wrapper(wrapped, instance, args, kwargs) if on and bus.listening else wrapped(*args, **kwargs)

    ours = wrapt.wrap_function_wrapper(module, path, switched)

    def undo() -> None:
        nonlocal on
        on = False
        owner, name, current = wrapt.resolve_path(module, path)
        if current is ours:  # somebody else's wrapper around it would be lost with it
            setattr(owner, name, ours.__wrapped__)

    return undo


def _request(wrapped: Wrapped, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    found = guard.call(READING_REQUEST, calls.call_for, client, _options(args, kwargs))
    if found is None:
        return wrapped(*args, **kwargs)
    call, ours = found
    if ours:
        bus.start(call)
    entry = bus.enter(call)
    try:
        reply = wrapped(*args, **kwargs)
    except BaseException as error:
        bus.leave(call, entry)
        if ours:
            bus.finish(call, error)
        raise
    bus.leave(call, entry)
    if not guard.call(answers.READING, answers.follow, call, client, reply, ours) and ours:
        bus.finish(call)
    return reply


async def _request_async(wrapped: Wrapped, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    found = guard.call(READING_REQUEST, calls.call_for, client, _options(args, kwargs))
    if found is None:
        return await wrapped(*args, **kwargs)
    call, ours = found
    if ours:
        bus.start(call)
    entry = bus.enter(call)
    try:
        reply = await wrapped(*args, **kwargs)
    except BaseException as error:
        bus.leave(call, entry)
        if ours:
            bus.finish(call, error)
        raise
    bus.leave(call, entry)
    if not guard.call(answers.READING, answers.follow, call, client, reply, ours) and ours:
        bus.finish(call)
    return reply


def _options(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[1] if len(args) > 1 else kwargs["options"]


def _stream_made(wrapped: Wrapped, stream: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A raw response makes its stream when the user asks for it."""
    wrapped(*args, **kwargs)
    guard.call("following a stream", answers.tap_parsed, stream)


WRAPPERS: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (openai._base_client, "SyncAPIClient.request", _request),
    (openai._base_client, "AsyncAPIClient.request", _request_async),
    (openai._streaming, "Stream.__init__", _stream_made),
    (openai._streaming, "AsyncStream.__init__", _stream_made),
)
