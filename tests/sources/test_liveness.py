"""Event loops and the processor: what is measured, from when on it is told, and how often."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from otel_genai import events
from otel_genai.sources import eventloops
from otel_genai.sources.eventloops import EventLoops, LoopReading, Sampler, reading
from otel_genai.sources.liveness import LivenessWatch, Measured, processor_ms, reasons
from otel_genai.sources.sessions import Counts
from otel_genai.tables import Liveness

LIMITS = Liveness()
CALM = LoopReading(delay_p99_ms=2, delay_max_ms=10, utilization=0.1)
BUSY, IDLE = Counts(active=1), Counts()


@pytest.mark.parametrize(
    ("loops", "cpu_ms", "expected"),
    [
        (CALM, 100, ()),
        (None, 100, ()),
        (CALM._replace(delay_p99_ms=999.9, delay_max_ms=999.9, utilization=0.949), 26_999, ()),
        (CALM._replace(delay_p99_ms=1000), 100, ("event_loop_delay",)),
        (CALM._replace(delay_max_ms=1000), 100, ("event_loop_delay",)),
        (CALM._replace(utilization=0.95), 100, ("event_loop_utilization",)),
        (CALM, 27_000, ("cpu",)),
        (None, 90_000, ("cpu",)),
        (LoopReading(1000, 1000, 1.0), 30_000, ("event_loop_delay", "event_loop_utilization", "cpu")),
    ],
)
def test_each_threshold_that_is_reached_is_a_reason(
    loops: LoopReading | None, cpu_ms: float, expected: tuple[str, ...]
) -> None:
    assert reasons(Measured(30_000, loops, cpu_ms / 2, cpu_ms / 2), LIMITS) == expected


@pytest.mark.parametrize(
    ("option", "loops", "cpu_ms"),
    [
        ("delay_p99_ms", CALM._replace(delay_p99_ms=1500), 0),
        ("delay_max_ms", CALM._replace(delay_max_ms=1500), 0),
        ("utilization", CALM._replace(utilization=1.0), 0),
        ("cpu_core_ratio", CALM, 30_000),
    ],
)
def test_each_threshold_can_be_moved_by_itself(option: str, loops: LoopReading, cpu_ms: float) -> None:
    measured = Measured(30_000, loops, cpu_ms, 0)
    assert reasons(measured, LIMITS)
    assert not reasons(measured, Liveness(**{option: 5000}))


class Watched:
    """A watch whose clock and measurements are set by hand; it looks every 30 seconds."""

    def __init__(self, **limits: Any) -> None:
        self.now = self.spent = 0.0
        self.loops: LoopReading | None = CALM._replace(delay_max_ms=2000)
        self.watch = LivenessWatch(
            Liveness(**limits), lambda: self.loops, processor=lambda: (self.spent, 0), clock=lambda: self.now
        )

    def look(self, counts: Counts = IDLE) -> events.LivenessWarning | None:
        self.now += 30
        return self.watch.look(counts)


def warned(watched: Watched, *looks: Counts) -> list[float]:
    return [watched.now for counts in looks if watched.look(counts)]


def test_nothing_is_told_while_the_process_starts() -> None:
    assert warned(Watched(), IDLE, IDLE, IDLE) == [60]
    assert warned(Watched(startup_grace_ms=0), IDLE) == [30]
    assert warned(Watched(startup_grace_ms=90_000), *[BUSY] * 3) == [90]


def test_what_goes_on_is_told_every_two_minutes() -> None:
    assert warned(Watched(startup_grace_ms=0), *[IDLE] * 10) == [30, 150, 270]


@pytest.mark.parametrize("counts", [Counts(active=1), Counts(waiting=1), Counts(queued=1)])
def test_a_process_with_work_has_a_gate_of_its_own(counts: Counts) -> None:
    watched = Watched(startup_grace_ms=0)
    assert warned(watched, IDLE, counts, counts, IDLE, IDLE, counts) == [30, 60, 150, 180]


def test_both_gates_close_behind_one_warning() -> None:
    assert warned(Watched(startup_grace_ms=0), BUSY, IDLE, BUSY, BUSY, IDLE) == [30, 150]


def test_without_a_reason_no_gate_closes() -> None:
    watched = Watched(startup_grace_ms=0)
    watched.loops = CALM
    assert warned(watched, IDLE, IDLE) == []
    watched.loops = CALM._replace(delay_max_ms=2000)
    assert warned(watched, IDLE) == [90]


def test_a_warning_says_what_was_measured_in_its_interval() -> None:
    watched = Watched(startup_grace_ms=0)
    watched.spent = 50_000
    watched.look()
    watched.now, watched.spent = watched.now + 100, 89_000
    found = watched.look(Counts(active=1, waiting=2, queued=3))
    assert found is not None
    assert found.reasons == ("event_loop_delay",)
    assert (found.interval_ms, found.cpu_user_ms, found.cpu_system_ms) == (130_000, 39_000, 0)
    assert found.cpu_core_ratio == 0.3
    assert (found.event_loop_delay_p99_ms, found.event_loop_delay_max_ms, found.event_loop_utilization) == (
        2,
        2000,
        0.1,
    )
    assert (found.active, found.waiting, found.queued) == (1, 2, 3)


def test_without_an_event_loop_there_are_no_figures_of_one() -> None:
    watched = Watched(startup_grace_ms=0)
    watched.loops, watched.spent = None, 30_000
    found = watched.look()
    assert found is not None
    assert (found.reasons, found.event_loop_delay_max_ms, found.event_loop_utilization) == (("cpu",), None, None)


def test_the_processor_time_of_this_process_goes_up() -> None:
    before = sum(processor_ms())
    spin_until = time.process_time() + 0.05
    while time.process_time() < spin_until:
        pass
    assert sum(processor_ms()) - before >= 30  # it is counted in hundredths of a second


# -- event loops


@pytest.mark.parametrize(
    ("delays", "cpu", "expected"),
    [
        ([], 0.0, None),
        ([-0.001, 0.0], 0.0, (0, 0, 0)),
        ([0.001] * 99 + [1.5], 0.2, (1500, 1500, 0.16)),
        ([0.001] * 199 + [1.5], 0.2, (1, 1500, 0.17)),
        ([0.001] * 100, 5.0, (1, 1, 0.5)),
        ([1.0] * 20, 5.0, (1000, 1000, 1)),
    ],
)
def test_an_interval_is_read_in_milliseconds_and_shares(
    delays: list[float], cpu: float, expected: tuple[float, float, float] | None
) -> None:
    assert reading(delays, cpu, 10.0) == (expected and LoopReading(*expected))


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """Runs a coroutine on either event loop."""
    new_loop = pytest.importorskip(request.param).new_event_loop

    def on_it(coroutine: Any) -> Any:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(coroutine)

    return on_it


def test_a_blocked_event_loop_is_late_by_as_long_as_it_was_blocked(run: Callable[[Any], Any]) -> None:
    async def main() -> LoopReading | None:
        loops = EventLoops()
        loops.notice()
        await asyncio.sleep(0.05)
        time.sleep(0.3)
        await asyncio.sleep(0.05)
        loops.stop()
        found: LoopReading | None = before[0].read()
        return found

    before: list[Sampler] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(eventloops, "Sampler", lambda loop: before.append(Sampler(loop)) or before[0])
        found = run(main())
    assert found is not None
    assert found.delay_max_ms >= 250
    assert found.utilization >= 0.25


def test_a_loop_that_is_blocked_right_now_is_seen_to_be(run: Callable[[Any], Any]) -> None:
    found: list[LoopReading | None] = []

    async def main() -> None:
        loops = EventLoops()
        loops.notice()
        await asyncio.sleep(0.05)
        thread = threading.Thread(target=lambda: (time.sleep(0.2), found.append(loops.read())))
        thread.start()
        thread.join()  # blocks the loop
        loops.stop()

    run(main())
    assert found[0] is not None
    assert found[0].delay_max_ms >= 100


def test_a_loop_is_watched_once_and_until_it_is_closed(run: Callable[[Any], Any]) -> None:
    loops = EventLoops()

    async def main() -> int:
        for _ in range(3):
            loops.notice()
        await asyncio.sleep(0.05)
        return len(loops._samplers)

    assert run(main()) == 1
    assert loops.read() is None
    assert loops._samplers == []
    assert run(main()) == 1
    loops.stop()


def test_of_several_loops_the_worst_is_told() -> None:
    loops = EventLoops()
    loops._samplers = [Told(LoopReading(1, 900, 0.2)), Told(None), Told(LoopReading(5, 30, 0.9))]  # type: ignore[list-item]
    assert loops.read() == LoopReading(5, 900, 0.9)


class Told:
    """A sampler of a loop that runs, which has measured this."""

    def __init__(self, found: LoopReading | None) -> None:
        self.loop, self.read = self, lambda: found

    def is_closed(self) -> bool:
        return False


def test_where_no_loop_runs_none_is_watched() -> None:
    loops = EventLoops()
    loops.notice()
    assert loops.read() is None


def test_many_threads_with_a_loop_each_are_all_watched() -> None:
    loops, go_on = EventLoops(), threading.Event()

    async def main(ready: threading.Event) -> None:
        loops.notice()
        ready.set()
        await asyncio.to_thread(go_on.wait, 30)

    with ExitStack() as stack:
        for _ in range(4):
            ready = threading.Event()
            thread = threading.Thread(target=lambda ready=ready: asyncio.run(main(ready)))
            thread.start()
            stack.callback(thread.join)
            assert ready.wait(30)
        assert len(loops._samplers) == 4
        go_on.set()
