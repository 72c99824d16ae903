"""The process itself: how it feels, what it spends, and what its own telemetry does."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from ..scope import Scope
from .event import Event, Operation


@dataclass(eq=False, kw_only=True)
class TelemetryFailed(Event):
    """Something of ours failed and was swallowed."""

    kind = "telemetry.failed"

    place: str = ""
    error_category: str = ""


@dataclass(eq=False, kw_only=True)
class SeriesFolded(Event):
    """A measurement found no series of its own: its metric has as many as it may have."""

    kind = "telemetry.series.folded"

    metric: str = ""
    """Name of the metric."""


@dataclass(eq=False, kw_only=True)
class Sessions:
    """How many sessions are busy."""

    active: int | None = None
    """Sessions that are processing."""
    waiting: int | None = None
    """Sessions that wait for something."""
    queued: int | None = None
    """Messages that wait for a session."""


@dataclass(eq=False, kw_only=True)
class Heartbeat(Sessions, Event):
    """The process looked at itself; its counts of webhooks are totals since it began."""

    kind = "diagnostic.heartbeat"

    webhooks_received: int | None = None
    webhooks_processed: int | None = None
    webhook_errors: int | None = None


@dataclass(eq=False, kw_only=True)
class LivenessWarning(Sessions, Event):
    """The event loop was late or full, or the processor was, in the interval before."""

    kind = "diagnostic.liveness.warning"

    reasons: tuple[str, ...] = ()
    """Of `event_loop_delay`, `event_loop_utilization`, `cpu`."""
    interval_ms: float | None = None
    """The interval that was measured, in milliseconds."""
    event_loop_delay_p99_ms: float | None = None
    """How late the event loop was, 99th percentile, in milliseconds."""
    event_loop_delay_max_ms: float | None = None
    """How late the event loop was at worst, in milliseconds."""
    event_loop_utilization: float | None = None
    """How much of the interval the event loop was busy: 0 to 1."""
    cpu_user_ms: float | None = None
    """Milliseconds of processor time that the process spent in the interval, outside of the kernel."""
    cpu_system_ms: float | None = None
    """Milliseconds of processor time that the kernel spent for it."""
    phase: str | None = None
    """What the process was at, where it said so."""

    @property
    def reason(self) -> str | None:
        """The reasons as one word, `event_loop_delay:cpu`."""
        return ":".join(self.reasons) or None

    @property
    def cpu_total_ms(self) -> float | None:
        return total(self.cpu_user_ms, self.cpu_system_ms)

    @property
    def cpu_core_ratio(self) -> float | None:
        """Cores in use, over the interval; more than 1 where several were."""
        return ratio(self.cpu_total_ms, self.interval_ms)


@dataclass(eq=False, kw_only=True)
class DiagnosticPhase(Operation):
    """A stretch of the process's own work, such as its start: what it took, and how much of a processor."""

    started_kind = "diagnostic.phase.started"
    completed_kind = "diagnostic.phase.completed"

    name: str = ""
    """Of few, as `plugins.load`."""
    cpu_user_ms: float | None = None
    """Milliseconds of processor time that the process spent in it, outside of the kernel."""
    cpu_system_ms: float | None = None
    """Milliseconds of processor time that the kernel spent for it."""
    details: tuple[str, ...] | None = None
    """What it was about, in counts and switches (`"plugins=3"`, `"cached=false"`); on spans only."""
    cpu_before: tuple[float, float] = field(default=(0, 0), init=False, repr=False)

    def begin(self, scope: Scope) -> None:
        super().begin(scope)
        self.cpu_before = processor_time()

    def end(self, error: BaseException | None) -> None:
        super().end(error)
        if self.cpu_user_ms is None and self.cpu_system_ms is None:
            user, system = processor_time()
            self.cpu_user_ms, self.cpu_system_ms = user - self.cpu_before[0], system - self.cpu_before[1]

    @property
    def cpu_total_ms(self) -> float | None:
        return total(self.cpu_user_ms, self.cpu_system_ms)

    @property
    def cpu_core_ratio(self) -> float | None:
        """Cores in use, while it took; more than 1 where several were."""
        return ratio(self.cpu_total_ms, self.duration_ms)


def processor_time() -> tuple[float, float]:
    """Milliseconds of processor time that the process has spent: outside of the kernel, and in it."""
    try:
        import resource  # late: there is none on Windows
    except ImportError:
        times = os.times()
        return times.user * 1e3, times.system * 1e3
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime * 1e3, used.ru_stime * 1e3


def total(user_ms: float | None, system_ms: float | None) -> float | None:
    """Processor time in all, where any was measured."""
    return None if user_ms is None and system_ms is None else (user_ms or 0) + (system_ms or 0)


def ratio(cpu_ms: float | None, wall_ms: float | None) -> float | None:
    """Processor time as cores in use."""
    return cpu_ms / wall_ms if cpu_ms is not None and wall_ms else None


@dataclass(eq=False, kw_only=True)
class Memory:
    """What the process holds, in bytes. Only the resident set is known of every interpreter."""

    rss_bytes: int | None = None
    """Resident set: what of it is in memory."""
    heap_used_bytes: int | None = None
    """What of the interpreter's heap is in use by objects."""
    heap_total_bytes: int | None = None
    """The interpreter's heap."""
    external_bytes: int | None = None
    """What libraries hold outside of that heap."""
    array_buffers_bytes: int | None = None
    """What of that is in buffers and arrays."""


@dataclass(eq=False, kw_only=True)
class MemorySample(Memory, Event):
    """What the process holds, as measured on a heartbeat."""

    kind = "diagnostic.memory.sample"

    uptime_ms: float | None = None
    """Milliseconds since the process began."""


@dataclass(eq=False, kw_only=True)
class MemoryPressure(Memory, Event):
    """The process holds more than it should, or grows too fast."""

    kind = "diagnostic.memory.pressure"

    level: str | None = None
    """`warning` or `critical`."""
    reason: str | None = None
    """`rss_threshold`, `heap_threshold`, `rss_growth`."""
    threshold_bytes: int | None = None
    """The threshold that was passed, in bytes."""
    rss_growth_bytes: int | None = None
    """By how much the resident set has grown in the window, in bytes."""
    window_ms: float | None = None
    """The window in which it has grown, in milliseconds."""


@dataclass(eq=False, kw_only=True)
class TelemetryExporter(Event):
    """An exporter was started, failed, or dropped what it should have sent."""

    kind = "telemetry.exporter"

    exporter: str | None = None
    signal: str | None = None
    """`traces`, `metrics`, `logs`."""
    status: str | None = None
    """`started`, `failure`, `dropped`."""
    reason: str | None = None
    """`configured`, `emit_failed`, `queue_full`, `shutdown_failed`, `start_failed`, `unsupported_protocol` ..."""
    error_category: str | None = None
    """Class of the error."""


@dataclass(eq=False, kw_only=True)
class AsyncQueueDropped(Event):
    """A queue of events was full, and some were dropped. The kinds overlap: a dropped event is in several."""

    kind = "diagnostic.async_queue.dropped"

    dropped_events: int | None = None
    dropped_trusted_events: int | None = None
    dropped_untrusted_events: int | None = None
    dropped_priority_events: int | None = None
    queue_length: int | None = None
    max_queue_length: int | None = None
    drain_batch_size: int | None = None
