"""What is read off the frames of different engines, and what two of them, or many containers, come to."""

from __future__ import annotations

import copy
import json
import time
from contextvars import Context
from pathlib import Path
from threading import Event, Lock
from typing import Any

import pytest

from otel_genai.sources.containers.claim import Claim
from otel_genai.sources.containers.crew import SLOW, Crew
from otel_genai.sources.containers.engine import container, image, reached
from otel_genai.sources.containers.readings import available, reading, usage
from otel_genai.sources.containers.samples import Sample, cores, sample
from otel_genai.sources.containers.schedule import Schedule

FRAMES = json.loads((Path(__file__).parent.parent / "data" / "docker_frames.json").read_text(encoding="utf-8"))
DIALECTS = ("cgroup_v1", "cgroup_v2", "podman")
MIB = 1024 * 1024


def frame(dialect: str, **changes: Any) -> Any:
    """A recorded frame; `memory_stats__usage=5` changes what is inside of it, and `...` leaves it out."""
    made = copy.deepcopy(FRAMES[dialect])
    for path, value in changes.items():
        *folders, name = path.split("__")
        inner = made
        for folder in folders:
            inner = inner[folder]
        inner.pop(name, None)
        if value is not ...:
            inner[name] = value
    return made


def read(dialect: str, **changes: Any) -> Sample:
    found = sample(frame(dialect, **changes))
    assert found is not None
    return found


def later(before: Sample, seconds: float, cpu_ns: float) -> Sample:
    made: dict[str, Any] = {name: getattr(before, name) for name in Sample.__slots__}
    return Sample(**made | {"at": before.at + seconds, "cpu_ns": (before.cpu_ns or 0) + cpu_ns})


@pytest.mark.parametrize("dialect", DIALECTS)
def test_percent_is_processor_time_over_the_time_between_two_readings(dialect: str) -> None:
    before = read(dialect)
    said = reading(("a1", "openclaw"), [(before, later(before, 4, 2_020_000_000))], 30_000)
    assert said is not None
    assert (said.agent_id, said.runtime_family, said.fresh_ms) == ("a1", "openclaw", 30_000)
    assert said.cpu_percent == 50.5


@pytest.mark.parametrize(
    ("dialect", "changes", "megabytes", "percent"),
    [
        ("cgroup_v1", {}, 30, 23.25),  # 29.76 MiB, as `docker stats` said of it: only inactive cache is left out
        ("cgroup_v1", {"memory_stats__stats__total_inactive_file": 20 * MIB}, 10, 7.62),
        ("cgroup_v1", {"memory_stats__stats__total_inactive_file": 99 * MIB}, 30, 23.25),
        ("cgroup_v2", {}, 50, 25.0),
        ("cgroup_v2", {"memory_stats__stats__inactive_file": 100 * MIB}, 100, 50.0),
        ("podman", {}, 1, 0.92),
        ("podman", {"memory_stats__usage": 0}, 0, 0.0),
        ("cgroup_v2", {"memory_stats__limit": 0}, 50, None),
        ("cgroup_v2", {"memory_stats__limit": ...}, 50, None),
        ("cgroup_v2", {"memory_stats__usage": ...}, None, None),
        ("cgroup_v1", {"memory_stats": {}}, None, None),
    ],
)
def test_memory_is_what_the_docker_command_says(
    dialect: str, changes: dict[str, Any], megabytes: int | None, percent: float | None
) -> None:
    said = reading(("a1", None), [(None, read(dialect, **changes))], 30_000)
    assert said is not None
    assert (said.memory_mb, said.memory_percent) == (megabytes, percent)


@pytest.mark.parametrize("changes", [{"read": "0001-01-01T00:00:00Z"}, {"read": ...}, {"read": 7}, {"read": "soon"}])
def test_a_frame_without_a_time_is_of_a_container_that_does_not_run(changes: dict[str, Any]) -> None:
    assert sample(frame("cgroup_v2", **changes)) is None
    assert sample(FRAMES["not_running"]) is None


@pytest.mark.parametrize("garbage", [None, [], 7, "text", {}, {"read": {}}, {"memory_stats": []}])
def test_what_is_no_frame_is_no_sample(garbage: object) -> None:
    assert sample(garbage) is None


