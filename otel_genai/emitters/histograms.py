"""Histograms that are kept here, because a measurement of the SDK's costs many times of what it does.

What a reader gets is what the SDK would have made of the same amounts: cumulative points with explicit buckets, and in
each bucket the last amount that was measured within a sampled span.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable
from math import inf
from threading import Lock
from typing import NamedTuple

from opentelemetry.context import Context
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import AggregationTemporality, HistogramDataPoint, Metric
from opentelemetry.sdk.metrics.export import Histogram as Points
from opentelemetry.trace import SpanContext

from ..catalog.rows import Metric as Row
from ..catalog.rows import Value

Labels = dict[str, Value]
BUCKETS = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0)
"""Those of a row that has none of its own, as in the SDK."""


class Moment(NamedTuple):
    """When something was measured, and within which span."""

    at_ns: int
    span: SpanContext | None
    """Only where it is sampled, so that it can be looked up."""
    context: Context | None
    """Where that is another than the current one."""


Place = Callable[[float, Moment], object]
"""Adds an amount to one series."""


class Series:
    """How often there was an amount of which size, for one set of attributes."""

    __slots__ = ("_of", "attributes", "counts", "exemplars", "least", "most", "since_ns", "sum")

    def __init__(self, of: Histogram, attributes: Labels) -> None:
        self._of = of
        self.attributes = attributes
        self.counts = [0] * (len(of.bounds) + 1)
        self.sum: float = 0
        self.least, self.most = inf, -inf
        self.exemplars: dict[int, tuple[float, int, SpanContext]] = {}
        self.since_ns = time.time_ns()

    def record(self, amount: float, moment: Moment) -> None:
        if not 0 <= amount < inf:
            return  # one of these would spoil the sum for good
        of = self._of
        at_ns, span, _ = moment
        with of.lock:
            bucket = bisect_left(of.bounds, amount)
            self.counts[bucket] += 1
            self.sum += amount
            if amount < self.least:
                self.least = amount
            if amount > self.most:
                self.most = amount
            if span is not None:
                self.exemplars[bucket] = (amount, at_ns, span)

    def point(self, now_ns: int, after_ns: int) -> HistogramDataPoint | None:
        """All of it, with the exemplars that are younger than `after_ns`; `None` where nothing was recorded."""
        of = self._of
        with of.lock:
            counts, total, least, most = tuple(self.counts), self.sum, self.least, self.most
            young = [one for _, one in sorted(self.exemplars.items()) if one[1] > after_ns]
        if least > most:
            return None
        exemplars = [Exemplar({}, amount, at_ns, span.span_id, span.trace_id) for amount, at_ns, span in young]
        return HistogramDataPoint(
            self.attributes, self.since_ns, now_ns, sum(counts), total, counts, of.bounds, least, most, exemplars
        )


class Histogram:
    """One metric: its row, and its series."""

    def __init__(self, name: str, row: Row) -> None:
        self._name, self._row = name, row
        self.bounds: tuple[float, ...] = BUCKETS if row.buckets is None else tuple(row.buckets)
        self.lock = Lock()
        self._series: list[Series] = []

    def place(self, attributes: Labels) -> Place:
        """Where the amounts with these attributes go; to be asked for once per set."""
        series = Series(self, attributes)
        self._series.append(series)
        return series.record

    def collected(self, now_ns: int, after_ns: int) -> Metric | None:
        """It for a reader that collected last at `after_ns`; `None` while there is nothing in it."""
        found = [series.point(now_ns, after_ns) for series in list(self._series)]
        points = Points([point for point in found if point is not None], AggregationTemporality.CUMULATIVE)
        return Metric(self._name, self._row.doc, self._row.unit, points) if points.data_points else None

    def forked(self) -> None:
        """In the child: the lock may have been held by a thread that is not there."""
        self.lock = Lock()
