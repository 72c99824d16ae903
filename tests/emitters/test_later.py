"""What is written a little later: nothing is lost, nobody waits, and what is read has been written."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import trace

import otel_genai as genai
from otel_genai import guard, scope
from otel_genai.emitters.later import LONGEST, MOST, Later, remembered
from otel_genai.events import ModelCall
from otel_genai.testing import Captured

Writer = Callable[[list[Any]], object]


@pytest.fixture
def later() -> Later:
    return Later()


def test_a_few_are_written_together_in_their_order(later: Later) -> None:
    written: list[list[int]] = []
    for number in range(MOST - 1):
        later.add(written.append, number)
    assert written == []
    later.add(written.append, MOST - 1)
    assert written == [list(range(MOST))]


def test_each_writer_gets_its_own(later: Later) -> None:
    even: list[int] = []
    odd: list[int] = []
    writers: list[Writer] = [even.extend, odd.extend]
    for number in range(6):
        later.add(writers[number % 2], number)
    later.settle()
    assert (even, odd) == ([0, 2, 4], [1, 3, 5])


def test_the_failure_of_one_writer_is_no_matter_of_the_others(later: Later) -> None:
    written: list[int] = []

    def fail(_: list[Any]) -> None:
        raise ValueError("broken")

    with guard.strict(False):
        later.add(fail, 1)
        later.add(written.extend, 2)
        later.settle()
    assert written == [2]


def test_what_is_added_while_it_is_written_is_written_too_without_descending(later: Later) -> None:
    written: list[int] = []

    def write(numbers: list[int]) -> None:
        written.extend(numbers)
        for number in numbers:
            if number < 5 * MOST:
                later.add(write, number + MOST)

    for number in range(MOST):
        later.add(write, number)
    assert sorted(written) == list(range(6 * MOST))


@pytest.fixture
def busy(later: Later) -> Iterator[threading.Event]:
    """Another thread is writing, until the event is set."""
    begun, go_on = threading.Event(), threading.Event()

    def write(_: list[Any]) -> None:
        begun.set()
        go_on.wait(10)

    later.add(write, None)
    thread = threading.Thread(target=later.settle)
    thread.start()
    begun.wait(10)
    yield go_on
    go_on.set()
    thread.join()


def test_who_adds_does_not_wait_for_another_thread_that_writes(later: Later, busy: threading.Event) -> None:
    written: list[int] = []
    for number in range(3 * MOST):
        later.add(written.extend, number)
    assert written == []  # else it would have waited for the other thread, which goes on only now
    busy.set()
    later.settle()
    assert written == list(range(3 * MOST))


def test_who_reads_waits_for_another_thread_that_writes_but_not_for_ever(later: Later, busy: threading.Event) -> None:
    began = time.monotonic()
    later.settle()
    assert time.monotonic() - began >= LONGEST / 2
    assert not busy.is_set()


def test_a_handler_of_a_signal_that_comes_in_the_middle_writes_the_rest(later: Later) -> None:
    written: list[int] = []

    def interrupted(_: list[Any]) -> None:
        later.add(written.extend, 1)
        later.settle()
        assert written == [1]
        written.append(2)

    later.add(interrupted, None)
    later.settle()
    assert written == [1, 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_child_of_a_fork_writes_its_own_and_not_what_is_the_parents(later: Later, busy: threading.Event) -> None:
    written: list[int] = []
    later.add(written.extend, 1)
    child = os.fork()
    if child == 0:
        later.add(written.extend, 2)
        later.settle()
        os._exit(written != [2])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    busy.set()
    later.settle()
    assert written == [1]


# -- the events


def test_an_event_is_remembered_as_it_was_without_what_must_not_be_held() -> None:
    class Error(Exception):
        pass

    error, seen = Error("secret"), weakref.WeakSet[Any]()
    seen.add(error)
    call = ModelCall(model="gpt-5.5")
    call.error = error
    found = remembered(call)
    call.update(model="another")
    call.error = None
    del error
    assert (found.model, found.error, list(seen)) == ("gpt-5.5", None, [])


def test_what_is_inside_of_an_operation_is_inside_of_the_one_that_is_remembered() -> None:
    with genai.bind(channel="web"), genai.agent("planner"):
        call = ModelCall(model="gpt-5.5")
        call.begin(scope.current())
    call.trace, call.attach, call.asked = object(), object, print
    found = remembered(call)
    assert (found.trace, found.attach, found.asked, found.contents) == (None, None, None, None)
    assert found.inner == call.inner._replace(operation=found)
    assert call.inner.operation is call


def test_what_its_owner_changes_afterwards_is_as_it_was() -> None:
    stops = ["END"]
    found = remembered(ModelCall(stop_sequences=stops))
    stops.append("STOP")
    assert found.stop_sequences == ["END"]


def test_a_measurement_says_what_was_so_when_it_was_told(captured: Captured) -> None:
    usage = genai.events.ModelUsage(provider="openai", model="gpt-5.5", input_tokens=3)
    genai.publish(usage)
    usage.update(model="another", input_tokens=5)
    genai.publish(usage)
    points = captured.points("openclaw.tokens")
    found = {(point["openclaw.model"], point.value) for point in points if point["openclaw.token"] == "input"}
    assert found == {("gpt-5.5", 3), ("another", 5)}


def test_what_was_measured_is_there_whenever_somebody_reads_it(captured: Captured) -> None:
    for number in range(1, 3 * MOST):
        with genai.tool("search"):
            pass
        (point,) = captured.points("openclaw.tool.execution.duration_ms")
        assert point.count == number


def test_the_exemplar_is_the_span_of_the_call_also_where_others_are_written_with_it(captured: Captured) -> None:
    with genai.agent("planner"):
        for _ in range(3):
            with genai.tool("search"):
                last = trace.get_current_span().get_span_context().span_id
    data: Any = captured.reader.get_metrics_data()
    (scope,) = data.resource_metrics[0].scope_metrics
    (found,) = [metric for metric in scope.metrics if metric.name == "openclaw.tool.execution.duration_ms"]
    assert [one.span_id for one in found.data.data_points[0].exemplars] == [last]
