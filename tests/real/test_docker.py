"""A Docker engine of its own, started here, whose containers are measured while they live, stop and die."""

from __future__ import annotations

import gc
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from otel_genai import events
from otel_genai.config import Config
from otel_genai.sources import containers
from otel_genai.tables import Docker
from otel_genai.testing import Captured

pytestmark = [
    pytest.mark.real,
    # The docker library leaves the socket of a refused connection to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

CPU, MEMORY, UP = "nora.agent.cpu.percent", "nora.agent.memory.percent", "otel_genai.docker.up"
IMAGE = "otel-genai-test/busybox:local"
BUSY, IDLE = "while :; do :; done", "trap exit TERM; while :; do sleep 0.1; done"
HUNGRY = "trap 'x=a; while :; do x=$x$x; done' USR1; while :; do sleep 0.1; done"
CACHED = "dd if=/dev/zero of=f bs=1M count=20; cat f >/dev/null; while :; do sleep 0.1; done"
COMMANDS = ("sh", "sleep", "cat", "dd")


class Dockerd:
    """An engine that leaves nothing behind: below a folder of its own, without a network, below a cgroup of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/docker.sock"
        self.cgroup = f"/otelgenai-{os.getpid()}"
        self.process: subprocess.Popen[bytes] | None = None
        self.client: Any = None

    def start(self) -> None:
        import docker

        options = {
            "--data-root": f"{self.folder}/data",
            "--exec-root": f"{self.folder}/exec",
            "-p": f"{self.folder}/dockerd.pid",
            "-H": self.url,
            "--cgroup-parent": self.cgroup,
            "--exec-opt": "native.cgroupdriver=cgroupfs",
        }
        switches = ["--storage-driver=vfs", "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-masq=false"]
        command = ["dockerd", *switches, *(word for pair in options.items() for word in pair)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        for _ in range(300):
            if self.process.poll() is None and self.answers():
                self.client = docker.APIClient(self.url, version="auto", timeout=30)
                return
            time.sleep(0.1)
        pytest.fail(f"dockerd did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def answers(self) -> bool:
        command = ["curl", "-fs", "-m", "2", "--unix-socket", f"{self.folder}/docker.sock", "http://d/_ping"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def image(self) -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            tar.add("/bin/busybox", "bin/busybox")
            for name in COMMANDS:
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        repository, tag = IMAGE.split(":")
        self.client.import_image_from_data(packed.getvalue(), repository=repository, tag=tag)

    def run(self, script: str, test: str, agent: str = "a1", **limits: Any) -> str:
        """A container that is at most half of a processor, with 64 MiB."""
        limits = {"nano_cpus": 500_000_000, "mem_limit": "64m", "network_mode": "none"} | limits
        made = self.client.create_container(
            IMAGE,
            ["sh", "-c", script],
            labels={"test": test, "otel_genai.agent.id": agent, "otel_genai.runtime.family": "hermes"},
            host_config=self.client.create_host_config(**limits),
        )
        self.client.start(made["Id"])
        id: str = made["Id"]
        return id

    def stats(self, id: str) -> dict[str, float]:
        """What the `docker` command says: percent of a processor, and of the memory."""
        command = ["docker", "-H", self.url, "stats", "--no-stream", "--format", "{{json .}}", id]
        said = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=30).stdout)
        return {name: float(said[name].rstrip("%")) for name in ("CPUPerc", "MemPerc")}

    def empty(self) -> None:
        for one in self.client.containers(all=True):
            self.client.remove_container(one["Id"], force=True)

    def kill(self) -> None:
        """As a crash does. Its containerd dies with it, and must not be taken for alive where nobody reaps it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)
        self.client.close()
        (self.folder / "exec/containerd/containerd.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.empty()
            self.process.terminate()
            self.process.wait(30)
        self.client.close()
        self.remove_cgroups()
        self.unmount()
        shutil.rmtree(self.folder, ignore_errors=True)

    def remove_cgroups(self) -> None:
        """With whatever a crash has left running in them."""
        groups = [inner for found in Path("/sys/fs/cgroup").glob(f"**{self.cgroup}") for inner in found.glob("**/")]
        inside = {int(one) for group in groups for one in (group / "cgroup.procs").read_text().split()}
        for process in inside | set(naming(str(self.folder))):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        for group in sorted(groups, reverse=True):
            until(partial(removed, group))

    def unmount(self) -> None:
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
        for mount in sorted((one for one in mounts if one.startswith(f"{self.folder}/")), reverse=True):
            subprocess.run(["umount", "-l", mount], check=True)


def naming(folder: str) -> Iterator[int]:
    """Processes that have the folder in their command: what an engine started for its containers."""
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if folder.encode() in line.read_bytes():
                yield int(line.parent.name)


def removed(group: Path) -> bool:
    """Whether a cgroup is gone: it goes when the last of its processes has."""
    try:
        group.rmdir()
    except OSError:
        return not group.exists()
    return True


@pytest.fixture(scope="module")
def dockerd() -> Iterator[Dockerd]:
    missing = [name for name in ("dockerd", "docker", "busybox", "curl") if not shutil.which(name)]
    if missing or os.getuid() != 0:
        pytest.skip(f"an engine of its own needs root, and docker.io and busybox-static; missing: {missing}")
    engine = Dockerd(Path(tempfile.mkdtemp(prefix="og-")))  # not tmp_path: a socket's path must be short
    try:
        engine.start()
        engine.image()
        yield engine
    finally:
        engine.stop()


@pytest.fixture
def polled(dockerd: Dockerd, request: pytest.FixtureRequest) -> Iterator[str]:
    """A label, of the test's own, whose containers are polled every second."""
    name = request.node.name.replace("[", "-").replace("]", "")
    docker = Docker(enabled=True, host=dockerd.url, labels=(f"test={name}",), interval_ms=1000, timeout_ms=2000)
    stop = containers.start(Config(docker=docker, semconv_containers=True, service_name=str(dockerd.folder)))
    yield name
    stop()
    gc.collect()  # here, where the warning about sockets is expected


def until(true: Callable[[], object], seconds: float = 30) -> None:
    for _ in range(int(seconds / 0.05)):
        if true():
            return
        time.sleep(0.05)
    pytest.fail(f"it did not come true within {seconds} seconds")


def values(captured: Captured, metric: str = CPU) -> dict[str, Any]:
    return {point.attributes.get("nora.agent.id", ""): point.value for point in captured.points(metric)}


def said(captured: Captured, agent: str = "a1") -> list[float]:
    found = [event for event in captured.events if isinstance(event, events.ContainerStats) and event.agent_id == agent]
    return [event.cpu_percent for event in found if event.cpu_percent is not None]


def test_percent_and_memory_are_those_of_docker_stats(dockerd: Dockerd, polled: str, captured: Captured) -> None:
    busy = dockerd.run(BUSY, polled)
    cached = dockerd.run(CACHED, polled, "a2")
    until(lambda: len(said(captured)) > 3 and values(captured, MEMORY).get("a2", 0) > 1)
    until(lambda: abs(dockerd.stats(busy)["CPUPerc"] - values(captured)["a1"]) < 5)
    until(lambda: abs(dockerd.stats(cached)["MemPerc"] - values(captured, MEMORY)["a2"]) < 0.1)
    [point] = [point for point in captured.points(CPU) if point["nora.agent.id"] == "a1"]
    assert point.attributes == {"nora.agent.id": "a1", "nora.runtime.family": "hermes"}
    assert captured.points("container.cpu.time")


def test_a_restart_makes_no_wrong_percent(dockerd: Dockerd, polled: str, captured: Captured) -> None:
    id = dockerd.run(BUSY, polled)
    until(lambda: values(captured))
    dockerd.client.restart(id, timeout=0)
    before = len(said(captured))
    until(lambda: len(said(captured)) > before + 1)
    assert all(0 <= percent < 65 for percent in said(captured))


def test_a_paused_container_uses_nothing_and_is_still_there(dockerd: Dockerd, polled: str, captured: Captured) -> None:
    id = dockerd.run(BUSY, polled)
    until(lambda: values(captured))
    dockerd.client.pause(id)
    until(lambda: values(captured) == {"a1": 0})
    assert values(captured, MEMORY)["a1"] > 0
    dockerd.client.unpause(id)
    until(lambda: values(captured)["a1"] > 1)


@pytest.mark.parametrize("ending", ["kill", "out of memory", "remove"])
def test_a_container_that_ends_is_forgotten(dockerd: Dockerd, polled: str, captured: Captured, ending: str) -> None:
    hungry = ending == "out of memory"
    limits = {"mem_limit": "16m", "memswap_limit": "16m"} if hungry else {}
    id = dockerd.run(HUNGRY if hungry else IDLE, polled, **limits)
    dockerd.run(IDLE, polled, "a2")
    until(lambda: values(captured, MEMORY).keys() == {"a1", "a2"})
    if ending == "kill":
        dockerd.client.kill(id)
    elif ending == "remove":
        dockerd.client.remove_container(id, force=True)
    else:
        dockerd.client.kill(id, "SIGUSR1")
    until(lambda: values(captured, MEMORY).keys() == {"a2"})
    assert len(captured.points("container.memory.usage")) == 1
    assert not captured.points("otel_genai.docker.errors")
    if hungry:
        assert dockerd.client.inspect_container(id)["State"]["OOMKilled"]


def test_only_containers_with_the_label_are_measured(dockerd: Dockerd, polled: str, captured: Captured) -> None:
    dockerd.run(IDLE, "another", "a2")
    dockerd.run(IDLE, polled, "a1")
    until(lambda: values(captured))
    assert values(captured).keys() == {"a1"}


def test_fifty_containers_are_measured_within_a_pass(dockerd: Dockerd, polled: str, captured: Captured) -> None:
    dockerd.empty()
    with ThreadPoolExecutor(4) as starting:
        list(starting.map(lambda number: dockerd.run("sleep 1000", polled, f"a{number}"), range(50)))
    until(lambda: len(values(captured)) == 50)
    passes = [event for event in captured.events if isinstance(event, events.ContainerPoll) and event.containers == 50]
    assert min(event.duration_s or 99 for event in passes) < 3
    dockerd.empty()


def test_an_engine_that_hangs_is_down_until_it_goes_on(dockerd: Dockerd, polled: str, captured: Captured) -> None:
    dockerd.run(IDLE, polled)
    until(lambda: values(captured, UP) == {"": 1} and values(captured))
    assert dockerd.process is not None
    dockerd.process.send_signal(signal.SIGSTOP)
    try:
        until(lambda: values(captured, UP) == {"": 0})
    finally:
        dockerd.process.send_signal(signal.SIGCONT)
    until(lambda: values(captured, UP) == {"": 1})
    before = len(said(captured))
    until(lambda: len(said(captured)) > before)


def test_an_engine_that_was_killed_is_found_again(dockerd: Dockerd, polled: str, captured: Captured) -> None:
    dockerd.run(IDLE, polled)
    until(lambda: values(captured, UP) == {"": 1} and values(captured))
    dockerd.kill()
    until(lambda: values(captured, UP) == {"": 0})
    dockerd.start()
    dockerd.run(IDLE, polled, "a2")
    until(lambda: values(captured, UP) == {"": 1} and values(captured).keys() == {"a2"})
