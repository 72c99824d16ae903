"""Events into measurements: one loop over a plan that is compiled once per wire name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.metrics import Meter

from .. import guard
from ..catalog.metrics import METRICS
from ..catalog.rows import Metric, On, Read, Shape, Sources
from ..events import Event, Operation
from ..listeners import Handler
from .histograms import Moment
from .later import Later, remembered
from .meters import settled_by
from .plans import MEASURING, Added, Labels, Plans, Row, labels_of
from .series import LastValues, folding, instrument, tell_of_folds
from .traced import Traced

Shown = tuple[Labels, tuple[tuple[LastValues, Read], ...]]
"""Gauges that share their attributes, which are therefore read once."""
Made = Added | LastValues
Measured = tuple[Any, trace.Span, Context | None]
"""An event, its span, and the context where that is."""
Measure = Callable[[Iterable[Measured]], object]
Rows = dict[Row, tuple[list[tuple[Any, ...]], list[Moment]]]
"""What is added where: of each event its amounts, and when that was."""

SAMPLED = trace.TraceFlags.SAMPLED


class Metrics:
    """Subscribes to the bus and records what the catalog's rows say."""

    def __init__(
        self, meter: Meter, shape: Shape, metrics: Iterable[Metric] = METRICS, later: Later | None = None
    ) -> None:
        self._shape = shape
        self._later = later if later is not None and settled_by(meter, later) else None
        self.derives = self._later is not None
        """Whether it works out itself what follows from an operation, when that is written down."""
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
        gauges = [(made, on) for made, on in self._read_off(event_type, kind) if isinstance(made, LastValues)]
        measures = [one for one in (self._measure(event_type, kind), self._derive(event_type, kind)) if one is not None]
        measure = measuring(measures, self._later, event_type) if measures else None
        return showing(shown(gauges, self._shape), measure) if gauges else measure

    def _read_off(self, event_type: type[Event], kind: str) -> list[tuple[Made, On]]:
        every = ((made, on) for made, ons in self._rows.values() for on in ons)
        return [(made, on) for made, on in every if on.event is event_type and on.applies(kind)]

    def _measure(self, event_type: type[Event], kind: str) -> Measure | None:
        added = [(made, on) for made, on in self._read_off(event_type, kind) if not isinstance(made, LastValues)]
        return measurement(Plans(added, self._shape)) if added else None

    def _derive(self, event_type: type[Event], kind: str) -> Measure | None:
        """What measures what follows from such an operation, where this is its end: counters and histograms only."""
        if not self.derives or not issubclass(event_type, Operation) or kind == event_type.started_kind:
            return None
        follows = event_type.follows
        measure = None if follows is None else self._measure(follows, follows.kind)
        return None if measure is None else following(measure)


# -- counters and histograms


def measuring(measures: Sequence[Measure], later: Later | None, event_type: type[Event]) -> Handler:
    """What adds to counters and histograms, now or a little later."""

    def measure(events: Sequence[Measured]) -> None:
        for one in measures:
            one(events)

    if later is None:
        return lambda event: measure([(event, *where(event))])

    def measure_later(event: Event) -> None:
        later.add(measure, (remembered(event), where(event)[0], None))

    def measure_over(operation: Any) -> None:
        traced = operation.trace
        if isinstance(traced, Traced):
            later.add(measure, (traced.over or remembered(operation), traced.span, None))
        else:
            measure_later(operation)

    return measure_over if issubclass(event_type, Operation) else measure_later


def measurement(plans: Plans) -> Measure:
    """What adds what events say, each within its span, to counters and histograms."""

    def read(events: Iterator[Measured], rows: Rows) -> bool:
        for event, span, context in events:
            plan, here = plans.of(event), span.get_span_context()
            amounts, row = plan.amounts(event), plan.row(event)
            said, moments = rows.get(row) or rows.setdefault(row, ([], []))
            said.append(amounts)
            moments.append(Moment(event.at_ns, here if here.trace_flags & SAMPLED else None, context))
        return True

    def measure(events: Iterable[Measured]) -> None:
        rows: Rows = {}
        left = iter(events)
        while not guard.call(MEASURING, read, left, rows):
            pass  # what cannot be read costs none of the others
        for row, (said, moments) in rows.items():
            columns = enumerate(zip(*said))  # noqa: B905 (they are as many)
            while not guard.call(MEASURING, row.add, columns, moments):
                pass  # what failed costs none of the others
        if folding:
            tell_of_folds()

    return measure


def following(measure: Measure) -> Measure:
    """What has that measured which follows from operations, within their spans."""

    def follow(operations: Iterable[Measured]) -> None:
        measure(what_follows(operations))

    return follow


def what_follows(operations: Iterable[Measured]) -> Iterator[Measured]:
    """One by one, so that each is gone before the next one is made."""
    for operation, span, context in operations:
        for event in guard.call(MEASURING, tuple, operation.following()) or ():
            yield event, span, context


def where(event: Event) -> tuple[trace.Span, Context | None]:
    """The span of what is measured, or of the operation that it belongs to, and the context where that is."""
    operation = event if isinstance(event, Operation) else event.parent
    traced = None if operation is None else operation.trace
    return (traced.span, traced.context) if isinstance(traced, Traced) else (trace.get_current_span(), None)


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
