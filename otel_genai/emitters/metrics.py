"""Events into measurements: one loop over a plan that is compiled once per wire name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeVar

from opentelemetry.metrics import Meter

from ..bus import Handler
from ..catalog.metrics import METRICS
from ..catalog.rows import Metric, On, Read, Shape, Sources, Value, together
from ..events import Event
from .series import Distribution, LastValues, Tally, instrument

Record = Callable[[Any, dict[str, Value]], object]
Labels = Callable[[Event], dict[str, Value]]
Group = tuple[Labels, tuple[tuple[Record, Read], ...]]
"""Measurements that share their attributes, which are therefore read once."""
Shown = tuple[Labels, tuple[tuple[LastValues, Read], ...]]
"""The same of gauges."""
Made = Tally | Distribution | LastValues
M = TypeVar("M")

SERIES_REMEMBERED = 1024
"""Per group: sets of labels that are made only once, for they are few."""


class Metrics:
    """Subscribes to the bus and records what the catalog's rows say."""

    def __init__(self, meter: Meter, shape: Shape, metrics: Iterable[Metric] = METRICS) -> None:
        self._shape = shape
        self._rows: dict[str, tuple[Made, list[On]]] = {}
        for metric in metrics:
            if metric.shapes & shape.metrics:
                self._add(meter, shape.name(metric.name), metric)

    def _add(self, meter: Meter, name: str, metric: Metric) -> None:
        """Of two rows of one name, as both shapes together have them, the first reads an event type that both read."""
        if name not in self._rows:
            self._rows[name] = (instrument(meter, name, metric), [])
        _, ons = self._rows[name]
        read = {on.event for on in ons}
        ons += [on for on in metric.on if on.event not in read]

    def handler(self, event_type: type[Event], kind: str) -> Handler | None:
        """What to do about a wire name; `None` where no metric is read off it."""
        read_off = [(made, on) for made, ons in self._rows.values() for on in ons if on.event is event_type]
        found = [(made, on) for made, on in read_off if on.applies(kind)]
        groups = self._grouped((on, recorder(made)) for made, on in found if not isinstance(made, LastValues))
        gauges = self._grouped((on, made) for made, on in found if isinstance(made, LastValues))
        if not gauges:
            return measuring(groups) if groups else None
        return showing(gauges, measuring(groups))

    def _grouped(self, found: Iterable[tuple[On, M]]) -> tuple[tuple[Labels, tuple[tuple[M, Read], ...]], ...]:
        groups: dict[Sources, list[tuple[M, Read]]] = {}
        for on, made in found:
            groups.setdefault(on.sources, []).append((made, on.read))
        return tuple((labels_of(sources, self._shape), tuple(reads)) for sources, reads in groups.items())


def recorder(made: Tally | Distribution) -> Record:
    return made.add if isinstance(made, Tally) else made.record


def measuring(groups: tuple[Group, ...]) -> Handler:
    """What adds to counters and histograms; `None` is no measurement."""

    def measure(event: Event) -> None:
        for labels, records in groups:
            attributes: dict[str, Value] | None = None
            for record, read in records:
                amount = read(event)
                if amount is None:
                    continue
                if attributes is None:
                    attributes = labels(event)
                record(amount, attributes)

    return measure


def showing(gauges: tuple[Shown, ...], measure: Handler) -> Handler:
    """What keeps last values, each for as long as the event says that it holds; `None` is not known any more."""

    def show(event: Event) -> None:
        measure(event)
        fresh_ms = getattr(event, "fresh_ms", None)
        for labels, reads in gauges:
            attributes = labels(event)
            for gauge, read in reads:
                gauge.keep(read(event), attributes, fresh_ms)

    return show


def labels_of(sources: Sources, shape: Shape) -> Labels:
    """How the attributes of a measurement are read: bounded, and without what the event does not say.

    Nobody may change what it returns: it is the same for every event that says the same.
    """
    named = tuple((source.attribute.name_in(shape), source) for source in sources)
    read = together(tuple(source for source in sources if source.constant is None))

    def made(*values: Any) -> dict[str, Value]:
        rest = iter(values)
        said = ((name, source, next(rest) if source.constant is None else source.constant) for name, source in named)
        found = ((name, source.label_of(value)) for name, source, value in said)
        return {name: value for name, value in found if value is not None}

    remembered = lru_cache(SERIES_REMEMBERED, typed=True)(made)

    def labels(event: Event) -> dict[str, Value]:
        values = read(event)
        try:
            return remembered(*values)
        except TypeError:  # a value that cannot be remembered, such as a list
            return made(*values)

    return labels
