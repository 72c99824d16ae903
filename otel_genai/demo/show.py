"""What arrived, for a terminal: trees of spans, a table of metrics, and whom the provider was told it works for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from ..catalog import attributes as a
from ..viewer.decode import Point, Span
from .provider import Seen

INDENT = 4
"""Columns that rich puts before each level of a tree."""

NAME_COLUMNS = 44
"""The widest that the column of names is made; a longer name pushes its own line to the right."""

DEEPEST = 10
"""The most levels that are drawn; what lies deeper stands on the last of them."""

KINDS = {"INTERNAL": "", "UNSPECIFIED": ""}
"""Kinds that say nothing to a reader; the others are shown in small letters."""


class Propagation(NamedTuple):
    """A request to the provider, the `traceparent` it carried, and the span of ours that this names, if any does."""

    path: str
    traceparent: str
    span: Span | None


def trace_trees(spans: Iterable[Span]) -> list[Tree]:
    """One tree for each trace, in the order the traces began; siblings stand in the order they began."""
    traces: dict[str, dict[str, Span]] = {}
    for span in sorted(spans, key=lambda span: span.start_ns):
        traces.setdefault(span.trace_id, {})[span.span_id] = span
    return [_trace_tree(trace_id, trace) for trace_id, trace in traces.items()]


def metric_table(points: Iterable[Point]) -> Table:
    """The name of each metric, and below it a row for each of its series: labels and value."""
    table = _table()
    table.add_column("metric and labels", overflow="fold")
    table.add_column("value", no_wrap=True)
    ordered = sorted(points, key=lambda point: (point.name, _labels(point)))
    for name, series in groupby(ordered, key=lambda point: point.name):
        table.add_row(Text(_printable(name), style="bold"), "")
        for point in series:
            labels = Text(_labels(point) or "no labels", style="dim")
            table.add_row(Padding(labels, (0, 0, 0, 2)), _measured(point))
    return table


def propagations(seen: Iterable[Seen], spans: Iterable[Span]) -> list[Propagation]:
    """Sets beside each request the span that its `traceparent` names."""
    named = {(span.trace_id, span.span_id): span for span in spans}
    rows = []
    for request in seen:
        traceparent = request.headers.get("traceparent", "")
        _, trace_id, span_id, *_ = f"{traceparent}---".split("-")
        rows.append(Propagation(request.path, traceparent, named.get((trace_id, span_id))))
    return rows


def propagation_table(rows: Iterable[Propagation]) -> Table:
    """What the provider saw, beside the span it names."""
    table = _table()
    table.add_column("request", overflow="fold")
    table.add_column("traceparent the provider saw", no_wrap=True)
    table.add_column("the span it names", overflow="fold")
    for row in rows:
        span = _named(row)
        table.add_row(_printable(row.path.removeprefix("/v1/")), _printable(row.traceparent) or "none", span)
    return table


def _table() -> Table:
    return Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")


def _named(row: Propagation) -> Text:
    if row.span:
        return Text(_printable(row.span.name), style="green")
    return Text("no span that arrived" if row.traceparent else "", style="red")


def _trace_tree(trace_id: str, trace: dict[str, Span]) -> Tree:
    family = _family(trace)
    width = max(min(INDENT * depth + len(span.name), NAME_COLUMNS) for span, _, depth in family)
    tree = Tree(_trace_line(trace_id, list(trace.values())), guide_style="dim")
    branches = {"": tree}
    for span, parent_id, depth in family:
        branch = branches[parent_id].add(_span_line(span, width - INDENT * depth))
        branches[span.span_id] = branch
        for linked_trace, linked_span in span.links:
            branch.add(Text(f"linked to span {linked_span} of trace {linked_trace}", style="dim"))
    return tree


def _family(trace: dict[str, Span]) -> list[tuple[Span, str, int]]:
    """Every span with the id of the span it hangs on ("" for none that arrived) and its depth, parents first.

    Spans whose parents form a ring have no root; the earliest of them is made one.
    """
    children: dict[str, list[Span]] = {}
    for span in trace.values():
        children.setdefault(span.parent_id if span.parent_id in trace else "", []).append(span)
    placed: dict[str, tuple[Span, str, int]] = {}
    for root in [*children.get("", []), *trace.values()]:
        waiting = [(root, "", 0)]
        while waiting:
            span, parent_id, depth = waiting.pop()
            if span.span_id not in placed:
                placed[span.span_id] = (span, parent_id, depth)
                branch = (span.span_id, depth + 1) if depth < DEEPEST else (parent_id, depth)
                waiting.extend((child, *branch) for child in reversed(children.get(span.span_id, [])))
    return list(placed.values())


def _trace_line(trace_id: str, spans: Sequence[Span]) -> Text:
    service = _printable(spans[0].resource.get("service.name", ""))
    lasted = max(span.end_ns for span in spans) - min(span.start_ns for span in spans)
    count = f"{len(spans)} span{'s' if len(spans) > 1 else ''}"
    return Text("  ".join(filter(None, [f"trace {trace_id}", service, count, _milliseconds(lasted)])), style="dim")


def _span_line(span: Span, width: int) -> Text:
    failed = span.status == "ERROR"
    line = Text(_printable(span.name).ljust(width), style="red" if failed else "bold")
    line.append(f"  {_milliseconds(span.duration_ns):>11}", style="not bold default")
    for text, style in _details(span):
        line.append(f"  {text}", style=f"not bold {style}")
    return line


def _details(span: Span) -> Iterator[tuple[str, str]]:
    for named in (a.TOOL_NAME, a.HARNESS_ID):
        if name := span.attributes.get(named.name):
            yield _printable(name), "magenta"
    kind = KINDS.get(span.kind, span.kind.lower())
    if kind:
        yield kind, "default dim"
    if model := span.attributes.get(a.REQUEST_MODEL.name):
        yield _printable(model), "cyan"
    tokens = [
        f"{number:,} {direction}"
        for direction, side in (("in", a.INPUT_TOKENS), ("out", a.OUTPUT_TOKENS))
        if isinstance(number := span.attributes.get(side.name), int)
    ]
    if tokens:
        yield f"{' / '.join(tokens)} tokens", "default"
    if span.status == "ERROR":
        yield _printable(span.attributes.get(a.ERROR_TYPE.name) or span.status_message or "error"), "red"


def _labels(point: Point) -> str:
    return " ".join(f"{_printable(key)}={_printable(value)}" for key, value in sorted(point.attributes.items()))


def _measured(point: Point) -> Text:
    unit = "" if point.unit == "1" else f" {_printable(point.unit.strip('{}'))}".rstrip()
    if point.count is None:
        return Text("no value" if point.value is None else f"{_number(point.value)}{unit}")
    parts = [f"{point.count:,} x"]
    if point.sum is not None and point.count:
        parts += [f"avg {_number(point.sum / point.count)}{unit}", f"sum {_number(point.sum)}{unit}"]
    return Text(", ".join(parts))


def _milliseconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:,.1f} ms"


def _number(number: float) -> str:
    """Whole numbers are shown whole, others with four decimals, small ones with four digits."""
    if not math.isfinite(number):
        return str(number)
    if number == int(number):
        return f"{int(number):,}"
    return f"{number:.4g}" if abs(number) < 1 else f"{number:,.4f}".rstrip("0").rstrip(".")


def _printable(value: object) -> str:
    """What others sent must not steer the terminal: every control character becomes a question mark."""
    return "".join(character if character.isprintable() else "?" for character in str(value))
