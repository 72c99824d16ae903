"""The catalog as a table: every row can be read off its event, is bounded where it must be, and is named once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import otel_genai
from otel_genai import events
from otel_genai.capture import CLASSES
from otel_genai.catalog import attributes
from otel_genai.catalog.content import NAMES, ON
from otel_genai.catalog.logs import LOGS, SEVERITIES
from otel_genai.catalog.metrics import METRICS
from otel_genai.catalog.rows import Attribute, LogEvent, Metric, On, Shape, Source, Span
from otel_genai.catalog.spans import SPANS

UNITS = {"s", "ms", "By", "1", "{token}", "{request}", "{failure}", "{USD}"}
UNITS |= {"{inference_call}", "{tool_call}", "{call}", "{measurement}"}
UNITS |= {"%", "{MB}", "{cpu}", "{fault}", "{container}", "{poll}", "{error}"}
ATTRIBUTES = [value for value in vars(attributes).values() if isinstance(value, Attribute)]
EVENT_TYPES = [
    kind
    for kind in (getattr(events, name) for name in events.__all__)
    if isinstance(kind, type) and issubclass(kind, events.Event) and kind not in {events.Event, events.Operation}
]
# The names of the two documents and of the HTTP conventions, for the events that there are.
METRIC_NAMES = {
    "http.server.request.duration": ("histogram", "s"),
    "http.server.active_requests": ("up_down_counter", "{request}"),
    "http.server.request.body.size": ("histogram", "By"),
    "http.server.response.body.size": ("histogram", "By"),
    "openclaw.tokens": ("counter", "1"),
    "openclaw.cost.usd": ("counter", "1"),
    "nora.agent.cost.usd": ("counter", "{USD}"),
    "openclaw.run.duration_ms": ("histogram", "ms"),
    "openclaw.context.tokens": ("histogram", "1"),
    "gen_ai.client.token.usage": ("histogram", "{token}"),
    "gen_ai.client.operation.duration": ("histogram", "s"),
    "openclaw.model_call.duration_ms": ("histogram", "ms"),
    "openclaw.model_call.request_bytes": ("histogram", "By"),
    "openclaw.model_call.response_bytes": ("histogram", "By"),
    "openclaw.model_call.time_to_first_byte_ms": ("histogram", "ms"),
    "openclaw.harness.duration_ms": ("histogram", "ms"),
    "openclaw.tool.execution.duration_ms": ("histogram", "ms"),
    "openclaw.tool.execution.blocked": ("counter", "1"),
    "openclaw.exec.duration_ms": ("histogram", "ms"),
    "openclaw.skill.used": ("counter", "1"),
    "openclaw.model.failover": ("counter", "1"),
    "openclaw.tool.loop": ("counter", "1"),
    "openclaw.tool.loop.iterations": ("counter", "1"),
    "openclaw.tool.loop.duration_ms": ("histogram", "ms"),
    "openclaw.message.queued": ("counter", "1"),
    "openclaw.webhook.received": ("counter", "1"),
    "openclaw.webhook.error": ("counter", "1"),
    "openclaw.webhook.duration_ms": ("histogram", "ms"),
    "openclaw.message.received": ("counter", "1"),
    "openclaw.message.dispatch.started": ("counter", "1"),
    "openclaw.message.dispatch.completed": ("counter", "1"),
    "openclaw.message.dispatch.duration_ms": ("histogram", "ms"),
    "openclaw.message.processed": ("counter", "1"),
    "openclaw.message.duration_ms": ("histogram", "ms"),
    "openclaw.message.delivery.started": ("counter", "1"),
    "openclaw.message.delivery.duration_ms": ("histogram", "ms"),
    "openclaw.talk.event": ("counter", "1"),
    "openclaw.talk.event.duration_ms": ("histogram", "ms"),
    "openclaw.talk.audio.bytes": ("histogram", "By"),
    "openclaw.payload.large": ("counter", "1"),
    "openclaw.payload.large_bytes": ("histogram", "By"),
    "openclaw.queue.depth": ("histogram", "1"),
    "openclaw.queue.lane.enqueue": ("counter", "1"),
    "openclaw.queue.lane.dequeue": ("counter", "1"),
    "openclaw.queue.wait_ms": ("histogram", "ms"),
    "openclaw.session.state": ("counter", "1"),
    "openclaw.session.turn.created": ("counter", "1"),
    "openclaw.session.stuck": ("counter", "1"),
    "openclaw.session.stuck_age_ms": ("histogram", "ms"),
    "openclaw.session.recovery.requested": ("counter", "1"),
    "openclaw.session.recovery.completed": ("counter", "1"),
    "openclaw.session.recovery.age_ms": ("histogram", "ms"),
    "openclaw.run.attempt": ("counter", "1"),
    "openclaw.memory.rss_bytes": ("histogram", "By"),
    "openclaw.memory.heap_used_bytes": ("histogram", "By"),
    "openclaw.memory.heap_total_bytes": ("histogram", "By"),
    "openclaw.memory.external_bytes": ("histogram", "By"),
    "openclaw.memory.array_buffers_bytes": ("histogram", "By"),
    "openclaw.memory.pressure": ("counter", "1"),
    "openclaw.liveness.warning": ("counter", "1"),
    "openclaw.liveness.event_loop_delay_p99_ms": ("histogram", "ms"),
    "openclaw.liveness.event_loop_delay_max_ms": ("histogram", "ms"),
    "openclaw.liveness.event_loop_utilization": ("histogram", "1"),
    "openclaw.liveness.cpu_core_ratio": ("histogram", "1"),
    "openclaw.diagnostic.async_queue.dropped": ("counter", "1"),
    "openclaw.telemetry.exporter.events": ("counter", "1"),
    "nora.agent.cpu.percent": ("gauge", "%"),
    "nora.agent.memory.percent": ("gauge", "%"),
    "nora.agent.memory.usage": ("gauge", "{MB}"),
}
LATEST_NAMES = {
    "gen_ai.client.inference.duration": ("histogram", "s"),
    "gen_ai.client.inference.time_to_first_chunk": ("histogram", "s"),
    "gen_ai.client.inference.time_per_output_chunk": ("histogram", "s"),
    "gen_ai.client.inference.usage.input_tokens": ("counter", "{token}"),
    "gen_ai.client.inference.usage.output_tokens": ("counter", "{token}"),
    "gen_ai.client.inference.usage.cache_read.input_tokens": ("counter", "{token}"),
    "gen_ai.client.inference.usage.cache_write.input_tokens": ("counter", "{token}"),
    "gen_ai.client.inference.usage.reasoning.output_tokens": ("counter", "{token}"),
    "gen_ai.client.inference.operation.input_tokens": ("histogram", "{token}"),
    "gen_ai.client.inference.operation.output_tokens": ("histogram", "{token}"),
    "gen_ai.client.operation.duration": ("histogram", "s"),
    "gen_ai.invoke_agent.duration": ("histogram", "s"),
    "gen_ai.invoke_agent.inference_calls": ("histogram", "{inference_call}"),
    "gen_ai.invoke_agent.tool_calls": ("histogram", "{tool_call}"),
    "gen_ai.invoke_workflow.duration": ("histogram", "s"),
    "gen_ai.execute_tool.duration": ("histogram", "s"),
}

# The reference system tells these to subscribers and exports nothing of them: a session that takes long is no fault,
# of one that is stuck or recovered there are metrics, and progress is far too frequent.
ONLY_FOR_SUBSCRIBERS = {events.SessionLongRunning, events.SessionStalled, events.RunProgress}


def ons() -> Iterator[tuple[Metric, On]]:
    for metric in METRICS:
        for on in metric.on:
            yield metric, on


def sources_of(row: Span) -> tuple[Source, ...]:
    return row.start + row.end + tuple(source for moment in row.moments for source in moment.sources)


def example(kind: type[events.Event]) -> events.Event:
    event = kind()
    if isinstance(event, events.Operation):
        event.outcome, event.duration_ns = "completed", 1
    return event


@pytest.mark.parametrize(("metric", "on"), list(ons()), ids=lambda value: getattr(value, "name", ""))
def test_every_metric_can_be_read_off_its_event(metric: Metric, on: On) -> None:
    event = example(on.event)
    amount = on.read(event)
    assert amount is None or isinstance(amount, (int, float))
    assert all(isinstance(source.label_of(source.read(event)), (str, bool, int, type(None))) for source in on.sources)
    assert set(on.kinds) <= set(on.event.kinds())


@pytest.mark.parametrize("row", SPANS, ids=lambda row: row.event.__name__)
def test_every_span_can_be_read_off_its_event(row: Span) -> None:
    event = example(row.event)
    for source in sources_of(row):
        assert isinstance(source.value_of(source.read(event)), (str, bool, int, float, tuple, type(None)))
    for shape in (Shape.named("default"), Shape.named("latest")):
        name = row.name_in(shape)
        assert name(event) if callable(name) else name


@pytest.mark.parametrize("row", LOGS, ids=lambda row: row.event.__name__)
def test_every_log_record_can_be_read_off_its_event(row: LogEvent) -> None:
    event = example(row.event)
    for source in (*row.sources, *row.texts):
        assert isinstance(source.value_of(source.read(event)), (str, bool, int, float, tuple, type(None)))
        assert not source.attribute.label_allowed
    assert row.severity(event) in SEVERITIES
    assert row.said(event) is None or row.event is events.LogRecord


def test_every_class_of_content_stands_under_its_standard_and_its_documented_name() -> None:
    assert set(NAMES) == set(CLASSES) == {name for names in ON.values() for name in names}
    for names in NAMES.values():
        standard, documented = (attribute.name for attribute in names)
        assert standard.startswith("gen_ai.")
        assert documented.startswith("openclaw.content.")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_has_a_unit_a_meaning_and_rising_buckets(metric: Metric) -> None:
    assert metric.unit in UNITS
    assert metric.doc.endswith(".")
    if metric.buckets is not None:
        assert metric.instrument == "histogram"
        assert list(metric.buckets) == sorted(set(metric.buckets))


@pytest.mark.parametrize(("metric", "on"), list(ons()), ids=lambda value: getattr(value, "name", ""))
def test_of_which_events_a_row_is_for_is_said_by_a_field_of_theirs(metric: Metric, on: On) -> None:
    for only in on.only:
        assert hasattr(on.event, only.path), f"{on.event.__name__} has no {only.path}, which {metric.name} goes by"
    assert not on.only or metric.instrument != "gauge", "a gauge is for every event of its type"


def test_what_follows_from_an_operation_is_added_up_and_never_a_gauge() -> None:
    following = {kind.follows for kind in EVENT_TYPES if issubclass(kind, events.Operation)} - {None}
    read_off = [metric for metric, on in ons() if on.event in following]
    assert {metric.instrument for metric in read_off} == {"counter", "histogram"}, "the emitter derives only these"


@pytest.mark.parametrize(("metric", "on"), list(ons()), ids=lambda value: getattr(value, "name", ""))
def test_what_names_a_person_or_a_request_is_never_a_label(metric: Metric, on: On) -> None:
    for source in on.sources:
        assert source.attribute.label_allowed, f"{source.attribute.name} on {metric.name}"
        assert not re.search(r"session|user|conversation|request_id|call\.id|response\.id", source.attribute.name)


@pytest.mark.parametrize(
    "attribute", [a for a in ATTRIBUTES if not isinstance(a, attributes.Template)], ids=lambda attribute: attribute.name
)
def test_a_label_is_bounded_whatever_it_is_made_of(attribute: Attribute) -> None:
    for hostile in ("agent:main:telegram:dm:42", "x" * 121, "free text", "", "a\nb", "ünïcode"):
        assert attribute.label(hostile) == attribute.fallback
    assert attribute.label("openai/gpt-5.5") == "openai/gpt-5.5"
    assert attribute.doc.endswith(".")


@pytest.mark.parametrize("shape", ["default", "latest"])
def test_metric_names_and_span_rows_are_there_once_per_shape(shape: str) -> None:
    names = [metric.name for metric in METRICS if shape in metric.shapes]
    assert len(names) == len(set(names))
    rows = [row.event for row in SPANS if shape in row.shapes]
    assert len(rows) == len(set(rows))


def test_attribute_rows_are_unique() -> None:
    names = [attribute.name for attribute in ATTRIBUTES if attribute.latest is None]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("names", "shape"), [(METRIC_NAMES, "default"), (LATEST_NAMES, "latest")])
def test_the_documented_metrics_have_the_documented_kind_and_unit(
    names: dict[str, tuple[str, str]], shape: str
) -> None:
    ours = {metric.name: (metric.instrument, metric.unit) for metric in METRICS if shape in metric.shapes}
    assert {name: ours.get(name) for name in names} == names


@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.__name__)
def test_every_event_type_is_exported_and_explained(kind: type[events.Event]) -> None:
    exported = any(row.event is kind for row in (*SPANS, *LOGS)) or any(on.event is kind for _, on in ons())
    assert exported is (kind not in ONLY_FOR_SUBSCRIBERS)
    assert kind.__doc__
    assert all(re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", name) for name in kind.kinds())


def test_wire_names_of_events_belong_to_one_type_each() -> None:
    names = [name for kind in EVENT_TYPES for name in kind.kinds()]
    assert len(names) == len(set(names))


def test_names_are_spelled_in_the_catalog_and_nowhere_else() -> None:
    package = Path(otel_genai.__file__).parent
    spelled = re.compile(r'"(openclaw|nora|gen_ai)\.[a-zA-Z_.]+"')
    allowed = {package / "demo" / "checks.py"}
    for path in package.rglob("*.py"):
        if "catalog" not in path.parts and path not in allowed:
            assert not spelled.search(path.read_text(encoding="utf-8")), path.name


def test_a_namespace_replaces_the_vendor_prefixes_and_no_standard_name() -> None:
    shape = Shape.named("default", "acme", "agents")
    assert shape.name("openclaw.tokens") == "acme.tokens"
    assert shape.name("nora.agent.id") == "agents.agent.id"
    assert shape.name("gen_ai.client.token.usage") == "gen_ai.client.token.usage"
    assert shape.name("http.route") == "http.route"
