"""One event in, every subscriber told: synchronous, in order, and none of them can disturb the program or another."""

from __future__ import annotations

import gc
import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import Token, copy_context
from functools import partial
from threading import Lock, get_ident
from types import TracebackType
from typing import Any, NamedTuple, Protocol, TypeVar, overload

from . import guard, scope, wire_names
from .events import Event, Operation
from .scope import Scope
from .scope import enter as enter_scope
from .scope import reset as leave_scope

E = TypeVar("E", bound=Event)
Handler = Callable[[Event], object]
Resolver = Callable[[type[Event], str], "Handler | None"]
"""Given an event type and a wire name: what to call for it, or `None`. Asked once per name, then remembered."""
Undo = Callable[[], None]


class Listener(NamedTuple):
    """Who is told, and whether he works out himself what follows from an operation."""

    resolver: Resolver
    derives: bool


TELLING = "telling a subscriber"


class Tracing(Protocol):
    """Who makes an operation current in the world outside of us, by the `attach` that it leaves on the operation.

    That sets a context variable, whose token it returns.
    """

    def restore(self, operation: Operation) -> None:
        """Undo an `attach` that was made in another context, whose token therefore means nothing here."""

    def headers(self) -> dict[str, str]:
        """The trace context that is current, as headers for an outbound request."""

    def trace_ids(self) -> dict[str, str]:
        """The trace context that is current, as fields of a line in a log file."""


Entry = tuple[Token[Scope], Token[Any] | None]
"""What `enter` changed: our own context variable, and the one of the operation's `attach`."""


