"""What left an exporter, in one form for both sides, so that one can be held against the other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from opentelemetry.sdk.metrics.export import Metric as SdkMetric
from opentelemetry.sdk.metrics.export import Sum

from otel_genai.testing import Captured, CapturedSpan


@dataclass(frozen=True)
class Point:
    """One series of a metric."""

    attributes: dict[str, Any]
    measured: tuple[float, ...]
    """A counter's sum, or a histogram's count, sum, smallest and largest."""
    below: dict[float, int]
    """Of a histogram: how many measurements each boundary has below or at it."""


@dataclass(frozen=True)
class Metric:
    kind: str
    unit: str
    points: list[Point]


@dataclass(frozen=True)
class Span:
    name: str
    kind: str
    attributes: dict[str, Any]
    status: tuple[str, str]
    """`UNSET` or `ERROR`, and its message."""
    around: tuple[str, ...]
    """The names of the spans it is inside of, the innermost first."""
    duration_ms: int
    events: dict[str, dict[str, Any]]


Exported = tuple[dict[str, Metric], list[Span]]


def below(bounds: list[float], counts: list[int]) -> dict[float, int]:
    return dict(zip(bounds, accumulate(counts), strict=False))  # the last count has no boundary


def of(captured: Captured) -> Exported:
    """What left us."""
    spans = {span.span_id: span for span in captured.spans}
    return {metric.name: _metric(metric) for metric in _metrics(captured)}, [_span(s, spans) for s in spans.values()]


def _metrics(captured: Captured) -> list[SdkMetric]:
    data = captured.reader.get_metrics_data()
    assert data is not None
    return [
        metric for resource in data.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics
    ]


def _metric(metric: SdkMetric) -> Metric:
    data = metric.data
    kind = ("counter" if data.is_monotonic else "up_down_counter") if isinstance(data, Sum) else "histogram"
    return Metric(kind, metric.unit or "", [_point(point) for point in data.data_points])


def _point(point: Any) -> Point:
    attributes = dict(point.attributes)
    if not hasattr(point, "bucket_counts"):
        return Point(attributes, (point.value,), {})
    measured = (point.count, point.sum, point.min, point.max)
    return Point(attributes, measured, below(point.explicit_bounds, point.bucket_counts))


def _span(span: CapturedSpan, spans: dict[str, CapturedSpan]) -> Span:
    status = (span.status, span.status_message or "")
    duration = round((span.end_ns - span.start_ns) / 1e6)
    return Span(span.name, span.kind, span.attributes, status, _around(span, spans), duration, span.events)


def _around(span: CapturedSpan, spans: dict[str, CapturedSpan]) -> tuple[str, ...]:
    if span.parent_id is None:
        return ()
    parent = spans[span.parent_id]
    return (parent.name, *_around(parent, spans))
