"""Standard names are what the semantic conventions say: known, of the right type, with the right attributes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from otel_genai import events, reference
from otel_genai.catalog import attributes
from otel_genai.catalog.metrics import METRICS
from otel_genai.catalog.rows import Attribute, Metric, Shape
from otel_genai.catalog.spans import SPANS
from otel_genai.scope import NAMES, Scope

REGISTRY = json.loads((Path(__file__).parent.parent / "data" / "semconv.json").read_text(encoding="utf-8"))
NEWEST = REGISTRY["attributes"]
KNOWN = NEWEST | REGISTRY["older_attributes"]
METRICS_KNOWN = REGISTRY["metrics"] | REGISTRY["older_metrics"]
STANDARD = ("gen_ai.", "http.", "url.", "server.", "client.", "network.", "error.", "user_agent.")
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
        yield from ((source.attribute, source.value(filled(row.event))) for source in (*row.start, *row.end, *moments))
    for on in (on for metric in METRICS for on in metric.on):
        yield from ((source.attribute, source.label(filled(on.event))) for source in on.sources)


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


@pytest.mark.parametrize(
    "metric", [row for row in STANDARD_METRICS if "latest" in row.shapes], ids=lambda row: row.name
)
def test_a_metric_of_the_latest_shape_has_the_attributes_that_it_must_and_none_that_it_may_not(metric: Metric) -> None:
    wanted, shape = METRICS_KNOWN[metric.name], Shape.named("latest")
    for on in metric.on:
        names = {source.attribute.name_in(shape) for source in on.sources}
        assert set(wanted["required"]) <= names
        assert names <= {*wanted["required"], *wanted["others"]}


def test_an_exception_names_something_that_there_is() -> None:
    names = {name for row in standard_attributes() for name in (row.name, row.latest)} | {row.name for row in METRICS}
    assert DIFFERENT.keys() <= names
