"""Exporters that cannot disturb: a failure is counted and said at most once a minute, a recovery once."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from .. import guard, locks
from ..exporters import Reporter
from .reasons import cause_in, cause_of, hint_at_port, reason_in

SAY_AGAIN_AFTER = 60.0
QUEUE_FULL = "the queue is full"
FAMILIES = ("opentelemetry.", "requests.", "urllib3.")
"""Loggers through which the SDK, and what it sends with, say every attempt that fails."""

E = TypeVar("E")


class Delivery:
    """What becomes of one signal's exports: how much is lost, and why, told to the log in moderation."""

    def __init__(
        self,
        signal: str,
        exporter: str = "otlp-http-protobuf",
        endpoint: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        url: str | None = None,
    ) -> None:
        self.signal = signal
        self._where = f" at {url}" if url else ""
        self._hint = hint_at_port(url) if url else ""
        self.report = Reporter(signal, exporter, endpoint)
        self.failing = False
        """Whether the last thing that happened is a loss."""
        self.lost = 0
        """Items lost since the log last said that they arrive again."""
        self.give_up: Callable[[], object] = lambda: None
        """Ends the wait for another attempt; set by the exporter."""
        self._stopping = False
        self._nobody_there = False
        self._clock = clock
        self._said_at = float("-inf")
        self._said_lost: int | None = None
        self._reason: str | None = None
        self._cause: str | None = None
        self._lock = locks.lock()

    def failed(self, items: int, reason: str, what: str = "do not arrive", why: str | None = None) -> None:
        """`items` are lost. The log says so the first time, and then at most once a minute; `why` is for the log."""
        if reason == QUEUE_FULL:
            self.report.dropped(items)
        else:
            self.report.failed(reason, items)
        with self._lock:
            self.failing = True
            self.lost += items
            now = self._clock()
            if now - self._said_at < SAY_AGAIN_AFTER:
                return
            self._said_at, self._said_lost, lost = now, self.lost, self.lost
        so_far = f", {lost} lost so far" if lost else ""
        guard.logger.warning("%s %s (%s)%s; the program is not affected", self.signal, what, why or reason, so_far)

    def arrived(self) -> None:
        """An export came through; where the log said that they fail, it says that they do no more."""
        if not self.failing:
            return
        self.report.recovered()
        with self._lock:
            self.failing = False
            if self._said_lost is None:
                return
            lost, self.lost, self._said_lost = self.lost, 0, None
        guard.logger.warning("%s arrive again%s", self.signal, f"; {lost} were lost" if lost else "")

    def stop(self) -> None:
        """From now on a collector that cannot be reached is not tried again."""
        self._stopping = True
        if self._nobody_there:
            self.give_up()

    def ended(self) -> None:
        """Nothing more will be sent: say what was lost and is not said yet."""
        self.report.stopped()
        if self.lost > (self._said_lost or 0):
            guard.logger.warning("%s: %d were lost until the end", self.signal, self.lost)

    def attempt(self, export: Callable[[], Any], items: int) -> bool:
        """One export, with the complaints of others about it held back. Whether it came through."""
        self._reason, self._cause, self._nobody_there = None, None, False
        with self.quiet():
            result, error = guard.attempt(export)
        if getattr(result, "name", None) == "SUCCESS":
            self.arrived()
            return True
        if error is not None:
            self._reason, self._cause = type(error).__name__, cause_of(error)
        reason = self._reason or "not taken in time"
        why = f"{reason}: {self._cause}" if self._cause else reason
        self.failed(items, reason, f"do not arrive{self._where}", why + self._hint)
        return False

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """What this thread says to the log through others in here is for us."""
        before, _here.delivery = _here.delivery, self
        try:
            with guard.at_export():
                yield
        finally:
            _here.delivery = before

    def overhear(self, record: logging.LogRecord) -> None:
        """Learn from a complaint that is held back: that the queue is full, or why an export fails."""
        if str(record.msg).startswith("Queue full"):
            self.failed(1, QUEUE_FULL, "do not all arrive")
        elif record.levelno >= logging.WARNING:
            if reason := reason_in(record.args):
                self._reason, self._cause = reason, cause_in(record.args)
            self._nobody_there = any(isinstance(argument, Exception) for argument in record.args or ())
            if self._stopping and self._nobody_there:
                self.give_up()


class _Here(threading.local):
    delivery: Delivery | None = None


