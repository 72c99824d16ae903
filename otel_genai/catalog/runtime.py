"""What is said of the process itself: spans and metrics."""

from __future__ import annotations

from ..events import TelemetryFailed
from . import attributes as a
from .rows import Metric, On

METRICS: tuple[Metric, ...] = (
    Metric(
        "otel_genai.telemetry.failures",
        "counter",
        "{failure}",
        "Failures of telemetry itself, swallowed so that the program did not notice.",
        (On(TelemetryFailed, 1, (a.PLACE.of("place"), a.ERROR_TYPE.of("error_category"))),),
    ),
)
