"""How the exporters do: which run, which fail and since when, what was lost and why. Never a URL, never a raw error."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from . import guard, locks
from .bus import bus
from .events import TelemetryExporter

State = Literal["started", "failing", "failed", "stopped"]
SAY_AGAIN_AFTER: Final = 60.0
"""Seconds between two events of what is dropped."""


@dataclass(frozen=True)
class ExporterHealth:
    """How one signal's way out does."""

    signal: str
    """`traces`, `metrics`, `logs`."""
    exporter: str
    """`otlp-http-protobuf`, `stdout`, `prometheus`, `external-sdk`."""
    endpoint: str | None = None
    """`configured`, or `default_endpoint`: nobody said where to, so it is the collector on this machine."""
    state: State = "started"
    """`failing`: the last export did not arrive; `failed`: it could not be started."""
    failing_since: float | None = None
    """Seconds since the epoch."""
    last_failure: str | None = None
    """A class or a word, as `ConnectionError` or `HTTP 503`."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """How many spans, log records or points are lost, by reason."""


@dataclass(frozen=True)
class Health:
    """How telemetry does in this process."""

    exporters: tuple[ExporterHealth, ...] = ()
    swallowed: Mapping[str, int] = field(default_factory=dict)
    """Failures of our own that did not reach the program, by where they came up."""

    @property
    def ok(self) -> bool:
        """Whether everything that is exported arrives, as far as it was tried."""
        return all(one.state in ("started", "stopped") for one in self.exporters)


class Reporter:
    """Notes how one exporter does, and tells the bus of what changes."""

    def __init__(self, signal: str, exporter: str, endpoint: str | None = None) -> None:
        self._key = signal, exporter
        self._told_dropped = float("-inf")
        self.now = ExporterHealth(signal, exporter, endpoint)
        with _lock:
            _exporters[self._key] = self

    def started(self) -> None:
        self._note("started", "configured", state="started")

    def failed_to_start(self, reason: str, error: str | None = None) -> None:
        """It never ran: `start_failed`, `unsupported_protocol`."""
        self._note("failure", reason, error, state="failed", failing_since=time.time(), last_failure=error or reason)

    def failed(self, error: str, lost: int) -> None:
        """An export did not arrive, and with it `lost` items."""
        since = self.now.failing_since or time.time()
        dropped = self._dropped("emit_failed", lost)
        self._note("failure", "emit_failed", error, "failing", failing_since=since, last_failure=error, dropped=dropped)

    def dropped(self, lost: int, reason: str = "queue_full") -> None:
        """`lost` items found no place in the queue. The bus is told at most once a minute."""
        self._change(dropped=self._dropped(reason, lost))
        now = time.monotonic()
        if now - self._told_dropped >= SAY_AGAIN_AFTER:
            self._told_dropped = now
            bus.publish(self._event("dropped", reason))

    def recovered(self) -> None:
        self._note("recovered", None, state="started", failing_since=None)

    def stopped(self) -> None:
        self._change(state="stopped")

    def _dropped(self, reason: str, lost: int) -> Mapping[str, int]:
        known = self.now.dropped
        return {**known, reason: known.get(reason, 0) + lost} if lost else known

    def _note(
        self, status: str, reason: str | None, error: str | None = None, state: State = "started", **changes: object
    ) -> None:
        self._change(state=state, **changes)
        bus.publish(self._event(status, reason, error))

    def _change(self, **changes: object) -> None:
        with _lock:
            self.now = replace(self.now, **changes)  # type: ignore[arg-type]

    def _event(self, status: str, reason: str | None, error: str | None = None) -> TelemetryExporter:
        signal, exporter = self._key
        category = error.replace(" ", "_") if error else None
        return TelemetryExporter(
            exporter=exporter, signal=signal, status=status, reason=reason, error_category=category
        )


_lock = locks.lock()
_exporters: dict[tuple[str, str], Reporter] = {}
"""The newest of each; one that is forgotten, as its end took too long, changes nothing here any more."""


def forget() -> None:
    """What was exported is configured anew."""
    with _lock:
        _exporters.clear()


def health() -> Health:
    """How telemetry does just now: every exporter, and what was swallowed. For a health endpoint, or a look by hand."""
    with _lock:
        exporters = tuple(one.now for one in _exporters.values())
    swallowed: dict[str, int] = {}
    for (place, _), count in guard.counts().items():
        swallowed[place] = swallowed.get(place, 0) + count
    return Health(exporters, swallowed)
