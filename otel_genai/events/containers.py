"""What containers use, as their engine says, and how asking the engine went."""

from __future__ import annotations

from dataclasses import dataclass

from .event import Event


@dataclass(eq=False, kw_only=True)
class Fresh:
    """A reading that is true for a while: what is not told again in time is forgotten, for nothing is known of it."""

    fresh_ms: float | None = None
    """Milliseconds for which it stays true; `None`: five minutes."""


@dataclass(eq=False, kw_only=True)
class ContainerStats(Fresh, Event):
    """What the containers of one agent use; all `None` where they are gone."""

    kind = "container.stats"

    agent_id: str = ""
    """The agent: a label of its container, else the container's name."""
    runtime_family: str | None = None
    """What runs the agent: `openclaw`, `hermes`."""
    cpu_percent: float | None = None
    """Processor time over time, in percent of one processor: 250 is two and a half of them."""
    memory_percent: float | None = None
    """Memory in use, in percent of the limit; page cache that can be given back is not in use."""
    memory_mb: int | None = None
    """Memory in use, in MiB."""


@dataclass(eq=False, kw_only=True)
class ContainerUsage(Fresh, Event):
    """What one container uses, as the standard `container.*` metrics have it; published where they are asked for.

    Amounts that only grow are told as their growth since the reading before.
    """

    kind = "container.usage"

    name: str = ""
    """The container."""
    image: str | None = None
    """The image it was made of."""
    cpu_user_s: float | None = None
    """Seconds of processor time since the reading before, outside of the kernel."""
    cpu_system_s: float | None = None
    """Seconds of processor time since the reading before, in the kernel."""
    cpu_user: float | None = None
    """Processors in use, outside of the kernel: 0.5 is half of one."""
    cpu_system: float | None = None
    """Processors in use, in the kernel."""
    memory_usage: int | None = None
    """Bytes of memory, page cache included."""
    memory_working_set: int | None = None
    """Bytes of memory that cannot be given back."""
    memory_rss: int | None = None
    """Bytes of memory that no file stands behind."""
    memory_available: int | None = None
    """Bytes between the working set and the limit, where there is a limit."""
    minor_faults: int | None = None
    """Page faults since the reading before that needed no disk."""
    major_faults: int | None = None
    """Page faults since the reading before that needed a disk."""
    received_bytes: int | None = None
    """Bytes received since the reading before, over all interfaces."""
    transmitted_bytes: int | None = None
    """Bytes transmitted since the reading before, over all interfaces."""
    read_bytes: int | None = None
    """Bytes read from disks since the reading before."""
    written_bytes: int | None = None
    """Bytes written to disks since the reading before."""


@dataclass(eq=False, kw_only=True)
class ContainerPoll(Fresh, Event):
    """One pass over the containers, or the attempt at one."""

    kind = "container.poll"

    up: int | None = None
    """1 where the engine answered, 0 where it did not."""
    containers: int | None = None
    """Containers that were found; not known where the engine did not answer."""
    duration_s: float | None = None
    """Seconds that a pass took, where there was one."""
    missed: int | None = None
    """Passes that did not begin because the one before was not done."""


@dataclass(eq=False, kw_only=True)
class ContainerPollFailed(Event):
    """The engine did not answer, or not with anything that could be read."""

    kind = "container.poll.failed"

    request: str = ""
    """What it was asked for: `connect`, `list`, `stats`, `events`."""
    error_type: str = ""
    """The status of its answer, `timeout`, or the class of the error."""
