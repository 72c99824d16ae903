"""Puts what observes a library's function in its place, once for as many as want it there."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from .. import locks
from ..bus import bus

Function = Callable[..., Any]
Wanted = Callable[[], bool]
Undo = Callable[[], None]
Observed = Callable[[Function, Wanted], Function]


def together(*undo: Undo) -> Undo:
    """One undo for all of them."""

    def every() -> None:
        for one in reversed(undo):
            one()

    return every


def replaced(owner: Any, name: str, observed: Observed) -> Undo:
    """Put what `observed` makes of a function in its place, unless the same was put there and still is.

    It is told what to call, and how to learn whether anybody wants to know. Returns the undo, which counts once: the
    last one puts back what was there. Where somebody has wrapped ours meanwhile it stays, and passes everything on.
    """
    with _lock:
        place = _found(owner, name, observed) or Place(owner, name, observed)
        place.users += 1
    return once(place.release)


def once(undo: Callable[[], object]) -> Undo:
    """The same undo, which counts once, whoever calls it again."""
    left = [undo]

    def undone() -> None:
        try:
            last = left.pop()
        except IndexError:
            return
        last()

    return undone


class Place:
    """Where ours stands for a function, and how many want it there."""

    __slots__ = ("_key", "_observed", "_original", "_ours", "users")

    def __init__(self, owner: Any, name: str, observed: Observed) -> None:
        self.users = 0
        self._key, self._observed = (owner, name), observed
        self._original = original = vars(owner)[name]
        self._ours = wraps(original)(observed(original, lambda: bool(self.users) and bus.listening))
        setattr(owner, name, self._ours)
        _places.append(self)

    def is_for(self, owner: Any, name: str, observed: Observed) -> bool:
        """Whether this is the place, the purpose is the same, and nobody has taken ours away."""
        if self._key[0] is not owner or self._key[1] != name or not same(self._observed, observed):
            return False
        return inspect.unwrap(vars(owner)[name], stop=lambda one: one is self._ours) is self._ours

    def release(self) -> None:
        with _lock:
            self.users -= 1
            if self.users:
                return
            _places.remove(self)
            owner, name = self._key
            if vars(owner).get(name) is self._ours:
                setattr(owner, name, self._original)


_lock = locks.reentrant()
_places: list[Place] = []


def _found(owner: Any, name: str, observed: Observed) -> Place | None:
    return next((place for place in _places if place.is_for(owner, name, observed)), None)


def same(one: object, other: object) -> bool:
    """Whether two functions do the same; two partial ones do if they are made of the same."""
    if not isinstance(one, partial) or not isinstance(other, partial):
        return one == other
    ours, theirs = (one.func, *one.args), (other.func, *other.args)
    return len(ours) == len(theirs) and all(map(same, ours, theirs)) and one.keywords == other.keywords
