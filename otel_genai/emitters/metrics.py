"""Events into measurements: one loop over a plan that is compiled once per wire name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from ..bus import Handler
from ..catalog.metrics import METRICS
from ..catalog.rows import Metric, On, Read, Shape, Sources, Value, together
from ..events import Event

Record = Callable[[Any, dict[str, Value]], object]
Labels = Callable[[Event], dict[str, Value]]
Group = tuple[Labels, tuple[tuple[Record, Read], ...]]
"""Measurements that share their attributes, which are therefore read once."""

SERIES_REMEMBERED = 1024
"""Per group: sets of labels that are made only once, for they are few."""


MOST_SERIES = 2000
"""Sets of attributes per counter, beside the one for what is over: as many as the SDK keeps of other instruments."""
OVERFLOW = (("otel.metric.overflow", True),)
"""Where everything goes that finds no place of its own, as in the SDK."""


class Metrics:
    """Subscribes to the bus and records what the catalog's rows say."""

    def __init__(self, meter: Meter, shape: Shape, metrics: Iterable[Metric] = METRICS) -> None:
        self._shape = shape
        self._rows: dict[str, tuple[Record, list[On]]] = {}
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
        groups = self._groups(event_type, kind)
        if not groups:
            return None

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

    def _groups(self, event_type: type[Event], kind: str) -> tuple[Group, ...]:
        found: dict[Sources, list[tuple[Record, Read]]] = {}
        for record, ons in self._rows.values():
            for on in ons:
                if on.event is event_type and on.applies(kind):
                    found.setdefault(on.sources, []).append((record, on.read))
        return tuple((labels_of(sources, self._shape), tuple(records)) for sources, records in found.items())


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


class Tally:
    """The sums of a counter, kept here and read at each export: an addition costs a fraction of the SDK's own."""

    def __init__(self) -> None:
        self._sums: dict[tuple[tuple[str, Value], ...], float] = {}
        self._lock = Lock()

    def add(self, amount: float, attributes: dict[str, Value]) -> None:
        series = tuple(attributes.items())
        with self._lock:
            if series not in self._sums and len(self._sums) >= MOST_SERIES:
                series = OVERFLOW
            self._sums[series] = self._sums.get(series, 0) + amount

    def observe(self, _: CallbackOptions) -> list[Observation]:
        """Every sum there is, for whoever exports."""
        with self._lock:
            sums = list(self._sums.items())
        return [Observation(amount, dict(series)) for series, amount in sums]


def instrument(meter: Meter, name: str, metric: Metric) -> Record:
    """Create a row's instrument, and give what records on it."""
    if metric.instrument == "histogram":
        buckets = metric.buckets
        return meter.create_histogram(name, metric.unit, metric.doc, explicit_bucket_boundaries_advisory=buckets).record
    tallies = _tallies.setdefault(meter, {})
    if name not in tallies:
        tallies[name] = tally = Tally()
        if metric.instrument == "counter":
            meter.create_observable_counter(name, [tally.observe], metric.unit, metric.doc)
        else:
            meter.create_observable_up_down_counter(name, [tally.observe], metric.unit, metric.doc)
    return tallies[name].add


_tallies: WeakKeyDictionary[Meter, dict[str, Tally]] = WeakKeyDictionary()
"""A meter that is connected again gives the instruments it has, which go on reading the sums they know."""
