"""How names, errors and endings are read off events of every theme, and under which conventions a row stands."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from ..events import Operation
from . import attributes as a
from .rows import Read

DEFAULT = frozenset({"default"})
LATEST = frozenset({"latest"})


def words(*parts: str) -> Read:
    """A name made of literals and `{fields}` of the event; what the event does not say is left out."""
    steps = tuple(attrgetter(part[1:-1]) if part.startswith("{") else None for part in parts)
    pairs = tuple(zip(parts, steps, strict=True))

    def name(event: Any) -> str:
        values = [part if read is None else read(event) for part, read in pairs]
        return " ".join([str(value) for value in values if value])

    return name


def fraction(value: Any) -> float | None:
    """A number with a fraction, always: backends keep the type that they see first. What is no number is left out."""
    return float(value) if isinstance(value, (int, float)) else None


def failed(operation: Operation) -> str | None:
    """The class of the error: its message may echo a prompt, so it is not for everybody."""
    return (operation.error_category or "error") if operation.outcome == "error" else None


def cut_short(operation: Operation) -> str | None:
    return "cancelled" if operation.outcome == "cancelled" else None


CUT_SHORT = a.CALL_OUTCOME.of(cut_short)
