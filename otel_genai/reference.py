"""`python -m otel_genai catalog`: every name that can be seen outside, from the rows that make it so."""

from __future__ import annotations

import ast
import inspect
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from functools import cache
from itertools import pairwise
from typing import Any, get_type_hints

from . import config, events
from .capture import Capture
from .catalog import attributes, content
from .catalog.logs import DETAILS, LOGS
from .catalog.metrics import METRICS
from .catalog.rows import Attribute, LogEvent, Metric, Shape, Source, Span
from .catalog.spans import SPANS
from .scope import NAMES, Scope

Document = dict[str, Any]
"""Plain data, fit for JSON."""

BASES: tuple[type[events.Event], ...] = (events.Event, events.Operation)


def main(
    format: str = "markdown",
    semconv: str | None = None,
    namespace: str | None = None,
    agent_namespace: str | None = None,
    readme: bool = False,
) -> int:
    """Print the reference of the names that this configuration makes; what is not given is read as `configure` does."""
    if readme:
        return show(markdown_table(document(Shape())))
    given = {"semconv": semconv, "namespace": namespace, "agent_namespace": agent_namespace}
    try:
        chosen = config.load(given)
    except config.ConfigError as mistake:
        print(mistake, file=sys.stderr)
        return 2
    found = document(Shape.named(chosen.shape, chosen.namespace, chosen.agent_namespace))
    return show(json.dumps(found, indent=2) if format == "json" else markdown(found))


