"""Histograms that are kept here, because a measurement of the SDK's costs many times of what it does.

What a reader gets is what the SDK would have made of the same amounts: cumulative points with explicit buckets, and in
each bucket the last amount that was measured within a sampled span.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import compress
from math import inf
from numbers import Real
from operator import attrgetter
from typing import Any, Final, NamedTuple

from opentelemetry.context import Context
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import AggregationTemporality, HistogramDataPoint, Metric
from opentelemetry.sdk.metrics.export import Histogram as Points
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanContext

from .. import locks
from ..catalog.rows import Metric as Row
from ..catalog.rows import Value

Labels = dict[str, Value]
BUCKETS = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0)
"""Those of a row that has none of its own, as in the SDK."""

TOO_MUCH: Final = 2**53
"""From here on an amount is an error: nobody has counted as many, and the exporter fails at what takes 64 bits."""
NUMBERS: Final = (int, float, Real)
"""What can be an amount: numbers of the language, and such as other libraries have."""


class Moment(NamedTuple):
    """When something was measured, and within which span."""

    at_ns: int
    span: SpanContext | None
    """Only where it is sampled, so that it can be looked up."""
    context: Context | None
    """Where that is another than the current one."""


SPAN: Final = attrgetter("span")
Amounts = Sequence[float | None]
"""What was measured several times; `None` is no measurement."""
Place = Callable[[Amounts, Sequence[Moment]], object]
"""Adds amounts to one series, each with its moment. Who calls it holds `adding`, once for all series."""

adding = locks.reentrant()
"""Held by who adds to sums and histograms, and by who reads the latter."""


class Series:
    """How often there was an amount of which size, for one set of attributes."""

    __slots__ = ("_bounds", "attributes", "counts", "exemplars", "least", "most", "since_ns", "sum")

    def __init__(self, bounds: tuple[float, ...], attributes: Labels) -> None:
        self._bounds = bounds
        self.attributes = attributes
        self.counts = [0] * (len(bounds) + 1)
        self.sum: float = 0
        self.least, self.most = inf, -inf
        self.exemplars: dict[int, tuple[float, Moment]] = {}
        """The last of each bucket that was measured within a span that can be looked up."""
        self.since_ns = 0
        """When the first of them was measured, of those that were written first."""

    def record(self, amounts: Amounts, moments: Sequence[Moment]) -> None:
        amounts, moments, total = fit(amounts, moments, 0)
        if not amounts:
            return
        if not self.since_ns:
            self.since_ns = min(moment.at_ns for moment in moments)
        buckets = list(map(partial(bisect_left, self._bounds), amounts))
        for bucket, times in Counter(buckets).items():
            self.counts[bucket] += times
        measured = zip(buckets, zip(amounts, moments))  # noqa: B905 (they are as many)
        self.exemplars.update(compress(measured, map(SPAN, moments)))
        self.sum += total
        self.least, self.most = min(self.least, min(amounts)), max(self.most, max(amounts))

    def point(self, now_ns: int, after_ns: int) -> HistogramDataPoint | None:
        """All of it, with the exemplars that are younger than `after_ns`; `None` where nothing was recorded."""
        with adding:
            counts, total, least, most = tuple(self.counts), self.sum, self.least, self.most
            young = [one for _, one in sorted(self.exemplars.items()) if one[1].at_ns > after_ns]
        if least > most:
            return None
        exemplars = [exemplar(amount, moment) for amount, moment in young]
        return HistogramDataPoint(
            self.attributes, self.since_ns, now_ns, sum(counts), total, counts, self._bounds, least, most, exemplars
        )


def exemplar(amount: float, moment: Moment) -> Exemplar:
    span = moment.span or INVALID_SPAN_CONTEXT
    return Exemplar({}, amount, moment.at_ns, span.span_id, span.trace_id)


def fit(
    amounts: Sequence[Any], moments: Sequence[Moment], least: float
) -> tuple[Sequence[float], Sequence[Moment], float]:
    """Those amounts that are at least that much, and not too much, their moments, and their sum: another spoils it."""
    try:
        if min(amounts) >= least and max(amounts) < TOO_MUCH:
            total = sum(amounts)
            if type(total) is int or (type(total) is float and total == total):
                return amounts, moments, total
    except (TypeError, ValueError):  # one of them is no measurement, or there is none
        pass
    if None in amounts:
        when = [moment for amount, moment in zip(amounts, moments, strict=True) if amount is not None]
        return fit([amount for amount in amounts if amount is not None], when, least)
    numbers = (one for one in zip(amounts, moments, strict=True) if isinstance(one[0], NUMBERS))
    found = [one for one in numbers if least <= one[0] < TOO_MUCH]
    fitting = [amount for amount, _ in found]
    return fitting, [moment for _, moment in found], sum(fitting)


class Histogram:
    """One metric: its row, and its series."""

    def __init__(self, name: str, row: Row) -> None:
        self._name, self._row = name, row
        self.bounds: tuple[float, ...] = BUCKETS if row.buckets is None else tuple(row.buckets)
        self._series: list[Series] = []

    def place(self, attributes: Labels) -> Place:
        """Where the amounts with these attributes go; to be asked for once per set."""
        series = Series(self.bounds, attributes)
        self._series.append(series)
        return series.record

    def collected(self, now_ns: int, after_ns: int) -> Metric | None:
        """It for a reader that collected last at `after_ns`; `None` while there is nothing in it."""
        found = [series.point(now_ns, after_ns) for series in list(self._series)]
        points = Points([point for point in found if point is not None], AggregationTemporality.CUMULATIVE)
        return Metric(self._name, self._row.doc, self._row.unit, points) if points.data_points else None
