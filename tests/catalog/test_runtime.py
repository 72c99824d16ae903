"""The process itself: what leaves when its events are published through the face."""

from __future__ import annotations

from typing import Any

import pytest

import otel_genai as genai
from otel_genai import events
from otel_genai.sources.observe import Block
from otel_genai.testing import Captured

MEMORY = {
    "rss_bytes": 3_000_000_000,
    "heap_used_bytes": 150_000_000,
    "heap_total_bytes": 200_000_000,
    "external_bytes": 5_000_000,
    "array_buffers_bytes": 1_000_000,
}
PRESSURE = {"openclaw.memory.level": "critical", "openclaw.memory.reason": "rss_threshold"}
REASON = {"openclaw.liveness.reason": "event_loop_delay:cpu"}
LIVENESS: dict[str, Any] = {
    "reasons": ("event_loop_delay", "cpu"),
    "interval_ms": 30_000,
    "event_loop_delay_p99_ms": 1500,
    "event_loop_delay_max_ms": 2200,
    "event_loop_utilization": 0.98,
    "cpu_user_ms": 25_000,
    "cpu_system_ms": 2_000,
    "active": 1,
    "waiting": 0,
    "queued": 2,
}


def series(captured: Captured, metric: str) -> list[dict[str, Any]]:
    return [point.attributes for point in captured.points(metric)]


@pytest.mark.parametrize("field", MEMORY)
def test_a_memory_sample_is_measured_and_told_again_under_pressure(captured: Captured, field: str) -> None:
    genai.publish(events.MemorySample(**MEMORY, uptime_ms=60_000))
    genai.publish(events.MemoryPressure(**MEMORY, level="critical", reason="rss_threshold"))
    points = captured.points(f"openclaw.memory.{field}")
    always = {"openclaw.memory.kind": "heap_used"} if field == "heap_used_bytes" else {}
    assert [(point.attributes, point.count, point.sum, point.unit) for point in points] == [
        (always, 1, MEMORY[field], "By"),
        (always | PRESSURE, 1, MEMORY[field], "By"),
    ]


def test_what_an_interpreter_does_not_know_of_its_memory_is_not_measured(captured: Captured) -> None:
    genai.publish(events.MemorySample(rss_bytes=0))
    assert set(captured.metrics()) == {"openclaw.memory.rss_bytes"}


def test_critical_memory_pressure_is_counted_and_an_error_span(captured: Captured) -> None:
    genai.publish(
        events.MemoryPressure(
            **MEMORY,
            level="critical",
            reason="rss_threshold",
            threshold_bytes=2_000_000_000,
            rss_growth_bytes=100_000_000,
            window_ms=60_000,
        )
    )
    assert series(captured, "openclaw.memory.pressure") == [PRESSURE]
    span = captured.span("openclaw.memory.pressure")
    assert span.attributes == {
        **PRESSURE,
        **{f"openclaw.memory.{field}": value for field, value in MEMORY.items()},
        "openclaw.memory.threshold_bytes": 2_000_000_000,
        "openclaw.memory.rss_growth_bytes": 100_000_000,
        "openclaw.memory.window_ms": 60_000,
    }
    assert (span.status, span.status_message) == ("ERROR", "rss_threshold")


def test_a_warning_of_memory_pressure_is_no_error(captured: Captured) -> None:
    genai.publish(events.MemoryPressure(level="warning", reason="rss_growth"))
    assert captured.span("openclaw.memory.pressure").status == "UNSET"


def test_a_liveness_warning_is_counted_and_measured(captured: Captured) -> None:
    genai.publish(events.LivenessWarning(**LIVENESS))
    assert series(captured, "openclaw.liveness.warning") == [REASON]
    measured = {
        "event_loop_delay_p99_ms": (1500, "ms"),
        "event_loop_delay_max_ms": (2200, "ms"),
        "event_loop_utilization": (0.98, "1"),
        "cpu_core_ratio": (0.9, "1"),
    }
    for name, expected in measured.items():
        [point] = captured.points(f"openclaw.liveness.{name}")
        assert (point.sum, point.unit) == expected
        assert point.attributes == REASON


