"""Loops: agents that call the same tools again and again. They are told of, and never interfered with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import events
from otel_genai.sources import hashing, loops
from otel_genai.sources.observe import ToolBlock
from otel_genai.testing import Captured

SPAN = "openclaw.tool.loop"


@pytest.fixture(autouse=True)
def detecting(captured: Captured) -> Iterator[Callable[[], None]]:
    stop = genai.detect_loops()
    with genai.bind(session="s-1"), genai.run("r-1"):
        yield stop
    stop()


@genai.tool
def search(query: str, page: Any = 0) -> Any:
    return f"nothing about {query}"


@genai.tool
def read(path: str) -> str:
    return "empty"


@genai.tool
def clock(zone: str, ticks: list[int]) -> int:
    ticks.append(1)
    return len(ticks)


def told(captured: Captured) -> list[tuple[str | None, str, int | None, int | None]]:
    found = [event for event in captured.events if isinstance(event, events.ToolLoop)]
    return [(event.detector, event.level, event.count, event.new_count) for event in found]


def test_the_same_call_is_warned_of_then_critical_then_trips_the_breaker(captured: Captured) -> None:
    for _ in range(31):
        search("moon")
    expected = [("generic_repeat", "warning", 10, 10), ("generic_repeat", "critical", 20, 10)]
    expected += [("generic_repeat", "critical", count, 1) for count in range(21, 30)]
    expected += [("global_circuit_breaker", "critical", 30, 1), ("global_circuit_breaker", "critical", 30, 1)]
    assert told(captured) == expected


def test_every_call_of_a_loop_is_an_iteration_once(captured: Captured) -> None:
    for _ in range(45):
        search("moon")
    assert sum(point.value or 0 for point in captured.points("openclaw.tool.loop.iterations")) == 45
    assert captured.points("openclaw.tool.loop.duration_ms")[0].count == len(told(captured))


def test_calls_that_get_somewhere_are_only_warned_of_and_seldom(captured: Captured) -> None:
    for page in range(40):
        with genai.tool("poll", params_hash="same") as tool:
            tool.update(result_hash=str(page))
    assert told(captured) == [("generic_repeat", "warning", count, 10) for count in (10, 20, 30)]


def test_two_calls_that_take_turns_are_a_ping_pong(captured: Captured) -> None:
    for _ in range(10):
        search("moon")
        read("notes")
    assert told(captured) == [("ping_pong", "warning", 10, 10), *[("ping_pong", "critical", 20, 10)]]
    span = captured.spans[-1]
    assert (span.name, span["openclaw.toolName"], span["openclaw.loop.paired_tool"]) == (SPAN, "read", "search")


def test_a_tool_that_there_is_not_is_critical_at_ten(captured: Captured) -> None:
    for number in range(10):
        with genai.tool("teleport", params_hash=str(number)) as tool:
            tool.blocked("unknown-tool")
    assert told(captured) == [("unknown_tool_repeat", "critical", 10, 10)]


def test_the_same_failure_is_no_progress(captured: Captured) -> None:
    for _ in range(20):
        with pytest.raises(OSError, match="gone"), genai.tool("fetch", params_hash="same"):
            raise OSError("gone")
    assert told(captured)[-1] == ("generic_repeat", "critical", 20, 10)


def test_a_poll_may_repeat_as_long_as_it_gets_somewhere(captured: Captured) -> None:
    stop = genai.detect_loops(polls=["status"])
    for number in range(15):
        with genai.tool("status", params_hash="same") as tool:
            tool.update(result_hash=str(number))
    for _ in range(10):
        with genai.tool("status", params_hash="same") as tool:
            tool.update(result_hash="stuck")
    stop()
    assert [one for one in told(captured) if one[0] == "known_poll_no_progress"] == [
        ("known_poll_no_progress", "warning", 10, 10)
    ]


@pytest.mark.parametrize(
    "again",
    [
        lambda number: search(f"moon {number}"),
        lambda number: search("moon", page=number),
        lambda number: search("moon", page=object()),
        lambda number: search("moon", page="x" * hashing.LARGEST_VALUE),
    ],
)
def test_other_arguments_or_unreadable_ones_are_no_loop(captured: Captured, again: Callable[[int], Any]) -> None:
    for number in range(30):
        again(number)
    assert told(captured) == []


def test_a_block_without_a_fingerprint_is_no_loop(captured: Captured) -> None:
    for _ in range(40):
        with genai.tool("search"):
            pass
    assert told(captured) == []


def test_sessions_and_runs_are_apart(captured: Captured) -> None:
    for number in range(40):
        with genai.bind(session=f"s-{number % 5}"):
            search("moon")
        with genai.run(f"other-{number % 5}"):
            search("moon")
    assert told(captured) == []


def test_without_a_session_the_outermost_operation_stands_for_it(captured: Captured) -> None:
    with genai.bind(session=None, run=None):
        for _ in range(10):
            search("moon")
    assert told(captured) == [("generic_repeat", "warning", 10, 10)]


def test_a_loop_is_a_span_under_the_turn_and_an_error_only_where_it_is_critical(captured: Captured) -> None:
    with genai.agent("planner"):
        for _ in range(20):
            search("moon")
    agent = captured.span("openclaw.harness.run")
    warning, critical = [span for span in captured.spans if span.name == SPAN]
    assert warning.parent_id == critical.parent_id == agent.span_id
    assert (warning.status, critical.status) == ("UNSET", "ERROR")
    assert critical.status_message == "generic_repeat:warn"


def test_nothing_of_the_arguments_and_no_fingerprint_leaves(captured: Captured) -> None:
    for _ in range(10):
        search("canary-3141")
    assert told(captured)
    prints = {event.params_hash for event in captured.events if isinstance(event, events.ToolExecution)}
    said = repr([vars(span) for span in captured.spans]) + repr(captured.metrics()) + repr(captured.events)
    assert len(prints) == 1
    assert not any(secret in said for secret in ("canary-3141", *map(str, prints)))


def test_what_is_remembered_is_bounded(captured: Captured) -> None:
    detector = loops._detectors[0]
    for number in range(loops.MOST_SESSIONS + 50):
        with genai.bind(session=f"s-{number}"):
            for _ in range(10):
                search("moon")
    assert len(detector.sessions) == loops.MOST_SESSIONS
    assert len(detector.told) == loops.MOST_LOOPS


def test_levels_are_kept_apart(captured: Captured) -> None:
    stop = genai.detect_loops(history=1, warning=3, critical=1, breaker=1)
    for _ in range(5):
        search("moon")
    stop()
    assert [(detector, count) for detector, _, count, _ in told(captured)] == [
        ("generic_repeat", 3),
        ("generic_repeat", 4),
        ("global_circuit_breaker", 5),
    ]


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"a": 1, "b": [1, 2.5, None, True]}, {"b": [1, 2.5, None, True], "a": 1}, True),
        ([1, 2], (1, 2), True),
        ([[1], 2], [1, [2]], False),
        ({"a": "b"}, ["a", "b"], False),
        ("1", 1, False),
        (True, 1, False),
        ("é", "e", False),
    ],
)
def test_a_fingerprint_tells_values_apart(one: Any, other: Any, alike: bool) -> None:
    assert (genai.fingerprint(one) == genai.fingerprint(other)) is alike


def test_what_is_no_json_or_endless_has_no_fingerprint() -> None:
    endless: list[Any] = []
    endless.append(endless)
    deep: Any = None
    for _ in range(100_000):
        deep = [deep]
    wide = list(range(10**6))
    for value in (endless, deep, wide, object(), {1: 2, "a": 3}, b"bytes", "x" * 10**6, {"a": object()}):
        assert genai.fingerprint(value) is None
    while deep:  # or taking it apart would need as deep a stack
        deep = deep.pop()


def test_it_can_be_undone_and_then_costs_nothing(captured: Captured) -> None:
    stop = genai.detect_loops(warning=1)
    search("moon")
    stop()
    stop()
    search("sun")
    search("sun")
    assert told(captured) == [("generic_repeat", "warning", 1, 1)]
    assert genai.fingerprint("x")


def test_nothing_is_fingerprinted_where_nobody_looks_for_loops(detecting: Callable[[], None]) -> None:
    detecting()
    assert ToolBlock.sign is None
    assert genai.fingerprint("x") is None
