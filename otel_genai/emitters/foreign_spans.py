"""Spans of others before they leave by our exporters: without the content that may not leave, and secrets masked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Status, StatusCode

from .. import guard, privacy
from ..capture import Capture
from ..catalog import foreign
from ..catalog.foreign_content import EVERYTHING, MESSAGES, REASONED, TEXTS, classes_of, spoken_by
from ..content import Withheld, as_json
from ..events import ToolExecution

OURS: Final = __name__.partition(".")[0]
REMARKS: Final = "_otel_genai_remarks"

Attributes = dict[str, Any]


def is_ours(span: Any) -> bool:
    """Whether we have made it, for an operation that is told already."""
    made_by = span.instrumentation_scope
    return made_by is not None and made_by.name == OURS


def remark(span: ReadableSpan, attributes: Attributes) -> None:
    """Have attributes added where the span leaves by our exporters: one that is over takes none."""
    span.__dict__[REMARKS] = attributes


class CleanedSpans(SpanExporter):
    """Hands our spans on as they are, and those of others as they may leave; one that cannot be read is left out."""

    def __init__(self, inner: SpanExporter, capture: Capture) -> None:
        self._inner = inner
        self._classes = capture.classes if capture.spans else frozenset()
        self._texts = capture.texts

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        found = (one if is_ours(one) else guard.call("cleaning a span", self.cleaned, one) for one in spans)
        return self._inner.export([one for one in found if one is not None])

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)

    def cleaned(self, span: ReadableSpan) -> ReadableSpan:
        """A copy of a span of others, as it may leave."""
        said = span.attributes or {}
        operation = foreign.operation_of(said)
        tool = operation is not None and foreign.OPERATIONS[operation] is ToolExecution
        clean = self._cleaning(tool, operation is not None)
        return ReadableSpan(
            name=privacy.redact(span.name) or "",
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes={**clean(said), **span.__dict__.get(REMARKS, {})},
            events=[Event(one.name, clean(one.attributes or {}), one.timestamp) for one in span.events],
            links=[Link(one.context, clean(one.attributes or {})) for one in span.links],
            kind=span.kind,
            status=self._status(span.status),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _status(self, status: Status) -> Status:
        """The description of an error may repeat what was said."""
        if status.status_code is not StatusCode.ERROR or not status.description or not self._texts:
            return Status(status.status_code)
        return Status(status.status_code, privacy.redact(status.description))

    def _cleaning(self, tool: bool, genai: bool) -> Callable[[Mapping[str, Any]], Attributes]:
        def clean(said: Mapping[str, Any]) -> Attributes:
            found = ((name, self._value(name, said, tool, genai)) for name in said)
            return {name: value for name, value in found if value is not None}

        return clean

    def _value(self, name: str, said: Mapping[str, Any], tool: bool, genai: bool) -> Any:
        value = said[name]
        if name in MESSAGES and isinstance(value, str):
            return messages(value, MESSAGES[name], self._classes)
        if name in TEXTS:
            return redacted(value) if self._texts else None
        return redacted(value) if classes_of(name, said, tool=tool, genai=genai) <= self._classes else None


def redacted(value: Any) -> Any:
    """A value with its secrets masked; `None` where the user's own redaction failed."""
    if isinstance(value, str):
        return privacy.redact(value)
    if isinstance(value, list | tuple):
        return [one for item in value if (one := redacted(item)) is not None]
    return value


def messages(written: str, own: str, classes: frozenset[str]) -> str | None:
    """JSON of messages with what may leave of them; `None` where that is nothing."""
    if not classes:
        return None
    read, failed = guard.attempt(json.loads, written)
    if failed is not None or not isinstance(read, list):
        needed = frozenset({own}) if own == "system_prompt" else EVERYTHING
        return privacy.redact(written) if needed <= classes else None
    kept = [one for item in read if (one := message(item, own, classes)) is not None]
    try:
        return as_json(kept, clean=privacy.redact) if kept else None
    except Withheld:
        return None


def message(item: Any, own: str, classes: frozenset[str]) -> Any:
    """What may leave of a message, or of a part that stands alone; `None` for nothing."""
    if not isinstance(item, dict):
        return item if own in classes else None
    if "role" not in item and "parts" not in item:
        return part(item, own, classes)
    said = spoken_by(str(item.get("role")), own)
    inside = {name: list(parts(item[name], said, classes)) for name in ("parts", "content") if is_list(item.get(name))}
    calls = {"tool_calls": list(parts(item["tool_calls"], said, classes))} if is_list(item.get("tool_calls")) else {}
    told = {"content": item["content"]} if isinstance(item.get("content"), str) and said in classes else {}
    if not (told or any(inside.values()) or any(calls.values())):
        return None
    named = {name: item[name] for name in ("role", "name", "finish_reason", "id", "tool_call_id") if item.get(name)}
    return {**named, **inside, **calls, **told}


def parts(items: Iterable[Any], own: str, classes: frozenset[str]) -> Iterable[Any]:
    return (one for item in items if (one := part(item, own, classes)) is not None)


def part(item: Any, own: str, classes: frozenset[str]) -> Any:
    """What may leave of a part of a message: a tool's call and its result stay, without what is not let out of them."""
    kind = str(item.get("type", "")) if isinstance(item, dict) else ""
    if REASONED.search(kind):
        return None
    if kind in RESULTS:
        return without(item, RESULT_FIELDS, "tool_outputs", classes)
    if kind in CALLS or (isinstance(item, dict) and "function" in item):
        return without(item, CALL_FIELDS, "tool_inputs", classes)
    return item if own in classes else None


def without(item: Attributes, fields: frozenset[str], of: str, classes: frozenset[str]) -> Attributes:
    return item if of in classes else {name: value for name, value in item.items() if name not in fields}


def is_list(value: Any) -> bool:
    return isinstance(value, list)


CALLS: Final = frozenset({"tool_call", "tool_use", "function_call", "server_tool_call", "server_tool_use", "tool-call"})
CALL_FIELDS: Final = frozenset({"arguments", "input", "args", "function", "server_tool_call"})
RESULTS: Final = frozenset(
    {"tool_call_response", "tool_result", "function_call_output", "server_tool_call_response", "tool-call-response"}
)
RESULT_FIELDS: Final = frozenset({"response", "result", "content", "output", "server_tool_call_response"})
