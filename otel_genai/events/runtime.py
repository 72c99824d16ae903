"""The process itself."""

from __future__ import annotations

from dataclasses import dataclass

from .event import Event


@dataclass(eq=False, kw_only=True)
class TelemetryFailed(Event):
    """Something of ours failed and was swallowed."""

    kind = "telemetry.failed"

    place: str = ""
    error_category: str = ""
