"""A stream that is an operation: current while it makes its next item, timed, and finished exactly once.

Between two items the consumer works in its own context, and the body in its own: what is current there when it yields
is current again when it goes on. Whoever ends the stream (its end, an error, a `break`, `close()` from another task,
the garbage collector), the operation is finished then, and nothing is left current anywhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar, Token
from time import perf_counter_ns
from typing import Any
from weakref import ref

from .. import guard
from ..bus import bus
from ..collector import collecting
from ..events import ModelCall, Operation
from ..scope import Scope, current, enter, reset

OnItem = Callable[[Any, Any], object]
"""Reads what an item says about the operation: `on_item(operation, item)`."""
Entry = tuple[Token[Scope], Token[Any]]

_nowhere: ContextVar[Any] = ContextVar("otel_genai_nowhere", default=None)
"""Stands for the context variable of the tracing where nobody traces."""


class Body:
    """What makes the items: its operation, and what is current in it. Apart from the stream, which stands for it."""

    __slots__ = ("__weakref__", "counts", "inner", "notes", "on_item", "operation", "over", "scope", "world", "worldly")

    scope: Scope
    """Our own context variable, as it was in the body where that last stopped."""
    worldly: Any
    """The same of `world`, the context variable of the tracing."""

    def __init__(self, operation: Operation, inner: Any, on_item: OnItem | None) -> None:
        self.operation = operation
        self.inner = inner
        self.on_item = None if on_item is None else guard.quiet("reading a chunk", on_item)
        self.counts = self.notes = isinstance(operation, ModelCall)
        self.over = False
        self.world: ContextVar[Any] | None = None

    def begin(self) -> ContextVar[Any]:
        """Start, unless that has happened, and note what is current at the beginning of the body."""
        operation = self.operation
        if not operation.began and not self.over:
            bus.start(operation)
        self.notes = self.notes or operation.contents is not None
        _, token = entry = bus.enter(operation)
        self.world = world = _nowhere if token is None else token.var
        self.scope, self.worldly = current(), world.get()
        bus.leave(operation, entry)
        return world

    def enter(self) -> Entry:
        world = self.world or self.begin()
        return enter(self.scope), world.set(self.worldly)

    def leave(self, ours: Token[Scope], worldly: Token[Any]) -> None:
        world = worldly.var
        self.scope, self.worldly = current(), world.get()
        with suppress(ValueError):  # the garbage collector ends a step in whichever context it is
            reset(ours)
            world.reset(worldly)

    def dropped(self) -> None:
        """Nobody has the stream: where nobody has its iterator either, that closes now, inside of the operation."""
        entry = self.enter()
        self.inner = None
        self.leave(*entry)

    def end(self, ours: Token[Scope], worldly: Token[Any], error: BaseException) -> None:
        """A step raised: that is its end, unless the generator is at work for somebody else, who ends it."""
        self.leave(ours, worldly)
        self.stopped(error)

    def stopped(self, error: BaseException) -> None:
        """The same, where what was current is so again."""
        inner = self.inner
        if getattr(inner, "gi_frame", None) is None and getattr(inner, "ag_frame", None) is None:
            self.finish(None if issubclass(type(error), (StopIteration, StopAsyncIteration)) else error)

    def finish(self, error: BaseException | None) -> None:
        """End the operation, or this stream's part in it: once."""
        if not self.over:
            self.over = True
            bus.finish(self.operation, error)

    def unbegun(self) -> bool:
        """Whether there is no operation to close it in; it will have none then."""
        if not self.operation.began:
            self.over = True
        return self.over

    def note(self, item: Any) -> None:
        operation = self.operation
        reader = operation.__dict__.get("reader")
        if reader is not None and reader() is not self:
            return
        if self.counts:
            note_chunk(operation)
        if self.on_item is not None:
            self.on_item(operation, item)


class Steps:
    """What all kinds of stream share: they pass for what they iterate."""

    __slots__ = ("__weakref__", "_body")

    def __init__(self, operation: Operation, inner: Any, on_item: OnItem | None = None) -> None:
        self._body = Body(operation, inner, on_item)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._body.inner)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body.inner, name)

    def __repr__(self) -> str:
        return repr(self._body.inner)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._body.inner.__reduce_ex__(protocol)  # which says that it cannot be copied

    def __del__(self) -> None:
        body = self._body
        if body.unbegun():
            return
        if collecting():  # no context variable may be set
            body.inner = None
        else:
            body.dropped()
        body.finish(GeneratorExit())


