"""Containers: what leaves when their events are published through the face, and that standard names are as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import events
from otel_genai.catalog.containers import METRICS
from otel_genai.catalog.rows import Metric
from otel_genai.testing import Captured

REGISTRY = json.loads((Path(__file__).parent.parent / "data" / "semconv.json").read_text(encoding="utf-8"))
STANDARD = [metric for metric in METRICS if metric.name.startswith("container.")]
AGENT = {"agent_id": "a1", "runtime_family": "hermes", "fresh_ms": 60_000}
USAGE: dict[str, Any] = {"name": "one", "image": "acme/agent", "fresh_ms": 60_000}
CONTAINER = {"container.name": "one", "container.image.name": "acme/agent"}


@pytest.mark.parametrize("metric", STANDARD, ids=lambda metric: metric.name)
def test_a_standard_metric_has_the_instrument_unit_and_attributes_of_the_registry(metric: Metric) -> None:
    wanted = REGISTRY["metrics"][metric.name]
    assert (metric.instrument, metric.unit) == (wanted["instrument"], wanted["unit"])
    named = {source.attribute.name for on in metric.on for source in on.sources}
    own = named - CONTAINER.keys()
    assert own <= {*wanted.get("conditionally_required", ()), *wanted.get("recommended", ())}
    assert own >= {*wanted.get("conditionally_required", ())}
    assert all(REGISTRY["attributes"][name] == "string" for name in named)


@pytest.mark.parametrize(
    ("field", "name", "value", "unit"),
    [
        ("cpu_percent", "nora.agent.cpu.percent", 250.5, "%"),
        ("memory_percent", "nora.agent.memory.percent", 0.0, "%"),
        ("memory_mb", "nora.agent.memory.usage", 512, "{MB}"),
    ],
)
def test_what_an_agent_uses_is_shown_until_it_is_not_known(
    captured: Captured, field: str, name: str, value: float, unit: str
) -> None:
    genai.publish(events.ContainerStats(**AGENT, **{field: value}))
    [point] = captured.points(name)
    assert captured.metrics().keys() == {name}
    assert (point.value, point.unit) == (value, unit)
    assert point.attributes == {"nora.agent.id": "a1", "nora.runtime.family": "hermes"}
    genai.publish(events.ContainerStats(**AGENT))
    assert captured.points(name) == []


def test_a_level_is_a_sum_that_replaces_the_one_before_and_can_be_forgotten(captured: Captured) -> None:
    for used in (300, 200):
        genai.publish(events.ContainerUsage(**USAGE, memory_usage=used))
    [point] = captured.points("container.memory.usage")
    assert (point.value, point.attributes, point.unit) == (200, CONTAINER, "By")
    genai.publish(events.ContainerUsage(**USAGE))
    assert captured.points("container.memory.usage") == []


def test_growth_is_added_up_by_mode_and_direction(captured: Captured) -> None:
    for _ in range(2):
        genai.publish(events.ContainerUsage(**USAGE, cpu_user_s=1.5, cpu_system_s=0.5, received_bytes=10))
    times = {point["cpu.mode"]: point.value for point in captured.points("container.cpu.time")}
    assert times == {"user": 3, "system": 1}
    [point] = captured.points("container.network.io")
    assert (point.value, point.attributes) == (20, {**CONTAINER, "network.io.direction": "receive"})


def test_a_poll_tells_whether_the_engine_answers(captured: Captured) -> None:
    genai.publish(events.ContainerPoll(up=1, containers=3, duration_s=0.5, missed=2, fresh_ms=60_000))
    shown = {name: points[0].value for name, points in captured.metrics().items() if points[0].value is not None}
    assert shown == {"otel_genai.docker.up": 1, "otel_genai.docker.containers": 3, "otel_genai.docker.poll.missed": 2}
    genai.publish(events.ContainerPoll(up=0, fresh_ms=60_000))
    assert captured.points("otel_genai.docker.up")[0].value == 0
    assert captured.points("otel_genai.docker.containers") == []


def test_failures_are_counted_by_what_was_asked(captured: Captured) -> None:
    genai.publish(events.ContainerPollFailed(request="stats", error_type="timeout"))
    [point] = captured.points("otel_genai.docker.errors")
    assert point.attributes == {"otel_genai.docker.request": "stats", "error.type": "timeout"}
