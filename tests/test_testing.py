"""The fixture `captured`, as the tests of somebody's program use it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import otel_genai as genai
from otel_genai import pipeline
from otel_genai.demo.server import serve
from otel_genai.testing import Captured, capture
from otel_genai.viewer import Receiver


def work(name: str = "planner") -> None:
    with genai.agent(name), genai.tool("search"):
        pass


# -- what it has


def test_it_has_spans_points_and_events(captured: Captured) -> None:
    work()
    tool = captured.span("openclaw.tool.execution")
    parent = captured.parent(tool)
    assert tool["gen_ai.tool.name"] == "search"
    assert parent is not None
    assert parent.name == "openclaw.harness.run"
    (point,) = captured.points("openclaw.harness.duration_ms")
    assert point.count == 1
    assert [event.kind for event in captured.events] == ["tool.execution.completed", "harness.run.completed"]


def test_a_span_that_is_not_there_names_those_that_are(captured: Captured) -> None:
    work()
    with pytest.raises(AssertionError, match=r"0 spans are called 'nothing'; there are \['openclaw.tool.execution'"):
        captured.span("nothing")


def test_clear_forgets_spans_and_events(captured: Captured) -> None:
    work()
    captured.clear()
    assert (captured.spans, captured.events) == ([], [])


def test_an_event_that_takes_no_time_is_kept_as_it_is(captured: Captured) -> None:
    event = genai.events.MessageQueued(source="test")
    genai.publish(event)
    assert captured.events == [event]


@pytest.mark.parametrize(
    ("options", "span"),
    [
        ({"semconv": "gen_ai_latest_experimental"}, "invoke_agent planner"),
        ({"namespace": "acme"}, "acme.harness.run"),
    ],
)
def test_a_block_takes_the_options_of_configure(options: dict[str, str], span: str) -> None:
    with capture(**options) as captured:
        work()
    assert captured.span(span)


# -- whom it does not disturb


def test_one_capture_after_another_sees_its_own_only() -> None:
    with capture() as first:
        work("first")
    work("between")
    with capture() as second:
        work("second")
    for captured, name in ((first, "first"), (second, "second")):
        assert captured.span("openclaw.harness.run")["openclaw.harness.id"] == name
        assert len(captured.events) == 2


def test_nothing_is_left_when_it_is_over() -> None:
    before = pipeline.bus._listeners
    with capture():
        assert pipeline.bus.listening
    assert pipeline.bus._listeners == before
    assert genai.headers() == {}


def test_who_listened_before_listens_again_and_who_came_inside_is_told_nothing_afterwards() -> None:
    before: list[object] = []
    inside: list[object] = []
    undo = genai.subscribe(before.append, "tool.execution.completed")
    try:
        with capture():
            undo()
            genai.subscribe(inside.append, "tool.execution.completed")
            work()
        work()
        assert (len(before), len(inside)) == (1, 1)
    finally:
        undo()
    assert not pipeline.bus.listening


def test_a_program_that_is_configured_sends_nothing_meanwhile() -> None:
    receiver = Receiver()
    with serve(receiver) as url, genai.configure(enabled=True, endpoint=url) as telemetry:
        with capture() as captured:
            work("captured")
        work("sent")
        assert telemetry.flush()
    assert captured.span("openclaw.harness.run")["openclaw.harness.id"] == "captured"
    assert [span.attributes.get("openclaw.harness.id") for span in receiver.spans] == [None, "sent"]
    (point,) = [point for point in receiver.points if point.name == "openclaw.harness.duration_ms"]
    assert point.count == 1


def test_a_program_that_configures_itself_in_a_test_switches_nothing_on(captured: Captured) -> None:
    with genai.configure(enabled=True, endpoint="http://127.0.0.1:9") as telemetry:
        work()
        assert telemetry.flush()
        assert not telemetry.enabled
    assert captured.span("openclaw.harness.run")


@pytest.mark.parametrize(("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_SAMPLER", "always_off")])
def test_the_environment_of_the_machine_does_not_matter(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with capture() as captured:
        work()
        assert os.environ[name] == value
    assert captured.span("openclaw.harness.run")


# -- in somebody's project

PROJECT = """
import otel_genai as genai
import pytest

@genai.tool
def search(query):
    return [query]

def test_the_tool_leaves_a_span(captured):
    assert search("x") == ["x"]
    assert captured.span("openclaw.tool.execution")["gen_ai.tool.name"] == "search"

def test_the_next_test_starts_from_nothing(captured):
    assert captured.spans == []

def test_a_failure_of_telemetry_fails_the_test(captured):
    genai.subscribe(lambda event: 1 / 0)
    search("x")

def test_and_no_test_after_it(captured):
    search("x")
    assert captured.span("openclaw.tool.execution")
"""


def test_it_works_in_a_fresh_project(tmp_path: Path) -> None:
    (tmp_path / "test_project.py").write_text(PROJECT)
    info = tmp_path / "plugin" / "fresh-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fresh\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pytest11]\notel_genai = otel_genai.testing\n")
    path = os.pathsep.join([str(Path(genai.__file__).parents[1]), str(info.parent)])
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--no-header", "-W", "error"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert "1 failed, 3 passed" in run.stdout, run.stdout + run.stderr
    assert "ZeroDivisionError" in run.stdout


def test_what_fails_only_when_it_is_written_down_fails_the_test_too() -> None:
    def fails(text: str) -> str:
        raise RuntimeError(text)

    def test() -> None:
        with capture(redact=fails):
            genai.publish(genai.events.MessageQueued(source="dispatcher", queue_depth=3))

    with pytest.raises(RuntimeError, match="dispatcher"):
        test()