class Stream(Steps):
    """A generator, or any iterator, whose every step happens inside of the operation."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:  # the lines of `_step`, without its cost: this is called for every item
        body = self._body
        world = body.world or body.begin()
        ours, worldly = enter(body.scope), world.set(body.worldly)
        try:
            item = body.inner.__next__()
        except BaseException as error:
            body.end(ours, worldly, error)
            raise
        body.scope, body.worldly = current(), world.get()
        reset(ours)
        world.reset(worldly)
        if body.notes:
            body.note(item)
        return item

    def send(self, value: Any) -> Any:
        return self._step(self._body.inner.send, value)

    def throw(self, *error: Any) -> Any:
        return self._step(self._body.inner.throw, *error)

    def _step(self, step: Callable[..., Any], *values: Any) -> Any:
        body = self._body
        entry = body.enter()
        try:
            item = step(*values)
        except BaseException as error:
            body.end(*entry, error)
            raise
        body.leave(*entry)
        if body.notes:
            body.note(item)
        return item

    def close(self) -> Any:
        body = self._body
        close = getattr(body.inner, "close", nothing_to_close)
        if body.unbegun():
            return close()
        entry = body.enter()
        try:
            value = close()
        except BaseException as error:
            body.end(*entry, error)
            raise
        body.leave(*entry)
        body.finish(GeneratorExit())
        return value


class AsyncStream(Steps):
    """An async generator, or any async iterator, whose every step happens inside of the operation."""

    __slots__ = ()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:  # the lines of `_astep`, without its cost: this is called for every item
        body = self._body
        world = body.world or body.begin()
        ours, worldly = enter(body.scope), world.set(body.worldly)
        try:
            item = await body.inner.__anext__()
        except BaseException as error:
            body.end(ours, worldly, error)
            raise
        body.scope, body.worldly = current(), world.get()
        try:
            reset(ours)
            world.reset(worldly)
        except ValueError:  # somebody drives the coroutine by hand, each time in another context
            pass
        if body.notes:
            body.note(item)
        return item

    def asend(self, value: Any) -> Awaitable[Any]:
        return self._astep(self._body.inner.asend, value)

    def athrow(self, *error: Any) -> Awaitable[Any]:
        return self._astep(self._body.inner.athrow, *error)

    async def _astep(self, step: Callable[..., Awaitable[Any]], *values: Any) -> Any:
        body = self._body
        entry = body.enter()
        try:
            item = await step(*values)
        except BaseException as error:
            body.end(*entry, error)
            raise
        body.leave(*entry)
        if body.notes:
            body.note(item)
        return item

    async def aclose(self) -> None:
        body = self._body
        close = getattr(body.inner, "aclose", nothing_to_aclose)
        if body.unbegun():
            await close()
            return
        entry = body.enter()
        try:
            await close()
        except BaseException as error:
            body.end(*entry, error)
            raise
        body.leave(*entry)
        body.finish(GeneratorExit())


class EitherStream(Stream, AsyncStream):
    """An object that can be iterated both ways, as some libraries answer with."""

    __slots__ = ()


def nothing_to_close() -> None:
    """Stands for the `close` of an iterator that has none."""


async def nothing_to_aclose() -> None:
    """Stands for the `aclose` of an async iterator that has none."""


def stepping(operation: Operation, inner: Any, on_item: OnItem | None) -> Steps | None:
    """The stream for an iterator of any kind; `None` for what is none."""
    kind = type(inner)
    if hasattr(kind, "__anext__"):
        return (EitherStream if hasattr(kind, "__next__") else AsyncStream)(operation, inner, on_item)
    return Stream(operation, inner, on_item) if hasattr(kind, "__next__") else None


def finish(steps: Steps, error: BaseException | None) -> None:
    """End the operation of a stream, or the stream's part in it: once, whoever else does so."""
    steps._body.finish(error)


def follows(steps: object, operation: Operation) -> bool:
    """Whether this is a stream that `operation` lasts as long as."""
    return isinstance(steps, Steps) and steps._body.operation is operation


def sole_reader(steps: Steps) -> None:
    """Have the pieces of a model's answer counted by this stream, and not again by one around it."""
    body = steps._body
    body.operation.__dict__["reader"] = ref(body)  # each holding the other, only the garbage collector would free them


def note_chunk(call: Any) -> None:
    """Count a piece of a model's answer, and when it came."""
    call.last_chunk_ns = elapsed = perf_counter_ns() - call.began
    if call.chunks:
        call.chunks += 1
        return
    call.chunks = 1
    call.stream = True
    if call.first_chunk_ns is None:
        call.first_chunk_ns = elapsed
