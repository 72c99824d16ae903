import gzip
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from google.rpc.status_pb2 import Status
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import SpanFlags
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanKind, StatusCode

from otel_genai.demo.server import serve
from otel_genai.viewer import Point, Receiver, SpanEvent
from otel_genai.viewer.decode import decode_metrics, decode_traces

RESOURCE = Resource({"service.name": "gateway"})
PROTOBUF = {"content-type": "application/x-protobuf"}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver(maximum_bytes=100_000)
    with serve(receiver) as url:
        yield receiver, url


@pytest.fixture
def receiver(served: tuple[Receiver, str]) -> Receiver:
    served[0].clear()
    return served[0]


@pytest.fixture
def url(served: tuple[Receiver, str]) -> str:
    return served[1]


def traced(url: str, **options: Any) -> TracerProvider:
    provider = TracerProvider(resource=RESOURCE)
    exporter = OTLPSpanExporter(endpoint=f"{url}/v1/traces", **options)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def metered(url: str, temporality: AggregationTemporality = AggregationTemporality.CUMULATIVE) -> MeterProvider:
    exporter = OTLPMetricExporter(
        endpoint=f"{url}/v1/metrics", preferred_temporality={Counter: temporality, Histogram: temporality}
    )
    view = View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation())
    return MeterProvider([PeriodicExportingMetricReader(exporter)], resource=RESOURCE, views=[view])


def named(receiver: Receiver, name: str) -> Point:
    (point,) = [point for point in receiver.points if point.name == name]
    return point


def test_a_span_arrives_with_everything_it_was_given(receiver: Receiver, url: str) -> None:
    provider = traced(url)
    attributes: Any = {"text": "a", "yes": True, "whole": 3, "part": 0.5, "list": ["x", "y"]}
    with provider.get_tracer("agent").start_as_current_span(
        "call", kind=SpanKind.CLIENT, attributes=attributes
    ) as call:
        call.add_event("happened", {"n": 1}, timestamp=7)
        call.set_status(StatusCode.ERROR, "no luck")
    provider.shutdown()
    (span,) = receiver.spans
    assert (span.name, span.kind, span.status, span.status_message) == ("call", "CLIENT", "ERROR", "no luck")
    assert span.attributes == attributes | {"list": ("x", "y")}
    assert span.events == (SpanEvent("happened", 7, {"n": 1}),)
    assert (span.resource, span.scope) == ({"service.name": "gateway"}, "agent")
    assert span.duration_ns == span.end_ns - span.start_ns >= 0


def test_a_span_arrives_with_its_parent_and_its_links(receiver: Receiver, url: str) -> None:
    provider = traced(url)
    tracer = provider.get_tracer("agent")
    with tracer.start_as_current_span("parent") as parent:
        tracer.start_span("child", links=[Link(parent.get_span_context())]).end()
    provider.shutdown()
    child, root = receiver.spans
    assert root.trace_id == child.trace_id == f"{parent.get_span_context().trace_id:032x}"
    assert root.span_id == child.parent_id == f"{parent.get_span_context().span_id:016x}"
    assert (root.parent_id, root.status, root.links) == ("", "UNSET", ())
    assert child.links == ((root.trace_id, root.span_id),)
    assert child.flags == SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK


@pytest.mark.parametrize("compression", list(Compression))
def test_every_compression_of_the_exporter_is_read(receiver: Receiver, url: str, compression: Compression) -> None:
    provider = traced(url, compression=compression, headers={"X-Key": "1"})
    provider.get_tracer("t").start_span("packed").end()
    provider.shutdown()
    (arrival,) = receiver.requests
    assert [span.name for span in receiver.spans] == ["packed"]
    assert arrival.headers.get("content-encoding", "none") == compression.value
    assert (arrival.path, arrival.headers["x-key"]) == ("/v1/traces", "1")
    assert arrival.size == int(arrival.headers["content-length"])


def test_a_counter_arrives_as_the_latest_point_of_each_series(receiver: Receiver, url: str) -> None:
    provider = metered(url)
    counter = provider.get_meter("m").create_counter("calls", "{call}")
    for number in (1, 2):
        counter.add(number, {"model": "a"})
        counter.add(10, {"model": "b"})
        provider.force_flush()
    provider.shutdown()
    first, second = sorted(receiver.points, key=lambda point: str(point.attributes))
    assert (first.attributes, first.value, second.attributes, second.value) == ({"model": "a"}, 3, {"model": "b"}, 20)
    assert (first.kind, first.unit, first.is_monotonic, first.temporality) == ("sum", "{call}", True, "CUMULATIVE")


