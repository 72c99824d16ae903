"""The comparison finds whatever is not the same: else all that it finds in order would say nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from . import reference
from .comparison import differences
from .exported import Point, Span

METRICS, SPANS = reference.exported()
METRIC, SPAN = "openclaw.run.duration_ms", "openclaw.model.call"
CHANGED_POINTS: dict[str, dict[str, Any]] = {
    "measured": {"measured": (2, 1200.0, 1200.0, 1200.0)},
    "buckets": {"below": {**METRICS[METRIC].points[0].below, 0.0: 1}},
    "added boundaries": {"below": {**METRICS[METRIC].points[0].below, 20000.0: 1}},
    "openclaw.channel": {"attributes": {**METRICS[METRIC].points[0].attributes, "openclaw.channel": "slack"}},
}
CHANGED_SPANS: dict[str, dict[str, Any]] = {
    "kind": {"kind": "server"},
    "status": {"status": ("ERROR", "")},
    "around": {"around": ("openclaw.run",)},
    "duration_ms": {"duration_ms": 7},
    "events": {"events": {}},
    "openclaw.api": {"attributes": SPANS[1].attributes | {"openclaw.api": None}},
}


def with_point(point: Point | None) -> list[str]:
    _, *rest = METRICS[METRIC].points
    metric = replace(METRICS[METRIC], points=[*rest, point] if point else rest)
    return [one.what for one in differences((METRICS, SPANS), ({**METRICS, METRIC: metric}, SPANS))]


def with_span(span: Span | None) -> list[str]:
    spans = [one for one in SPANS if one is not SPANS[1]]
    return [one.what for one in differences((METRICS, SPANS), (METRICS, [*spans, span] if span else spans))]


def test_what_the_reference_system_sent_does_not_differ_from_itself() -> None:
    assert differences((METRICS, SPANS), (METRICS, SPANS)) == []


@pytest.mark.parametrize("what", CHANGED_POINTS)
def test_a_point_that_differs_in_one_thing_is_found(what: str) -> None:
    assert with_point(replace(METRICS[METRIC].points[0], **CHANGED_POINTS[what])) == [what]


@pytest.mark.parametrize("what", CHANGED_SPANS)
def test_a_span_that_differs_in_one_thing_is_found(what: str) -> None:
    assert SPANS[1].name == SPAN
    assert with_span(replace(SPANS[1], **CHANGED_SPANS[what])) == [what]


def test_what_is_missing_is_found() -> None:
    assert (with_point(None), with_span(None)) == (["point"], ["span"])
    without = {name: metric for name, metric in METRICS.items() if name != METRIC}
    assert [one.what for one in differences((METRICS, SPANS), (without, SPANS))] == ["metric"]
    assert [one.ours for one in differences((without, SPANS), (METRICS, SPANS))] == [METRIC]


@pytest.mark.parametrize("part", [{"unit": "s"}, {"kind": "counter"}])
def test_a_metric_of_another_unit_or_kind_is_found(part: dict[str, Any]) -> None:
    other = {**METRICS, METRIC: replace(METRICS[METRIC], **part)}
    assert [one.what for one in differences((METRICS, SPANS), (other, SPANS))] == list(part)
