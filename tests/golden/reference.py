"""What the reference system sent for its events: OTLP/JSON, as it stands in `tests/data/golden`.

It is what the exporter of OpenClaw 2026.6.10 (MIT) sent over OTLP/HTTP at its defaults, traces, metrics and logs on,
without resource, times of metrics and descriptions; of the metrics it is the last export, whose sums are cumulative.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from .exported import Exported, Metric, Point, Span, below

DATA = Path(__file__).parent.parent / "data" / "golden"
KINDS = {1: "internal", 2: "server", 3: "client"}
STATUSES = {0: "UNSET", 1: "OK", 2: "ERROR"}


SIGNALS = ("traces", "metrics", "logs")


@cache
def events() -> tuple[dict[str, Any], ...]:
    """What the reference system was told: diagnostic events, and whether it trusted who told them."""
    return tuple(json.loads((DATA / "events.json").read_text(encoding="utf-8")))


def start() -> list[dict[str, Any]]:
    """What it told itself before those, when its exporter started."""
    started = {"type": "telemetry.exporter", "exporter": "diagnostics-otel", "status": "started"}
    return [{"trust": "trusted", "event": {**started, "signal": one, "reason": "configured"}} for one in SIGNALS]


@cache
def exported() -> Exported:
    """What it sent."""
    spans = {span["spanId"]: span for span in _within("traces.json", "resourceSpans", "scopeSpans", "spans")}
    metrics = _within("metrics.json", "resourceMetrics", "scopeMetrics", "metrics")
    return {metric["name"]: _metric(metric) for metric in metrics}, [_span(span, spans) for span in spans.values()]


def _within(file: str, *levels: str) -> list[dict[str, Any]]:
    found = [json.loads((DATA / file).read_text(encoding="utf-8"))]
    for level in levels:
        found = [inner for outer in found for inner in outer[level]]
    return found


def _metric(metric: dict[str, Any]) -> Metric:
    histogram = "histogram" in metric
    data = metric["histogram" if histogram else "sum"]
    assert data["aggregationTemporality"] == 2
    kind = "histogram" if histogram else "counter" if data["isMonotonic"] else "up_down_counter"
    return Metric(kind, metric["unit"], [_point(point) for point in data["dataPoints"]])


def _point(point: dict[str, Any]) -> Point:
    attributes = _attributes(point)
    if "bucketCounts" not in point:
        return Point(attributes, (point["asDouble"],), {})
    measured = (int(point["count"]), point["sum"], point["min"], point["max"])
    return Point(attributes, measured, below(point["explicitBounds"], [int(count) for count in point["bucketCounts"]]))


def _span(span: dict[str, Any], spans: dict[str, dict[str, Any]]) -> Span:
    status = span["status"]
    return Span(
        span["name"],
        KINDS[span["kind"]],
        _attributes(span),
        (STATUSES[status.get("code", 0)], status.get("message", "")),
        _around(span, spans),
        round((int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e6),
        {event["name"]: _attributes(event) for event in span.get("events", ())},
    )


def _around(span: dict[str, Any], spans: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    parent = spans.get(span.get("parentSpanId", ""))
    return () if parent is None else (parent["name"], *_around(parent, spans))


def _attributes(holder: dict[str, Any]) -> dict[str, Any]:
    return {attribute["key"]: _value(attribute["value"]) for attribute in holder.get("attributes", ())}


def _value(value: dict[str, Any]) -> Any:
    ((kind, content),) = value.items()
    return int(content) if kind == "intValue" else content
