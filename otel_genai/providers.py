"""The SDK's providers for one configuration: built, flushed and stopped in time, whatever the collector does."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from contextlib import ExitStack
from functools import partial
from typing import Any, cast

from opentelemetry import metrics, trace
from opentelemetry._logs import LoggerProvider as AnyLoggerProvider
from opentelemetry._logs import get_logger_provider
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import MeterProvider as AnyMeterProvider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import TracerProvider as AnyTracerProvider

from . import endpoints, exporters, guard, locks, prometheus
from .catalog.rows import Shape
from .config import Config, Signal
from .emitters.delivery import Delivery, HoldBack, QuietLogQueue, QuietLogs, QuietMetrics, QuietQueue, QuietSpans
from .emitters.foreign_spans import CleanedSpans
from .emitters.jsonl import JsonlExporter
from .emitters.meters import Meters
from .emitters.spans import Tracers
from .workers import Worker

Job = Callable[[], object]


class Providers:
    """A tracer, a meter and a logger provider, where wanted, and how to flush and stop them."""

    def __init__(
        self,
        tracer_provider: AnyTracerProvider | None = None,
        meter_provider: AnyMeterProvider | None = None,
        logger_provider: AnyLoggerProvider | None = None,
    ) -> None:
        self.tracer_provider = tracer_provider
        self.meter_provider = meter_provider
        self.logger_provider = logger_provider
        self.spans: SpanProcessor | None = None
        """What exports the spans that it is told of; none where that is not ours to do."""
        self._exits: list[Exit] = []
        self._page: prometheus.Page | None = None
        self._adding = locks.lock()

    @property
    def empty(self) -> bool:
        """Whether there is no provider of any signal."""
        return self.tracer_provider is None and self.meter_provider is None and self.logger_provider is None

    @classmethod
    def preloaded(cls, config: Config) -> Providers:
        """Those that the host process registered globally; they are neither flushed nor stopped by us."""
        for signal in ("traces", "metrics", "logs"):
            if getattr(config, signal):
                exporters.Reporter(signal, "external-sdk")
        return cls(
            trace.get_tracer_provider() if config.traces else None,
            metrics.get_meter_provider() if config.metrics else None,
            get_logger_provider() if config.logs else None,
        )

    @classmethod
    def build(cls, config: Config) -> Providers:
        """New ones that export by OTLP/HTTP. No global is touched."""
        resource = resource_of(config)
        providers = cls()
        say_unknown_exporters(config)
        with ExitStack() as unless_complete:
            unless_complete.callback(providers.shutdown, 0)
            if wanted(config, "traces"):
                providers._trace(config, resource)
            providers._measure(config, resource)
            if config.logs:
                providers._log(config, resource)
            unless_complete.pop_all()
        return providers

    def _trace(self, config: Config, resource: Resource) -> None:
        delivery = otlp("traces", config)
        exporter: SpanExporter = QuietSpans(partial(OTLPSpanExporter, **transport(config, "traces")), delivery)
        if config.adopt:
            exporter = CleanedSpans(exporter, config.capture_content)
        provider = Tracers(sampler_of(config), resource)
        self.spans = QuietQueue(exporter, delivery, config.flush_interval_ms)
        provider.add_span_processor(self.spans)
        self._exits.append(Exit(delivery, provider.force_flush, provider.shutdown))
        self.tracer_provider = provider

    def _measure(self, config: Config, resource: Resource) -> None:
        pushed = wanted(config, "metrics")
        if not pushed and not (config.metrics and config.prometheus_port):
            return
        delivery = otlp("metrics", config) if pushed else Delivery("metrics", "prometheus")
        readers = [pushing(config, delivery)] if pushed else []
        provider = Meters(readers, resource)
        way = Exit if pushed else Unannounced
        self._exits.append(way(delivery, provider.force_flush, provider.shutdown))
        self.meter_provider = provider

    def page(self) -> prometheus.Page | None:
        """The metrics as Prometheus reads them, made at the first demand; `None` where that cannot be."""
        with self._adding:
            provider: Any = self.meter_provider
            if self._page is None and provider is not None and (made := prometheus.page()):
                provider.add_metric_reader(made.reader)
                self._page = made
            return self._page

    def serve(self, host: str, port: int) -> Callable[[], object]:
        """Open a port for Prometheus; returns what closes it."""
        endpoint = prometheus.Endpoint(guard.call("making the page for Prometheus", self.page))
        endpoint.open(host, port)
        return endpoint.close

    def _log(self, config: Config, resource: Resource) -> None:
        ways: list[tuple[Delivery, Callable[[], LogRecordExporter]]] = []
        if config.logs_exporter != "stdout" and wanted(config, "logs"):
            ways.append((otlp("logs", config), partial(OTLPLogExporter, **transport(config, "logs"))))
        if config.logs_exporter != "otlp":
            ways.append((Delivery("logs", "stdout"), partial(JsonlExporter, Shape(namespace=config.namespace))))
        if not ways:
            return
        self.logger_provider = provider = LoggerProvider(resource, shutdown_on_exit=False)
        for delivery, make in ways:
            queue = QuietLogQueue(QuietLogs(make, delivery), delivery, config.flush_interval_ms)
            provider.add_log_record_processor(queue)
            self._exits.append(Exit(delivery, queue.force_flush, queue.shutdown))

    def flush(self, timeout_ms: int) -> bool:
        """Whether all that was recorded has arrived within `timeout_ms`."""
        return self._within(timeout_ms, [way.flush() for way in self._exits])

    def announce(self) -> None:
        """Tell whoever listens by now which exporters run."""
        for way in self._exits:
            way.announce()

    def shutdown(self, timeout_ms: int) -> bool:
        """Whether all has arrived and is stopped within `timeout_ms`; what is not is left to itself."""
        exits, self._exits = self._exits, []
        page, self._page = self._page, None
        if page is not None and not exits:  # the provider is not ours, and goes on
            guard.call("stopping", cast(Any, self.meter_provider).remove_metric_reader, page.reader)
        stopping = [way.stop() for way in exits]
        arrived = self._within(timeout_ms, stopping)
        if not all(job.done() for job in stopping):
            guard.logger.warning("telemetry did not end within %d ms: what was not sent yet may be lost", timeout_ms)
        return arrived

    def _within(self, timeout_ms: int, jobs: list[Future[bool]]) -> bool:
        done, late = wait(jobs, timeout_ms / 1000)
        for job in late:
            job.cancel()
        return not late and all(job.result() for job in done)


class Exit:
    """One signal's way out: its provider, watched by a worker, so that a signal that hangs does not hold up another."""

    def __init__(self, delivery: Delivery, flush: Job, stop: Job) -> None:
        self._delivery = delivery
        self._flush = flush
        self._stop = stop
        self._speak = HoldBack().install()
        self._worker = Worker(f"otel_genai_{delivery.signal}")

    def announce(self) -> None:
        """Say that it runs."""
        self._delivery.report.started()

    def flush(self) -> Future[bool]:
        return self._worker.give(self._flushed)

    def stop(self) -> Future[bool]:
        self._delivery.stop()
        return self._worker.give(self._stopped, last=True)

    def _flushed(self) -> bool:
        guard.call("flushing", self._flush)
        return not self._delivery.failing

    def _stopped(self) -> bool:
        guard.call("stopping", self._stop)
        self._speak()
        self._delivery.ended()
        return not self._delivery.failing


