"""Samples into events: what the containers of an agent use, and what one container does by the standard names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from ...events import ContainerStats, ContainerUsage, Event
from .engine import Container
from .samples import Sample, cores, growth

MIB = 1024 * 1024

Agent = tuple[str, str | None]
"""Its id and its runtime family."""
Pair = tuple[Sample | None, Sample | None]
"""A container's sample of the pass before, and that of this one."""


def reading(agent: Agent, pairs: Sequence[Pair], fresh_ms: float) -> ContainerStats | None:
    """What the containers of an agent use together; `None` where one of them gave no answer."""
    if any(after is None for _, after in pairs):
        return None
    samples = [after for _, after in pairs if after is not None]
    cpu = together(cores(before, after) for before, after in pairs if after is not None)
    used, limit = together(one.working_set for one in samples), together(one.limit for one in samples)
    return ContainerStats(
        agent_id=agent[0],
        runtime_family=agent[1],
        cpu_percent=None if cpu is None else round(cpu * 100, 2),
        memory_percent=None if used is None or not limit else round(used / limit * 100, 2),
        memory_mb=None if used is None else round(used / MIB),
        fresh_ms=fresh_ms,
    )


def together(amounts: Iterable[float | None]) -> float | None:
    """The sum, where all of them are known."""
    found = list(amounts)
    known = [amount for amount in found if amount is not None]
    return sum(known) if len(known) == len(found) else None


def usage(container: Container, before: Sample | None, after: Sample, fresh_ms: float) -> ContainerUsage:
    """What a container uses. Growth is that since the sample before; of one that has begun anew there is none."""
    if before is not None and (after.cpu_ns or 0) < (before.cpu_ns or 0):
        before = None

    def grown(name: str) -> float | None:
        return growth(getattr(before, name), getattr(after, name)) if before else None

    return ContainerUsage(
        name=container.name,
        image=container.image,
        cpu_user_s=seconds(grown("cpu_user_ns")),
        cpu_system_s=seconds(grown("cpu_system_ns")),
        cpu_user=cores(before, after, "cpu_user_ns"),
        cpu_system=cores(before, after, "cpu_system_ns"),
        memory_usage=whole(after.memory),
        memory_working_set=whole(after.working_set),
        memory_rss=whole(after.rss),
        memory_available=available(after),
        minor_faults=minor(grown("faults"), grown("major_faults")),
        major_faults=whole(grown("major_faults")),
        received_bytes=whole(grown("received")),
        transmitted_bytes=whole(grown("transmitted")),
        read_bytes=whole(grown("read")),
        written_bytes=whole(grown("written")),
        fresh_ms=fresh_ms,
    )


def seconds(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e9


def whole(amount: float | None) -> int | None:
    return None if amount is None else int(amount)


def minor(faults: float | None, major: float | None) -> int | None:
    return None if faults is None or major is None else max(0, int(faults - major))


def available(sample: Sample) -> int | None:
    """What is left of the limit; nothing is said where there is none, which an engine tells as all of its memory."""
    if sample.working_set is None or sample.limit is None or not sample.limited or sample.limit == all_memory():
        return None
    return max(0, int(sample.limit - sample.working_set))


@cache
def all_memory() -> int | None:
    """Bytes of memory of this machine, which most often is the engine's."""
    names = getattr(os, "sysconf_names", {})
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if "SC_PHYS_PAGES" in names else None


def forgotten(container: Container, agent: bool, itself: bool) -> Iterator[Event]:
    """What says that nothing is known of a container any more: of its agent, and of its name."""
    if agent:
        yield ContainerStats(agent_id=container.agent, runtime_family=container.family, fresh_ms=0)
    if itself:
        yield ContainerUsage(name=container.name, image=container.image, fresh_ms=0)