class Bus:
    """Keeps who listens, and leads each event to them.

    The handlers of a wire name are worked out once and remembered until somebody comes or goes, so that a publish
    that interests nobody costs one look-up.
    """

    def __init__(self) -> None:
        self.listening = False
        self.keeping = 0
        """How many keep content: only then anybody needs to offer it."""
        self._listeners: tuple[Listener, ...] = ()
        self._handlers: dict[tuple[type[Event], str], tuple[Handler, ...]] = {}
        self._following: dict[type[Event], tuple[Handler, ...]] = {}
        self._changing = Lock()
        self._tracing: Tracing | None = None
        self._late: deque[Callable[[], None]] = deque()

    def connect(self, resolver: Resolver, *, derives: bool = False) -> Undo:
        """Have `resolver` asked for a handler per wire name; returns its undo.

        One that `derives` is not told of what follows from the end of an operation: it asks the operation for it.
        """
        listener = Listener(resolver, derives)
        self._change(lambda listeners: (*listeners, listener))
        return lambda: self._change(lambda listeners: tuple(one for one in listeners if one is not listener))

    def _change(self, change: Callable[[tuple[Listener, ...]], tuple[Listener, ...]]) -> None:
        with self._changing:
            self._listeners = change(self._listeners)
            self._handlers, self._following = {}, {}
            self.listening = bool(self._listeners)

    def remember(self) -> Undo:
        """Note who listens now; the undo brings back exactly those."""
        listeners = self._listeners
        return lambda: self._change(lambda _: listeners)

    @overload
    def subscribe(
        self, function: Callable[[E], object], what: type[E], /, *more: type[E], content: bool = False
    ) -> Undo: ...
    @overload
    def subscribe(
        self, function: Callable[[Event], object], *what: type[Event] | str, content: bool = False
    ) -> Undo: ...
    def subscribe(self, function: Callable[[Any], object], *what: type[Event] | str, content: bool = False) -> Undo:
        """Call `function(event)` for every event, or only for these types or wire names (`"session.*"`).

        An operation comes twice, when it starts and when it ends; its `kind` and `outcome` say which. With `content`
        it is handed what `capture_content` keeps, too: `event.contents.kept`, JSON by class, while it is told of the
        end.

        Raises:
            TypeError: for what is no function, or names no type of event and no wire name. A pattern that no event's
                wire name matches is logged.
        """
        wire_names.check(function, what)
        told = function if content else partial(_without_content, function)

        def resolve(event_type: type[Event], kind: str) -> Handler | None:
            return told if not what or any(wire_names.matches(event_type, kind, one) for one in what) else None

        return self.connect(resolve)

    def trace_with(self, tracing: Tracing) -> Undo:
        """Let `tracing` make operations current; returns its undo, which brings back who did so before."""
        before = self._tracing

        def undo() -> None:
            if self._tracing is tracing:
                self._tracing = before

        self._tracing = tracing
        return undo

    def keep_content(self) -> Undo:
        """Let those who see content know that somebody keeps it; returns its undo."""
        self.keeping += 1

        def undo() -> None:
            self.keeping -= 1

        return undo

    def wants(self, event_type: type[Event]) -> bool:
        """Whether anybody would be told of such an event: ask before gathering what is expensive."""
        return self.listening and any(self._find(event_type, kind) for kind in event_type.kinds())

    def publish(self, event: Event, parent: Operation | None = None) -> None:
        """Tell everybody who wants to know. `parent` is the operation it belongs to, if not the active one.

        Raises:
            TypeError: for what is no event, while anybody listens.
        """
        if not self.listening:
            return
        try:
            handlers = self._find(type(event), event.kind)
        except (AttributeError, TypeError):
            wire_names.check_event(event)
            raise
        if handlers:
            event.at_ns = time.time_ns()
            event.scope = parent.inner if parent else scope.current()
            event.parent = parent
            event.published()
            self._tell(handlers, event)

    def start(self, operation: Operation) -> None:
        """Begin an operation: it now runs, and everybody who wants to know is told.

        Of one that begins while the garbage collector runs they are told when it ends.
        """
        operation.begin(scope.current())
        operation.__dict__["open"] = _generation
        handlers = self._find(type(operation), operation.started_kind)
        if handlers and not collecting():
            if self._late:
                self.settle()
            guard.each(TELLING, handlers, operation)

    def finish(self, operation: Operation, error: BaseException | None = None) -> None:
        """End an operation, exactly once: whoever calls it again, from whichever task or thread, changes nothing.

        Where others hold it, the last of them ends it, unless there is an error. In the child of a fork that happened
        meanwhile it is the parent's, and nothing happens.
        """
        if operation.holds and (error is None or isinstance(error, GeneratorExit)):
            operation.holds -= 1
            return
        if operation.__dict__.pop("open", 0) != _generation:
            return
        operation.end(error)
        handlers, interested = self._find(type(operation), operation.kind), self._find_following(operation.follows)
        follow = tuple(operation.following()) if interested else ()  # now, so that its cost is reckoned only once
        if self._late or collecting():
            self._tell(handlers, operation)
        else:
            _tell(handlers, operation)
        for event in follow:
            self._tell(interested, event)
        operation.release()

    def _tell(self, handlers: tuple[Handler, ...], event: Event) -> None:
        if collecting():
            self._late.append(partial(copy_context().run, _tell, handlers, event))
            return
        if self._late:
            self.settle()
        _tell(handlers, event)

    def settle(self) -> None:
        """Tell what happened while the garbage collector ran; the next event does so, too."""
        while self._late and not collecting():
            try:
                tell = self._late.popleft()
            except IndexError:  # another thread was faster
                return
            tell()

    def enter(self, operation: Operation) -> Entry:
        """Make a running operation current: what happens now happens inside of it."""
        attach: Any = operation.attach
        return enter_scope(operation.inner), None if attach is None else attach()

    def leave(self, operation: Operation, entry: Entry) -> None:
        """Make current again what was before `enter`, also where that was in another context.

        The garbage collector may close a generator while something else is current, and that stays so.
        """
        if _collector is not None and collecting() and scope.current() is not operation.inner:
            return
        ours, world = entry
        try:
            leave_scope(ours)
            if world is not None:
                world.var.reset(world)
        except ValueError:
            self._left_elsewhere(operation)

    def _left_elsewhere(self, operation: Operation) -> None:
        """In another context than `enter`'s there is something to undo only where this context is a copy of that."""
        if scope.current() == operation.inner:
            enter_scope(operation.scope)
        if self._tracing is not None:
            self._tracing.restore(operation)

    def inside(self, operation: Operation, *over: type[BaseException]) -> Inside:
        """`with bus.inside(operation):` a stretch of its work. An error ends it; one of `over` says that it is done."""
        return Inside(self, operation, over)

    def headers(self) -> dict[str, str]:
        """`traceparent` (and `tracestate`) of what is current; empty where nothing is, or nobody traces."""
        return {} if self._tracing is None else guard.call("reading the trace context", self._tracing.headers) or {}

    def trace_ids(self) -> dict[str, str]:
        """`traceId`, `spanId`, `parentSpanId`, `traceFlags` of what is current; empty where nothing is."""
        return {} if self._tracing is None else guard.call("reading the trace context", self._tracing.trace_ids) or {}

    def _find(self, event_type: type[Event], kind: str) -> tuple[Handler, ...]:
        found = self._handlers.get((event_type, kind))
        return self._resolve(event_type, kind) if found is None else found

    def _resolve(self, event_type: type[Event], kind: str) -> tuple[Handler, ...]:
        if not issubclass(event_type, Event):
            raise TypeError(event_type)
        handlers, listeners = self._handlers, self._listeners
        handlers[event_type, kind] = told = _asked(listeners, event_type, kind)
        return told

    def _find_following(self, event_type: type[Event] | None) -> tuple[Handler, ...]:
        """Whom to tell of such an event where it follows from an operation."""
        if event_type is None:
            return ()
        following, listeners = self._following, self._listeners
        told = following.get(event_type)
        if told is None:
            others = (listener for listener in listeners if not listener.derives)
            following[event_type] = told = _asked(others, event_type, event_type.kind)
        return told