class Unannounced(Exit):
    """The way out of metrics that nothing sends: whether they can be had, the port for Prometheus says."""

    def announce(self) -> None:
        """Say nothing."""


def wanted(config: Config, signal: Signal) -> bool:
    """Whether a signal is on and its protocol one that we have; another protocol is said loudly."""
    if not getattr(config, signal) or pulled_only(config, signal):
        return False
    protocol = config.protocol_for(signal)
    if protocol != "http/protobuf":
        guard.logger.error("%s are not exported: protocol %r is not supported, use http/protobuf", signal, protocol)
        exporters.Reporter(signal, "otlp-http-protobuf").failed_to_start("unsupported_protocol")
        return False
    return True


KNOWN = frozenset({"", "otlp", "otlp_proto_http", "none"})
INSTEAD: Mapping[tuple[str, str], str] = {
    ("metrics", "prometheus"): "; for Prometheus say prometheus_port (OTEL_GENAI_PROMETHEUS_PORT)",
    ("logs", "console"): "; for standard output say logs_exporter='stdout' (OTEL_GENAI_LOGS_EXPORTER)",
}


def say_unknown_exporters(config: Config) -> None:
    """Say which exporters the standard's variables ask for that are not ours; what there is goes on."""
    heeded = {"traces": KNOWN, "metrics": KNOWN, "logs": KNOWN}
    if config.prometheus_port:
        heeded["metrics"] = KNOWN | {"prometheus"}
    if config.logs_exporter != "otlp":
        heeded["logs"] = KNOWN | {"console"}
    for signal in (signal for signal in heeded if getattr(config, signal)):
        variable = f"OTEL_{signal.upper()}_EXPORTER"
        words = [word.strip().lower() for word in os.environ.get(variable, "").split(",")]
        if unknown := [word for word in words if word not in heeded[signal]]:
            hint = "".join(INSTEAD.get((signal, word), "") for word in unknown)
            guard.logger.warning(
                "%s=%r is not heeded: otlp and none are what it can say here%s", variable, ",".join(unknown), hint
            )


