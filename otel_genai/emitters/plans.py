"""How the events of one wire name feed counters and histograms: worked out once, and followed for each event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from .. import guard
from ..catalog.rows import On, Read, Shape, Sources, Value, is_path, together
from ..events import Event
from . import histograms
from .histograms import Moment, Place
from .series import Distribution, Tally

Labels = Callable[[Event], dict[str, Value]]
"""Makes the attributes of a measurement."""
Added = Tally | Distribution

MEASURING: Final = "measuring"
SERIES_REMEMBERED: Final = 1024
"""Per plan: sets of values whose rows are kept, for they are few."""
PLANS_REMEMBERED: Final = 64
"""Per wire name."""


class Plans:
    """Which of the rows of a wire name an event is for, and the plan for those."""

    def __init__(self, added: Iterable[tuple[Added, On]], shape: Shape) -> None:
        self._added = tuple(added)
        self._shape = shape
        paths = sorted({only.path for _, on in self._added for only in on.only})
        self._paths = paths
        self._read = together(paths)
        self._plans: dict[tuple[Any, ...], Plan] = {}

    def of(self, event: Event) -> Plan:
        said = self._read(event)
        return self._plans.get(said) or self._make(said)

    def _make(self, said: tuple[Any, ...]) -> Plan:
        if len(self._plans) >= PLANS_REMEMBERED:
            self._plans.clear()
        values = dict(zip(self._paths, said, strict=True))
        fit = [(made, on) for made, on in self._added if all(only.passes(values[only.path]) for only in on.only)]
        self._plans[said] = plan = Plan(fit, self._shape)
        return plan


class Plan:
    """What is added to counters and histograms: all that is needed is read off the event at once."""

    def __init__(self, added: Iterable[tuple[Added, On]], shape: Shape) -> None:
        members = sorted(added, key=lambda member: not is_path(member[1].reading))
        order = sorted(
            {one.reading: one for _, on in members for one in told(on.sources)}, key=lambda one: not is_path(one)
        )
        self.amounts = together(on.reading for _, on in members)
        self._read = together(order)
        self._members = tuple((made, Labelling(on.sources, shape, order)) for made, on in members)
        self._rows: dict[tuple[Any, ...], Row] = {}

    def row(self, event: Event) -> Row:
        """Where the amounts of events go that say the same as this one."""
        values = self._read(event)
        try:
            found = self._rows.get(values)
        except TypeError:  # a value that cannot be remembered, such as a list
            return Row(self._members, values)
        if found is None:
            if len(self._rows) >= SERIES_REMEMBERED:
                self._rows.clear()
            self._rows[values] = found = Row(self._members, values)
        return found


class Row:
    """A place for each amount of a plan, for one set of values; made when there is an amount for it."""

    __slots__ = ("_members", "_places", "_values")

    def __init__(self, members: Sequence[tuple[Added, Labelling]], values: tuple[Any, ...]) -> None:
        self._members = members
        self._values = values
        self._places: list[Place | None] = [None] * len(members)

    def add(self, columns: Iterator[tuple[int, Sequence[Any]]], moments: Sequence[Moment]) -> bool:
        """Add the amounts of several events, place by place; where one fails, who calls goes on with those left."""
        missing: list[tuple[int, Sequence[Any]]] = []
        try:
            with histograms.adding:
                for index, amounts in columns:
                    place = self._places[index]
                    if place is not None:
                        place(amounts, moments)
                    elif amounts.count(None) < len(amounts):
                        missing.append((index, amounts))
        finally:
            for index, amounts in missing:
                guard.call(MEASURING, self._open, index, amounts, moments)
        return True

    def _open(self, index: int, amounts: Sequence[Any], moments: Sequence[Moment]) -> None:
        """Make a place, and add to it. No lock may be held: to make a label may be the user's own code."""
        made, labels = self._members[index]
        place = made.place(labels.of(self._values))
        with histograms.adding:
            place(amounts, moments)
        self._places[index] = place


def told(sources: Sources) -> Sources:
    """Those whose value the event tells; the others are the same for every event."""
    return tuple(source for source in sources if source.constant is None)


class Labelling:
    """Makes the attributes of a measurement: bounded, and without what the event does not say."""

    def __init__(self, sources: Sources, shape: Shape, order: Sequence[str | Read]) -> None:
        place = {reading: at for at, reading in enumerate(order)}
        self._named = tuple((one.attribute.name_in(shape), one, place.get(one.reading)) for one in sources)

    def of(self, values: tuple[Any, ...]) -> dict[str, Value]:
        """Those of an event of which this was read, in the order that was given."""
        said = ((name, one, one.constant if at is None else values[at]) for name, one, at in self._named)
        found = ((name, one.label_of(value)) for name, one, value in said)
        return {name: value for name, value in found if value is not None}


def labels_of(sources: Sources, shape: Shape) -> Labels:
    """How the attributes of a measurement are read off an event. Nobody may change what it returns."""
    order = [source.reading for source in told(sources)]
    read, labelling = together(order), Labelling(sources, shape, order)
    remembered = lru_cache(SERIES_REMEMBERED, typed=True)(lambda *values: labelling.of(values))

    def labels(event: Event) -> dict[str, Value]:
        values = read(event)
        try:
            return remembered(*values)
        except TypeError:  # a value that cannot be remembered, such as a list
            return labelling.of(values)

    return labels
