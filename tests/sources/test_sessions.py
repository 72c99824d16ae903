"""Sessions, on a clock that is set by hand: what their events make of them, what is reported, and what is recovered."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from contextvars import Context
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import events
from otel_genai.bus import bus
from otel_genai.sources import sessions as module
from otel_genai.sources.attention import Thresholds
from otel_genai.sources.recovery import Recovery
from otel_genai.sources.sessions import Sessions
from otel_genai.testing import Captured

SECOND = 1_000_000_000


class Watched:
    """The sessions of this process on a clock of our own, looked at as on a heartbeat."""

    def __init__(self, captured: Captured, recover: Callable[[str], Any] | None = None) -> None:
        self.captured, self.now = captured, time.perf_counter_ns()
        self.recovery = None if recover is None else Recovery(recover)
        self.sessions = Sessions(
            Thresholds(120_000, 360_000), self.recovery and self.recovery.request, clock=lambda: self.now
        )
        if self.recovery is not None:
            self.recovery.sessions = self.sessions

    def after(self, seconds: float, late_ms: float = 0) -> list[events.Event]:
        """What is told on a heartbeat, so many seconds later."""
        self.now += int(seconds * SECOND)
        before = len(self.captured.events)
        Context().run(self.sessions.examine, late_ms)  # as in a thread of its own
        for thread in threading.enumerate():
            if thread.name == "otel_genai session recovery":
                thread.join()
        return self.captured.events[before:]

    def reports(self, seconds: float) -> list[str]:
        return [event.kind for event in self.after(seconds)]

    @property
    def states(self) -> list[tuple[str | None, str | None, str | None]]:
        told = [event for event in self.captured.events if isinstance(event, events.SessionState)]
        return [(event.previous, event.state, event.reason) for event in told]


@pytest.fixture
def connect(captured: Captured) -> Iterator[Callable[..., Watched]]:
    with ExitStack() as undo:

        def connected(recover: Callable[[str], Any] | None = None) -> Watched:
            watched = Watched(captured, recover)
            undo.callback(bus.connect(watched.sessions.resolve))
            return watched

        yield connected


@pytest.fixture
def watched(connect: Callable[..., Watched]) -> Watched:
    return connect()


@pytest.fixture
def session() -> Iterator[None]:
    with genai.bind(session="s-1", channel="slack"):
        yield


# -- states, from what happens


@pytest.mark.usefixtures("session")
def test_the_state_follows_from_whether_anything_is_at_work(watched: Watched) -> None:
    with genai.message("slack"), genai.run("r-1"):
        with genai.model_call("gpt-5.5"):
            assert watched.sessions.counts().active == 1
        genai.tool("search")(lambda: None)()
    assert watched.states == [
        ("idle", "processing", "message_start"),
        ("processing", "idle", "message_completed"),
    ]
    assert not watched.sessions.counts().open


@pytest.mark.usefixtures("session")
def test_the_derived_states_are_counted_and_say_nothing_of_the_session(watched: Watched) -> None:
    with genai.run():
        pass
    points = watched.captured.points("openclaw.session.state")
    assert [point.attributes for point in points] == [
        {"openclaw.state": "processing", "openclaw.reason": "run_start"},
        {"openclaw.state": "idle", "openclaw.reason": "run_completed"},
    ]
    assert "s-1" not in str([span.attributes for span in watched.captured.spans])


@pytest.mark.usefixtures("session")
def test_a_program_that_says_the_state_itself_is_believed(watched: Watched) -> None:
    genai.publish(events.SessionState(state="waiting", queue_depth=3))
    with genai.run():
        assert (watched.sessions.counts().waiting, watched.sessions.counts().queued) == (1, 3)
    assert watched.states == [(None, "waiting", None)]
    genai.publish(events.SessionState(state="nonsense"))
    assert watched.sessions.counts().waiting == 1


def test_what_is_no_session_s_work_makes_none(watched: Watched) -> None:
    with genai.message("slack"), genai.run():
        genai.publish(events.MessageQueued())
    assert len(watched.sessions) == 0
    assert watched.states == []


@pytest.mark.usefixtures("session")
def test_messages_wait_from_when_they_are_queued_until_the_session_is_done_with_them(watched: Watched) -> None:
    depths = []
    for _ in range(2):
        genai.publish(events.MessageQueued(source="dispatch"))
        depths.append(watched.sessions.counts().queued)
    for _ in range(3):
        with genai.run():
            depths.append(watched.sessions.counts().queued)
    assert depths == [1, 2, 2, 1, 0]


@pytest.mark.usefixtures("session")
def test_a_message_that_is_told_of_and_put_into_a_lane_waits_once(watched: Watched) -> None:
    lane = genai.ThreadLane[int]("main")
    genai.publish(events.MessageQueued(source="dispatch"))
    lane.put(1)
    assert watched.sessions.counts().queued == 1
    with genai.run():
        pass
    assert watched.sessions.counts().queued == 0


@pytest.mark.usefixtures("session")
def test_what_the_session_takes_out_of_its_lane_waits_no_more(watched: Watched) -> None:
    lane = genai.ThreadLane[int]("main")
    for number in range(3):
        lane.put(number)
    lane.get()
    assert watched.sessions.counts().queued == 2
    with genai.run():
        pass
    assert watched.sessions.counts().queued == 2


def test_webhooks_are_counted_from_the_beginning(watched: Watched) -> None:
    for _ in range(2):
        with genai.webhook("telegram"):
            pass
    with pytest.raises(OSError, match="no"), genai.webhook("telegram"):
        raise OSError("no")
    counts = watched.sessions.counts()
    assert (counts.webhooks_received, counts.webhooks_processed, counts.webhook_errors) == (3, 2, 1)


# -- reports


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(
    ("block", "reports"),
    [
        (genai.message, ["session.stuck"]),
        (genai.run, ["session.stalled"]),
        (genai.agent, ["session.stalled"]),
        (genai.workflow, ["session.stalled"]),
        (genai.model_call, ["session.stalled"]),
        (genai.tool, ["session.stalled"]),
    ],
)
def test_a_session_without_progress_is_reported_after_the_threshold(
    watched: Watched, block: Callable[[str], Any], reports: list[str]
) -> None:
    with block("one"):
        assert watched.reports(120) == []
        assert watched.reports(1) == reports
    assert watched.reports(1000) == []


@pytest.mark.usefixtures("session")
def test_a_stuck_session_is_counted_and_a_span_and_others_are_not(watched: Watched) -> None:
    with genai.message("slack"):
        genai.publish(events.MessageQueued())
        (stuck,) = watched.after(121)
    assert isinstance(stuck, events.SessionStuck)
    assert (stuck.scope.session, stuck.scope.channel) == ("s-1", "slack")
    assert (stuck.reason, stuck.queue_depth, stuck.age_ms) == ("queued_work_without_active_run", 1, 121_000)
    (point,) = watched.captured.points("openclaw.session.stuck")
    assert (point.value, point.attributes) == (1, {"openclaw.state": "processing"})
    span = watched.captured.span("openclaw.session.stuck")
    assert span.parent_id is None
    assert span.attributes == {"openclaw.state": "processing", "openclaw.queueDepth": 1, "openclaw.ageMs": 121_000}


@pytest.mark.usefixtures("session")
def test_a_report_says_what_is_at_work(watched: Watched) -> None:
    with genai.run(), genai.model_call("gpt-5.5"), genai.tool("search", call_id="c-1"):
        (stalled,) = watched.after(150)
    assert isinstance(stalled, events.SessionStalled)
    assert (stalled.active_work_kind, stalled.active_tool_name, stalled.active_tool_call_id) == (
        "tool_call",
        "search",
        "c-1",
    )
    assert (stalled.active_tool_age_ms, stalled.last_progress_age_ms) == (150_000, 150_000)
    assert (stalled.last_progress_reason, stalled.classification) == ("tool:search:started", "blocked_tool_call")
    assert [span.name for span in watched.captured.spans if "session" in span.name] == []


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(
    "progress",
    [
        lambda: genai.tool("search")(lambda: None)(),
        lambda: genai.publish(events.RunProgress(reason="assistant_delta")),
        lambda: genai.message("slack").delivery("text")(lambda: None)(),
        lambda: genai.publish(events.MessageQueued()),
    ],
    ids=["tool", "progress", "delivery", "queue"],
)
def test_a_session_that_gets_further_does_not_age(watched: Watched, progress: Callable[[], object]) -> None:
    with genai.run():
        for _ in range(5):
            assert watched.reports(100) == []
            progress()


@pytest.mark.usefixtures("session")
def test_an_event_that_is_no_progress_changes_nothing(watched: Watched) -> None:
    with genai.run():
        watched.now += 100 * SECOND
        genai.publish(events.SkillUsed(name="typing"))
        assert watched.reports(21) == ["session.stalled"]


@pytest.mark.usefixtures("session")
def test_every_piece_of_a_stream_is_progress(watched: Watched) -> None:
    def chunks() -> Iterator[int]:
        yield from range(10)

    with genai.run(), genai.model_call("gpt-5.5") as call:
        stream = iter(call.stream(chunks()))
        next(stream)
        call.event.last_chunk_ns = 100 * SECOND
        assert watched.reports(200) == []
        call.event.last_chunk_ns = None
        assert watched.reports(1) == ["session.long_running"]
        list(stream)


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("block", [genai.run, genai.message], ids=["stalled", "stuck"])
def test_reports_come_ever_later_until_something_changes(watched: Watched, block: Callable[[str], Any]) -> None:
    with block("one"):
        ages = [30 * beat for beat in range(1, 40) if watched.reports(30)]
        assert ages == [150, 300, 600]
        genai.publish(events.RunProgress(reason="assistant_delta"))
        ages = [30 * beat for beat in range(1, 11) if watched.reports(30)]
    assert ages == [150, 300]


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(
    ("deadline_ms", "reports"),
    [
        (None, [(150, "session.stalled"), (300, "session.stalled")]),
        (600_000, [(150, "session.long_running"), (300, "session.long_running")]),
        (400_000, [(150, "session.long_running"), (300, "session.long_running"), (420, "session.stalled")]),
        (20_000, [(30, "session.stalled"), (60, "session.stalled"), (120, "session.stalled")]),
    ],
)
def test_a_tool_is_expected_to_be_done_by_its_deadline(
    watched: Watched, deadline_ms: int | None, reports: list[tuple[int, str]]
) -> None:
    with genai.tool("render", deadline_ms=deadline_ms):
        told = [(30 * beat, kind) for beat in range(1, 22) for kind in watched.reports(30)]
    assert told[: len(reports)] == reports


@pytest.mark.usefixtures("session")
def test_of_several_tools_the_one_that_is_longest_past_its_time_is_reported(watched: Watched) -> None:
    with genai.tool("render", deadline_ms=900_000), genai.tool("search"), genai.tool("fetch", deadline_ms=10_000):
        (stalled,) = watched.after(125)
    assert isinstance(stalled, events.SessionStalled)
    assert stalled.active_tool_name == "fetch"


@pytest.mark.usefixtures("session")
def test_a_model_call_of_a_run_may_be_silent_until_it_may_be_aborted(watched: Watched) -> None:
    with genai.run(), genai.model_call("gpt-5.5"):
        told = [(60 * beat, kind) for beat in range(1, 8) for kind in watched.reports(60)]
    assert told == [(180, "session.long_running"), (360, "session.stalled")]


@pytest.mark.usefixtures("session")
def test_work_that_was_dropped_without_an_end_is_no_work(watched: Watched) -> None:
    dropped = events.ToolExecution(name="search")
    bus.start(dropped)
    del dropped
    gc.collect()
    (report,) = watched.after(121)
    assert isinstance(report, events.SessionStuck)


# -- recovery


def recoveries(told: list[events.Event]) -> list[tuple[str | None, ...]]:
    over = [event for event in told if isinstance(event, events.SessionRecoveryCompleted)]
    return [(event.status, event.action, event.outcome_reason) for event in over]


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(
    ("answer", "over", "idle"),
    [
        (None, ("released", "release_lane", None), True),
        (True, ("released", "release_lane", None), True),
        ("aborted", ("aborted", "abort_embedded_run", None), True),
        ("noop", ("noop", "none", "no_active_work"), True),
        (False, ("skipped", "keep_lane", None), False),
        ("skipped", ("skipped", "keep_lane", None), False),
        ("done!", ("failed", "none", "exception"), False),
        (OSError("no"), ("failed", "none", "exception"), False),
    ],
)
def test_a_stuck_session_is_recovered_as_the_function_says(
    connect: Callable[..., Watched], answer: Any, over: tuple[str, ...], idle: bool
) -> None:
    asked = []

    def recover(session: str) -> Any:
        asked.append(session)
        if isinstance(answer, Exception):
            raise answer
        return answer

    watched = connect(recover)
    with genai.message("slack"):
        told = watched.after(121)
        assert asked == ["s-1"]
        assert recoveries(told) == [over]
        assert watched.sessions.counts().active == (not idle)
    if idle:
        assert watched.states[1:] == [("processing", "idle", f"stuck_recovery:{over[0]}")]


@pytest.mark.usefixtures("session")
def test_a_recovery_is_asked_for_before_it_is_made_and_measured(connect: Callable[..., Watched]) -> None:
    watched = connect(lambda session: "released")
    with genai.message("slack"):
        told = watched.after(121)
    assert [event.kind for event in told] == [
        "session.stuck",
        "session.recovery.requested",
        "session.state",
        "session.recovery.completed",
    ]
    assert {event.scope.session for event in told} == {"s-1"}
    (point,) = watched.captured.points("openclaw.session.recovery.completed")
    assert point["openclaw.action"] == "release_lane"


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(
    ("blocks", "seconds", "asked"),
    [
        ((genai.run,), 359, False),
        ((genai.run,), 360, True),
        ((genai.run, genai.model_call), 360, True),
        ((genai.model_call,), 1000, False),
        ((genai.run, genai.tool), 359, False),
        ((genai.run, genai.tool), 360, True),
    ],
)
def test_active_work_may_be_aborted_when_it_has_stalled_for_long(
    connect: Callable[..., Watched], blocks: tuple[Callable[[], Any], ...], seconds: int, asked: bool
) -> None:
    watched = connect(lambda session: None)
    with ExitStack() as inside:
        for block in blocks:
            inside.enter_context(block())
        told = watched.after(seconds)
    requests = [event for event in told if isinstance(event, events.SessionRecoveryRequested)]
    assert [request.allow_active_abort for request in requests] == [True] * asked
    assert [status for status, *_ in recoveries(told)] == ["aborted"] * asked


@pytest.mark.usefixtures("session")
def test_a_report_that_is_held_back_is_recovered_all_the_same(connect: Callable[..., Watched]) -> None:
    watched = connect(lambda session: "skipped")
    with genai.message("slack"):
        watched.after(121)
        told = watched.after(30)
    assert [event.kind for event in told] == ["session.recovery.requested", "session.recovery.completed"]


@pytest.mark.usefixtures("session")
def test_a_session_is_recovered_by_one_at_a_time(connect: Callable[..., Watched]) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def recover(session: str) -> str:
        entered.set()
        go_on.wait(30)
        return "released"

    watched = connect(recover)
    with genai.message("slack"):
        watched.now += 121 * SECOND
        watched.sessions.examine()
        assert entered.wait(30)
        watched.sessions.examine()
        assert recoveries(watched.captured.events) == [("skipped", "observe_only", "already_in_flight")]
        go_on.set()
        watched.after(0)
    assert len([event for event in watched.captured.events if isinstance(event, events.SessionRecoveryRequested)]) == 1
    assert recoveries(watched.captured.events)[-1] == ("released", "release_lane", None)


@pytest.mark.usefixtures("session")
def test_a_session_that_has_moved_on_meanwhile_is_left_alone(connect: Callable[..., Watched]) -> None:
    def recover(session: str) -> str:
        with genai.bind(session=session):
            bus.start(newer)
        return "released"

    watched, newer = connect(recover), events.Run(run_id="newer")
    with genai.message("slack"):
        told = watched.after(121)
        assert watched.sessions.counts().active == 1
    bus.finish(newer)
    over = told[-1]
    assert isinstance(over, events.SessionRecoveryCompleted)
    assert (over.status, over.stale) == ("released", True)


@pytest.mark.usefixtures("session")
def test_work_that_the_recovery_aborts_leaves_an_idle_session(connect: Callable[..., Watched]) -> None:
    def recover(session: str) -> str:
        for operation in running:
            bus.finish(operation, asyncio.CancelledError())
        return "aborted"

    watched = connect(recover)
    running: list[events.Operation] = [events.ToolExecution(name="a"), events.Run(), events.Message()]
    for operation in running:
        bus.start(operation)
    told = watched.after(400)
    over = told[-1]
    assert isinstance(over, events.SessionRecoveryCompleted)
    assert (over.status, over.stale, watched.sessions.counts().active) == ("aborted", None, 0)


@pytest.mark.usefixtures("session")
def test_the_end_of_what_a_recovery_forgot_changes_no_state(connect: Callable[..., Watched]) -> None:
    watched = connect(lambda session: "released")
    with genai.message("slack"):
        watched.after(121)
    assert [state for _, state, _ in watched.states] == ["processing", "idle"]


@pytest.mark.usefixtures("session")
def test_nothing_is_aborted_for_time_in_which_nobody_looked(connect: Callable[..., Watched]) -> None:
    watched = connect(lambda session: None)
    with genai.run():
        assert recoveries(watched.after(400, late_ms=100_000)) == []
        assert recoveries(watched.after(60)) == [("aborted", "abort_embedded_run", None)]


def test_an_async_function_recovers_on_the_loop_of_the_work(connect: Callable[..., Watched]) -> None:
    async def main() -> list[Any]:
        loops: list[Any] = []

        async def recover(session: str) -> None:
            loops.append(asyncio.get_running_loop())

        watched = connect(recover)
        with genai.bind(session="s-1"), genai.message("slack"):
            told = await asyncio.to_thread(watched.after, 121)
        assert recoveries(told) == [("released", "release_lane", None)]
        return [*loops, asyncio.get_running_loop()]

    first, second = asyncio.run(main())
    assert first is second


def test_an_async_function_recovers_work_of_threads_on_a_loop_of_its_own(connect: Callable[..., Watched]) -> None:
    async def recover(session: str) -> str:
        await asyncio.sleep(0)
        return "released"

    watched = connect(recover)
    with genai.bind(session="s-1"), genai.message("slack"):
        assert recoveries(watched.after(121)) == [("released", "release_lane", None)]


@pytest.mark.usefixtures("session")
def test_without_a_function_nothing_is_recovered(watched: Watched) -> None:
    with genai.message("slack"):
        assert watched.reports(1000) == ["session.stuck"]


# -- bounds


def test_of_too_many_sessions_the_one_that_was_idle_longest_is_forgotten(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SESSIONS", 3)
    busy = events.Run()
    with genai.bind(session="busy"):
        bus.start(busy)
    for name in ("idle", "other"):
        with genai.bind(session=name), genai.run():
            pass
    for name, queued in (("new", 1), ("idle", 2)):  # forgets "idle", and then "other"
        with genai.bind(session=name):
            genai.publish(events.MessageQueued())
        counts = watched.sessions.counts()
        assert (len(watched.sessions), counts.active, counts.queued) == (3, 1, queued)
    bus.finish(busy)


def test_many_sessions_are_held_to_the_bound(watched: Watched) -> None:
    for number in range(3 * module.MOST_SESSIONS):
        with genai.bind(session=f"s-{number}"):
            genai.publish(events.MessageQueued())
    assert len(watched.sessions) == module.MOST_SESSIONS


def test_idle_sessions_are_forgotten_after_half_an_hour(watched: Watched) -> None:
    with genai.bind(session="idle"), genai.run():
        pass
    with genai.bind(session="queued"):
        genai.publish(events.MessageQueued())
    for minutes, left in ((29, 2), (0.5, 2), (1, 1)):
        watched.now += int(minutes * 60 * SECOND)
        watched.sessions.prune()
        assert len(watched.sessions) == left


def test_activity_is_recent_for_two_minutes(watched: Watched) -> None:
    assert not watched.sessions.recent
    with genai.tool("search"):
        pass
    assert watched.sessions.recent
    watched.now += 121 * SECOND
    assert not watched.sessions.recent
