"""What leaves when one of everything happens, whole, beside what is on file.

The files have one line per span and per series of a metric, so that what a change does is read in their diff. After a
change that is meant, `UPDATE_GOLDEN=1 python -m pytest tests/golden/test_everything.py` writes them again.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk.metrics.export import Histogram, Metric, Sum
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

import otel_genai as genai
from otel_genai import reference
from otel_genai.catalog.rows import Shape
from otel_genai.testing import Captured, capture

from . import everything
from .everything import CAPABILITIES, EVENTS, Clock

FILES = Path(__file__).parent.parent / "data" / "everything"
SHAPES = {
    "default": None,
    "latest": "gen_ai_latest_experimental",
    "dup": "gen_ai_latest_experimental/dup",
}
RATES = {"gpt-5.5": {"input_per_1k": 0.002, "output_per_1k": 0.008, "cache_read_per_1k": 0.0005}}
"""Dollars per thousand tokens: of our own, so that no list of prices has a part in it."""
Document = dict[str, Any]
each_shape = pytest.mark.parametrize("shape", SHAPES)


# -- what left, as plain data


@cache
def driven(shape: str) -> Document:
    """All that leaves under a shape, while one of everything happens and time stands still in between."""
    clock, spans, logs = Clock(), {}, {}
    with capture(semconv=SHAPES[shape], cost_model_rates=RATES, cost_per_1k_tokens=0, logs=True) as captured:
        for name in genai.__all__:
            getattr(genai, name)  # what is loaded late must not keep our clock
        with pytest.MonkeyPatch.context() as patch:
            stop_time(clock, patch)
            for name, happens in {**CAPABILITIES, **EVENTS}.items():
                clock.now = clock.BEGINNING
                happens(clock)
                spans[name], logs[name] = told(captured)
        logs = {name: found for name, found in logs.items() if found}
        return {"spans": spans, "logs": logs, "metrics": told_metrics(captured)}


def stop_time(clock: Clock, patch: pytest.MonkeyPatch) -> None:
    """Have everybody who asks for nanoseconds, by whichever name, read our clock."""
    clocks = (time.time_ns, time.perf_counter_ns)
    modules = [module for name, module in sys.modules.items() if name.startswith(("otel_genai", "opentelemetry.sdk"))]
    for module in (time, *modules):
        for name, value in list(vars(module).items()):
            if any(value is one for one in clocks):
                patch.setattr(module, name, clock.read)


def told(captured: Captured) -> tuple[list[Document], list[Document]]:
    """The spans and log records that left since the last time; a span by a label: its name, and a number."""
    assert captured.spans is not None  # whatever is still to be told is told
    spans, logs = captured.exporter.get_finished_spans(), captured.log_exporter.get_finished_logs()
    captured.clear()
    seen: Counter[str] = Counter()
    labels = {}
    for span in spans:
        seen[span.name] += 1
        labels[span.context.span_id] = span.name if seen[span.name] == 1 else f"{span.name} #{seen[span.name]}"
    return [told_span(span, labels) for span in spans], [told_log(one.log_record, labels) for one in logs]


def told_log(record: LogRecord, labels: dict[int, str]) -> Document:
    found = {
        "log": record.event_name,
        "body": record.body,
        "severity": record.severity_text,
        "number": record.severity_number.value if record.severity_number else None,
        "span": labels.get(record.span_id or 0),
        "ms": since(record.timestamp),
        "attributes": plain(record.attributes),
    }
    return {name: value for name, value in found.items() if value is not None}


def told_span(span: ReadableSpan, labels: dict[int, str]) -> Document:
    moments = [
        {"name": one.name, "at": since(one.timestamp), "attributes": plain(one.attributes)} for one in span.events
    ]
    found = {
        "span": labels[span.context.span_id],
        "kind": span.kind.name.lower(),
        "parent": named(span.parent, labels),
        "ms": [since(span.start_time), since(span.end_time)],
        "status": span.status.status_code.name,
        "message": span.status.description,
        "attributes": plain(span.attributes),
        "events": moments,
        "links": [named(link.context, labels) for link in span.links],
    }
    return {name: value for name, value in found.items() if value not in (None, [], "UNSET")}


def named(context: SpanContext | None, labels: dict[int, str]) -> str | None:
    """A span's label, or of one that is not ours its id."""
    if context is None:
        return None
    return labels.get(context.span_id) or f"{context.trace_id:032x}-{context.span_id:016x}"


def since(nanoseconds: int | None) -> float:
    """Milliseconds since the clock's beginning."""
    return number(((nanoseconds or 0) - Clock.BEGINNING) / 1e6)


def number(value: float) -> float:
    """Without the noise of sums: `1` for `1.0`, in the one place where the two look different for nothing."""
    rounded = round(value, 9)
    return int(rounded) if rounded == int(rounded) else rounded


