"""Log records as lines of JSON on stdout, for a platform that collects what its programs print."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

from ..catalog.logs import SIGNAL
from ..catalog.rows import Shape


class JsonlExporter(LogRecordExporter):
    """Writes each record as one line: `ts`, `signal`, `service.name`, severity, body, attributes, trace.

    To what `sys.stdout` is when it writes, unless a file is given.
    """

    def __init__(self, shape: Shape, file: TextIO | None = None) -> None:
        self._signal = shape.name(SIGNAL)
        self._file = file

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        file = self._file or sys.stdout
        file.write("".join(json.dumps(self.line(one), ensure_ascii=False) + "\n" for one in batch))
        file.flush()
        return LogRecordExportResult.SUCCESS

    def line(self, readable: ReadableLogRecord) -> dict[str, Any]:
        """What a line says; a key that has nothing to say is left out."""
        record = readable.log_record
        severity = record.severity_number.value if record.severity_number else None
        line = {
            "ts": stamp(record.timestamp or record.observed_timestamp or 0),
            "signal": self._signal,
            "service.name": readable.resource.attributes.get("service.name"),
            "event_name": record.event_name,
            "severityText": record.severity_text,
            "severityNumber": severity,
            "body": record.body,
            "attributes": dict(record.attributes or {}),
            **trace_of(record),
        }
        return {name: value for name, value in line.items() if value is not None}

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """Nothing is kept here."""
        return True

    def shutdown(self) -> None:
        """Nothing is held open."""


def stamp(at_ns: int) -> str:
    """Nanoseconds since the epoch as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def trace_of(record: Any) -> Mapping[str, str]:
    if not record.trace_id or not record.span_id:
        return {}
    flags = int(record.trace_flags or 0)
    return {"trace_id": f"{record.trace_id:032x}", "span_id": f"{record.span_id:016x}", "trace_flags": f"{flags:02x}"}