def show(text: str) -> int:
    """Print it, for as long as somebody reads: `| head` is no error."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


# -- the rows as plain data


def document(shape: Shape) -> Document:
    """Everything that has a name under `shape`: its events, metrics, spans and attributes."""
    return {
        "events": [described_event(kind) for kind in (*BASES, *event_types())],
        "metrics": [described_metric(metric, shape) for metric in metrics_in(shape)],
        "spans": [described_span(span, shape) for span in SPANS if shape.spans in span.shapes],
        "content": [described_content(name, shape) for name in content.NAMES],
        "logs": [described_log(row, shape) for row in LOGS],
        "attributes": described_attributes(shape),
    }


def event_types() -> Iterator[type[events.Event]]:
    """Every type of event that can happen: those that have wire names."""
    for found in (getattr(events, name) for name in events.__all__):
        if isinstance(found, type) and issubclass(found, events.Event) and any(found.kinds()):
            yield found


def described_event(kind: type[events.Event]) -> Document:
    """A type of event: its wire names, and the fields that it has beside those of every event and operation."""
    told, types = field_docs(kind), get_type_hints(kind)
    shared = {each.name for base in BASES if base is not kind and issubclass(kind, base) for each in fields(base)}
    return {
        "class": kind.__name__,
        "is": "operation" if issubclass(kind, events.Operation) else "event",
        "names": [name for name in kind.kinds() if name],
        "doc": inspect.getdoc(kind) or "",
        "fields": [
            {"name": each.name, "type": inspect.formatannotation(types[each.name]), "doc": told.get(each.name, "")}
            for each in fields(kind)
            if each.repr and each.name not in shared
        ],
    }


def field_docs(kind: type) -> dict[str, str]:
    """What the text below a field says of it, where the source is at hand."""
    return dict(each for owner in reversed(kind.__mro__[:-1]) for each in own_field_docs(owner))


@cache
def own_field_docs(owner: type) -> tuple[tuple[str, str], ...]:
    try:
        (body,) = ast.parse(inspect.getsource(owner)).body
    except OSError:
        return ()
    return tuple(documented(body))


def documented(body: ast.AST) -> Iterator[tuple[str, str]]:
    for pair in pairwise(ast.iter_child_nodes(body)):
        match pair:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)


def metrics_in(shape: Shape) -> tuple[Metric, ...]:
    """The rows that are recorded; where two conventions have one name, the first of them."""
    chosen: dict[str, Metric] = {}
    for metric in METRICS:
        if metric.shapes & shape.metrics:
            chosen.setdefault(metric.name, metric)
    return tuple(chosen.values())


def described_metric(metric: Metric, shape: Shape) -> Document:
    return {
        "name": shape.name(metric.name),
        "instrument": metric.instrument,
        "unit": metric.unit,
        "buckets": None if metric.buckets is None else list(metric.buckets),
        "doc": metric.doc,
        "attributes": named([source for on in metric.on for source in on.sources], shape),
        "events": list(dict.fromkeys(kind for on in metric.on for kind in on.event.kinds() if on.applies(kind))),
    }


def described_span(span: Span, shape: Shape) -> Document:
    return {
        "name": span_name(span, shape),
        "kind": span.kind_in(shape),
        "doc": span.doc,
        "event": span.event.__name__,
        "start": named(span.start, shape),
        "end": named(span.end, shape),
        "moments": [
            {"name": shape.name(moment.name), "attributes": named(moment.sources, shape)} for moment in span.moments
        ],
    }


def span_name(span: Span, shape: Shape) -> str:
    """The name, or how one looks that is made of what the event says: `execute_tool {name}`."""
    name = span.name_in(shape)
    if isinstance(name, str):
        return name
    return " or ".join(dict.fromkeys(name(saying_names(span.event, outcome)) for outcome in ("completed", "error")))


def saying_names(kind: type[events.Event], outcome: str) -> events.Event:
    """An event whose every field says what it is called."""
    event = kind()
    event.update(**{each.name: f"{{{each.name}}}" for each in fields(kind) if each.init})
    event.scope = Scope._make((*(f"{{scope.{name}}}" for name in NAMES), None))
    if isinstance(event, events.Operation):
        event.outcome, event.inner = outcome, event.scope
    return event


def described_content(name: str, shape: Shape) -> Document:
    """A class of content: what it holds, the attributes that do, and on the spans of which events."""
    return {
        "class": name,
        "doc": config.rows(Capture)[name].doc,
        "attributes": [attribute.name_in(shape) for attribute in content.NAMES[name]],
        "events": [kind.__name__ for kind, classes in content.ON.items() if name in classes],
    }


def described_log(row: LogEvent, shape: Shape) -> Document:
    return {
        "event": row.event.__name__,
        "body": shape.name(row.body),
        "attributes": [*named(row.sources, shape), f"{shape.name(row.prefix)}*"],
        "texts": named(row.texts, shape),
    }


def described_attributes(shape: Shape) -> list[Document]:
    """The attributes that `shape` can have; one that no row reads is put there by an emitter, whatever the shape."""
    said = set(read_by(metrics_in(shape), (span for span in SPANS if shape.spans in span.shapes)))
    silent = set(read_by(METRICS, SPANS)) - said
    found: dict[str, Document] = {}
    for attribute in vars(attributes).values():
        if isinstance(attribute, Attribute) and attribute not in silent:
            name = attribute.name_in(shape)
            found.setdefault(name, {"name": name, "doc": attribute.doc, "label": attribute.label_allowed})
    return list(found.values())


def read_by(metrics: Iterable[Metric], spans: Iterable[Span]) -> Iterator[Attribute]:
    for metric in metrics:
        yield from (source.attribute for on in metric.on for source in on.sources)
    for span in spans:
        yield from (source.attribute for source in (*span.start, *span.end))
        yield from (source.attribute for moment in span.moments for source in moment.sources)


def named(sources: Iterable[Source], shape: Shape) -> list[str]:
    return list(dict.fromkeys(source.attribute.name_in(shape) for source in sources))


# -- plain data as a page


def markdown(document: Document) -> str:
    """A document as a page to read."""
    parts = ["# Reference", "## Metrics", metrics_table(document), "## Spans"]
    parts += [span_section(span) for span in document["spans"]]
    parts += ["## Content", content_table(document), content_notes(), "## Logs", logs_table(document)]
    parts += ["## Attributes", attributes_table(document), "## Events"]
    parts += [event_section(event) for event in document["events"]]
    return "\n\n".join(parts)


def markdown_table(document: Document) -> str:
    """The metrics of a document, as README shows them."""
    rows = (
        (quoted([m["name"]]), m["instrument"], f"`{m['unit']}`", quoted(m["attributes"])) for m in document["metrics"]
    )
    return table(("metric", "kind", "unit", "attributes"), rows)


def metrics_table(document: Document) -> str:
    head = ("metric", "kind", "unit", "meaning", "attributes", "read off", "buckets")
    return table(head, (metric_cells(metric) for metric in document["metrics"]))


def metric_cells(metric: Document) -> tuple[str, ...]:
    buckets = " ".join(f"{edge:.15g}" for edge in metric["buckets"] or ())
    return (
        quoted([metric["name"]]),
        metric["instrument"],
        f"`{metric['unit']}`",
        metric["doc"],
        quoted(metric["attributes"]),
        quoted(metric["events"]),
        buckets,
    )


def attributes_table(document: Document) -> str:
    rows = ((f"`{a['name']}`", a["doc"], "yes" if a["label"] else "no") for a in document["attributes"])
    return table(("attribute", "meaning", "may be on a metric"), rows)


def content_table(document: Document) -> str:
    rows = ((quoted([c["class"]]), c["doc"], quoted(c["attributes"]), quoted(c["events"])) for c in document["content"])
    return table(("class of capture_content", "what it holds", "attributes", "on spans of"), rows)


def content_notes() -> str:
    """What `capture_content` makes beside attributes."""
    return (
        f"With `capture_content=True` an error is a span event `{content.EXCEPTION.name}`, too. Where content goes to "
        f"events, each model call is a log record `{DETAILS}` with the attributes of its span."
    )


def logs_table(document: Document) -> str:
    head = ("made of", "body", "attributes", "only with capture_content=True")
    rows = (
        (quoted([log["event"]]), quoted([log["body"]]), quoted(log["attributes"]), quoted(log["texts"]))
        for log in document["logs"]
    )
    return table(head, rows)


def span_section(span: Document) -> str:
    lines = [f"### `{span['name']}`", "", f"{span['doc']} Kind: {span['kind']}; made of `{span['event']}`.", ""]
    lines += [f"- at its start: {quoted(span['start'])}"] if span["start"] else []
    lines += [f"- at its end: {quoted(span['end'])}"] if span["end"] else []
    lines += [f"- event `{moment['name']}`: {quoted(moment['attributes'])}" for moment in span["moments"]]
    return "\n".join(lines).rstrip()


def event_section(event: Document) -> str:
    parts = [f"### {event['class']}", quoted(event["names"]), event["doc"]]
    rows = ((f"`{each['name']}`", f"`{each['type']}`", each["doc"]) for each in event["fields"])
    parts += [table(("field", "type", "meaning"), rows)] if event["fields"] else []
    return "\n\n".join(part for part in parts if part)


def quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell(text) for text in line) + " |" for line in lines)


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
