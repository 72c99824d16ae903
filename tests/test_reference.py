"""The reference says what is so: every row and every event type, under any shape, as data and as a page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry.metrics import NoOpMeter

from otel_genai import events, reference
from otel_genai.capture import CLASSES
from otel_genai.catalog.rows import Shape
from otel_genai.catalog.spans import SPANS
from otel_genai.emitters.metrics import Metrics

SHAPES = ["default", "latest", "dup"]


class Listing(NoOpMeter):
    """A meter that notes which instruments it was asked for, and does nothing."""

    def __init__(self) -> None:
        super().__init__("listing")
        self.found: dict[str, str] = {}

    def create_histogram(self, name: str, unit: str = "", *rest: Any, **more: Any) -> Any:
        self.found[name] = unit
        return super().create_histogram(name, unit)

    def create_observable_counter(self, name: str, callbacks: Any = None, unit: str = "", *rest: Any) -> Any:
        self.found[name] = unit
        return super().create_observable_counter(name, callbacks, unit)

    create_counter = create_up_down_counter = create_gauge = create_histogram
    create_observable_up_down_counter = create_observable_gauge = create_observable_counter


def catalog(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "otel_genai", "catalog", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def one(rows: list[dict[str, Any]], **wanted: str) -> dict[str, Any]:
    (found,) = [row for row in rows if wanted.items() <= row.items()]
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_the_metrics_are_those_that_the_emitter_makes(shape: str) -> None:
    meter = Listing()
    Metrics(meter, Shape.named(shape, "acme"))
    metrics = reference.document(Shape.named(shape, "acme"))["metrics"]
    assert {metric["name"]: metric["unit"] for metric in metrics} == meter.found


@pytest.mark.parametrize("shape", SHAPES)
def test_every_span_of_the_shape_is_there_by_a_readable_name(shape: str) -> None:
    named = Shape.named(shape)
    spans = reference.document(named)["spans"]
    assert [span["event"] for span in spans] == [row.event.__name__ for row in SPANS if named.spans in row.shapes]
    assert all(re.fullmatch(r"[\w.{}:/-]+( [\w.{}:/-]+)*", span["name"]) for span in spans)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_attribute_that_is_used_is_explained_once(shape: str) -> None:
    document = reference.document(Shape.named(shape))
    explained = [attribute["name"] for attribute in document["attributes"]]
    used = {name for metric in document["metrics"] for name in metric["attributes"]}
    for span in document["spans"]:
        used |= {*span["start"], *span["end"], *(name for moment in span["moments"] for name in moment["attributes"])}
    assert used <= set(explained)
    assert len(explained) == len(set(explained))


@pytest.mark.parametrize("shape", SHAPES)
def test_what_stands_on_a_metric_is_said_to_be_allowed_there(shape: str) -> None:
    document = reference.document(Shape.named(shape))
    allowed = {attribute["name"] for attribute in document["attributes"] if attribute["label"]}
    assert {name for metric in document["metrics"] for name in metric["attributes"]} <= allowed


def test_a_metric_says_from_which_wire_names_it_is_fed() -> None:
    metric = one(reference.document(Shape())["metrics"], name="openclaw.tool.execution.duration_ms")
    assert metric["events"] == ["tool.execution.completed", "tool.execution.error"]
    assert metric["attributes"][:2] == ["openclaw.toolName", "gen_ai.tool.name"]
    assert (metric["instrument"], metric["unit"], metric["buckets"][-1]) == ("histogram", "ms", 3600000)


def test_the_latest_shape_has_the_latest_names_and_kinds() -> None:
    spans = reference.document(Shape.named("latest"))["spans"]
    assert one(spans, event="ModelCall")["name"] == "{operation} {model}"
    assert one(spans, event="ToolExecution")["name"] == "execute_tool {name}"
    assert one(spans, event="HttpRequest")["name"] == "{method} {route}"
    assert one(spans, event="Planning")["name"] == "plan {scope.agent}"
    assert "gen_ai.provider.name" in one(spans, event="ModelCall")["start"]
    assert not [span for span in spans if span["event"] == "ModelUsage"]


def test_an_attribute_that_no_metric_or_span_of_the_shape_has_is_not_listed() -> None:
    default, latest = (
        {attribute["name"] for attribute in reference.document(Shape.named(shape))["attributes"]}
        for shape in ("default", "latest")
    )
    assert {"gen_ai.system", "gen_ai.token.type"} <= default - latest


def test_namespaces_replace_the_vendor_prefixes_everywhere() -> None:
    text = json.dumps(reference.document(Shape.named("dup", "acme", "agents")))
    assert '"acme.tokens"' in text
    assert '"openclaw.' not in text
    assert '"nora.' not in text


def test_every_event_type_is_there_with_its_names_and_fields() -> None:
    described = {event["class"]: event for event in reference.document(Shape())["events"]}
    classes = [getattr(events, name) for name in events.__all__]
    happening = {kind.__name__ for kind in classes if hasattr(kind, "kinds") and any(kind.kinds())}
    assert described.keys() == happening | {"Event", "Operation"}
    tool = described["ToolExecution"]
    assert tool["names"] == list(events.ToolExecution.kinds())
    assert one(tool["fields"], name="type") == {
        "name": "type",
        "type": "str | None",
        "doc": "`function`, `extension`, `datastore`.",
    }
    assert "duration_ns" in {field["name"] for field in described["Operation"]["fields"]}
    assert "duration_ns" not in {field["name"] for field in tool["fields"]}


def test_a_page_has_every_name_of_the_document() -> None:
    document = reference.document(Shape())
    page = reference.markdown(document)
    for metric in document["metrics"]:
        assert f"| `{metric['name']}` |" in page
    for span in document["spans"]:
        assert f"### `{span['name']}`" in page
    for name in (name for event in document["events"] for name in event["names"]):
        assert f"`{name}`" in page


def test_a_bar_or_a_line_break_does_not_break_a_table() -> None:
    assert reference.table(("a", "b"), [("x | y", "one\ntwo")]) == "| a | b |\n| --- | --- |\n| x \\| y | one two |"


def test_the_command_prints_the_names_of_a_configuration() -> None:
    shape = Shape.named("dup", "acme", "agents")
    names = ["--semconv", "gen_ai_latest_experimental/dup", "--namespace", "acme", "--agent-namespace", "agents"]
    result = catalog("--format", "json", *names)
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout) == reference.document(shape)


def test_the_command_prints_a_page_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_SEMCONV_STABILITY_OPT_IN", raising=False)
    assert catalog().stdout == reference.markdown(reference.document(Shape())) + "\n"


def test_the_command_follows_the_environment_as_configure_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental")
    assert "### `execute_tool {name}`" in catalog().stdout


def test_a_shape_that_there_is_not_is_refused_in_one_line() -> None:
    result = catalog("--semconv", "newest")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("semconv='newest': expected")
    assert result.stderr.count("\n") == 1


def test_whoever_reads_only_the_beginning_sees_no_error() -> None:
    command = [sys.executable, "-m", "otel_genai", "catalog", "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


@pytest.mark.parametrize("shape", ["default", "latest"])
def test_a_page_has_the_classes_of_content_and_the_log_records(shape: str) -> None:
    document = reference.document(Shape.named(shape, "acme"))
    page = reference.markdown(document)
    assert {each["class"] for each in document["content"]} == set(CLASSES)
    assert {log["event"] for log in document["logs"]} == {"LogRecord", "SecurityEvent"}
    for each in (*document["content"], *document["logs"]):
        assert all(f"`{name}`" in page for name in each["attributes"])
    assert "`acme.content.tool_input`" in page
    assert "`gen_ai.client.inference.operation.details`" in page
    assert one(document["logs"], event="LogRecord")["texts"] == ["exception.stacktrace"]
