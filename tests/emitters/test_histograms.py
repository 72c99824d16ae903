"""The histograms that are kept by us: a reader gets what the SDK would have made of the same amounts."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

import otel_genai as genai
from otel_genai import guard
from otel_genai.catalog.rows import Attribute, Metric, On, Shape
from otel_genai.emitters import histograms
from otel_genai.emitters.histograms import TOO_MUCH, Moment
from otel_genai.emitters.later import Later
from otel_genai.emitters.meters import EXEMPLAR_FILTER, Meters, plain
from otel_genai.emitters.metrics import Metrics
from otel_genai.emitters.series import instrument
from otel_genai.events import Event
from otel_genai.testing import Captured

ROW = Metric("test.took", "histogram", "ms", "What it took.", (), (1, 10, 100))
NOWHERE = Moment(1, None, None)


@dataclass(eq=False, kw_only=True)
class Took(Event):
    """Something took its time."""

    kind = "test.took"

    ms: float


TAKEN = (
    Metric("test.count", "counter", "1", "How often.", (On(Took, 1),)),
    Metric("test.took", "histogram", "ms", "What it took.", (On(Took, "ms"),)),
)

COUNTED = Metric("test.total", "counter", "ms", "What all took.", (On(Took, "ms"),))


def hold(held: threading.Event, done: threading.Event) -> None:
    with histograms.adding:
        held.set()
        done.wait(5)


Reader = InMemoryMetricReader


def points(reader: InMemoryMetricReader) -> list[Any]:
    return points_of(reader.get_metrics_data())


def points_of(data: Any) -> list[Any]:
    scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
    return [point for scope in scopes for metric in scope.metrics for point in metric.data.data_points]


def made(provider: MeterProvider, row: Metric = ROW) -> Any:
    return instrument(provider.get_meter("test", "1", "https://schema.example/1"), row.name, row)


def without_times(point: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(point).items() if not name.endswith("time_unix_nano")}


amounts = st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 1000) | st.sampled_from([0, 1, 10, 100])), max_size=40)


@given(amounts, st.sampled_from([None, (), (0,), (1, 10, 100)]))
def test_the_points_are_those_of_the_sdk(told: list[tuple[str, float]], buckets: tuple[float, ...] | None) -> None:
    row = Metric("test.took", "histogram", "ms", "What it took.", (), buckets)
    ours, theirs = Reader(), Reader()
    kept, recorded = made(Meters([ours]), row), made(MeterProvider([theirs], shutdown_on_exit=False), row)
    for letter, amount in told:
        kept.place({"letter": letter})([amount], [NOWHERE])
        recorded.place({"letter": letter})([amount], [NOWHERE])
    assert list(map(without_times, points(ours))) == list(map(without_times, points(theirs)))


def test_it_is_among_the_metrics_of_its_scope_as_the_sdk_says_it() -> None:
    found = []
    for provide in (lambda reader: Meters([reader]), lambda reader: MeterProvider([reader], shutdown_on_exit=False)):
        reader = Reader()
        provider = provide(reader)
        provider.get_meter("test", "1", "https://schema.example/1").create_counter("test.count").add(1)
        made(provider).place({})([3], [NOWHERE])
        data: Any = reader.get_metrics_data()
        (resource,) = data.resource_metrics
        (scope,) = resource.scope_metrics
        metrics = [(metric.name, metric.unit, type(metric.data)) for metric in scope.metrics]
        found.append((resource.schema_url, scope.scope, scope.schema_url, metrics))
    assert found[0] == found[1]


def test_a_reader_gets_them_also_where_the_sdk_has_nothing_and_one_that_comes_late_gets_all() -> None:
    early, late = Reader(), Reader()
    provider = Meters([early])
    made(provider).place({"who": "ada"})([5], [NOWHERE])
    provider.add_metric_reader(late)
    assert [point.count for point in points(early)] == [point.count for point in points(late)] == [1]
    assert points(early)[0].attributes == {"who": "ada"}


@pytest.mark.parametrize(
    "spoilt",
    [-1, float("nan"), float("inf"), float("-inf"), TOO_MUCH, 2**64, pytest.param(10**400, id="10**400"), 1e300],
)
def test_an_amount_that_is_none_leaves_no_trace(spoilt: float) -> None:
    reader = Reader()
    place = made(Meters([reader])).place({})
    place([spoilt], [NOWHERE])
    assert points(reader) == []
    place([2], [NOWHERE])
    place([spoilt], [NOWHERE])
    assert [(point.count, point.sum, point.min, point.max) for point in points(reader)] == [(1, 2, 2, 2)]


@pytest.mark.parametrize("provide", [Meters, MeterProvider])
@pytest.mark.parametrize("odd", [2**64 - 1, pytest.param(10**400, id="10**400")])
def test_an_absurd_amount_is_left_out_and_all_metrics_go_on(provide: Any, odd: int) -> None:
    reader = Reader()
    provider = provide([reader])
    handler = Metrics(provider.get_meter("test"), Shape(), (*TAKEN, COUNTED)).handler(Took, Took.kind)
    assert handler is not None
    span = TracerProvider(ALWAYS_ON, shutdown_on_exit=False).get_tracer("test").start_span("s")
    with trace.use_span(span):
        for ms in (1, odd, 2):
            handler(Took(ms=ms))
    data = reader.get_metrics_data()
    assert data is not None
    assert encode_metrics(data).ByteSize() > 0
    assert {getattr(point, "sum", None) or point.value for point in points_of(data)} == {3}
    provider.shutdown()


@pytest.mark.parametrize("odd", ["8k", [1], object(), Decimal(4), None])
@pytest.mark.parametrize("row", [ROW, COUNTED])
def test_what_is_no_number_costs_none_of_the_others_and_not_those_that_come_later(row: Metric, odd: Any) -> None:
    reader = Reader()
    place = made(Meters([reader]), row).place({})
    place([odd], [NOWHERE])
    place([1, odd, 2], [NOWHERE] * 3)
    place([0.5], [NOWHERE])
    (point,) = points(reader)
    assert (getattr(point, "sum", None) or point.value) == 3.5
    assert getattr(point, "count", 3) == 3


def test_numbers_of_other_libraries_count_also_beside_what_is_none() -> None:
    reader = Reader()
    place = made(Meters([reader])).place({})
    place([Fraction(1, 2)], [NOWHERE])
    place([Fraction(1, 2), None, "8k"], [NOWHERE] * 3)
    assert [(point.count, point.sum) for point in points(reader)] == [(2, 1)]


def refused(*_: object) -> str:
    raise ValueError("refused")


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_metric_that_fails_costs_none_of_the_others_of_the_same_event(failing: int) -> None:
    reader = Reader()
    labels = (Attribute("ms", "What it took.").of("ms", fit=refused),)
    rows = [Metric(f"test.{number}", "counter", "1", "How often.", (On(Took, 1),)) for number in range(3)]
    rows[failing] = Metric("test.broken", "counter", "1", "How often.", (On(Took, 1, labels),))
    handler = Metrics(Meters([reader]).get_meter("test"), Shape(), rows, later := Later()).handler(Took, Took.kind)
    assert handler is not None
    with guard.strict(False):
        for _ in range(2):
            handler(Took(ms=1))
            later.settle()
    assert [point.value for point in points(reader)] == [2, 2]


def test_a_place_that_fails_costs_none_of_the_others_of_the_same_event(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    handler = Metrics(provider.get_meter("test"), Shape(), (TAKEN[1], TAKEN[0], COUNTED)).handler(Took, Took.kind)
    assert handler is not None
    handler(Took(ms=1))
    monkeypatch.setattr(type(provider.get_meter("test").create_histogram("other")), "record", refused)
    with guard.strict(False):
        handler(Took(ms=2))
    assert sorted(getattr(point, "sum", None) or point.value for point in points(reader)) == [1, 2, 3]


def test_a_sum_that_has_grown_too_long_is_sent_as_another_number() -> None:
    reader = Reader()
    place = made(Meters([reader]), COUNTED).place({})
    for _ in range(3000):
        place([TOO_MUCH - 1], [NOWHERE])
    data = reader.get_metrics_data()
    assert data is not None
    (metric,) = encode_metrics(data).resource_metrics[0].scope_metrics[0].metrics
    assert metric.sum.data_points[0].as_double == pytest.approx(3000 * TOO_MUCH)


def test_threads_lose_nothing() -> None:
    reader = Reader()
    handler = Metrics(Meters([reader]).get_meter("test"), Shape(), TAKEN, Later()).handler(Took, Took.kind)
    assert handler is not None
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda ms: [handler(Took(ms=ms)) for _ in range(500)], range(8)))
    counted, took = points(reader)
    assert counted.value == 4000
    assert (took.count, took.sum, sum(took.bucket_counts)) == (4000, 500 * sum(range(8)), 4000)


def test_a_histogram_begins_when_the_first_was_measured_though_that_is_written_later() -> None:
    reader, later = Reader(), Later()
    handler = Metrics(Meters([reader]).get_meter("test"), Shape(), TAKEN[1:], later).handler(Took, Took.kind)
    assert handler is not None
    found = []
    for times in ((1000, 700, 900), (2000,)):
        for at_ns in times:
            event = Took(ms=1)
            event.at_ns = at_ns
            handler(event)
        (point,) = points(reader)
        found.append((point.start_time_unix_nano, point.count))
    assert found == [(700, 3), (700, 4)]


def test_what_was_measured_first_was_measured_after_the_beginning_of_its_histogram(captured: Captured) -> None:
    before = time.time_ns()
    for _ in range(3):
        with genai.tool("search"):
            pass
    after = time.time_ns()
    (point,) = [one for one in points(captured.reader) if hasattr(one, "bucket_counts")]
    assert before < point.start_time_unix_nano <= min(one.time_unix_nano for one in point.exemplars) < after


# -- exemplars


def test_an_exemplar_is_the_last_amount_of_its_bucket_in_a_sampled_span_and_is_told_once() -> None:
    reader = Reader()
    place = made(Meters([reader])).place({})
    span = TracerProvider(ALWAYS_ON, shutdown_on_exit=False).get_tracer("test").start_span("s").get_span_context()
    for at_ns, amount in ((2, 4), (3, 5), (4, 50)):
        place([amount], [Moment(at_ns, span, None)])
    place([7], [NOWHERE])
    exemplars = points(reader)[0].exemplars
    assert [(one.value, one.time_unix_nano, one.span_id, one.trace_id) for one in exemplars] == [
        (5, 3, span.span_id, span.trace_id),
        (50, 4, span.span_id, span.trace_id),
    ]
    assert points(reader)[0].exemplars == []


def test_the_exemplar_of_a_call_is_its_own_span(captured: Captured) -> None:
    with genai.tool("search"):
        pass
    data: Any = captured.reader.get_metrics_data()
    (scope,) = data.resource_metrics[0].scope_metrics
    (found,) = [metric for metric in scope.metrics if metric.name == "openclaw.tool.execution.duration_ms"]
    (exemplar,) = found.data.data_points[0].exemplars
    assert f"{exemplar.span_id:016x}" == captured.spans[-1].span_id


def test_what_nobody_samples_is_no_exemplar() -> None:
    with genai.testing.capture(sample_rate=0) as captured:
        with genai.tool("search"):
            pass
        found = points(captured.reader)
    assert [point.exemplars for point in found if hasattr(point, "bucket_counts")] == [[]]


# -- where the SDK does it all


def deltas() -> InMemoryMetricReader:
    return Reader({SdkHistogram: AggregationTemporality.DELTA})


def exponential() -> InMemoryMetricReader:
    return Reader(preferred_aggregation={SdkHistogram: ExponentialBucketHistogramAggregation()})


@pytest.mark.parametrize("reader", [deltas, exponential])
def test_a_reader_that_wants_something_else_gets_it_from_the_sdk(reader: Callable[[], InMemoryMetricReader]) -> None:
    theirs = reader()
    provider = Meters([Reader(), theirs])
    place = made(provider).place({"a": "b"})
    place([5], [NOWHERE])
    assert [point.count for point in points(theirs)] == [1]
    place([7], [NOWHERE])
    (point,) = points(theirs)
    assert (point.count, hasattr(point, "scale")) == ((1, False) if reader is deltas else (2, True))


def test_where_exemplars_are_chosen_otherwise_the_sdk_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EXEMPLAR_FILTER, "always_on")
    reader = Reader()
    provider = Meters([reader])
    made(provider).place({})([5], [NOWHERE])
    assert [one.value for one in points(reader)[0].exemplars] == [5]


def test_with_a_provider_of_somebody_else_the_sdk_takes_the_span_of_the_call() -> None:
    reader, tracer = Reader(), TracerProvider(ALWAYS_ON, shutdown_on_exit=False).get_tracer("test")
    span = tracer.start_span("call")
    within = trace.set_span_in_context(span, context.get_current())
    made(MeterProvider([reader], shutdown_on_exit=False)).place({})([5], [Moment(1, None, within)])
    (exemplar,) = points(reader)[0].exemplars
    assert exemplar.span_id == span.get_span_context().span_id


def test_a_reader_that_cannot_be_asked_is_left_to_the_sdk() -> None:
    assert plain(Reader())
    assert not plain(object())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_that_is_forked_in_the_middle_of_a_measurement_can_go_on() -> None:
    handler = Metrics(Meters([Reader()]).get_meter("test"), Shape(), TAKEN).handler(Took, Took.kind)
    assert handler is not None
    held, done = threading.Event(), threading.Event()
    threading.Thread(target=hold, args=(held, done)).start()
    held.wait(5)
    child = os.fork()
    if child == 0:
        handler(Took(ms=1))
        os._exit(0)
    done.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