def plain(attributes: Mapping[str, Any] | None) -> Document:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in sorted((attributes or {}).items())
    }


def told_metrics(captured: Captured) -> Document:
    data = captured.reader.get_metrics_data()
    resources = data.resource_metrics if data else ()
    metrics = [metric for resource in resources for scope in resource.scope_metrics for metric in scope.metrics]
    return {metric.name: told_metric(metric) for metric in sorted(metrics, key=lambda metric: metric.name)}


def told_metric(metric: Metric) -> Document:
    data = metric.data
    kind = "histogram" if isinstance(data, Histogram) else "gauge"
    if isinstance(data, Sum):
        kind = "counter" if data.is_monotonic else "up_down_counter"
    points = [told_point(point) for point in data.data_points]
    buckets = next(
        (list(point.explicit_bounds) for point in data.data_points if hasattr(point, "explicit_bounds")), None
    )
    found = {"kind": kind, "unit": metric.unit, "buckets": buckets, "points": sorted(points, key=json.dumps)}
    return {name: value for name, value in found.items() if value is not None}


def told_point(point: Any) -> Document:
    attributes = plain(point.attributes)
    if not hasattr(point, "bucket_counts"):
        return {"attributes": attributes, "value": number(point.value)}
    edges = [*(f"<={edge:g}" for edge in point.explicit_bounds), "above"]
    counts = {edge: many for edge, many in zip(edges, point.bucket_counts, strict=True) if many}
    amounts = {name: number(getattr(point, name)) for name in ("sum", "min", "max")}
    return {"attributes": attributes, "count": point.count, **amounts, "buckets": counts}


# -- plain data as text, one line per span and series


def text(document: Document) -> str:
    return "\n".join(("{", *themes(document, "spans", "logs"), *metrics_text(document["metrics"]), "}", ""))


def themes(document: Document, *names: str) -> Iterator[str]:
    for name in names:
        yield f'"{name}": {{'
        yield ",\n".join(f"{line(name)}: {lines(found)}" for name, found in document[name].items())
        yield "},"


def metrics_text(metrics: Document) -> Iterator[str]:
    yield '"metrics": {'
    yield ",\n".join(
        f"{line(name)}: {line({**found, 'points': 0})[:-2]}{lines(found['points'])}}}"
        for name, found in metrics.items()
    )
    yield "}"


def lines(found: list[Document]) -> str:
    return "[\n" + ",\n".join(f"  {line(one)}" for one in found) + "\n]" if found else "[]"


def line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# -- what is different


def changes(stored: Any, found: Any, where: str = "") -> Iterator[str]:
    """Where two documents differ, one line each: what is on file, and what left."""
    stored, found = keyed(stored), keyed(found)
    if isinstance(stored, dict) and isinstance(found, dict):
        for name in {**stored, **found}:
            yield from changes(stored.get(name), found.get(name), f"{where}/{name}")
    elif stored != found:
        yield f"{where[1:]}: {line(stored)} -> {line(found)}"


def keyed(value: Any) -> Any:
    """Spans by their labels, and series by their attributes."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return value
    return {one.get("span") or line(one["attributes"]): one for one in value if "attributes" in one} or value


# -- tests


@each_shape
def test_what_leaves_is_what_is_on_file(shape: str) -> None:
    file, found = FILES / f"{shape}.json", text(driven(shape))
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(found, encoding="utf-8")
    stored = file.read_text(encoding="utf-8")
    if found != stored:
        difference = list(changes(json.loads(stored), driven(shape))) or ["the order is another one"]
        pytest.fail("\n".join((*difference, "", str(__doc__))), pytrace=False)


@each_shape
def test_what_is_on_file_is_json(shape: str) -> None:
    assert json.loads(text(driven(shape))) == driven(shape)


@each_shape
def test_every_metric_of_the_catalog_is_on_file(shape: str) -> None:
    names = {row["name"] for row in reference.document(Shape.named(shape))["metrics"]}
    assert driven(shape)["metrics"].keys() == names


@each_shape
def test_nothing_of_content_or_of_a_person_is_on_file(shape: str) -> None:
    assert not re.search(r"secret|\bu-1\b|\bm-1\b", text(driven(shape)))


def test_everything_of_the_face_that_sees_what_happens_is_driven() -> None:
    source = inspect.getsource(everything)
    sources = {name for name in genai.__all__ if in_sources(getattr(genai, name))} - {"JsonlFormatter", "fingerprint"}
    assert "tool" in sources
    assert not {name for name in sources if f"genai.{name}" not in source}


def in_sources(thing: Any) -> bool:
    """Whether it is something of `otel_genai.sources`, or a module there."""
    module = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", "")
    return str(module).startswith("otel_genai.sources")