@pytest.mark.parametrize("value", ["12", -1, True, None, float("nan"), float("inf"), [], {}, ...])
def test_what_is_no_amount_is_unknown_and_never_zero(value: object) -> None:
    found = read("cgroup_v2", cpu_stats__cpu_usage__total_usage=value, memory_stats__usage=value)
    assert (found.cpu_ns, found.memory, found.working_set) == (None, None, None)
    said = reading(("a1", None), [(read("cgroup_v2"), later(found, 1, 0))], 0)
    assert said is not None
    assert (said.cpu_percent, said.memory_percent, said.memory_mb) == (None, None, None)


def test_the_first_sample_makes_no_percent() -> None:
    assert cores(None, read("cgroup_v2")) is None


@pytest.mark.parametrize(("seconds", "nanoseconds"), [(1, -1), (0, 1000), (-1, 1000), (0.001, 10**10)])
def test_a_restart_or_a_clock_that_was_set_makes_no_percent(seconds: float, nanoseconds: float) -> None:
    before = read("cgroup_v2")
    assert cores(before, later(before, seconds, nanoseconds)) is None


def test_a_container_that_did_nothing_used_zero_percent() -> None:
    before = read("cgroup_v2")
    assert cores(before, later(before, 10, 0)) == 0


def test_containers_of_one_agent_are_added_and_only_where_all_are_known() -> None:
    before = read("cgroup_v2")
    pair = (before, later(before, 1, 500_000_000))
    said = reading(("a1", None), [pair, pair], 0)
    assert said is not None
    assert (said.cpu_percent, said.memory_mb, said.memory_percent) == (100, 100, 25)
    assert reading(("a1", None), [pair, (before, None)], 0) is None
    new = reading(("a1", None), [pair, (None, before)], 0)
    assert new is not None
    assert new.cpu_percent is None


def test_the_standard_metrics_are_growth_and_levels() -> None:
    before = read("cgroup_v2")
    after = read(
        "cgroup_v2",
        read="2026-11-22T01:21:42.766274992Z",
        cpu_stats__cpu_usage={
            "total_usage": 2064657000,
            "usage_in_kernelmode": 264657000,
            "usage_in_usermode": 1800000000,
        },
        networks={"eth0": {"rx_bytes": 2000, "tx_bytes": 700}, "eth1": {"rx_bytes": 24, "tx_bytes": 12}},
        memory_stats__stats__pgfault=2010,
        memory_stats__stats__pgmajfault=15,
    )
    said = usage(container({"Id": "b" * 64, "Names": ["/two"], "Image": "acme/agent:1.2"}), before, after, 30_000)
    assert (said.name, said.image) == ("two", "acme/agent")
    assert (said.cpu_user_s, said.cpu_system_s) == (pytest.approx(0.9), pytest.approx(0.1))
    assert (said.cpu_user, said.cpu_system) == (pytest.approx(0.45), pytest.approx(0.05))
    assert (said.memory_usage, said.memory_working_set, said.memory_rss) == (100 * MIB, 50 * MIB, 40 * MIB)
    assert (said.memory_available, said.minor_faults, said.major_faults) == (150 * MIB, 7, 3)
    assert (said.received_bytes, said.transmitted_bytes, said.read_bytes, said.written_bytes) == (1000, 200, 0, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"memory_stats__stats__hierarchical_memory_limit": 9223372036854771712},
        {"memory_stats__limit": 0},
        {"memory_stats__usage": ...},
    ],
)
def test_without_a_limit_nothing_is_said_to_be_available(changes: dict[str, Any]) -> None:
    assert available(read("cgroup_v1")) == 128 * MIB - 31202304
    assert available(read("cgroup_v1", **changes)) is None


