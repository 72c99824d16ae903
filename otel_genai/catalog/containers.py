"""What is said of containers, and of the asking: metrics."""

from __future__ import annotations

from ..events import ContainerPoll, ContainerPollFailed, ContainerStats, ContainerUsage
from . import attributes as a
from .buckets import HTTP_SECONDS
from .rows import Instrument, Metric, On, Source, Span

AGENT_LABELS = ("openclaw.agent.id", "otel_genai.agent.id")
"""Labels of a container that name the agent in it, the first that it has."""
FAMILY_LABELS = ("openclaw.runtime.family", "otel_genai.runtime.family", "nora.runtime.family")
"""Labels of a container that say what runs the agent."""

AGENT = (a.NORA_AGENT_ID.of("agent_id"), a.NORA_RUNTIME_FAMILY.of("runtime_family"))
CONTAINER = (a.CONTAINER_NAME.of("name"), a.CONTAINER_IMAGE.of("image"))


def agent(name: str, unit: str, field: str, doc: str) -> Metric:
    """A reading of an agent's containers."""
    return Metric(name, "gauge", unit, doc, (On(ContainerStats, field, AGENT),))


def container(name: str, instrument: Instrument, unit: str, doc: str, **fields: Source | None) -> Metric:
    """One of the standard metrics: the fields it is read off, each with what tells it from the others."""
    on = [On(ContainerUsage, field, (*CONTAINER, source) if source else CONTAINER) for field, source in fields.items()]
    return Metric(name, instrument, unit, doc, tuple(on), whole=instrument == "up_down_counter")


METRICS: tuple[Metric, ...] = (
    agent(
        "nora.agent.cpu.percent",
        "%",
        "cpu_percent",
        "Processor time of the agent's containers, in percent of one processor.",
    ),
    agent(
        "nora.agent.memory.percent",
        "%",
        "memory_percent",
        "Memory of the agent's containers, in percent of their limit.",
    ),
    agent("nora.agent.memory.usage", "{MB}", "memory_mb", "Memory of the agent's containers, in MiB."),
    container(
        "container.cpu.time",
        "counter",
        "s",
        "Processor time.",
        cpu_user_s=a.CPU_MODE.always("user"),
        cpu_system_s=a.CPU_MODE.always("system"),
    ),
    container(
        "container.cpu.usage",
        "gauge",
        "{cpu}",
        "Processors in use.",
        cpu_user=a.CPU_MODE.always("user"),
        cpu_system=a.CPU_MODE.always("system"),
    ),
    container("container.memory.usage", "up_down_counter", "By", "Memory, page cache included.", memory_usage=None),
    container(
        "container.memory.working_set",
        "up_down_counter",
        "By",
        "Memory that cannot be given back.",
        memory_working_set=None,
    ),
    container("container.memory.rss", "up_down_counter", "By", "Memory that no file stands behind.", memory_rss=None),
    container(
        "container.memory.available",
        "up_down_counter",
        "By",
        "Memory between the working set and the limit.",
        memory_available=None,
    ),
    container(
        "container.paging.faults",
        "counter",
        "{fault}",
        "Page faults.",
        minor_faults=a.PAGING_FAULT_TYPE.always("minor"),
        major_faults=a.PAGING_FAULT_TYPE.always("major"),
    ),
    container(
        "container.network.io",
        "counter",
        "By",
        "Bytes over all network interfaces.",
        received_bytes=a.NETWORK_DIRECTION.always("receive"),
        transmitted_bytes=a.NETWORK_DIRECTION.always("transmit"),
    ),
    container(
        "container.disk.io",
        "counter",
        "By",
        "Bytes of all disks.",
        read_bytes=a.DISK_DIRECTION.always("read"),
        written_bytes=a.DISK_DIRECTION.always("write"),
    ),
    Metric(
        "otel_genai.docker.up", "gauge", "1", "Whether the engine answered the last time.", (On(ContainerPoll, "up"),)
    ),
    Metric(
        "otel_genai.docker.containers",
        "gauge",
        "{container}",
        "Containers that are watched.",
        (On(ContainerPoll, "containers"),),
    ),
    Metric(
        "otel_genai.docker.poll.duration",
        "histogram",
        "s",
        "How long a pass over the containers took.",
        (On(ContainerPoll, "duration_s"),),
        HTTP_SECONDS,
    ),
    Metric(
        "otel_genai.docker.poll.missed",
        "counter",
        "{poll}",
        "Passes that did not begin because the one before was not done.",
        (On(ContainerPoll, "missed"),),
    ),
    Metric(
        "otel_genai.docker.errors",
        "counter",
        "{error}",
        "Requests that the engine did not answer, or not with anything that could be read.",
        (On(ContainerPollFailed, 1, (a.DOCKER_REQUEST.of("request"), a.ERROR_TYPE.of("error_type"))),),
    ),
)

SPANS: tuple[Span, ...] = ()
