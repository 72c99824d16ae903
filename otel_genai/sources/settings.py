"""The settings of a model, as the bodies of requests have them: one row each, so that libraries differ in rows only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from .fields import Remembered, field


class Setting(NamedTuple):
    """A field of the call, where a body has it, and what it is there; of two rows for one field the later one rules."""

    field: str
    at: str
    kind: type | tuple[type, ...]
    convert: Callable[[Any], Any]
    """`None` from it is as if nothing had been said."""
    within: tuple[str, ...] = ()
    """Where what is at `at` has it."""


class Settings:
    """Reads them, each where it is of the right type: `Settings(Setting("model", "model", str, str), ...)(body)`."""

    def __init__(self, *rows: Setting) -> None:
        self._rows = rows
        self._is_known = frozenset(row.at for row in rows).__contains__
        self._at: Remembered[tuple[str, ...], list[Setting]] = Remembered(self._rows_at)

    def _rows_at(self, names: Collection[str]) -> list[Setting]:
        return [row for row in self._rows if row.at in names]

    def __call__(self, body: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for wanted, name, kind, convert, within in self._at[tuple(filter(self._is_known, body))]:
            value = body[name]
            for inner in within:
                value = field(value, inner)
            if isinstance(value, kind) and not isinstance(value, bool) and (said := convert(value)) is not None:
                found[wanted] = said
        return found


def several(words: Any) -> tuple[str, ...]:
    """A setting that is a word or a list of them."""
    return (words,) if isinstance(words, str) else tuple(map(str, words))
