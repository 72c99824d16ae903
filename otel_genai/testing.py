"""`captured`: a pytest fixture with everything that left, for the tests of programs that use this package.

It comes with the installation: a test asks for the fixture, calls its own code, and looks. Nothing is sent, no global
of OpenTelemetry is touched, and a failure inside of telemetry fails the test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Unpack

import pytest

if TYPE_CHECKING:
    from opentelemetry._logs import LogRecord
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from .arguments import Options
    from .config import Config
    from .events import Event


class Attributes(Mapping[str, Any]):
    """A mapping of what something that left has as `attributes`."""

    attributes: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.attributes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.attributes)

    def __len__(self) -> int:
        return len(self.attributes)


class CapturedSpan(Attributes):
    """A finished span: a mapping of its attributes, and the rest by name."""

    def __init__(self, span: ReadableSpan) -> None:
        self.name = span.name
        self.attributes = dict(span.attributes or {})
        self.kind = span.kind.name.lower()
        self.status = span.status.status_code.name
        self.status_message = span.status.description
        self.trace_id = f"{span.context.trace_id:032x}"
        self.span_id = f"{span.context.span_id:016x}"
        self.flags = int(span.context.trace_flags)
        self.parent_id = f"{span.parent.span_id:016x}" if span.parent else None
        self.links = [f"{link.context.span_id:016x}" for link in span.links]
        self.events = {event.name: dict(event.attributes or {}) for event in span.events}
        self.start_ns, self.end_ns = span.start_time or 0, span.end_time or 0

    def __bool__(self) -> bool:
        return True  # also where it has no attributes

    def __repr__(self) -> str:
        return f"<{self.name} {self.attributes}>"


class CapturedLog(Attributes):
    """A log record: a mapping of its attributes, and the rest by name."""

    def __init__(self, record: LogRecord) -> None:
        self.body = record.body
        self.event_name = record.event_name
        self.severity = record.severity_text
        self.severity_number = record.severity_number.value if record.severity_number else None
        self.attributes = dict(record.attributes or {})
        self.trace_id = f"{record.trace_id or 0:032x}"
        self.span_id = f"{record.span_id or 0:016x}"

    def __repr__(self) -> str:
        return f"<{self.event_name or self.body} {self.attributes}>"


@dataclass
class Point:
    """One measurement series: its attributes, and the sum, or count and sum, or last value."""

    attributes: dict[str, Any]
    value: float | None = None
    count: int | None = None
    sum: float | None = None
    bounds: tuple[float, ...] = ()
    unit: str = ""

    def __getitem__(self, name: str) -> Any:
        return self.attributes[name]


@dataclass
class Captured:
    """Everything that left while the fixture was there."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader
    tracer_provider: TracerProvider
    meter_provider: MeterProvider
    log_exporter: InMemoryLogRecordExporter
    logger_provider: LoggerProvider
    events: list[Event] = field(default_factory=list)
    """Every event that was published, and every operation when it ended."""

    @property
    def spans(self) -> list[CapturedSpan]:
        """Every finished span, in the order in which they ended."""
        _settle()
        return [CapturedSpan(span) for span in self.exporter.get_finished_spans()]

    def span(self, name: str) -> CapturedSpan:
        """The one span of this name; there must be exactly one."""
        found = [span for span in self.spans if span.name == name]
        assert len(found) == 1, f"{len(found)} spans are called {name!r}; there are {[s.name for s in self.spans]}"
        return found[0]

    @property
    def logs(self) -> list[CapturedLog]:
        """Every log record, where `logs` is on."""
        return [CapturedLog(one.log_record) for one in self.log_exporter.get_finished_logs()]

    def parent(self, span: CapturedSpan) -> CapturedSpan | None:
        """The span that `span` is a child of, if it is among those that left."""
        return next((other for other in self.spans if other.span_id == span.parent_id), None)

    def points(self, metric: str) -> list[Point]:
        """Every series of a metric, or none."""
        return self.metrics().get(metric, [])

    def metrics(self) -> dict[str, list[Point]]:
        """Every metric that has a value, by name."""
        _settle()
        data = self.reader.get_metrics_data()
        found: dict[str, list[Point]] = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found[metric.name] = [_point(point, metric.unit or "") for point in metric.data.data_points]
        return found

    def _keep(self, event: Event) -> None:
        if getattr(event, "outcome", "none of an event that takes no time") is not None:
            self.events.append(event)

    def clear(self) -> None:
        """Forget the spans and events so far; metrics are totals and stay."""
        self.exporter.clear()
        self.log_exporter.clear()
        self.events.clear()


def _point(point: Any, unit: str) -> Point:
    attributes = dict(point.attributes)
    if hasattr(point, "bucket_counts"):
        bounds = tuple(point.explicit_bounds)
        return Point(attributes, count=point.count, sum=point.sum, bounds=bounds, unit=unit)
    return Point(attributes, value=point.value, unit=unit)


def _settle() -> None:
    from .bus import bus  # late: this module is loaded by every run of pytest

    bus.settle()


@contextmanager
def capture(**options: Unpack[Options]) -> Iterator[Captured]:
    """What the fixture does, as a block; `options` are those of `configure` (`semconv`, `namespace`, `sample_rate`).

    A pipeline that the program has configured is told nothing meanwhile, and `configure` switches nothing on. Who
    subscribes inside is told nothing afterwards.
    """
    from . import (  # late, here and below: this module is loaded by every run of pytest
        config,
        connection,
        guard,
        pipeline,
    )
    from .bus import bus
    from .sources import logs, outbound

    loaded = config.load({"enabled": True, **options}, environ={})
    with ExitStack() as undo:
        undo.enter_context(pipeline.held())
        undo.callback(bus.remember())
        everything = _captured(loaded, undo)
        undo.callback(config.activate, config.activate(loaded))
        loggers = everything.logger_provider if loaded.logs else None
        emitters = connection.Emitters(loaded, everything.tracer_provider, everything.meter_provider, loggers)
        undo.callback(connection.redacting(loaded))
        emitters.connect()
        undo.callback(emitters.disconnect)
        if loaded.logs:
            undo.callback(logs.attach_to_root())
        undo.callback(bus.subscribe(everything._keep))
        undo.callback(outbound.install())
        undo.callback(bus.settle)
        undo.enter_context(guard.strict())
        yield everything
        emitters.settle()  # what fails only when it is made fails the test, too


def _captured(loaded: Config, undo: ExitStack) -> Captured:
    """Providers that keep what they are given, and do not care for the environment of the machine the test runs on."""
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from .emitters.meters import Meters
    from .emitters.spans import Tracers
    from .providers import sampler_of

    exporter, reader, kept = InMemorySpanExporter(), InMemoryMetricReader(), InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # (the SDK's)
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("OTEL_")]:
            environment.delenv(name)
        tracers = Tracers(sampler_of(loaded))
        meters = Meters([reader])
        loggers = LoggerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    loggers.add_log_record_processor(SimpleLogRecordProcessor(kept))
    undo.callback(loggers.shutdown)
    undo.callback(meters.shutdown)
    undo.callback(tracers.shutdown)
    return Captured(exporter, reader, tracers, meters, kept, loggers)


@pytest.fixture
def captured() -> Iterator[Captured]:
    """Everything that leaves during the test: `captured.span(name)`, `captured.points(metric)`, `captured.events`."""
    with capture() as everything:
        yield everything
