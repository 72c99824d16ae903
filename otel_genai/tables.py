"""The options that come as a table of their own: sessions, event loops, memory, containers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from . import values
from .options import option

MIB: Final = 1024 * 1024

_MS = values.whole(1000, 86_400_000)
_BYTES = values.whole(1)


def table(value: object) -> Mapping[str, object]:
    """A table of options, which is on unless it says otherwise, or true or false for `enabled` alone."""
    return {"enabled": value} if isinstance(value, bool) else {"enabled": True, **values.table(value)}


def function(value: object) -> Callable[..., Any]:
    if not callable(value):
        raise ValueError("a function")
    return value


def at_least_zero(value: object) -> float:
    expected = "a number, 0 or more"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(expected)
    try:
        number = float(value)
    except ValueError:
        raise ValueError(expected) from None
    if not 0 <= number < float("inf"):
        raise ValueError(expected)
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """From when on a session without progress is reported, and may be recovered."""

    enabled: bool = option(True, "Whether sessions that run long, stall or are stuck are reported.", parse=values.flag)
    stuck_session_warn_ms: int = option(
        120_000, "Milliseconds without progress after which a session is reported.", parse=_MS
    )
    stuck_session_abort_ms: int | None = option(
        None,
        "Milliseconds without progress after which work that is still active may be aborted, at least "
        "stuck_session_warn_ms; unset: 3 times that, at least 300000.",
        parse=_MS,
    )

    @property
    def abort_ms(self) -> int:
        """`stuck_session_abort_ms`, or what stands for it."""
        warn, abort = self.stuck_session_warn_ms, self.stuck_session_abort_ms
        return max(300_000, 3 * warn) if abort is None else max(warn, abort)


@dataclass(frozen=True, slots=True, kw_only=True)
class Liveness:
    """From when on an event loop that is late or full, or a busy processor, is reported."""

    enabled: bool = option(
        True, "Whether event loops that are late or full, and a busy processor, are reported.", parse=values.flag
    )
    delay_p99_ms: float = option(
        1000.0, "Milliseconds of event-loop delay, 99th percentile, that are reported.", parse=at_least_zero
    )
    delay_max_ms: float = option(
        1000.0, "Milliseconds of event-loop delay, once in the interval, that are reported.", parse=at_least_zero
    )
    utilization: float = option(
        0.95, "Share of the interval that an event loop was busy, that is reported.", parse=at_least_zero
    )
    cpu_core_ratio: float = option(0.9, "Cores in use over the interval that are reported.", parse=at_least_zero)
    startup_grace_ms: int = option(
        60_000, "Milliseconds after the start in which nothing of that is reported.", parse=values.whole(0)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """From when on memory is reported; what a container or the machine has lowers the thresholds."""

    enabled: bool = option(True, "Whether the memory of the process is measured.", parse=values.flag)
    rss_warning_bytes: int = option(
        1536 * MIB, "Bytes in memory that are a warning; at most half of what there is.", parse=_BYTES
    )
    rss_critical_bytes: int = option(
        3072 * MIB, "Bytes in memory that are critical; at most three quarters of what there is.", parse=_BYTES
    )
    heap_warning_bytes: int = option(
        1024 * MIB, "Bytes of heap that are a warning; at most half of what there is.", parse=_BYTES
    )
    heap_critical_bytes: int = option(
        2048 * MIB, "Bytes of heap that are critical; at most three quarters of what there is.", parse=_BYTES
    )
    growth_warning_bytes: int = option(
        512 * MIB, "Bytes of growth since the measurement before that are a warning.", parse=_BYTES
    )
    growth_critical_bytes: int = option(
        1024 * MIB, "Bytes of growth since the measurement before that are critical.", parse=_BYTES
    )
    growth_window_ms: int = option(600_000, "Milliseconds that the measurement before may be old for that.", parse=_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Docker:
    """Whether and how containers are measured."""

    enabled: bool = option(
        False,
        "Whether the processor time and memory of containers is measured, by asking a Docker engine.",
        parse=values.flag,
        env=("OTEL_GENAI_DOCKER_ENABLED",),
    )
    host: str | None = option(
        None,
        "URL of the engine, unix:// or tcp://; unset: the socket of this machine. TLS is by DOCKER_TLS_VERIFY and "
        "DOCKER_CERT_PATH.",
        parse=values.text,
        env=("OTEL_GENAI_DOCKER_HOST", "DOCKER_HOST"),
    )
    labels: tuple[str, ...] = option(
        (),
        "Labels (`name` or `name=value`) that a container must have, each of them; none: every running container.",
        parse=values.words,
        env=("OTEL_GENAI_DOCKER_LABELS",),
    )
    interval_ms: int = option(
        10_000,
        "Milliseconds from one pass over the containers to the next.",
        parse=values.whole(1000, 3_600_000),
        env=("OTEL_GENAI_DOCKER_INTERVAL_MS",),
    )
    timeout_ms: int = option(
        5000, "Milliseconds that the engine may take for one answer.", parse=values.whole(100, 60_000)
    )
    concurrency: int = option(
        16,
        "Questions that the engine is asked at the same time; more, up to 256, where it lets each of them wait.",
        parse=values.whole(1, 256),
    )