_here = _Here()
"""For whose delivery this thread is at work."""


class HoldBack(logging.Filter):
    """Keeps the complaints of others about our exports out of the log, and lets their `Delivery` hear them."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _here.delivery is None:
            return True
        _here.delivery.overhear(record)
        return False

    def install(self) -> Callable[[], None]:
        """Put it before the other filters of their loggers: one of them drops what repeats. Returns its undo."""
        names = [name for name in list(logging.root.manager.loggerDict) if name.startswith(FAMILIES)]
        loggers = [logging.getLogger(name) for name in names]
        for logger in loggers:
            logger.filters.insert(0, self)

        def undo() -> None:
            for logger in loggers:
                logger.removeFilter(self)

        return undo


class Own(Generic[E]):
    """An exporter of this process: after a fork a new one is made, for the old one's connection is the parent's."""

    def __init__(self, make: Callable[[], E]) -> None:
        self._make = make
        self._renew()

    def _renew(self) -> None:
        self._exporter, self._process = self._make(), os.getpid()

    def __call__(self) -> E:
        if self._process != os.getpid():
            self._renew()
        return self._exporter


class QuietSpans(SpanExporter):
    """A span exporter whose failures are told by its `Delivery`."""

    def __init__(self, make: Callable[[], SpanExporter], delivery: Delivery) -> None:
        self._inner = Own(make)
        self._delivery = delivery
        delivery.give_up = self.shutdown

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        arrived = self._delivery.attempt(lambda: self._inner().export(spans), len(spans))
        return SpanExportResult.SUCCESS if arrived else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        with self._delivery.quiet():
            self._inner().shutdown()


class QuietQueue(BatchSpanProcessor):
    """The SDK's queue of spans; one that finds no place in it is counted by its `Delivery`."""

    def __init__(self, exporter: SpanExporter, delivery: Delivery, interval_ms: int | None) -> None:
        super().__init__(exporter, schedule_delay_millis=interval_ms)
        self._delivery = delivery

    def on_end(self, span: ReadableSpan) -> None:
        before, _here.delivery = _here.delivery, self._delivery
        try:
            super().on_end(span)
        finally:
            _here.delivery = before


class QuietLogs(LogRecordExporter):
    """A log exporter whose failures are told by its `Delivery`."""

    def __init__(self, make: Callable[[], LogRecordExporter], delivery: Delivery) -> None:
        self._inner = Own(make)
        self._delivery = delivery
        delivery.give_up = self.shutdown

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        arrived = self._delivery.attempt(lambda: self._inner().export(batch), len(batch))
        return LogRecordExportResult.SUCCESS if arrived else LogRecordExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """Nothing is kept here."""
        return True

    def shutdown(self) -> None:
        with self._delivery.quiet():
            self._inner().shutdown()  # type: ignore[no-untyped-call]  # (the SDK's)


class QuietLogQueue(BatchLogRecordProcessor):
    """The SDK's queue of log records; one that finds no place in it is counted by its `Delivery`."""

    def __init__(self, exporter: LogRecordExporter, delivery: Delivery, interval_ms: int | None) -> None:
        super().__init__(exporter, schedule_delay_millis=interval_ms)
        self._delivery = delivery

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        with self._delivery.quiet():
            super().on_emit(log_record)


class QuietMetrics(MetricExporter):
    """A metric exporter whose failures are told by its `Delivery`.

    Totals that it could not send are in what it sends next; only those that are sent as differences are lost.
    """

    def __init__(self, make: Callable[[], MetricExporter], delivery: Delivery) -> None:
        self._inner = Own(make)
        inner = self._inner()
        super().__init__(inner._preferred_temporality, inner._preferred_aggregation)
        self._differences = AggregationTemporality.DELTA in (inner._preferred_temporality or {}).values()
        self._delivery = delivery
        delivery.give_up = self.shutdown

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        losable = points_in(metrics_data) if self._differences else 0
        arrived = self._delivery.attempt(lambda: self._inner().export(metrics_data, timeout_millis, **kwargs), losable)
        return MetricExportResult.SUCCESS if arrived else MetricExportResult.FAILURE

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing is kept here."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        with self._delivery.quiet():
            self._inner().shutdown(timeout_millis, **kwargs)


def points_in(data: MetricsData) -> int:
    scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
    return sum(len(metric.data.data_points) for scope in scopes for metric in scope.metrics)
