"""One event in, every subscriber told: synchronous, in order, and none of them can disturb the program or another."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from contextvars import Token, copy_context
from functools import partial
from types import TracebackType
from typing import Any, Protocol

from . import guard, scope, wire_names
from .collector import collecting
from .events import Event, Operation
from .listeners import Handler, Listeners, Undo
from .scope import Scope
from .scope import enter as enter_scope
from .scope import reset as leave_scope

TELLING = "telling a subscriber"
NOTING = "noting what has happened"
TRACING = "reading the trace context"

Header = tuple[bytes, bytes, bytes]
"""A header as the clients of HTTP keep it: its name as it is written, the name in small letters, the value."""


class Tracing(Protocol):
    """Who makes an operation current in the world outside of us, by the `attach` that it leaves on the operation.

    That sets a context variable, whose token it returns.
    """

    def restore(self, operation: Operation) -> None:
        """Undo an `attach` that was made in another context, whose token therefore means nothing here."""

    def rows(self) -> list[Header]:
        """The trace context that is current, as headers for an outbound request."""

    def trace_ids(self) -> dict[str, str]:
        """The trace context that is current, as fields of a line in a log file."""


Entry = tuple[Token[Scope], Token[Any] | None]
"""What `enter` changed: our own context variable, and the one of the operation's `attach`."""


class Bus(Listeners):
    """Leads each event to those who listen, and makes operations current."""

    def __init__(self) -> None:
        super().__init__()
        self.keeping = 0
        """How many keep content: only then anybody needs to offer it."""
        self._tracing: Tracing | None = None
        self.rows: Callable[[], list[Header] | None] = list
        """The trace context that is current, as headers for an outbound request; none also where that failed."""
        self._late: deque[Callable[[], None]] = deque()

    def trace_with(self, tracing: Tracing) -> Undo:
        """Let `tracing` make operations current; returns its undo, which brings back who did so before."""
        before = self._tracing

        def undo() -> None:
            if self._tracing is tracing:
                self._trace_by(before)

        self._trace_by(tracing)
        return undo

    def _trace_by(self, tracing: Tracing | None) -> None:
        self._tracing = tracing
        self.rows = list if tracing is None else partial(guard.call, TRACING, tracing.rows)

    def keep_content(self) -> Undo:
        """Let those who see content know that somebody keeps it; returns its undo."""
        self.keeping += 1

        def undo() -> None:
            self.keeping -= 1

        return undo

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
            here = parent.inner if parent else scope.current()
            guard.call(NOTING, event.happen, time.time_ns(), here, parent)
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
        guard.call(NOTING, operation.end, error)  # what it was told may be of any type
        handlers, interested = self._find(type(operation), operation.kind), self._find_following(operation.follows)
        follow: tuple[Event, ...] | None = None
        if interested:  # now, so that its cost is reckoned only once
            follow = guard.call(NOTING, tuple, operation.following())
        if self._late or collecting():
            self._tell(handlers, operation)
        else:
            _tell(handlers, operation)
        for event in follow or ():
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
        if collecting() and scope.current() is not operation.inner:
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
        return {name.decode(): value.decode() for name, _, value in self.rows() or ()}

    def trace_ids(self) -> dict[str, str]:
        """`traceId`, `spanId`, `parentSpanId`, `traceFlags` of what is current; empty where nothing is."""
        return {} if self._tracing is None else guard.call(TRACING, self._tracing.trace_ids) or {}


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
