"""What is said of the process itself: spans and metrics."""

from __future__ import annotations

from ..events import (
    AsyncQueueDropped,
    DiagnosticPhase,
    LivenessWarning,
    MemoryPressure,
    MemorySample,
    SeriesFolded,
    TelemetryExporter,
    TelemetryFailed,
)
from . import attributes as a
from .buckets import DEFAULT_BUCKETS, UP_TO_AN_HOUR
from .readings import failed
from .rows import Metric, On, Source, Span

MEMORY_BYTES = (*DEFAULT_BUCKETS, *(2**n for n in range(20, 37)))
RATIOS = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1, 1.5, 2, 3, *DEFAULT_BUCKETS[1:])

PRESSURE = (a.MEMORY_LEVEL.of("level", "unknown"), a.MEMORY_REASON.of("reason", "unknown"))
LIVENESS = (a.LIVENESS_REASON.of("reason", "unknown"),)
EXPORTER = (
    a.EXPORTER.of("exporter", "unknown"),
    a.SIGNAL.of("signal", "unknown"),
    a.STATUS.of("status", "unknown"),
    a.REASON.of("reason"),
    a.ERROR_CATEGORY.of("error_category"),
)


def memory(name: str, field: str, doc: str, *sources: Source) -> Metric:
    """One of the byte counts. What is told under pressure is told once more with why."""
    on = (On(MemorySample, field, sources), On(MemoryPressure, field, (*sources, *PRESSURE)))
    return Metric(name, "histogram", "By", doc, on, MEMORY_BYTES)


def liveness(name: str, unit: str, field: str, doc: str, buckets: tuple[float, ...]) -> Metric:
    """One of the measurements that come with a warning."""
    return Metric(name, "histogram", unit, doc, (On(LivenessWarning, field, LIVENESS),), buckets)


def dropped(drop_class: str, field: str) -> On:
    """One of the overlapping classes of what was dropped."""
    return On(AsyncQueueDropped, field, (a.DROP_CLASS.always(drop_class),))


def critical(pressure: MemoryPressure) -> str | None:
    return pressure.reason or "critical" if pressure.level == "critical" else None


METRICS: tuple[Metric, ...] = (
    memory("openclaw.memory.rss_bytes", "rss_bytes", "What of the process is in memory."),
    memory(
        "openclaw.memory.heap_used_bytes",
        "heap_used_bytes",
        "What of the heap is in use by objects.",
        a.MEMORY_KIND.always("heap_used"),
    ),
    memory("openclaw.memory.heap_total_bytes", "heap_total_bytes", "The interpreter's heap."),
    memory("openclaw.memory.external_bytes", "external_bytes", "What libraries hold outside of the heap."),
    memory("openclaw.memory.array_buffers_bytes", "array_buffers_bytes", "What is in buffers and arrays."),
    Metric(
        "openclaw.memory.pressure",
        "counter",
        "1",
        "Reports that the process holds too much, or grows too fast.",
        (On(MemoryPressure, 1, PRESSURE),),
    ),
    Metric(
        "openclaw.liveness.warning",
        "counter",
        "1",
        "Reports that the event loop was late or full, or the processor was.",
        (On(LivenessWarning, 1, LIVENESS),),
    ),
    liveness(
        "openclaw.liveness.event_loop_delay_p99_ms",
        "ms",
        "event_loop_delay_p99_ms",
        "How late the event loop was, 99th percentile.",
        UP_TO_AN_HOUR,
    ),
    liveness(
        "openclaw.liveness.event_loop_delay_max_ms",
        "ms",
        "event_loop_delay_max_ms",
        "How late the event loop was at worst.",
        UP_TO_AN_HOUR,
    ),
    liveness(
        "openclaw.liveness.event_loop_utilization",
        "1",
        "event_loop_utilization",
        "How much of the time the event loop was busy.",
        RATIOS,
    ),
    liveness("openclaw.liveness.cpu_core_ratio", "1", "cpu_core_ratio", "Cores in use.", RATIOS),
    Metric(
        "openclaw.diagnostic.async_queue.dropped",
        "counter",
        "1",
        "Events that a full queue dropped, by class; the classes overlap, so never sum over the label.",
        (
            dropped("total", "dropped_events"),
            dropped("trusted", "dropped_trusted_events"),
            dropped("untrusted", "dropped_untrusted_events"),
            dropped("priority", "dropped_priority_events"),
        ),
    ),
    Metric(
        "openclaw.telemetry.exporter.events",
        "counter",
        "1",
        "Exporters that were started, failed, or dropped something.",
        (On(TelemetryExporter, 1, EXPORTER),),
    ),
    Metric(
        "otel_genai.telemetry.failures",
        "counter",
        "{failure}",
        "Failures of telemetry itself, swallowed so that the program did not notice.",
        (On(TelemetryFailed, 1, (a.PLACE.of("place"), a.ERROR_TYPE.of("error_category"))),),
    ),
    Metric(
        "otel_genai.series.folded",
        "counter",
        "{measurement}",
        "Measurements without a series of their own: their metric has 2000. One holds them all, or, of a gauge, none.",
        (On(SeriesFolded, 1, (a.FOLDED_METRIC.of("metric"),)),),
    ),
)

