"""Events into log records: one record each, built once, for whichever sinks the logger has."""

from __future__ import annotations

from functools import partial

from opentelemetry import context as otel_context
from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.context import Context

from .. import privacy
from ..catalog.logs import DETAILS, INFERENCE, LOGS, NEVER, SEVERITIES
from ..catalog.rows import LogEvent, Shape, Value
from ..events import Event, ModelCall, Operation
from ..listeners import Handler
from .contents import Keeping
from .reader import Reader
from .traced import Traced

MOST_ATTRIBUTES = 64


class Logs:
    """Subscribes to the bus: log records, what matters to security, and, where content goes to events, model calls."""

    def __init__(self, logger: Logger, shape: Shape, content: Keeping | None = None, texts: bool = False) -> None:
        self._logger = logger
        self._shape = shape
        self._content = content
        self._texts = texts
        self._rows = {row.event: (row, Reader(row.sources + row.texts * texts, shape)) for row in LOGS}
        self._inference = Reader(INFERENCE, shape)

    def handler(self, event_type: type[Event], kind: str) -> Handler | None:
        """What to do about a wire name; `None` where nothing is logged of it."""
        if event_type in self._rows:
            return partial(self._log, *self._rows[event_type])
        if self._content is None or event_type is not ModelCall:
            return None
        return self._open if kind == ModelCall.started_kind else self._details

    def _log(self, row: LogEvent, reader: Reader, event: Event) -> None:
        attributes, prefix = reader.of(event), self._shape.name(row.prefix)
        for name, value in privacy.attributes(getattr(event, "attributes", {})):
            if name not in NEVER and len(attributes) < MOST_ATTRIBUTES:
                attributes.setdefault(prefix + name, value)
        said = privacy.text(row.said(event) or "") if self._texts else None
        self._emit(event.at_ns, row.severity(event), attributes, body=said or self._shape.name(row.body))

    def _open(self, event: Event) -> None:
        if self._content is not None and isinstance(event, Operation):
            self._content.open(event)

    def _details(self, event: Event) -> None:
        """What the span of a model call says, with its content, as an event in its trace."""
        assert isinstance(event, ModelCall)
        content = self._content.attributes(event) if self._content is not None else {}
        around = event.trace.context if isinstance(event.trace, Traced) else None
        self._emit(event.at_ns, None, {**self._inference.of(event), **content}, around, event_name=DETAILS)

    def _emit(
        self,
        at_ns: int,
        word: str | None,
        attributes: dict[str, Value],
        around: Context | None = None,
        *,
        body: str | None = None,
        event_name: str | None = None,
    ) -> None:
        record = LogRecord(
            timestamp=at_ns,
            observed_timestamp=at_ns,
            context=otel_context.get_current() if around is None else around,
            severity_text=word,
            severity_number=SeverityNumber(SEVERITIES.get(word or "DEBUG", SEVERITIES["INFO"])),
            body=body,
            attributes=attributes,
            event_name=event_name,
        )
        self._logger.emit(record)
