"""Who listens to which events, and whom that makes one to tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple, TypeVar, overload

from . import guard, locks, wire_names
from .events import Event

E = TypeVar("E", bound=Event)
Handler = Callable[[Event], object]
Resolver = Callable[[type[Event], str], "Handler | None"]
"""Given an event type and a wire name: what to call for it, or `None`. Asked once per name, then remembered."""
Undo = Callable[[], None]


class Listener(NamedTuple):
    """Who is told, and whether he works out himself what follows from an operation."""

    resolver: Resolver
    derives: bool


class Listeners:
    """Keeps who listens.

    The handlers of a wire name are worked out once and remembered until somebody comes or goes, so that an event that
    interests nobody costs one look-up.
    """

    def __init__(self) -> None:
        self.listening = False
        """Whether anybody does."""
        self._listeners: tuple[Listener, ...] = ()
        self._handlers: dict[tuple[type[Event], str], tuple[Handler, ...]] = {}
        self._following: dict[type[Event] | None, tuple[Handler, ...]] = {}
        self._changing = locks.lock()

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

    def wants(self, event_type: type[Event]) -> bool:
        """Whether anybody would be told of such an event: ask before gathering what is expensive."""
        return self.listening and any(self._find(event_type, kind) for kind in event_type.kinds())

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
        found = self._following.get(event_type)
        return self._resolve_following(event_type) if found is None else found

    def _resolve_following(self, event_type: type[Event] | None) -> tuple[Handler, ...]:
        following, others = self._following, [listener for listener in self._listeners if not listener.derives]
        following[event_type] = told = () if event_type is None else _asked(others, event_type, event_type.kind)
        return told


def _asked(listeners: Iterable[Listener], event_type: type[Event], kind: str) -> tuple[Handler, ...]:
    found = (guard.call("choosing a subscriber", one.resolver, event_type, kind) for one in listeners)
    return tuple(handler for handler in found if handler is not None)


def _without_content(function: Handler, event: Event) -> object:
    """Tell somebody who is not trusted with content."""
    contents = event.__dict__.pop("contents", None)
    if contents is None:
        return function(event)
    try:
        return function(event)
    finally:
        event.__dict__["contents"] = contents
