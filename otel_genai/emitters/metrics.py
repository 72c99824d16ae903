"""Events into measurements: one loop over a plan that is compiled once per wire name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from opentelemetry import trace
from opentelemetry.metrics import Meter

from ..bus import Handler
from ..catalog.metrics import METRICS
from ..catalog.rows import Metric, On, Read, Shape, Sources, Value, is_path, together
from ..events import Event, Operation
from .histograms import Moment, Place
from .series import Distribution, LastValues, Tally, instrument
from .traces import Traced

Labels = Callable[[Event], dict[str, Value]]
Shown = tuple[Labels, tuple[tuple[LastValues, Read], ...]]
"""Gauges that share their attributes, which are therefore read once."""
Added = Tally | Distribution
Made = Added | LastValues

SAMPLED = trace.TraceFlags.SAMPLED
SERIES_REMEMBERED = 1024
"""Per wire name: sets of values whose places are kept, for they are few."""


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
        added = [(made, on) for made, on in found if not isinstance(made, LastValues)]
        gauges = [(made, on) for made, on in found if isinstance(made, LastValues)]
        measure = measuring(Plan(added, self._shape)) if added else None
        return showing(shown(gauges, self._shape), measure) if gauges else measure


# -- counters and histograms


class Plan:
    """What is added to counters and histograms at one wire name: all that is needed is read off the event at once."""

    def __init__(self, added: Iterable[tuple[Added, On]], shape: Shape) -> None:
        members = sorted(added, key=lambda member: not is_path(member[1].reading))
        order = sorted(
            {one.reading: one for _, on in members for one in told(on.sources)}, key=lambda one: not is_path(one)
        )
        self.amounts = together(on.reading for _, on in members)
        self.read = together(order)
        self._members = tuple((made, Labelling(on.sources, shape, order)) for made, on in members)
        self._places: dict[tuple[Any, ...], list[Place | None]] = {}

    def places(self, values: tuple[Any, ...]) -> list[Place | None]:
        """Where the amounts of events with these values go, as far as that was asked before."""
        try:
            found = self._places.get(values)
        except TypeError:  # a value that cannot be remembered, such as a list
            return [None] * len(self._members)
        if found is None:
            if len(self._places) >= SERIES_REMEMBERED:
                self._places.clear()
            self._places[values] = found = [None] * len(self._members)
        return found

    def place(self, index: int, values: tuple[Any, ...]) -> Place:
        made, labels = self._members[index]
        return made.place(labels.of(values))


def told(sources: Sources) -> Sources:
    """Those whose value the event tells; the others are the same for every event."""
    return tuple(source for source in sources if source.constant is None)


def measuring(plan: Plan) -> Handler:
    """What adds to counters and histograms; `None` is no measurement."""
    amounts, read, places_of, place_of = plan.amounts, plan.read, plan.places, plan.place

    def measure(event: Event) -> None:
        moment: Moment | None = None
        for index, amount in enumerate(amounts(event)):
            if amount is None:
                continue
            if moment is None:
                moment = moment_of(event)
                values = read(event)
                places = places_of(values)
            place = places[index]
            if place is None:
                place = places[index] = place_of(index, values)
            place(amount, moment)

    return measure


def moment_of(event: Event) -> Moment:
    """Now, in the span of the operation that is measured, or that the event belongs to."""
    operation = event if isinstance(event, Operation) else event.parent
    traced = None if operation is None else operation.trace
    span, context = (traced.span, traced.context) if isinstance(traced, Traced) else (trace.get_current_span(), None)
    here = span.get_span_context()
    return Moment(time.time_ns(), here if here.trace_flags & SAMPLED else None, context)


# -- gauges


def shown(found: Iterable[tuple[LastValues, On]], shape: Shape) -> tuple[Shown, ...]:
    groups: dict[Sources, list[tuple[LastValues, Read]]] = {}
    for made, on in found:
        groups.setdefault(on.sources, []).append((made, on.read))
    return tuple((labels_of(sources, shape), tuple(reads)) for sources, reads in groups.items())


def showing(gauges: tuple[Shown, ...], measure: Handler | None) -> Handler:
    """What keeps last values, each for as long as the event says that it holds; `None` is not known any more."""

    def show(event: Event) -> None:
        if measure is not None:
            measure(event)
        fresh_ms = getattr(event, "fresh_ms", None)
        for labels, reads in gauges:
            attributes = labels(event)
            for gauge, read in reads:
                gauge.keep(read(event), attributes, fresh_ms)

    return show


# -- attributes


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
