"""What the process holds in memory, and how much there is for it: what the kernel says, and nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path("/")
NO_LIMIT: Final = 2**60
"""What version 1 of control groups says where there is no limit is more than that."""


class Footprint(NamedTuple):
    """Bytes that the process holds; None where the system does not say.

    CPython does not count the bytes of its objects, so nothing is said of what is used of the heap. The heap is the
    resident memory that is no file's: objects, buffers, stacks, and what libraries have allocated.
    """

    rss_bytes: int | None = None
    heap_bytes: int | None = None


def footprint(root: Path = ROOT) -> Footprint:
    """What the process holds now."""
    sizes = table(root / "proc/self/status")
    return Footprint(sizes.get("VmRSS"), sizes.get("RssAnon"))


def table(path: Path) -> dict[str, int]:
    """The sizes in a file of the kernel that has one a line, in bytes."""
    rows = (line.partition(":")[::2] for line in read(path).splitlines())
    return {name: int(size.split()[0]) * 1024 for name, size in rows if size.endswith(" kB")}


def uptime_ms(root: Path = ROOT) -> float | None:
    """Milliseconds since the process began."""
    after_name = read(root / "proc/self/stat").rpartition(")")[2].split()
    if len(after_name) < 20 or not hasattr(time, "CLOCK_BOOTTIME"):
        return None
    began = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
    return (time.clock_gettime(time.CLOCK_BOOTTIME) - began) * 1e3


def available(root: Path = ROOT) -> int | None:
    """Bytes that the process may come to hold: of its container, or else of the machine."""
    return min((limit for limit in limits(root) if limit < NO_LIMIT), default=None)


def limits(root: Path) -> Iterator[int]:
    physical = table(root / "proc/meminfo").get("MemTotal")
    if physical is not None:
        yield physical
    for group in read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = (*group.split(":", 2), "", "")[:3]
        if not controllers:
            yield from along(root / "sys/fs/cgroup", path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from along(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes")


def along(mount: Path, path: str, name: str) -> Iterator[int]:
    """The limits of a control group and of those around it; in a container its own is the outermost that is seen."""
    parts = [part for part in path.split("/") if part and part != ".."]
    for depth in range(len(parts), -1, -1):
        text = read(mount.joinpath(*parts[:depth]) / name).strip()
        if text.isdigit():
            yield int(text)


def read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""
