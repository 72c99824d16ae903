"""What arrived, for a terminal: trees of spans, and tables of metrics, of costs, and of what the provider was told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
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

KINDS = {"INTERNAL": "", "UNSPECIFIED": "", "CLIENT": ""}
"""Kinds that say nothing to a reader; the others are shown in small letters."""

NAMED = (a.TOOL_NAME, a.HARNESS_ID, a.SKILL_NAME)
"""Attributes by which a span of one name is told from another."""

USUAL_OUTCOMES = {None, "completed", "error"}

OVERLAPPING = {a.TOKEN.name, a.TOKEN_TYPE.name, a.CONTEXT.name}
"""Labels over which nothing may be added up: their values count the same things."""

LABEL_COLUMNS = 34


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
    """A row for each metric: how much in all its series together, and what its labels say, shortened."""
    table = _table()
    for column in ("metric", "unit"):
        table.add_column(column, no_wrap=True)
    for column in ("count", "sum"):
        table.add_column(column, no_wrap=True, justify="right")
    table.add_column("labels", max_width=LABEL_COLUMNS)
    for (name, unit, *_), group in groupby(sorted(points, key=_row), key=_row):
        series = list(group)
        values = [point.value if point.count is None else point.sum for point in series]
        known = [value for value in values if value is not None]
        counts = [point.count for point in series if point.count is not None]
        table.add_row(
            Text(_printable(name), style="bold"),
            _printable(unit),
            f"{sum(counts):,}" if counts else "",
            _number(sum(known)) if known else "none",
            Text(_labels(series), style="dim", no_wrap=True, overflow="ellipsis"),
        )
    return table


def cost_table(spans: Iterable[Span]) -> Table:
    """What the calls of each model used and cost, and the sum of what anybody could price."""
    table = _table()
    table.add_column("model")
    for column in ("calls", "tokens in", "tokens out", "US dollars"):
        table.add_column(column, justify="right")
    total = 0.0
    calls = sorted((span for span in spans if span.kind == "CLIENT"), key=_model)
    for model, group in groupby(calls, key=_model):
        own = list(group)
        used = [sum(call.attributes.get(side.name, 0) for call in own) for side in (a.INPUT_TOKENS, a.OUTPUT_TOKENS)]
        dollars = [call.attributes[a.COST_AMOUNT.name] for call in own if a.COST_AMOUNT.name in call.attributes]
        total += sum(dollars)
        said = [f"{sum(dollars):.6f}"] if dollars else []
        said += ["unpriced"] if any(map(_unpriced, own)) else []
        table.add_row(_printable(model), str(len(own)), *(f"{tokens:,}" for tokens in used), " + ".join(said) or "none")
    table.add_row(Text("all that was priced", style="bold"), "", "", "", Text(f"{total:.6f}", style="bold"))
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
    return Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")


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
    line.append(f"  {_milliseconds(span.duration_ns):>10}", style="not bold default")
    for text, style in _details(span):
        line.append(f"  {text}", style=f"not bold {style}")
    return line


def _details(span: Span) -> Iterator[tuple[str, str]]:
    """What is worth saying of a span that its name does not say already, each with its style."""
    attributes = span.attributes
    for named in NAMED:
        if (name := attributes.get(named.name)) and str(name) not in span.name:
            yield _printable(name), "magenta"
    kind = KINDS.get(span.kind, span.kind.lower())
    if kind:
        yield kind, "default dim"
    if (model := attributes.get(a.REQUEST_MODEL.name)) and str(model) not in span.name:
        yield _printable(model), "cyan"
    if other := attributes.get(a.FAILOVER_TO_MODEL.name):
        yield f"to {_printable(other)}", "cyan"
    tokens = [
        f"{number:,} {direction}"
        for direction, side in (("in", a.INPUT_TOKENS), ("out", a.OUTPUT_TOKENS))
        if isinstance(number := attributes.get(side.name), int)
    ]
    if tokens:
        yield " / ".join(tokens), "default"
    yield from _money(span)
    yield from _end(span)


def _money(span: Span) -> Iterator[tuple[str, str]]:
    dollars = span.attributes.get(a.COST_AMOUNT.name)
    if isinstance(dollars, (int, float)):
        yield f"${dollars:.6f}", "green"
    elif _unpriced(span):
        yield "unpriced", "yellow"


def _unpriced(span: Span) -> bool:
    """Whether it is a model call that used tokens whose price nobody knew."""
    used = span.attributes.get(a.INPUT_TOKENS.name) or span.attributes.get(a.OUTPUT_TOKENS.name)
    return span.kind == "CLIENT" and bool(used) and a.COST_AMOUNT.name not in span.attributes


def _end(span: Span) -> Iterator[tuple[str, str]]:
    """How it ended, where not as it usually does."""
    if span.status == "ERROR":
        yield _printable(span.attributes.get(a.ERROR_TYPE.name) or span.status_message or "error"), "red"
        return
    outcome = span.attributes.get(a.OUTCOME.name)
    if outcome not in USUAL_OUTCOMES:
        reason = span.attributes.get(a.DENIED_REASON.name) or span.attributes.get(a.REASON.name)
        yield _printable(": ".join(str(word) for word in (outcome, reason) if word)), "yellow"


def _model(span: Span) -> str:
    return str(span.attributes.get(a.REQUEST_MODEL.name, ""))


def _row(point: Point) -> tuple[str, ...]:
    """What stands on one row of the table of metrics."""
    apart = (f"{key}={value}" for key, value in point.attributes.items() if key in OVERLAPPING)
    return (point.name, point.unit, *sorted(apart))


def _labels(series: Sequence[Point]) -> str:
    """Each label with its values: first those that may not be added up, then those that have most to tell."""
    values: dict[str, dict[str, None]] = {}
    for key, value in chain.from_iterable(sorted(point.attributes.items()) for point in series):
        values.setdefault(key, {})[_printable(value)] = None
    ordered = sorted(values, key=lambda key: (key not in OVERLAPPING, -len(values[key]), "unknown" in values[key]))
    return " ".join(f"{_short(key)}={','.join(sorted(values[key]))}" for key in ordered) or "no labels"


def _short(key: str) -> str:
    """The name of a label without the namespace that it stands in."""
    return _printable(key.partition(".")[2] or key)


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