def _asked(listeners: Iterable[Listener], event_type: type[Event], kind: str) -> tuple[Handler, ...]:
    found = (guard.call("choosing a subscriber", one.resolver, event_type, kind) for one in listeners)
    return tuple(handler for handler in found if handler is not None)


class Inside:
    """A stretch of an operation's work, in which it is current. It may have several, one per item of a stream."""

    __slots__ = ("_bus", "_entry", "_operation", "_over")

    def __init__(self, to: Bus, operation: Operation, over: tuple[type[BaseException], ...]) -> None:
        self._bus, self._operation, self._over = to, operation, over

    def __enter__(self) -> None:
        self._entry = self._bus.enter(self._operation)

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self._bus.leave(self._operation, self._entry)
        if error is not None:
            self._bus.finish(self._operation, None if issubclass(type(error), self._over) else error)


def _tell(handlers: tuple[Handler, ...], event: Event) -> None:
    guard.each(TELLING, handlers, event)
    if isinstance(event, Operation) and event.outcome is not None:
        forget(event)


def forget(operation: Operation) -> None:
    """Drop what nobody needs of an operation that is over."""
    operation.error = None  # its traceback holds the frames that hold the operation
    operation.__dict__.pop("contents", None)
    operation.__dict__.pop("asked", None)


def _without_content(function: Handler, event: Event) -> object:
    """Tell somebody who is not trusted with content."""
    contents = event.__dict__.pop("contents", None)
    if contents is None:
        return function(event)
    try:
        return function(event)
    finally:
        event.__dict__["contents"] = contents


_collector: int | None = None


def _note_collection(phase: str, _: dict[str, int]) -> None:
    global _collector
    _collector = get_ident() if phase == "start" else None


gc.callbacks.append(_note_collection)


def collecting() -> bool:
    """Whether the garbage collector runs in this thread: it may hold a lock of the SDK that telling would wait for."""
    return _collector is not None and _collector == get_ident()


_generation = 1
"""Which process this is, counted from the first by its forks: an operation is ended by the one that began it."""


def _forked() -> None:
    global _generation
    _generation += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)

bus = Bus()
"""The bus of this process."""

publish = bus.publish
subscribe = bus.subscribe
headers = bus.headers