def test_a_liveness_warning_is_an_error_span_with_what_was_measured(captured: Captured) -> None:
    genai.publish(events.LivenessWarning(**LIVENESS))
    span = captured.span("openclaw.liveness.warning")
    assert (span.status, span.status_message) == ("ERROR", "event_loop_delay:cpu")
    measured = {f"openclaw.liveness.{name}": value for name, value in LIVENESS.items() if name != "reasons"}
    totals = {"openclaw.liveness.cpu_total_ms": 27_000, "openclaw.liveness.cpu_core_ratio": 0.9}
    assert span.attributes == {**REASON, **measured, **totals}


def test_a_liveness_warning_leaves_out_what_was_not_measured(captured: Captured) -> None:
    genai.publish(events.LivenessWarning(reasons=("cpu",), cpu_user_ms=5))
    assert set(captured.metrics()) == {"openclaw.liveness.warning"}
    assert captured.span("openclaw.liveness.warning").attributes == {
        "openclaw.liveness.reason": "cpu",
        "openclaw.liveness.cpu_user_ms": 5,
        "openclaw.liveness.cpu_total_ms": 5,
    }


def test_a_phase_is_a_span_as_long_as_its_work(captured: Captured) -> None:
    with Block(events.DiagnosticPhase, "plugins.load", False, {"details": ("count=3", "cached=false")}) as phase:
        phase.update(cpu_user_ms=40, cpu_system_ms=5)
    span = captured.span("openclaw.diagnostic.phase")
    assert span["openclaw.phase"] == "plugins.load"
    assert span["openclaw.phase.detail"] == ("count=3", "cached=false")
    assert span["openclaw.phase.cpu_user_ms"] == 40
    assert span["openclaw.phase.cpu_system_ms"] == 5
    assert span["openclaw.phase.cpu_total_ms"] == 45
    assert span["openclaw.phase.cpu_core_ratio"] == pytest.approx(45e6 / (span.end_ns - span.start_ns))
    assert span.status == "UNSET"


def test_a_phase_that_fails_says_how(captured: Captured) -> None:
    with pytest.raises(OSError, match="no plugins"), Block(events.DiagnosticPhase, "plugins.load", False, {}):
        raise OSError("no plugins")
    span = captured.span("openclaw.diagnostic.phase")
    assert (span.status, span["error.type"]) == ("ERROR", "OSError")


def test_dropped_events_are_counted_by_class(captured: Captured) -> None:
    genai.publish(
        events.AsyncQueueDropped(
            dropped_events=5, dropped_trusted_events=3, dropped_untrusted_events=2, dropped_priority_events=0
        )
    )
    points = captured.points("openclaw.diagnostic.async_queue.dropped")
    counts = {point["openclaw.diagnostic.async_queue.drop_class"]: point.value for point in points}
    assert counts == {"total": 5, "trusted": 3, "untrusted": 2, "priority": 0}


def test_what_exporters_do_is_counted_by_signal_and_status(captured: Captured) -> None:
    genai.publish(events.TelemetryExporter(exporter="otlp", signal="traces", status="started", reason="configured"))
    genai.publish(
        events.TelemetryExporter(exporter="otlp", signal="logs", status="failure", error_category="two words")
    )
    assert series(captured, "openclaw.telemetry.exporter.events") == [
        {
            "openclaw.exporter": "otlp",
            "openclaw.signal": "traces",
            "openclaw.status": "started",
            "openclaw.reason": "configured",
        },
        {
            "openclaw.exporter": "otlp",
            "openclaw.signal": "logs",
            "openclaw.status": "failure",
            "openclaw.errorCategory": "other",
        },
    ]
