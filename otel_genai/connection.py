"""Puts what makes spans, measurements and log records of events on the bus, for given providers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from opentelemetry._logs import LoggerProvider
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from . import guard, privacy
from .bus import bus
from .catalog.rows import Shape
from .config import Config
from .emitters.adoption import Adoption
from .emitters.contents import Keeping
from .emitters.headers import HeaderCapture
from .emitters.later import Later
from .emitters.logs import Logs
from .emitters.metrics import Metrics
from .emitters.traces import Traces
from .emitters.watching import watch
from .events import TelemetryFailed
from .redaction import Redactor
from .version import __version__

SCOPE = "otel_genai"
LATEST_SCHEMA = "https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev"
Undo = Callable[[], object]


class Emitters:
    """What makes spans and measurements of events, for given providers; on the bus while it is connected."""

    def __init__(
        self,
        config: Config,
        tracers: TracerProvider | None,
        meters: MeterProvider | None,
        loggers: LoggerProvider | None = None,
    ) -> None:
        shape = Shape.named(config.shape, config.namespace, config.agent_namespace)
        schema = LATEST_SCHEMA if shape.spans == "latest" else None
        self._traces: Traces | None = None
        self._metrics: Metrics | None = None
        self._logs: Logs | None = None
        self._later = Later()
        self._keeps = bool(config.capture_content.classes)
        if tracers is not None:
            tracer = tracers.get_tracer(SCOPE, __version__, schema)
            keeping = Keeping(config.capture_content, shape, privacy.redact) if config.capture_content.spans else None
            texts = config.capture_content.texts
            headers = HeaderCapture.from_environment()
            self._traces = Traces(tracer, shape, extra=headers, content=keeping, texts=texts)
        if meters is not None:
            self._metrics = Metrics(meters.get_meter(SCOPE, __version__, schema), shape, later=self._later)
        if loggers is not None:
            keeping = Keeping(config.capture_content, shape, privacy.redact) if config.capture_content.events else None
            texts = config.capture_content.texts
            self._logs = Logs(loggers.get_logger(SCOPE, __version__, schema), shape, keeping, texts)
        self._tracers = tracers
        self.adoption = Adoption(shape) if config.adopt else None
        self._undo = ExitStack()

    def connect(self) -> None:
        if self.adoption is not None:
            self._undo.callback(self.adoption.switch_on())
            self._undo.callback(bus.connect(self.adoption.handler))
            if self._tracers is not None:
                undo = guard.call("adopting the spans of others", watch, self._tracers, self.adoption)
                self._undo.callback(undo or (lambda: None))
        if self._traces is not None:
            self._undo.callback(bus.trace_with(self._traces))
            self._undo.callback(bus.connect(self._traces.handler))
        if self._metrics is not None:
            self._undo.callback(bus.connect(self._metrics.handler, derives=self._metrics.derives))
        if self._logs is not None:
            self._undo.callback(bus.connect(self._logs.handler))
        if self._keeps:
            self._undo.callback(bus.keep_content())
        self._undo.callback(guard.watch(_publish_failure))

    def settle(self) -> None:
        """Make what has not been made yet of what has been told."""
        self._later.settle()
        if self._traces is not None:
            self._traces.settle()

    def disconnect(self) -> None:
        self._undo.close()
        self.settle()


def connect(
    config: Config,
    tracers: TracerProvider | None,
    meters: MeterProvider | None,
    loggers: LoggerProvider | None = None,
) -> Undo:
    """Put emitters for these providers on the bus; returns their undo."""
    emitters = Emitters(config, tracers, meters, loggers)
    undo = ExitStack()
    undo.callback(redacting(config))
    undo.callback(emitters.disconnect)
    emitters.connect()
    return undo.close


def redacting(config: Config) -> Undo:
    """Have masked what `config` asks for; returns the undo, for which it is time when nothing is left to be made."""
    return privacy.redact_with(Redactor(config.redact or None))


def _publish_failure(place: str, error: str) -> None:
    bus.publish(TelemetryFailed(place=place, error_category=error))
