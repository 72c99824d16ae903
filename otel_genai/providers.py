"""The SDK's providers for one configuration: built, flushed and stopped in time, whatever the collector does."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from contextlib import ExitStack
from functools import partial
from typing import Any
from weakref import WeakSet

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import MeterProvider as AnyMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import TracerProvider as AnyTracerProvider

from . import guard
from .config import Config, Signal
from .emitters.delivery import Delivery, HoldBack, QuietMetrics, QuietQueue, QuietSpans

Job = Callable[[], object]


class Providers:
    """A tracer and a meter provider, where wanted, and how to flush and stop them."""

    def __init__(
        self, tracer_provider: AnyTracerProvider | None = None, meter_provider: AnyMeterProvider | None = None
    ) -> None:
        self.tracer_provider = tracer_provider
        self.meter_provider = meter_provider
        self._exits: list[Exit] = []

    @classmethod
    def preloaded(cls, config: Config) -> Providers:
        """Those that the host process registered globally; they are neither flushed nor stopped by us."""
        return cls(
            trace.get_tracer_provider() if config.traces else None,
            metrics.get_meter_provider() if config.metrics else None,
        )

    @classmethod
    def build(cls, config: Config) -> Providers:
        """New ones that export by OTLP/HTTP. No global is touched."""
        resource = resource_of(config)
        providers = cls()
        with ExitStack() as unless_complete:
            unless_complete.callback(providers.shutdown, 0)
            if wanted(config, "traces"):
                providers._trace(config, resource)
            if wanted(config, "metrics"):
                providers._measure(config, resource)
            unless_complete.pop_all()
        return providers

    def _trace(self, config: Config, resource: Resource) -> None:
        delivery = Delivery("traces")
        exporter = QuietSpans(partial(OTLPSpanExporter, **transport(config, "traces")), delivery)
        provider = TracerProvider(sampler_of(config), resource, shutdown_on_exit=False)
        provider.add_span_processor(QuietQueue(exporter, delivery, config.flush_interval_ms))
        self._exits.append(Exit(delivery, provider.force_flush, provider.shutdown))
        self.tracer_provider = provider

    def _measure(self, config: Config, resource: Resource) -> None:
        delivery = Delivery("metrics")
        exporter = QuietMetrics(partial(OTLPMetricExporter, **transport(config, "metrics")), delivery)
        reader = PeriodicExportingMetricReader(exporter, config.flush_interval_ms)
        provider = MeterProvider([reader], resource, shutdown_on_exit=False)
        self._exits.append(Exit(delivery, provider.force_flush, provider.shutdown))
        self.meter_provider = provider

    def flush(self, timeout_ms: int) -> bool:
        """Whether all that was recorded has arrived within `timeout_ms`."""
        return self._within(timeout_ms, [way.flush() for way in self._exits])

    def shutdown(self, timeout_ms: int) -> bool:
        """Whether all has arrived and is stopped within `timeout_ms`; what is not is left to itself."""
        exits, self._exits = self._exits, []
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


class Worker:
    """A daemon thread that does what may hang, so that nobody waits longer than he said he would.

    It is started early, also in a forked child: an interpreter that is shutting down starts no threads.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._over = False
        self.start()
        _workers.add(self)

    def start(self) -> None:
        """Begin, or begin again after a fork, which leaves all threads but one behind."""
        if self._over:
            return
        self._jobs: queue.SimpleQueue[tuple[Future[bool], Callable[[], bool]] | None] = queue.SimpleQueue()
        threading.Thread(target=work, args=(self._jobs,), name=self._name, daemon=True).start()

    def give(self, job: Callable[[], bool], *, last: bool = False) -> Future[bool]:
        """Have it done after what was given before."""
        future: Future[bool] = Future()
        if last:
            future.set_running_or_notify_cancel()  # the last is done also where nobody waits for it any more
            self._over = True
        self._jobs.put((future, job))
        if last:
            self._jobs.put(None)
        return future


def work(jobs: queue.SimpleQueue[tuple[Future[bool], Callable[[], bool]] | None]) -> None:
    while (given := jobs.get()) is not None:
        future, job = given
        if future.running() or future.set_running_or_notify_cancel():
            future.set_result(job())


_workers: WeakSet[Worker] = WeakSet()


def _restart_workers() -> None:
    for worker in list(_workers):
        guard.call("starting a thread after a fork", worker.start)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_workers)


def wanted(config: Config, signal: Signal) -> bool:
    """Whether a signal is on and its protocol one that we have; another protocol is said loudly."""
    if not getattr(config, signal):
        return False
    protocol = config.protocol_for(signal)
    if protocol != "http/protobuf":
        guard.logger.error("%s are not exported: protocol %r is not supported, use http/protobuf", signal, protocol)
        return False
    return True


def resource_of(config: Config) -> Resource:
    """Who this process is. What the environment says the SDK reads itself, and it gives each process an instance id."""
    named = {"service.name": config.service_name, "service.version": config.service_version}
    given = {name: value for name, value in named.items() if name.replace(".", "_") in config.given}
    return Resource.create({**config.resource_attributes, **given})


def sampler_of(config: Config) -> Sampler | None:
    """The parent's decision, else a share of the roots; without a rate the SDK's default (`OTEL_TRACES_SAMPLER`)."""
    return None if config.sample_rate is None else ParentBased(TraceIdRatioBased(config.sample_rate))


def transport(config: Config, signal: Signal) -> Mapping[str, Any]:
    """How a signal's exporter reaches the collector. The exporter adds the headers of the environment by itself."""
    options: dict[str, Any] = {"endpoint": config.endpoint_for(signal)}
    if config.headers:
        options["headers"] = dict(config.headers)
    of_signal = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_COMPRESSION")
    if config.sources.get("compression") == "argument" or not of_signal:
        options["compression"] = Compression(config.compression)
    return options
