"""What an engine's answer says: a frame of statistics read with every dialect's gaps, and two of them compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

NO_LIMIT = 2**62
"""From here on a limit of the kernel's is none."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a container had used at a moment; `None` is what its engine does not say."""

    at: float
    """Seconds since the epoch, by the engine's clock."""
    cpu_ns: float | None = None
    cpu_user_ns: float | None = None
    cpu_system_ns: float | None = None
    processors: float | None = None
    memory: float | None = None
    """Bytes, page cache included."""
    working_set: float | None = None
    """Bytes, without the page cache that can be given back: what `docker stats` shows."""
    rss: float | None = None
    limit: float | None = None
    """Bytes that it may have: all of the machine's where nobody said."""
    limited: bool = False
    faults: float | None = None
    major_faults: float | None = None
    received: float | None = None
    transmitted: float | None = None
    read: float | None = None
    written: float | None = None


def sample(frame: object) -> Sample | None:
    """A frame's sample, or `None` for that of a container that does not run: it is of the year 1, and empty."""
    at = moment(within(frame, "read"))
    if at is None:
        return None
    memory, limit, stats = (within(frame, "memory_stats", name) for name in ("usage", "limit", "stats"))
    hierarchical = number(stats, "hierarchical_memory_limit")
    usage = number(memory)
    faults, major = first(stats, "total_pgfault", "pgfault"), first(stats, "total_pgmajfault", "pgmajfault")
    return Sample(
        at,
        cpu_ns=number(frame, "cpu_stats", "cpu_usage", "total_usage"),
        cpu_user_ns=number(frame, "cpu_stats", "cpu_usage", "usage_in_usermode"),
        cpu_system_ns=number(frame, "cpu_stats", "cpu_usage", "usage_in_kernelmode"),
        processors=number(frame, "cpu_stats", "online_cpus") or None,
        memory=usage,
        working_set=working_set(usage, stats),
        rss=first(stats, "total_rss", "rss", "anon"),
        limit=number(limit) or None,
        limited=hierarchical is None or hierarchical < NO_LIMIT,
        faults=faults,
        major_faults=major,
        received=over_interfaces(within(frame, "networks"), "rx_bytes"),
        transmitted=over_interfaces(within(frame, "networks"), "tx_bytes"),
        read=over_devices(within(frame, "blkio_stats", "io_service_bytes_recursive"), "read"),
        written=over_devices(within(frame, "blkio_stats", "io_service_bytes_recursive"), "write"),
    )


def within(value: Any, *path: str) -> Any:
    """What stands at the end of a path of keys, or `None` where it breaks off."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def number(value: Any, *path: str) -> float | None:
    """The amount at the end of a path: a number that is finite and not negative."""
    found = within(value, *path)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    return found if found >= 0 and isfinite(found) else None


def first(stats: Any, *names: str) -> float | None:
    """The first of several names that a kernel may have for an amount."""
    return next((found for name in names if (found := number(stats, name)) is not None), None)


def moment(text: Any) -> float | None:
    """Seconds since the epoch of a time of RFC 3339, or `None` for one that was never, such as the year 1."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.timestamp() if found.year > 1 and found.tzinfo else None


def working_set(usage: float | None, stats: Any) -> float | None:
    """Memory without the inactive page cache, by the rule of the `docker` command under cgroup v1, then v2."""
    if usage is None:
        return None
    inactive = first(stats, "total_inactive_file")
    if inactive is None or inactive >= usage:
        inactive = first(stats, "inactive_file")
    return usage - inactive if inactive is not None and inactive < usage else usage


def over_interfaces(networks: Any, name: str) -> float | None:
    return total(number(one, name) for one in networks.values()) if isinstance(networks, Mapping) else None


def over_devices(rows: Any, direction: str) -> float | None:
    """Bytes of all devices in a direction, which is in upper case under cgroup v1."""
    if not isinstance(rows, list):
        return None
    return total(number(row, "value") for row in rows if str(within(row, "op")).lower() == direction)


def total(amounts: Iterable[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def growth(before: float | None, after: float | None) -> float | None:
    """By how much an amount that only grows has grown; `None` where it began anew."""
    return after - before if before is not None and after is not None and after >= before else None


def cores(before: Sample | None, after: Sample, spent: str = "cpu_ns") -> float | None:
    """Processors in use between two samples: nanoseconds of processor time over those between the two readings.

    Not over the engine's count of the machine's time: that is not time in some dialects, and coarse in all of them.
    """
    if before is None or after.at <= before.at or (after.cpu_ns or 0) < (before.cpu_ns or 0):
        return None
    used = growth(getattr(before, spent), getattr(after, spent))
    found = None if used is None else used / 1e9 / (after.at - before.at)
    return found if found is None or not after.processors or found <= after.processors * 1.5 else None