def pulled_only(config: Config, signal: Signal) -> bool:
    """Whether somebody wants Prometheus and has named no collector; what Prometheus cannot take is said."""
    named = config.endpoint is not None or getattr(config, f"{signal}_endpoint", None) is not None
    if not config.prometheus_port or named:
        return False
    if signal != "metrics":
        hint = f"Prometheus takes metrics alone; name an endpoint, or say {signal}=False"
        guard.logger.warning("%s are not exported: %s", signal, hint)
    return True


def pushing(config: Config, delivery: Delivery) -> PeriodicExportingMetricReader:
    """What sends the metrics to the collector, again and again."""
    exporter = QuietMetrics(partial(OTLPMetricExporter, **transport(config, "metrics")), delivery)
    return PeriodicExportingMetricReader(exporter, config.flush_interval_ms)


def resource_of(config: Config) -> Resource:
    """Who this process is. What the environment says the SDK reads itself, and it gives each process an instance id."""
    named = {"service.name": config.service_name, "service.version": config.service_version}
    given = {name: value for name, value in named.items() if name.replace(".", "_") in config.given}
    return Resource.create({**config.resource_attributes, **given})


def sampler_of(config: Config) -> Sampler | None:
    """The parent's decision, else a share of the roots; without a rate the SDK's default (`OTEL_TRACES_SAMPLER`)."""
    return None if config.sample_rate is None else ParentBased(TraceIdRatioBased(config.sample_rate))


def otlp(signal: Signal, config: Config) -> Delivery:
    """Who tells what becomes of a signal's exports by OTLP."""
    said = config.endpoint or getattr(config, f"{signal}_endpoint")
    mode, url = "configured" if said else "default_endpoint", endpoints.masked(config.endpoint_for(signal))
    return Delivery(signal, "otlp-http-protobuf", mode, url=url)


def transport(config: Config, signal: Signal) -> Mapping[str, Any]:
    """How a signal's exporter reaches the collector. The exporter adds the headers of the environment by itself."""
    options: dict[str, Any] = {"endpoint": config.endpoint_for(signal)}
    if config.headers:
        options["headers"] = dict(config.headers)
    of_signal = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_COMPRESSION")
    if config.sources.get("compression") == "argument" or not of_signal:
        options["compression"] = Compression(config.compression)
    return options
