"""When the process holds too much memory, or grows too fast."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final, Literal, NamedTuple

from ..bus import bus
from ..events import MemoryPressure, MemorySample
from ..tables import Memory
from .footprint import Footprint, available, footprint, uptime_ms

Level = Literal["warning", "critical"]

AGAIN_MS: Final = 5 * 60_000
"""The same pressure is told of no more often than that."""


class Pressure(NamedTuple):
    """That memory is short, and by what one can tell."""

    level: Level
    reason: str
    threshold_bytes: int
    growth_bytes: int | None = None
    window_ms: float | None = None


class Growth(NamedTuple):
    """By how much the resident set has grown since the measurement before, and how long ago that was."""

    grown_bytes: int
    window_ms: float


def capped(limits: Memory, available_bytes: int | None) -> Memory:
    """The thresholds that fit what there is: a half of it is a warning, three quarters are critical."""
    if available_bytes is None:
        return limits
    half, most = available_bytes // 2, available_bytes * 3 // 4
    return Memory(
        enabled=limits.enabled,
        rss_warning_bytes=min(limits.rss_warning_bytes, half),
        rss_critical_bytes=min(limits.rss_critical_bytes, most),
        heap_warning_bytes=min(limits.heap_warning_bytes, half),
        heap_critical_bytes=min(limits.heap_critical_bytes, most),
        growth_warning_bytes=limits.growth_warning_bytes,
        growth_critical_bytes=limits.growth_critical_bytes,
        growth_window_ms=limits.growth_window_ms,
    )


def judge(held: Footprint, growth: Growth | None, limits: Memory) -> Pressure | None:
    """The pressure, if any: the first rule that fits."""
    levels: tuple[tuple[Level, int, int, int], ...] = (
        ("critical", limits.rss_critical_bytes, limits.heap_critical_bytes, limits.growth_critical_bytes),
        ("warning", limits.rss_warning_bytes, limits.heap_warning_bytes, limits.growth_warning_bytes),
    )
    for level, rss, heap, _ in levels:
        if held.rss_bytes is not None and held.rss_bytes >= rss:
            return Pressure(level, "rss_threshold", rss)
        if held.heap_bytes is not None and held.heap_bytes >= heap:
            return Pressure(level, "heap_threshold", heap)
    for level, _, _, most in levels:
        if growth is not None and growth.window_ms <= limits.growth_window_ms and growth.grown_bytes >= most:
            return Pressure(level, "rss_growth", most, *growth)
    return None


class MemoryWatch:
    """Measures the process on each heartbeat.

    Args:
        limits: the thresholds of the configuration; what there is lowers them.
        measure: what the process holds.
        there_is: bytes that it may come to hold.
        clock: seconds.
    """

    def __init__(
        self,
        limits: Memory,
        *,
        measure: Callable[[], Footprint] = footprint,
        there_is: Callable[[], int | None] = available,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._limits, self._measure, self._there_is, self._clock = limits, measure, there_is, clock
        self._before: tuple[float, int] | None = None
        self._told: dict[tuple[str, str], float] = {}

    def look(self, active: bool) -> None:
        """Tell of pressure, and, of a process that is `active`, what it holds."""
        held, now = self._measure(), self._clock()
        if held == Footprint():
            return
        fields = {"rss_bytes": held.rss_bytes, "heap_total_bytes": held.heap_bytes}
        if active and bus.wants(MemorySample):
            bus.publish(MemorySample(**fields, uptime_ms=uptime_ms()))
        pressure = judge(held, self._growth(held.rss_bytes, now), capped(self._limits, self._there_is()))
        if pressure is not None and self._is_news(pressure, now):
            level, reason, threshold, grown, window = pressure
            told = MemoryPressure(**fields, level=level, reason=reason, threshold_bytes=threshold)
            told.update(rss_growth_bytes=grown, window_ms=window)
            bus.publish(told)

    def _growth(self, rss: int | None, now: float) -> Growth | None:
        before, self._before = self._before, None if rss is None else (now, rss)
        if before is None or rss is None:
            return None
        return Growth(rss - before[1], (now - before[0]) * 1e3)

    def _is_news(self, pressure: Pressure, now: float) -> bool:
        what = (pressure.level, pressure.reason)
        last = self._told.get(what)
        if last is not None and (now - last) * 1e3 < AGAIN_MS:
            return False
        self._told[what] = now
        return True