SPANS: tuple[Span, ...] = (
    Span(
        MemoryPressure,
        "openclaw.memory.pressure",
        "The process holds more than it should, or grows too fast.",
        start=(
            *PRESSURE,
            a.RSS_BYTES.of("rss_bytes"),
            a.HEAP_USED_BYTES.of("heap_used_bytes"),
            a.HEAP_TOTAL_BYTES.of("heap_total_bytes"),
            a.EXTERNAL_BYTES.of("external_bytes"),
            a.ARRAY_BUFFERS_BYTES.of("array_buffers_bytes"),
            a.MEMORY_THRESHOLD_BYTES.of("threshold_bytes"),
            a.RSS_GROWTH_BYTES.of("rss_growth_bytes"),
            a.MEMORY_WINDOW_MS.of("window_ms"),
        ),
        status=critical,
    ),
    Span(
        LivenessWarning,
        "openclaw.liveness.warning",
        "The event loop was late or full, or the processor was.",
        start=(
            *LIVENESS,
            a.LIVENESS_ACTIVE.of("active"),
            a.LIVENESS_WAITING.of("waiting"),
            a.LIVENESS_QUEUED.of("queued"),
            a.LIVENESS_INTERVAL_MS.of("interval_ms"),
            a.LIVENESS_DELAY_P99_MS.of("event_loop_delay_p99_ms"),
            a.LIVENESS_DELAY_MAX_MS.of("event_loop_delay_max_ms"),
            a.LIVENESS_UTILIZATION.of("event_loop_utilization"),
            a.LIVENESS_CPU_USER_MS.of("cpu_user_ms"),
            a.LIVENESS_CPU_SYSTEM_MS.of("cpu_system_ms"),
            a.LIVENESS_CPU_TOTAL_MS.of("cpu_total_ms"),
            a.LIVENESS_CPU_CORE_RATIO.of("cpu_core_ratio"),
        ),
        status=lambda warning: warning.reason or "liveness",
    ),
    Span(
        DiagnosticPhase,
        "openclaw.diagnostic.phase",
        "A stretch of the process's own work, such as its start.",
        start=(a.PHASE.of("name"), a.PHASE_DETAIL.of("details")),
        end=(
            a.PHASE_CPU_USER_MS.of("cpu_user_ms"),
            a.PHASE_CPU_SYSTEM_MS.of("cpu_system_ms"),
            a.PHASE_CPU_TOTAL_MS.of("cpu_total_ms"),
            a.PHASE_CPU_CORE_RATIO.of("cpu_core_ratio"),
            a.ERROR_TYPE.of("error_type"),
        ),
        status=failed,
    ),
)
