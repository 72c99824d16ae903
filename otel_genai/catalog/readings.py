"""How names, errors and endings are read off events of every theme, and under which conventions a row stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..events import Event, Operation
from . import attributes as a
from .rows import together

DEFAULT = frozenset({"default"})
LATEST = frozenset({"latest"})


class Words:
    """A name made of literals and `{fields}` of the event; what the event does not say is left out."""

    def __init__(self, *parts: str) -> None:
        self._parts = parts
        self.read = together(part[1:-1] for part in parts if part.startswith("{"))
        """Reads what the name is made of."""

    def of(self, values: Iterable[Any]) -> str:
        """The name, where the event says this."""
        said = iter(values)
        filled = [next(said) if part.startswith("{") else part for part in self._parts]
        return " ".join([str(value) for value in filled if value])

    def __call__(self, event: Event) -> str:
        return self.of(self.read(event))


def fraction(value: Any) -> float | None:
    """A number with a fraction, always: backends keep the type that they see first. What is no number is left out."""
    return float(value) if isinstance(value, (int, float)) else None


def failed(operation: Operation) -> str | None:
    """The class of the error: its message may echo a prompt, so it is not for everybody."""
    return (operation.error_category or "error") if operation.outcome == "error" else None


def cut_short(operation: Operation) -> str | None:
    return "cancelled" if operation.outcome == "cancelled" else None


CUT_SHORT = a.CALL_OUTCOME.of(cut_short)
