"""What is told of an operation before it begins or after its end, and so is lost: said in the log, once per place."""

from __future__ import annotations

import sys
from typing import Any, Final

from .. import guard
from ..bus import bus
from ..events import Operation

MOST_PLACES: Final = 256
_places: set[tuple[str, int]] = set()


def over(operation: Operation, what: str) -> bool:
    """Whether an operation has ended, so that nothing of `what` is recorded any more."""
    if operation.outcome is None:
        return False
    if bus.listening:
        say(what, operation, "is over")
    return True


def unheard(operation: Operation, what: str, entered: bool) -> bool:
    """The same, also where nobody has entered it."""
    if entered or operation.began or not bus.listening:
        return over(operation, what)
    say(what, operation, "was never entered")
    return True


def say(what: str, operation: Operation, why: str) -> None:
    """Name the line outside of this package that did it."""
    depth, frame = outside()
    place = frame.f_code.co_filename, frame.f_lineno
    if place in _places or len(_places) >= MOST_PLACES:
        return
    _places.add(place)
    kind = type(operation).__name__
    hint = f"nothing of it is recorded; call it inside of the block ({place[0]}:{place[1]})"
    guard.logger.warning("%s() of a %s that %s: %s", what, kind, why, hint, stacklevel=depth)


def outside() -> tuple[int, Any]:
    """The nearest frame of somebody else's, and how many levels it is above `say`."""
    frame: Any = sys._getframe(1)
    depth = 1
    while frame.f_back is not None and frame.f_globals.get("__package__") == __package__:
        frame, depth = frame.f_back, depth + 1
    return depth, frame
