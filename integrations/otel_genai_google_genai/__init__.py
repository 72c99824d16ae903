"""Makes every model call of the `google-genai` library (2 and 3) an operation, without a decorator.

Content that is generated, whole or streamed, and embeddings are observed, of the Gemini API and of Vertex AI; chats
ask for content as everybody does. Where the library calls functions by itself, each of its rounds is a call of its
own, and each function is a tool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from google.genai import _extra_utils
from google.genai.models import AsyncModels, Models

from otel_genai import guard
from otel_genai.bus import bus
from otel_genai.sources import clients, observe, streams
from otel_genai.sources.answers import READING
from otel_genai.sources.clients import Running
from otel_genai.sources.replacing import Function, Undo, Wanted, replaced, together
from otel_genai.sources.wrapped import Observed, ObservedMethod

from . import answers
from .settings import CONTENT, EMBEDDINGS, STREAM, Request, facts, said

METHODS = {"_generate_content": CONTENT, "_generate_content_stream": STREAM, "_embed_content": EMBEDDINGS}
"""What every way to ask goes through, plain and in an event loop."""
TOOL = observe.tool(type="function")
TOOLS = ("invoke_function_from_dict_args", "invoke_function_from_dict_args_async")
"""What calls the user's functions, where a version of the library has it by this name."""


def instrument() -> Callable[[], None]:
    """Observe the clients of this process, also those that exist already; returns the undo."""
    return together(
        *_observed(Models, clients.asking, streams.Stream),
        *_observed(AsyncModels, clients.asking_async, streams.AsyncStream),
        *(replaced(_extra_utils, name, _invoke) for name in TOOLS if hasattr(_extra_utils, name)),
    )


# -- calls


def _observed(models: type, asking: Function, kind: type[streams.Steps]) -> Iterator[Undo]:
    for name, request in METHODS.items():
        end = partial(followed, kind) if request.stream else answered
        yield replaced(models, name, partial(asking, partial(begun, request), end))


def begun(request: Request, models: Any, /, **asked: Any) -> Running | None:
    """Begin the call that a request is, and make it current; `None` where it cannot be read."""
    known = guard.call(clients.READING_REQUEST, facts, request, models, asked)
    return None if known is None else clients.begin(*clients.claimed(known), said(asked))


def answered(running: Running, reply: Any) -> Any:
    bus.leave(running.call, running.entry)
    guard.call(READING, answers.read, running.call, reply)
    running.settled(lasts=False)
    return reply


def followed(kind: type[streams.Steps], running: Running, chunks: Any) -> streams.Steps:
    steps = kind(running.call, chunks, answers.chunk)
    bus.leave(running.call, running.entry)
    running.settled(lasts=True)
    streams.sole_reader(steps)
    return steps


# -- tools


def _invoke(original: Function, wanted: Wanted) -> Function:
    def invoke(given: Any, function: Any) -> Any:
        return original(given, as_tool(function) if wanted() else function)

    return invoke


def as_tool(function: Any) -> Any:
    """The function as a tool, unless its user has decorated it."""
    if isinstance(function, (Observed, ObservedMethod)):
        return function
    return guard.call("observing a function", TOOL, function) or function
