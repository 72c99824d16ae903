"""What a subscriber may name: types of events, and patterns of their wire names; said at once where it is neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

from . import events, guard
from .events import Event


def check(function: Callable[[Event], object], what: tuple[type[Event] | str, ...]) -> None:
    """Raise `TypeError` for what no subscriber can be, and log a warning for a pattern that no wire name matches."""
    if not callable(function) or is_event_type(function):
        raise TypeError(f"subscribe() takes a function first, and {function!r:.100} is none")
    for one in what:
        if not isinstance(one, str) and not is_event_type(one):
            raise TypeError(f"subscribe() takes types of events and wire names such as 'model.*', not {one!r:.100}")
        if isinstance(one, str) and not any(fnmatchcase(kind, one) for kind in known()):
            guard.logger.warning("subscribe: %r is the wire name of no event that is known: nobody may be told", one)


def check_event(thing: object) -> None:
    """Raise `TypeError` for what cannot be published: also for a type of event, which is none itself."""
    if not isinstance(thing, Event):
        raise TypeError(f"publish() takes an event, such as MessageQueued(source='web'), not {thing!r:.100}") from None


def matches(event_type: type[Event], kind: str, wanted: type[Event] | str) -> bool:
    return fnmatchcase(kind, wanted) if isinstance(wanted, str) else issubclass(event_type, wanted)


def is_event_type(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, Event)


def known() -> Iterator[str]:
    """Every wire name of an event type that there is by now: those of programs too."""
    yield from _kinds_below(Event)
    for name in events.__all__:
        getattr(events, name)  # so that it is loaded
    yield from _kinds_below(Event)


def _kinds_below(event_type: type[Event]) -> Iterator[str]:
    yield from event_type.kinds()
    for one in event_type.__subclasses__():
        yield from _kinds_below(one)
