"""The reference system's events as events of ours, published through the bus as if they happened now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from typing import Any

from otel_genai import bind, events
from otel_genai.bus import bus
from otel_genai.events import Event, Operation

TYPES: dict[str, type[Event]] = {
    kind: event_type
    for event_type in (getattr(events, name) for name in events.__all__)
    if isinstance(event_type, type) and issubclass(event_type, Event)
    for kind in event_type.kinds()
}
NO_METRIC_OR_SPAN = {"log.record", None}
"""Log records, and a security event, which has no type: they become log records."""
SCOPE = {"channel": "channel", "agentId": "agent", "sessionKey": "session", "trigger": "trigger", "runId": "run"}
LEFT_OUT = {
    *("type", "trace", "outcome", "error"),  # read apart
    *("sessionKey", "sessionId", "agentId", "callId", "turnId"),  # the scope's, or nobody's
    *("final", "lastCallUsage", "startedAt", "endedAt", "message"),  # not exported by the reference system either,
    *("contextWindowSource", "contextWindowReferenceTokens"),  # nor these
    *("cpuTotalMs", "cpuCoreRatio", "usage.total"),  # reckoned here
}
NAMES: dict[type[Event], dict[str, str | None]] = {
    events.ContextAssembled: {"contextTokenBudget": "token_budget"},
    events.HarnessRun: {
        "harnessId": "name",
        "pluginId": "plugin",
        "itemLifecycle.startedCount": "items_started",
        "itemLifecycle.completedCount": "items_completed",
        "itemLifecycle.activeCount": "items_active",
    },
    events.Heartbeat: {
        "webhooks.received": "webhooks_received",
        "webhooks.processed": "webhooks_processed",
        "webhooks.errors": "webhook_errors",
    },
    events.ModelCall: {
        "requestPayloadBytes": "request_bytes",
        "responseStreamBytes": "response_bytes",
        "timeToFirstByteMs": "first_chunk_ns",
        "upstreamRequestIdHash": "request_id_hash",
    },
    events.ModelFailover: {"fromProvider": "provider", "fromModel": "model"},
    events.ModelUsage: {
        "usage.input": "input_tokens",  # what no cache had part in; `promptTokens` comes later and is all of it
        "usage.promptTokens": "input_tokens",
        "usage.output": "output_tokens",
        "usage.cacheRead": "cache_read_tokens",
        "usage.cacheWrite": "cache_write_tokens",
        "context.limit": "context_limit",
        "context.used": "context_used",
    },
    events.PayloadLarge: {"bytes": "payload_bytes"},
    events.SessionState: {"prevState": "previous"},
    events.SkillUsed: {"skillName": "name", "skillSource": "source", "toolName": "tool", "toolCallId": None},
    events.TalkEvent: {"talkEventType": "event_type"},
    events.ToolExecution: {
        "toolName": "name",
        "toolSource": "source",
        "toolOwner": "owner",
        "toolCallId": "call_id",
        "paramsSummary.kind": "params_kind",
        "paramsSummary.length": "params_length",
        "reason": None,  # free text
    },
    events.ToolLoop: {"toolName": "tool", "pairedToolName": "paired_tool"},
}
"""The exceptions; every other field is called here by its last word, in snake case."""


def field_name(event_type: type[Event], path: str) -> str | None:
    """What a field of the reference system's is called here; `None` for one that has no place in the event."""
    last = re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), path.rpartition(".")[2])
    name = NAMES.get(event_type, {}).get(path, last)
    if name == "duration_ms" and issubclass(event_type, Operation):
        name = "duration_ns"
    known = {field.name for field in fields(event_type)}
    if name is None or (path in SCOPE and name not in known):
        return None
    assert name in known, f"{event_type.__name__} has nothing for {path}"
    return name


def field_value(name: str, value: Any) -> Any:
    if name.endswith("_ns"):
        return round(value * 1e6)
    if name == "details":
        return tuple(f"{key}={str(detail).lower()}" for key, detail in value.items())
    return tuple(value) if isinstance(value, list) else value