def test_a_histogram_arrives_with_its_buckets(receiver: Receiver, url: str) -> None:
    provider = metered(url)
    histogram = provider.get_meter("m").create_histogram("duration", "s", explicit_bucket_boundaries_advisory=[0.5, 1])
    for seconds in (0.25, 0.75, 2.0):
        histogram.record(seconds)
    provider.shutdown()
    duration = named(receiver, "duration")
    assert (duration.kind, duration.unit, duration.count, duration.sum) == ("histogram", "s", 3, 3.0)
    assert (duration.bounds, duration.counts) == ((0.5, 1.0), (1, 1, 1))
    assert (duration.minimum, duration.maximum) == (0.25, 2.0)


def test_what_can_go_down_is_no_monotonic_sum(receiver: Receiver, url: str) -> None:
    provider = metered(url)
    provider.get_meter("m").create_gauge("memory", "{MB}").set(1.5)
    provider.get_meter("m").create_up_down_counter("depth").add(-2)
    provider.shutdown()
    memory, depth = named(receiver, "memory"), named(receiver, "depth")
    assert (memory.kind, memory.value, memory.temporality) == ("gauge", 1.5, "UNSPECIFIED")
    assert (depth.kind, depth.value, depth.is_monotonic) == ("sum", -2, False)


def test_deltas_add_up(receiver: Receiver, url: str) -> None:
    provider = metered(url, AggregationTemporality.DELTA)
    counter, histogram = provider.get_meter("m").create_counter("calls"), provider.get_meter("m").create_histogram("d")
    for number in (1, 5, 3):
        counter.add(number)
        histogram.record(number)
        provider.force_flush()
    provider.shutdown()
    calls, durations = named(receiver, "calls"), named(receiver, "d")
    assert (calls.value, calls.temporality) == (9, "DELTA")
    assert (durations.count, durations.sum, durations.minimum, durations.maximum) == (3, 9, 1, 5)
    assert sum(durations.counts) == 3


def test_an_exponential_histogram_keeps_its_count_and_sum(receiver: Receiver, url: str) -> None:
    provider = metered(url)
    provider.get_meter("m").create_histogram("exponential").record(4)
    provider.shutdown()
    point = named(receiver, "exponential")
    assert (point.kind, point.count, point.sum, point.bounds) == ("histogram", 1, 4, ())


def test_a_summary_and_a_point_without_a_value_are_read() -> None:
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    metrics.add(name="old").summary.data_points.add(count=2, sum=3.0)
    metrics.add(name="gone").gauge.data_points.add(as_int=4, flags=1)
    metrics.add(name="empty")
    summary, gone = decode_metrics(request.SerializeToString())
    assert (summary.kind, summary.count, summary.sum) == ("summary", 2, 3.0)
    assert (gone.kind, gone.value) == ("gauge", None)


def test_numbers_of_a_later_protocol_do_not_break_the_reading() -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(kind=99, parent_span_id=bytes(8))
    span.attributes.add(key="none")
    span.attributes.add(key="map").value.kvlist_value.values.add(key="raw").value.bytes_value = b"\x00"
    (read,) = decode_traces(request.SerializeToString())
    assert (read.kind, read.parent_id) == ("UNSPECIFIED", "")
    assert read.attributes == {"none": None, "map": {"raw": b"\x00"}}


def test_a_log_record_arrives_as_a_mapping(receiver: Receiver, url: str) -> None:
    provider = LoggerProvider(resource=RESOURCE)
    provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(endpoint=f"{url}/v1/logs")))
    body: Any = {"said": ["a", 1]}
    context = trace.set_span_in_context(trace.NonRecordingSpan(trace.SpanContext(1, 2, is_remote=False)))
    record = LogRecord(
        timestamp=5,
        context=context,
        severity_text="WARN",
        severity_number=SeverityNumber.WARN,
        body=body,
        attributes={"k": "v"},
        event_name="it.happened",
    )
    provider.get_logger("l").emit(record)
    provider.shutdown()
    (log,) = receiver.logs
    assert (log["time_ns"], log["severity"], log["severity_number"]) == (5, "WARN", 13)
    assert (log["body"], log["attributes"], log["event_name"]) == ({"said": ("a", 1)}, {"k": "v"}, "it.happened")
    assert (log["trace_id"], log["span_id"]) == (f"{1:032x}", f"{2:016x}")
    assert (log["resource"], log["scope"]) == ({"service.name": "gateway"}, "l")


