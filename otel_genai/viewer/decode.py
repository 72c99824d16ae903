"""OTLP export requests, turned into plain data: no protobuf message leaves this module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

Attributes: TypeAlias = dict[str, Any]
"""Strings, booleans, numbers and bytes as they are; arrays as tuples, as the SDK itself holds them; maps as dicts."""

Log: TypeAlias = dict[str, Any]
"""Keys: time_ns, observed_ns, severity, severity_number, event_name, body, attributes, trace_id, span_id, flags,
resource, scope."""

SPAN_KINDS = {number: name.removeprefix("SPAN_KIND_") for name, number in trace_pb2.Span.SpanKind.items()}
STATUSES = {number: name.removeprefix("STATUS_CODE_") for name, number in trace_pb2.Status.StatusCode.items()}
TEMPORALITIES = {
    number: name.removeprefix("AGGREGATION_TEMPORALITY_") for name, number in metrics_pb2.AggregationTemporality.items()
}
POINT_KINDS = {"exponential_histogram": "histogram"}
NO_RECORDED_VALUE = metrics_pb2.DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened at one moment of a span."""

    name: str
    time_ns: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Span:
    """A finished span. Ids are lower-case hex; `parent_id` is empty for a root; times are nanoseconds since 1970."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: str
    start_ns: int
    end_ns: int
    attributes: Attributes
    status: str
    status_message: str
    events: tuple[SpanEvent, ...]
    links: tuple[tuple[str, str], ...]
    flags: int
    tracestate: str
    resource: Attributes
    scope: str

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns


@dataclass(frozen=True, slots=True)
class Point:
    """One series of a metric. `value` is set on a sum or gauge; `count`, `sum` and buckets on a histogram.

    An exponential histogram is a histogram whose buckets are not kept, a summary one whose quantiles are not.
    """

    name: str
    kind: str
    unit: str
    attributes: Attributes
    resource: Attributes
    scope: str
    start_ns: int
    time_ns: int
    temporality: str = "UNSPECIFIED"
    is_monotonic: bool = False
    value: int | float | None = None
    count: int | None = None
    sum: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    bounds: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()

    @property
    def series(self) -> str:
        """What tells this series from every other one: two points with the same text belong together."""
        attributes, resource = sorted(self.attributes.items()), sorted(self.resource.items())
        return repr((self.name, self.kind, self.scope, attributes, resource))

    def after(self, earlier: Point) -> Point:
        """This point as the total so far: a delta adds to what came before it, anything else already is the total."""
        if self.temporality != "DELTA" or self.bounds != earlier.bounds:
            return self
        return replace(
            self,
            start_ns=earlier.start_ns,
            value=_either(sum, self.value, earlier.value),
            count=_either(sum, self.count, earlier.count),
            sum=_either(sum, self.sum, earlier.sum),
            minimum=_either(min, self.minimum, earlier.minimum),
            maximum=_either(max, self.maximum, earlier.maximum),
            counts=tuple(map(int.__add__, self.counts, earlier.counts)),
        )


def decode_traces(body: bytes) -> list[Span]:
    """The spans of an `ExportTraceServiceRequest`. Raises `google.protobuf.message.DecodeError`."""
    request = ExportTraceServiceRequest.FromString(body)
    return [
        _span(span, resource, scoped.scope.name)
        for group in request.resource_spans
        for resource in [_attributes(group.resource.attributes)]
        for scoped in group.scope_spans
        for span in scoped.spans
    ]


def decode_metrics(body: bytes) -> list[Point]:
    """The points of an `ExportMetricsServiceRequest`. Raises `google.protobuf.message.DecodeError`."""
    request = ExportMetricsServiceRequest.FromString(body)
    return [
        point
        for group in request.resource_metrics
        for resource in [_attributes(group.resource.attributes)]
        for scoped in group.scope_metrics
        for metric in scoped.metrics
        for point in _points(metric, resource, scoped.scope.name)
    ]


def decode_logs(body: bytes) -> list[Log]:
    """The records of an `ExportLogsServiceRequest`. Raises `google.protobuf.message.DecodeError`."""
    request = ExportLogsServiceRequest.FromString(body)
    return [
        _log(record, resource, scoped.scope.name)
        for group in request.resource_logs
        for resource in [_attributes(group.resource.attributes)]
        for scoped in group.scope_logs
        for record in scoped.log_records
    ]


def _span(span: trace_pb2.Span, resource: Attributes, scope: str) -> Span:
    return Span(
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() if any(span.parent_span_id) else "",
        kind=SPAN_KINDS.get(span.kind, "UNSPECIFIED"),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        status=STATUSES.get(span.status.code, "UNSET"),
        status_message=span.status.message,
        events=tuple(SpanEvent(it.name, it.time_unix_nano, _attributes(it.attributes)) for it in span.events),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        flags=span.flags,
        tracestate=span.trace_state,
        resource=resource,
        scope=scope,
    )


def _points(metric: metrics_pb2.Metric, resource: Attributes, scope: str) -> Iterator[Point]:
    shape = metric.WhichOneof("data")
    if shape is None:
        return
    data: Any = getattr(metric, shape)
    read = _number if shape in ("sum", "gauge") else _distribution
    for point in data.data_points:
        yield Point(
            name=metric.name,
            kind=POINT_KINDS.get(shape, shape),
            unit=metric.unit,
            attributes=_attributes(point.attributes),
            resource=resource,
            scope=scope,
            start_ns=point.start_time_unix_nano,
            time_ns=point.time_unix_nano,
            temporality=TEMPORALITIES.get(getattr(data, "aggregation_temporality", 0), "UNSPECIFIED"),
            is_monotonic=getattr(data, "is_monotonic", False),
            **({} if point.flags & NO_RECORDED_VALUE else read(point)),
        )


def _number(point: metrics_pb2.NumberDataPoint) -> dict[str, Any]:
    which = point.WhichOneof("value")
    return {"value": getattr(point, which) if which else None}


def _distribution(point: Any) -> dict[str, Any]:
    """What a histogram, an exponential histogram and a summary have in common, and the buckets of the first."""
    fields = point.DESCRIPTOR.fields_by_name
    given = {
        name: getattr(point, wire)
        for name, wire in (("sum", "sum"), ("minimum", "min"), ("maximum", "max"))
        if wire in fields and (not fields[wire].has_presence or point.HasField(wire))
    }
    bounds, counts = getattr(point, "explicit_bounds", ()), getattr(point, "bucket_counts", ())
    return {"count": point.count, "bounds": tuple(bounds), "counts": tuple(counts), **given}


def _log(record: LogRecord, resource: Attributes, scope: str) -> Log:
    return {
        "time_ns": record.time_unix_nano,
        "observed_ns": record.observed_time_unix_nano,
        "severity": record.severity_text,
        "severity_number": int(record.severity_number),
        "event_name": record.event_name,
        "body": _value(record.body),
        "attributes": _attributes(record.attributes),
        "trace_id": record.trace_id.hex(),
        "span_id": record.span_id.hex(),
        "flags": record.flags,
        "resource": resource,
        "scope": scope,
    }


def _attributes(pairs: Iterable[KeyValue]) -> Attributes:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    which = value.WhichOneof("value")
    if which is None or which == "string_value_strindex":
        return None
    if which == "array_value":
        return tuple(map(_value, value.array_value.values))
    if which == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return getattr(value, which)


def _either(combine: Any, *numbers: Any) -> Any:
    """Combines what was observed; None when nothing was."""
    observed = [number for number in numbers if number is not None]
    return combine(observed) if observed else None
