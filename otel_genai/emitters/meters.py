"""The provider of our metrics: the SDK's, but that histograms are kept here and handed to its readers with the rest.

Where a reader wants what is not kept so (deltas, exponential buckets), and where exemplars are chosen otherwise, the
SDK does all of it, as it does with a provider of somebody else.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Metric,
    MetricReader,
    MetricsData,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.metrics.view import DefaultAggregation, ExplicitBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from ..catalog.rows import Metric as Row
from .histograms import Histogram
from .later import Later

EXEMPLAR_FILTER = "OTEL_METRICS_EXEMPLAR_FILTER"
TRACE_BASED = "trace_based"
Collect = Callable[..., MetricsData | None]


class Book:
    """The histograms of one meter."""

    def __init__(self, scope: InstrumentationScope) -> None:
        self.scope = scope
        self.laters: WeakSet[Later] = WeakSet()
        """Where measurements wait."""
        self._histograms: list[Histogram] = []

    def open(self, name: str, row: Row) -> Histogram:
        """A new histogram, which readers collect from now on."""
        self._histograms.append(made := Histogram(name, row))
        return made

    def collected(self, now_ns: int, after_ns: int) -> list[Metric]:
        found = (histogram.collected(now_ns, after_ns) for histogram in list(self._histograms))
        return [metric for metric in found if metric is not None]


class Meters(MeterProvider):
    """The SDK's provider, from which readers collect the histograms that are kept here, too."""

    def __init__(self, readers: Sequence[MetricReader], resource: Resource | None = None) -> None:
        super().__init__(readers, resource, shutdown_on_exit=False)
        self._books: list[Book] = []
        self._collected_ns: WeakKeyDictionary[MetricReader, int] = WeakKeyDictionary()
        self._keeps = os.environ.get(EXEMPLAR_FILTER, TRACE_BASED) == TRACE_BASED and all(map(plain, readers))
        for reader in readers:
            self._serve(reader)

    def add_metric_reader(self, metric_reader: MetricReader) -> None:
        super().add_metric_reader(metric_reader)
        self._serve(metric_reader)

    def get_meter(
        self, name: str, version: str | None = None, schema_url: str | None = None, attributes: Any = None
    ) -> Meter:
        meter = super().get_meter(name, version, schema_url, attributes)
        if self._keeps and not isinstance(meter, NoOpMeter) and meter not in _books:
            _books[meter] = book = Book(InstrumentationScope(name, version, schema_url, attributes))
            self._books.append(book)
        return meter

    def _serve(self, reader: Any) -> None:
        if self._keeps:  # the SDK has no public way to bring metrics of one's own
            reader._set_collect_callback(partial(self._collected, reader._collect))

    def _collected(self, collect: Collect, reader: MetricReader, **how: Any) -> MetricsData | None:
        """What the SDK collects for a reader, and what is kept here."""
        for later in [later for book in self._books for later in book.laters]:
            later.settle()
        data = collect(reader, **how)
        now_ns, after_ns = time.time_ns(), self._collected_ns.get(reader, 0)
        self._collected_ns[reader] = now_ns
        for book in self._books:
            if kept := book.collected(now_ns, after_ns):
                data = added(data or nothing(self._sdk_config.resource), book.scope, kept)
        return data


def plain(reader: Any) -> bool:
    """Whether a reader wants histograms as they are kept here; a reader that cannot be asked is left to the SDK."""
    temporality = of_histograms(getattr(reader, "_instrument_class_temporality", {}))
    aggregation = of_histograms(getattr(reader, "_instrument_class_aggregation", {}))
    return (
        hasattr(reader, "_collect")
        and temporality is AggregationTemporality.CUMULATIVE
        and (type(aggregation) is DefaultAggregation or type(aggregation) is ExplicitBucketHistogramAggregation)
    )


def of_histograms(by_kind: dict[type, Any]) -> Any:
    return next((said for kind, said in by_kind.items() if issubclass(kind, SdkHistogram)), None)


def nothing(resource: Resource) -> MetricsData:
    return MetricsData([ResourceMetrics(resource, [], resource.schema_url)])


def added(data: MetricsData, scope: InstrumentationScope, kept: list[Metric]) -> MetricsData:
    """The same data with these metrics among those of their scope."""
    first, *rest = data.resource_metrics
    scopes = {each.scope: each for each in first.scope_metrics}
    known = scopes.get(scope) or ScopeMetrics(scope, [], scope.schema_url or "")
    scopes[scope] = replace(known, metrics=[*known.metrics, *kept])
    return replace(data, resource_metrics=[replace(first, scope_metrics=list(scopes.values())), *rest])


def book_of(meter: Meter) -> Book | None:
    """Where the histograms of a meter are kept; `None` where the SDK keeps them."""
    return _books.get(meter)


def settled_by(meter: Meter, later: Later) -> bool:
    """Have what waits there written before a meter is collected; whether that can be known."""
    book = book_of(meter)
    if book is not None:
        book.laters.add(later)
    return book is not None


_books: WeakKeyDictionary[Meter, Book] = WeakKeyDictionary()