@pytest.mark.parametrize(
    ("labels", "agent", "family"),
    [
        ({"openclaw.agent.id": "a1", "otel_genai.agent.id": "b1"}, "a1", None),
        ({"otel_genai.agent.id": "b1", "otel_genai.runtime.family": "hermes"}, "b1", "hermes"),
        ({"openclaw.agent.id": "", "secret": "x"}, "planner", None),
        (None, "planner", None),
    ],
)
def test_an_agent_is_named_by_its_label_else_by_its_container(
    labels: dict[str, str] | None, agent: str, family: str | None
) -> None:
    one = container({"Id": "a" * 64, "Names": ["/web/db", "/planner"], "Labels": labels, "Image": "sha256:12"})
    assert (one.name, one.agent, one.family, one.image) == ("planner", agent, family, None)


@pytest.mark.parametrize("reference", ["r:5000/acme/agent:1.2", "r:5000/acme/agent@sha256:12", "r:5000/acme/agent"])
def test_an_image_is_named_without_its_tag(reference: str) -> None:
    assert image(reference) == "r:5000/acme/agent"


def test_certificates_are_those_of_the_variables_and_only_for_engines_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    assert reached("tcp://engine:2376")["tls"].ca_cert == str(tmp_path / "ca.pem")
    assert reached("unix:///run/docker.sock") == {"base_url": "unix:///run/docker.sock"}
    assert reached(None) == {}


# -- when, who and how many


def test_passes_are_at_even_distances_and_those_slept_through_are_counted() -> None:
    now = [100.0]
    schedule = Schedule(10, lambda: now[0], lambda: 0.0)
    assert schedule.succeeded() == (1, 0)  # soon: only two samples make a rate
    now[0] = 101.2
    assert schedule.succeeded() == (pytest.approx(9.8), 0)
    now[0] = 136
    assert schedule.succeeded() == (pytest.approx(5), 2)
    now[0] = 141.5
    assert schedule.succeeded() == (pytest.approx(9.5), 0)


def test_attempts_that_fail_are_further_and_further_apart_up_to_a_minute() -> None:
    schedule = Schedule(10, lambda: 0.0, lambda: 0.0)
    assert [schedule.failed() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    schedule.succeeded()
    assert schedule.failed() == 1


def test_jitter_never_makes_it_early() -> None:
    schedule = Schedule(10, lambda: 0.0, lambda: 1.0)
    schedule.succeeded()
    wait, _ = schedule.succeeded()
    assert wait == 11.5


class Slow:
    """A question whose answer takes long; how many were asked at the same time, and before the first was answered."""

    def __init__(self) -> None:
        self.most = self.first = self._asked = self._waiting = 0
        self._lock = Lock()

    def __call__(self, _: int) -> None:
        with self._lock:
            self._asked += 1
            self._waiting += 1
            self.most = max(self.most, self._waiting)
        time.sleep(SLOW * 1.2)
        with self._lock:
            self._waiting -= 1
            self.first = self.first or self._asked


def test_a_crew_grows_where_answers_are_slow_and_shrinks_again() -> None:
    crew, growing, grown, shrunk = Crew(2, Context()), Slow(), Slow(), Slow()
    assert len(crew.ask(growing, range(12), 20)) == 12
    assert growing.first <= 2 < growing.most
    crew.ask(grown, range(12), 20)
    assert 2 < grown.first <= 12
    assert grown.most >= growing.most
    crew.ask(lambda _: None, range(300), 20)
    assert crew.ask(shrunk, range(12), 20).keys() == set(range(12))
    assert shrunk.first <= 2


def test_a_crew_gives_what_it_has_when_the_time_is_over_and_each_error_in_its_place() -> None:
    crew, over = Crew(4, Context()), Event()

    def ask(what: int) -> int:
        if what == 1:
            raise OSError("no")
        if what == 2:
            over.wait(20)
        return what

    answers = crew.ask(ask, [0, 1, 2], 1)
    over.set()
    assert answers[0] == (0, None)
    assert isinstance(answers[1][1], OSError)
    assert answers.keys() == {0, 1}
    assert crew.ask(ask, [], 1) == {}


def test_one_of_several_has_the_claim_until_it_lets_go() -> None:
    name = str(time.monotonic_ns())
    first, second = Claim("engine", name), Claim("engine", name)
    try:
        assert first.held()
        assert not second.held()
        assert Claim("another engine", name).path != first.path
        first.release()
        assert second.held()
    finally:
        second.release()
        Path(first.path).unlink()