def said(event: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Every field of an event, those of fields too: `usage.input`."""
    for name, value in event.items():
        path = f"{within}{name}"
        if isinstance(value, dict) and path not in {*LEFT_OUT, "details"}:
            yield from said(value, f"{path}.")
        elif path not in LEFT_OUT:
            yield path, value


def tell(ours: Event, event: Mapping[str, Any]) -> None:
    """Set on our event what the reference system's says."""
    for path, value in said(event):
        if name := field_name(type(ours), path):
            setattr(ours, name, field_value(name, value))
    if isinstance(ours, Operation) and event["type"] != ours.started_kind:
        _tell_the_end(ours, event)


def _tell_the_end(operation: Operation, event: Mapping[str, Any]) -> None:
    end = event["type"].rpartition(".")[2]
    operation.declared = event.get("outcome", end if end in operation.other_kinds else None)
    operation.error_type = operation.error_category
    operation.duration_ns = operation.duration_ns or 0


class Replay:
    """Publishes the events of the file, each inside of the operation that its trace context names.

    Some operations only end in the file. They begin before anybody listens, so that nothing is made of their start.
    What nobody trusted is exported like everything else, and stands below nothing.
    """

    def __init__(self, lines: Iterable[Mapping[str, Any]]) -> None:
        self._lines = [line for line in lines if line["event"].get("type") not in NO_METRIC_OR_SPAN]
        self._running: dict[str, Operation] = {}
        self._begun: dict[int, Operation] = {}
        self._by_span: dict[str, Operation] = {}

    def begin(self) -> None:
        """Begin the operations of which the file only has the end."""
        open_keys: set[str] = set()
        for place, line in enumerate(self._lines):
            event = line["event"]
            event_type, key = TYPES[event["type"]], operation_key(event)
            if not issubclass(event_type, Operation):
                continue
            if event["type"] == event_type.started_kind:
                open_keys.add(key)
            elif key in open_keys:
                open_keys.remove(key)
            else:
                self._begun[place] = self._start(event_type, line)

    def publish(self) -> int:
        """Publish all of it; says how many events that were."""
        for place, line in enumerate(self._lines):
            event = line["event"]
            event_type = TYPES[event["type"]]
            if not issubclass(event_type, Operation):
                self._tell(event_type, line)
            elif event["type"] == event_type.started_kind:
                self._running[operation_key(event)] = self._start(event_type, line)
            else:
                self._finish(self._begun.get(place) or self._running.pop(operation_key(event)), line)
        return len(self._lines)

    def _tell(self, event_type: type[Event], line: Mapping[str, Any]) -> None:
        ours = event_type()
        tell(ours, line["event"])
        with self._around(line):
            bus.publish(ours)

    def _start(self, operation_type: type[Operation], line: Mapping[str, Any]) -> Operation:
        operation = operation_type()
        tell(operation, line["event"])
        with self._around(line):
            bus.start(operation)
        self._by_span[line["event"].get("trace", {}).get("spanId", "")] = operation
        return operation

    def _finish(self, operation: Operation, line: Mapping[str, Any]) -> None:
        tell(operation, line["event"])
        text = line["event"].get("error")
        with self._around(line):
            bus.finish(operation, RuntimeError(text) if text else None)

    @contextmanager
    def _around(self, line: Mapping[str, Any]) -> Iterator[None]:
        """Inside of the operation that the event names, which nobody believes who is not trusted."""
        event = line["event"]
        parent = self._by_span.get(event.get("trace", {}).get("parentSpanId"))
        with ExitStack() as undo:
            if parent is not None and line["trust"] == "trusted":
                undo.callback(bus.leave, parent, bus.enter(parent))
            undo.enter_context(bind(**{ours: event[theirs] for theirs, ours in SCOPE.items() if theirs in event}))
            yield


def operation_key(event: Mapping[str, Any]) -> str:
    """What the events of one operation have in common: its span, or else that no other of its type is running."""
    return str(event.get("trace", {}).get("spanId") or TYPES[event["type"]].__name__)
