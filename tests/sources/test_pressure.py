"""Memory: what is read of it, how much there is, and when it is too little."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otel_genai import events
from otel_genai.sources.footprint import Footprint, available, footprint, uptime_ms
from otel_genai.sources.pressure import Growth, MemoryWatch, capped, judge
from otel_genai.tables import MIB, Memory
from otel_genai.testing import Captured

LIMITS = Memory()
MINUTE = 60.0


def mib(number: int) -> int:
    return number * MIB


@pytest.mark.parametrize(
    ("rss", "heap", "expected"),
    [
        (3072, 0, ("critical", "rss_threshold", 3072)),
        (3072, 2048, ("critical", "rss_threshold", 3072)),
        (1536, 2048, ("critical", "heap_threshold", 2048)),
        (1536, 1024, ("warning", "rss_threshold", 1536)),
        (3071, 0, ("warning", "rss_threshold", 1536)),
        (1535, 1024, ("warning", "heap_threshold", 1024)),
        (1535, 1023, None),
    ],
)
def test_the_worst_threshold_that_is_reached_is_told(
    rss: int, heap: int, expected: tuple[str, str, int] | None
) -> None:
    found = judge(Footprint(mib(rss), mib(heap)), None, LIMITS)
    assert (found and (found.level, found.reason, found.threshold_bytes // MIB)) == expected


@pytest.mark.parametrize(
    ("grown", "window_ms", "level"),
    [
        (511, 30_000, None),
        (512, 30_000, "warning"),
        (1024, 30_000, "critical"),
        (1024, 600_000, "critical"),
        (1024, 600_001, None),
        (-2000, 30_000, None),
    ],
)
def test_growth_counts_within_its_window(grown: int, window_ms: float, level: str | None) -> None:
    found = judge(Footprint(mib(100)), Growth(mib(grown), window_ms), LIMITS)
    assert (found and found.level) == level
    if found is not None:
        assert (found.reason, found.growth_bytes, found.window_ms) == ("rss_growth", mib(grown), window_ms)


def test_a_threshold_comes_before_growth() -> None:
    found = judge(Footprint(mib(1600)), Growth(mib(1500), 30_000), LIMITS)
    assert found is not None
    assert (found.level, found.reason, found.growth_bytes) == ("warning", "rss_threshold", None)


def test_what_is_not_known_is_under_no_pressure() -> None:
    assert judge(Footprint(), None, LIMITS) is None


@pytest.mark.parametrize(
    ("there_is", "expected"),
    [
        (None, (1536, 3072, 1024, 2048)),
        (64 * 1024, (1536, 3072, 1024, 2048)),
        (2048, (1024, 1536, 1024, 1536)),
        (512, (256, 384, 256, 384)),
    ],
)
def test_thresholds_are_lowered_to_what_there_is(there_is: int | None, expected: tuple[int, ...]) -> None:
    found = capped(LIMITS, None if there_is is None else mib(there_is))
    rss = (found.rss_warning_bytes, found.rss_critical_bytes)
    assert tuple(each // MIB for each in (*rss, found.heap_warning_bytes, found.heap_critical_bytes)) == expected
    assert found.growth_warning_bytes == LIMITS.growth_warning_bytes


def files(root: Path, content: dict[str, str]) -> Path:
    for name, text in content.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


PHYSICAL = {"proc/meminfo": "MemTotal:       4096 kB\nMemFree:     1 kB\nHugePages_Total:       0\n"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({}, 4_194_304),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1000\n"}, 1000),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 4_194_304),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/b/memory.max": "max\n",
                "sys/fs/cgroup/a/memory.max": "2000\n",
            },
            2000,
        ),
        (
            {
                "proc/self/cgroup": "5:cpu:/x\n4:memory,hugetlb:/pod\n",
                "sys/fs/cgroup/memory/pod/memory.limit_in_bytes": "3000\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            3000,
        ),
        ({"proc/self/cgroup": "0::/../other\n", "sys/fs/cgroup/memory.max": "4000\n"}, 4000),
        ({"proc/self/cgroup": "nonsense\n"}, 4_194_304),
    ],
)
def test_what_there_is_is_the_least_of_machine_and_control_groups(
    tmp_path: Path, content: dict[str, str], expected: int
) -> None:
    assert available(files(tmp_path, PHYSICAL | content)) == expected


def test_where_the_system_says_nothing_nothing_is_known(tmp_path: Path) -> None:
    assert footprint(tmp_path) == Footprint(None, None)
    assert available(tmp_path) is None
    assert uptime_ms(tmp_path) is None


def test_what_the_process_holds_is_read_off_the_kernel(tmp_path: Path) -> None:
    status = "Name:\tpython\nVmPeak:\t  9 kB\nVmRSS:\t   2048 kB\nRssAnon:\t    1024 kB\nThreads:\t1\n"
    assert footprint(files(tmp_path, {"proc/self/status": status})) == Footprint(2_097_152, 1_048_576)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system has no /proc")
def test_the_figures_of_this_process_are_sane() -> None:
    held = footprint()
    assert held.rss_bytes is not None
    assert held.heap_bytes is not None
    assert 1_000_000 < held.heap_bytes <= held.rss_bytes < (available() or 0)
    kept = bytearray(b"x" * 64_000_000)
    assert (footprint().rss_bytes or 0) - held.rss_bytes > 0.8 * len(kept)
    assert (uptime_ms() or 0) > 0


class Watched:
    """A watch whose memory and clock are set by hand."""

    def __init__(self, **limits: Any) -> None:
        self.held, self.now = Footprint(mib(100), mib(50)), 0.0
        there_is = limits.pop("there_is", None)
        self.watch = MemoryWatch(
            Memory(**limits), measure=lambda: self.held, there_is=lambda: there_is, clock=lambda: self.now
        )

    def look(self, rss: int | None = None, *, after: float = 30, active: bool = True) -> None:
        self.now += after
        if rss is not None:
            self.held = Footprint(mib(rss), mib(50))
        self.watch.look(active)


def told(captured: Captured) -> list[tuple[Any, ...]]:
    return [(e.level, e.reason) for e in captured.events if isinstance(e, events.MemoryPressure)]


def test_an_active_process_says_what_it_holds_and_an_idle_one_only_what_is_wrong(captured: Captured) -> None:
    watched = Watched()
    watched.look(active=False)
    assert captured.events == []
    watched.look()
    (sample,) = captured.events
    assert isinstance(sample, events.MemorySample)
    assert (sample.rss_bytes, sample.heap_total_bytes, sample.heap_used_bytes) == (mib(100), mib(50), None)
    watched.look(1600, after=3600, active=False)
    assert told(captured) == [("warning", "rss_threshold")]


def test_the_same_pressure_is_told_every_five_minutes(captured: Captured) -> None:
    watched = Watched()
    for _ in range(11):  # 30, 60 ... 330 seconds
        watched.look(1600, active=False)
    assert told(captured) == [("warning", "rss_threshold")] * 2
    watched.look(3100, active=False)
    assert told(captured)[2:] == [("critical", "rss_threshold")]


def test_growth_is_since_the_measurement_before(captured: Captured) -> None:
    watched = Watched()
    watched.look(100, active=False)
    watched.look(700, active=False)
    watched.look(1300, after=700, active=False)
    (pressure,) = [event for event in captured.events if isinstance(event, events.MemoryPressure)]
    assert (pressure.level, pressure.reason) == ("warning", "rss_growth")
    assert (pressure.rss_growth_bytes, pressure.window_ms) == (mib(600), 30_000)
    assert (pressure.threshold_bytes, pressure.rss_bytes) == (mib(512), mib(700))


def test_a_small_container_is_under_pressure_early(captured: Captured) -> None:
    Watched(there_is=mib(256)).look(200, active=False)
    assert told(captured) == [("critical", "rss_threshold")]


def test_a_process_that_knows_nothing_of_its_memory_says_nothing(captured: Captured) -> None:
    watched = Watched()
    watched.held = Footprint()
    watched.look()
    assert captured.events == []