GZIP = PROTOBUF | {"content-encoding": "gzip"}
BAD_REQUESTS: dict[str, tuple[str, dict[str, str], bytes, int]] = {
    "no spans": ("/v1/traces", PROTOBUF, b"\xff\xff", 400),
    "half of a message": ("/v1/metrics", PROTOBUF, b"\x0a\x05", 400),
    "text": ("/v1/logs", PROTOBUF, b"no protobuf", 400),
    "JSON": ("/v1/traces", {"content-type": "application/json"}, b"{}", 415),
    "no type": ("/v1/traces", {}, b"", 415),
    "br": ("/v1/traces", PROTOBUF | {"content-encoding": "br"}, b"", 415),
    "no gzip": ("/v1/traces", GZIP, b"not gzip", 400),
    "gzip that is cut": ("/v1/traces", GZIP, gzip.compress(b"abc")[:-4], 400),
    "more than gzip": ("/v1/traces", GZIP, gzip.compress(b"") + b"more", 400),
    "no deflate": ("/v1/traces", PROTOBUF | {"content-encoding": "deflate"}, b"\xff\xff", 400),
    "too much in gzip": ("/v1/traces", GZIP, gzip.compress(bytes(100_001)), 413),
    "too much": ("/v1/traces", PROTOBUF, bytes(100_001), 413),
}


@pytest.mark.parametrize(("path", "headers", "body", "status"), BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_a_bad_request_is_answered_with_a_protobuf_status(
    receiver: Receiver, url: str, path: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = requests.post(url + path, data=body, headers=headers, timeout=10)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/x-protobuf"
    assert Status.FromString(answer.content).message
    assert (receiver.spans, receiver.points, receiver.logs) == ([], [], [])


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/metrics", "/v1/logs"])
def test_an_empty_export_is_accepted(receiver: Receiver, url: str, path: str) -> None:
    answer = requests.post(url + path, data=b"", headers=PROTOBUF, timeout=10)
    assert (answer.status_code, answer.content) == (200, b"")
    assert [arrival.path for arrival in receiver.requests] == [path]


def test_deflate_without_its_header_is_read_too(receiver: Receiver, url: str) -> None:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(name="raw")
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = packer.compress(request.SerializeToString()) + packer.flush()
    answer = requests.post(
        f"{url}/v1/traces", data=body, headers=PROTOBUF | {"content-encoding": "deflate"}, timeout=10
    )
    assert answer.status_code == 200
    assert [span.name for span in receiver.spans] == ["raw"]


def test_only_the_newest_are_kept() -> None:
    receiver = Receiver(limit=2)
    with serve(receiver) as url:
        tracing, metering = traced(url), metered(url)
        for number in range(4):
            tracing.get_tracer("t").start_span(f"span {number}").end()
            metering.get_meter("m").create_counter(f"counter{number}").add(1)
        tracing.shutdown()
        metering.shutdown()
    assert [span.name for span in receiver.spans] == ["span 2", "span 3"]
    assert [point.name for point in receiver.points] == ["counter2", "counter3"]
    assert len(receiver.requests) == 2


def test_waiting_ends_when_what_is_waited_for_arrives(receiver: Receiver, url: str) -> None:
    assert not receiver.wait(lambda receiver: bool(receiver.spans), timeout=0)
    provider = traced(url)
    provider.get_tracer("t").start_span("awaited").end()
    assert receiver.wait(lambda receiver: [span.name for span in receiver.spans] == ["awaited"])
    provider.shutdown()


def test_a_port_that_is_taken_is_reported(url: str) -> None:
    with pytest.raises(OSError, match="in use"), serve(Receiver(), port=int(url.rpartition(":")[2])):
        pass


def test_a_server_that_was_left_no_longer_listens() -> None:
    with serve(Receiver()) as url:
        assert requests.post(f"{url}/v1/traces", headers=PROTOBUF, timeout=10).status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{url}/v1/traces", headers=PROTOBUF, timeout=10)
