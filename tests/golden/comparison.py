"""Where what left us differs from what the reference system sent, one difference at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

from .exported import Exported, Metric, Point, Span

One = TypeVar("One", Point, Span)


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same. `None` is said of what one side does not have."""

    where: str
    """`metric openclaw.tokens`, `span openclaw.run`."""
    what: str
    """The name of an attribute, or `point`, `measured`, `buckets`, `kind`, `status`, `around` ..."""
    theirs: Any
    ours: Any


def differences(theirs: Exported, ours: Exported) -> list[Difference]:
    """Every difference between what two exporters sent."""
    metrics, spans = theirs[0].keys() | ours[0].keys(), {span.name for span in theirs[1] + ours[1]}
    found = [difference for name in sorted(metrics) for difference in _of_metric(name, theirs[0], ours[0])]
    return found + [difference for name in sorted(spans) for difference in _of_spans(name, theirs[1], ours[1])]


def _of_metric(name: str, theirs: dict[str, Metric], ours: dict[str, Metric]) -> Iterator[Difference]:
    where, one, other = f"metric {name}", theirs.get(name), ours.get(name)
    if one is None or other is None:
        yield Difference(where, "metric", one and name, other and name)
        return
    yield from _unequal(where, {"kind": (one.kind, other.kind), "unit": (one.unit, other.unit)})
    for point, fellow in _pairs(one.points, other.points):
        yield from _of_points(where, point, fellow)


def _of_points(where: str, one: Point | None, other: Point | None) -> Iterator[Difference]:
    if one is None or other is None:
        yield Difference(where, "point", one and one.attributes, other and other.attributes)
        return
    yield from _of_attributes(where, one.attributes, other.attributes)
    yield from _unequal(where, {"measured": (one.measured, other.measured)})
    at_theirs = {boundary: other.below.get(boundary) for boundary in one.below}
    added = tuple(boundary for boundary in other.below if boundary not in one.below)
    yield from _unequal(where, {"buckets": (one.below, at_theirs), "added boundaries": ((), added)})


def _of_spans(name: str, theirs: list[Span], ours: list[Span]) -> Iterator[Difference]:
    where = f"span {name}"
    named = [[span for span in spans if span.name == name] for spans in (theirs, ours)]
    for one, other in _pairs(*named):
        if one is None or other is None:
            yield Difference(where, "span", one and one.attributes, other and other.attributes)
            continue
        yield from _of_attributes(where, one.attributes, other.attributes)
        same = ("kind", "status", "around", "duration_ms", "events")
        yield from _unequal(where, {part: (getattr(one, part), getattr(other, part)) for part in same})


def _of_attributes(where: str, one: dict[str, Any], other: dict[str, Any]) -> Iterator[Difference]:
    yield from _unequal(where, {name: (one.get(name), other.get(name)) for name in sorted(one.keys() | other.keys())})


def _unequal(where: str, parts: dict[str, tuple[Any, Any]]) -> Iterator[Difference]:
    for what, (one, other) in parts.items():
        if one != other or type(one) is not type(other):
            yield Difference(where, what, one, other)


def _pairs(theirs: list[One], ours: list[One]) -> Iterator[tuple[One | None, One | None]]:
    """Each with whom it has most in common; then whoever is left alone."""
    alone, left = dict(enumerate(theirs)), dict(enumerate(ours))
    for here, there in sorted(product(alone, left), key=lambda pair: _distance(theirs[pair[0]], ours[pair[1]])):
        if here in alone and there in left:
            yield alone.pop(here), left.pop(there)
    yield from ((one, None) for one in alone.values())
    yield from ((None, other) for other in left.values())


def _distance(one: Point | Span, other: Point | Span) -> int:
    names = one.attributes.keys() | other.attributes.keys()
    return sum(one.attributes.get(name) != other.attributes.get(name) for name in names)
