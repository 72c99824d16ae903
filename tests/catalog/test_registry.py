"""Standard names are what the semantic conventions say: known, of the right type, with the right attributes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

import otel_genai as genai
from otel_genai import events, reference
from otel_genai.catalog import attributes
from otel_genai.catalog.metrics import METRICS
from otel_genai.catalog.rows import Attribute, Metric, On, Shape, Sources, Span
from otel_genai.catalog.spans import SPANS
from otel_genai.scope import NAMES, Scope
from otel_genai.testing import capture

REGISTRY = json.loads((Path(__file__).parent.parent / "data" / "semconv.json").read_text(encoding="utf-8"))
NEWEST = REGISTRY["attributes"]
KNOWN = NEWEST | REGISTRY["older_attributes"]
METRICS_KNOWN = REGISTRY["metrics"] | REGISTRY["older_metrics"]
STANDARD = ("gen_ai.", "http.", "url.", "server.", "client.", "network.", "error.", "user_agent.")
STANDARD += ("mcp.", "rpc.", "jsonrpc.")
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "int": int,
    "double": float,
    "boolean": bool,
    "string[]": tuple,
    "any": object,
}
EXAMPLES = {str: "x", int: 7, float: 0.5, bool: True, tuple: ("x",)}
DIFFERENT: dict[str, str] = {}
"""Names that deliberately are not as the conventions say, and why."""


def standard_attributes() -> list[Attribute]:
    rows = [value for value in vars(attributes).values() if isinstance(value, Attribute)]
    return [row for row in rows if row.name.startswith(STANDARD) or (row.latest or "").startswith(STANDARD)]


def names_of(attribute: Attribute) -> set[str]:
    names = {attribute.name, attribute.latest or attribute.name}
    return {name for name in names if name.startswith(STANDARD) and name not in DIFFERENT}


@cache
def filled(kind: type[events.Event]) -> Any:
    """An event that says something in every field."""
    event = kind()
    for name, hint in get_type_hints(kind).items():
        kinds = [get_origin(each) or each for each in (hint, *get_args(hint))]
        value = next((EXAMPLES[each] for each in kinds if each in EXAMPLES), None)
        if name in event.__dict__ and value is not None:
            event.__dict__[name] = value
    event.scope = Scope(**dict.fromkeys(NAMES, "x"))
    if isinstance(event, events.Operation):
        event.outcome, event.inner = "error", event.scope
    return event


def readings() -> Iterator[tuple[Attribute, Any]]:
    """Every attribute, as each row reads it off an event that says everything."""
    for row in SPANS:
        moments = (source for moment in row.moments for source in moment.sources)
        yield from (
            (source.attribute, source.value_of(source.read(filled(row.event))))
            for source in (*row.start, *row.end, *moments)
        )
    for on in (on for metric in METRICS for on in metric.on):
        yield from ((source.attribute, source.label_of(source.read(filled(on.event)))) for source in on.sources)


READINGS = [(attribute, value) for attribute, value in readings() if value is not None]


def is_a(value: object, type_name: str) -> bool:
    return isinstance(value, TYPES[type_name]) and (type_name != "int" or not isinstance(value, bool))


@pytest.mark.parametrize("attribute", standard_attributes(), ids=lambda row: row.name)
def test_a_standard_attribute_is_in_the_registry(attribute: Attribute) -> None:
    assert names_of(attribute) <= KNOWN.keys()


@pytest.mark.parametrize("attribute", standard_attributes(), ids=lambda row: row.name)
def test_a_standard_attribute_has_the_type_that_the_registry_says(attribute: Attribute) -> None:
    values = [value for read, value in READINGS if read == attribute]
    for name in names_of(attribute):
        assert all(is_a(value, KNOWN[name]) for value in values), f"{name} is {KNOWN[name]}, not {values}"


def test_the_latest_shape_has_no_name_that_the_newest_conventions_do_not_have() -> None:
    document = reference.document(Shape.named("latest"))
    names = {row["name"] for row in document["attributes"]}
    assert not {name for name in names if name.startswith(STANDARD)} - NEWEST.keys() - DIFFERENT.keys()
    names = {row["name"] for row in document["metrics"]}
    assert not {name for name in names if name.startswith(STANDARD)} - REGISTRY["metrics"].keys() - DIFFERENT.keys()


STANDARD_METRICS = [row for row in METRICS if row.name.startswith(STANDARD) and row.name not in DIFFERENT]


@pytest.mark.parametrize("metric", STANDARD_METRICS, ids=lambda row: row.name)
def test_a_standard_metric_has_the_instrument_unit_and_buckets_of_the_registry(metric: Metric) -> None:
    wanted = METRICS_KNOWN[metric.name]
    buckets = None if metric.buckets is None else list(metric.buckets)
    assert (metric.instrument, metric.unit, buckets) == (wanted["instrument"], wanted["unit"], wanted.get("buckets"))


# -- the latest shape, row by row

LATEST = Shape.named("latest")
WANTED = ("required", "conditionally_required", "recommended")
AT_START = {
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.agent.name",
    "gen_ai.tool.name",
    "gen_ai.tool.type",
    "server.address",
    "server.port",
}
"""What samplers may decide by, as the conventions say."""
GROUPS: dict[type[events.Event], tuple[str, ...]] = {
    events.ModelCall: ("gen_ai.client.inference", "gen_ai.embeddings.client"),
    events.Exchange: ("gen_ai.client.inference",),
    events.Retrieval: ("gen_ai.retrieval.client",),
    events.MemoryOperation: ("gen_ai.memory.client",),
    events.AgentCreation: ("gen_ai.create_agent.client",),
    events.RemoteAgent: ("gen_ai.invoke_agent.client",),
    events.McpClientOperation: ("mcp.client",),
    events.McpServerOperation: ("mcp.server",),
    events.HarnessRun: ("gen_ai.invoke_agent.internal",),
    events.ToolExecution: ("gen_ai.execute_tool.internal",),
    events.Workflow: ("gen_ai.invoke_workflow.internal",),
    events.Planning: ("gen_ai.plan.internal",),
    events.EvaluationResult: ("gen_ai.evaluation.result",),
    events.HttpRequest: ("http.server",),
}
"""The group of the registry that a span is; what has no standard name has none, and keeps its own."""
UNSAID = {
    (events.RemoteAgent, "gen_ai.request."): "how an agent elsewhere asks its models is known there",
    (events.RemoteAgent, "gen_ai.response."): "how its models answer is known there",
    (events.RemoteAgent, "gen_ai.usage."): "what it uses is counted there",
    (events.RemoteAgent, "gen_ai.output.type"): "what it is to answer with is between the two agents",
    (events.RemoteAgent, "gen_ai.data_source.id"): "what it answers from is known there",
    (events.McpClientOperation, "jsonrpc.protocol.version"): "it is always 2.0",
    (events.McpServerOperation, "jsonrpc.protocol.version"): "it is always 2.0",
    (events.ModelCall, "gen_ai.usage.text."): "no answer that is read tells texts from pictures",
    (events.ModelCall, "gen_ai.usage.image."): "no answer that is read tells pictures from texts",
    (events.ModelCall, "gen_ai.usage.audio.cache_read."): "no answer that is read says so",
    (events.Exchange, ""): "seen from outside, after the fact: only what is used is known",
    (events.ToolExecution, "gen_ai.skill."): "using a skill is an event of its own, `skill.used`",
    (events.ToolExecution, "process."): "running a process is an operation of its own, `exec.process`",
    (events.EvaluationResult, "gen_ai.evaluation.explanation"): "it may repeat what was said",
    (events.HttpRequest, "network.peer."): "the peer is `client.address`, unless a proxy is between",
    (events.HttpRequest, "network.protocol.name"): "it is HTTP",
}
"""What a span does not say although its group recommends it, by the beginning of the name, and why."""
UNMEASURED = {
    (events.RemoteAgent, "gen_ai.response.model"): "which model answers is known there",
    (None, "jsonrpc.protocol.version"): "it is always 2.0",
    (None, "openai."): "of one provider",
    (events.Exchange, "gen_ai.response.model"): "seen from outside: the model that was asked for is all that is known",
    (events.Exchange, "server."): "seen from outside: whom the agent asks is not known",
    (events.Retrieval, "gen_ai.response.model"): "what answers is a data source",
    (events.MemoryOperation, "gen_ai."): "what answers is a store",
    (events.AgentCreation, "gen_ai.response.model"): "what answers is no model",
    (events.HttpRequest, "network.protocol.name"): "it is HTTP",
}
"""The same of what a metric is read off."""


def excused(reasons: dict[Any, str], event: type[events.Event], name: str) -> bool:
    return any(kind in {None, event} and name.startswith(start) for kind, start in reasons)


def wanted(group: dict[str, Any]) -> set[str]:
    return {name for level in WANTED for name in group.get(level, ())}


def allowed(group: dict[str, Any]) -> set[str]:
    return wanted(group) | set(group.get("opt_in", ()))


def names_on(sources: Sources) -> set[str]:
    return {source.attribute.name_in(LATEST) for source in sources}


def groups_of(row: Span) -> list[dict[str, Any]]:
    return [REGISTRY["spans"][name] for name in GROUPS[row.event]]


STANDARD_SPANS = [row for row in SPANS if row.event in GROUPS and "latest" in row.shapes]
each_standard_span = pytest.mark.parametrize("row", STANDARD_SPANS, ids=lambda row: row.event.__name__)


@each_standard_span
def test_a_span_of_the_latest_shape_says_all_that_its_group_asks_for(row: Span) -> None:
    asked = set().union(*map(wanted, groups_of(row)))
    required = set().union(*(group.get("required", ()) for group in groups_of(row)))
    unsaid = asked - names_on(row.start + row.end)
    assert not {name for name in unsaid if name in required or not excused(UNSAID, row.event, name)}


@each_standard_span
def test_a_span_of_the_latest_shape_says_nothing_standard_that_its_group_does_not_know(row: Span) -> None:
    known = set().union(*map(allowed, groups_of(row)))
    assert not {name for name in names_on(row.start + row.end) if name.startswith("gen_ai.")} - known


@each_standard_span
def test_a_span_of_the_latest_shape_is_of_the_kind_that_its_group_says(row: Span) -> None:
    assert all(row.kind_in(LATEST) in group["kinds"] for group in groups_of(row))


@each_standard_span
def test_what_samplers_decide_by_is_there_from_the_start(row: Span) -> None:
    assert not names_on(row.end) & AT_START


def test_every_span_that_names_an_operation_of_the_conventions_is_in_the_table() -> None:
    rows = [row for row in SPANS if "latest" in row.shapes and "gen_ai.operation.name" in names_on(row.start + row.end)]
    assert {row.event for row in rows} <= GROUPS.keys()


def spans_of(operation: str, **fields: Any) -> set[str]:
    """The GenAI names on the span of a model call that is told all that its face takes."""
    with capture(semconv="gen_ai_latest_experimental") as captured, genai.bind(conversation="c-1", agent="ada"):
        with genai.model_call("m", provider="p", operation=operation, **fields) as call:
            call.update(input_tokens=3, response_model="m-1")
        (span,) = captured.spans
        return {name for name in span if name.startswith("gen_ai.")}


@pytest.mark.parametrize(
    ("group", "operation", "fields"),
    [
        ("gen_ai.client.inference", "chat", {"seed": 1, "top_k": 40, "stop_sequences": "END", "prompt_name": "greet"}),
        ("gen_ai.embeddings.client", "embeddings", {"dimensions": 3, "encoding_formats": ("float",)}),
    ],
)
def test_a_model_call_says_what_belongs_to_its_operation(group: str, operation: str, fields: dict[str, Any]) -> None:
    names = spans_of(operation, **fields)
    assert set(REGISTRY["spans"][group]["required"]) <= names <= allowed(REGISTRY["spans"][group])
    assert len(names) >= len(fields) + 4


LATEST_METRICS = [
    pytest.param(metric, on, id=f"{metric.name}-{on.event.__name__}")
    for metric in STANDARD_METRICS
    if "latest" in metric.shapes
    for on in metric.on
]


@pytest.mark.parametrize(("metric", "on"), LATEST_METRICS)
def test_a_metric_of_the_latest_shape_has_the_attributes_that_it_should_and_none_that_it_may_not(
    metric: Metric, on: On
) -> None:
    group, names = METRICS_KNOWN[metric.name], names_on(on.sources)
    assert set(group.get("required", ())) <= names <= allowed(group)
    assert not {name for name in wanted(group) - names if not excused(UNMEASURED, on.event, name)}


def test_every_excuse_is_needed() -> None:
    said = {row.event: names_on(row.start + row.end) for row in STANDARD_SPANS}
    asked = {row.event: set().union(*map(wanted, groups_of(row))) for row in STANDARD_SPANS}
    for event, start in UNSAID:
        assert {name for name in asked[event] - said[event] if name.startswith(start)}, f"{event.__name__} {start}"
    for kind, start in UNMEASURED:
        ons = [(metric, on) for metric, on in (each.values for each in LATEST_METRICS) if kind in {None, on.event}]
        missing = {name for metric, on in ons for name in wanted(METRICS_KNOWN[metric.name]) - names_on(on.sources)}
        assert {name for name in missing if name.startswith(start)}, f"{kind} {start}"


def test_an_exception_names_something_that_there_is() -> None:
    names = {name for row in standard_attributes() for name in (row.name, row.latest)} | {row.name for row in METRICS}
    assert DIFFERENT.keys() <= names
