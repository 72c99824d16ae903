"""What is written down a little later, several at once: done together it takes less than it takes alone.

Nothing waits for another thread: whoever adds the last of a few writes them all, and whoever reads what was recorded
has the rest written first. What is written is what an event said when it was told, for a copy of it is kept.
"""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from threading import get_ident
from typing import Any, Final
from weakref import WeakSet

from .. import guard, locks
from ..events import Event
from ..scope import Scope

MOST: Final = 48
"""How many wait at most."""
Write = Callable[[list[Any]], object]
"""Writes several down."""
LONGEST: Final = 1.0
"""Seconds that somebody waits for another thread to have written."""
PAUSE: Final = 0.001
"""Seconds between two looks at whether it has."""
PLACE: Final = "writing down what was told"
LIVE: Final = frozenset({"error", "contents", "asked", "attach", "trace"})
"""Fields of an event that hold what must not be held: frames, what was said in them, and what is current."""
MUTABLE: Final = frozenset({list, dict, set})
"""What its owner may change afterwards."""
SEVERAL: Final = re.compile(r"\b(tuple|Sequence|Mapping)\[")
"""In the type of a field."""
INNER: Final = "_inner"
"""Where an operation has the scope of what is inside of it."""
LAST: Final = len(Scope._fields) - 1


class Later:
    """What waits to be written, by each writer in the order in which it was added."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Write, Any]] = deque()
        self._writing = locks.lock()
        self._writer: int | None = None
        _all.add(self)

    def add(self, write: Write, what: Any) -> None:
        """Have this written by `write`, together with what else that writes."""
        waiting = self._waiting
        waiting.append((write, what))
        if len(waiting) >= MOST:
            self.settle(0)

    def settle(self, timeout: float = LONGEST) -> None:
        """Write all that waits. What another thread is writing is awaited, but not for ever.

        That thread may be in the user's own code (which redacts), and that may wait for a lock that is held here.
        """
        me = get_ident()
        if self._writer == me:
            if timeout:  # a signal's handler, in the middle of it
                self._take()
        elif self._free(timeout):
            with self._writing:  # the one way to take a lock that the handler of a signal cannot interrupt half way
                self._writer = me
                try:
                    self._take()
                finally:
                    self._writer = None

    def _free(self, timeout: float) -> bool:
        """Whether nobody writes, or has done so within `timeout` seconds."""
        until = time.monotonic() + timeout
        while self._writing.locked():
            if time.monotonic() >= until:
                return False
            time.sleep(PAUSE)
        return True

    def _take(self) -> None:
        waiting = self._waiting
        while waiting:
            by: dict[Write, list[Any]] = {}
            while waiting:
                write, what = waiting.popleft()
                by.setdefault(write, []).append(what)
            for write, several in by.items():
                guard.call(PLACE, write, several)

    def forked(self) -> None:
        """In the child: what waits is the parent's to write, and so is what is being written."""
        self._waiting.clear()
        self._writer = None


def remembered(event: Event) -> Any:
    """The event as it is now, whatever becomes of it, without what must not be held."""
    kind: Any = type(event)
    said = event.__dict__ | unheld(kind)
    if INNER in said:
        said[INNER] = said[INNER][:LAST]  # what comes last is the operation itself
    if not MUTABLE.isdisjoint(map(type, said.values())):
        said.update({name: said[name].copy() for name in several(kind) if type(said.get(name)) in MUTABLE})
    made = object.__new__(kind)
    made.__dict__ = said
    return made


@cache
def unheld(kind: type[Event]) -> dict[str, Any]:
    """What a class says where nothing is held."""
    return {name: getattr(kind, name) for name in LIVE if hasattr(kind, name)}


@cache
def several(kind: type[Event]) -> tuple[str, ...]:
    """The fields of a class that hold several things."""
    return tuple(field.name for field in fields(kind) if SEVERAL.search(str(field.type)))


_all: WeakSet[Later] = WeakSet()


def _forked() -> None:
    for later in list(_all):
        later.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
