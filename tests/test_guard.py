"""The one place that swallows: what it lets through, what it logs, what it counts."""

from __future__ import annotations

import logging
import threading

import pytest

from otel_genai import guard


class Trouble(Exception):
    """A failure of this file's own, so that counts begin at none."""


def fail(error: BaseException) -> None:
    raise error


def test_a_call_hands_back_what_the_function_returns() -> None:
    assert guard.call("adding", lambda left, *, right: left + right, 1, right=2) == 3


def test_a_failure_gives_none_and_is_counted() -> None:
    assert guard.call("counting", fail, Trouble()) is None
    guard.call("counting", fail, Trouble())
    assert guard.counts()["counting", "Trouble"] == 2


def test_the_first_failure_of_a_kind_is_logged_with_its_traceback_and_the_rest_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, logger="otel_genai"):
        for _ in range(3):
            guard.call("logging it", fail, Trouble("why"))
    (record,) = caplog.records
    assert "logging it" in record.getMessage()
    assert record.exc_info
    assert isinstance(record.exc_info[1], Trouble)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), GeneratorExit()])
def test_what_is_no_exception_passes(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised:
        guard.call("stopping", fail, error)
    assert raised.value is error
    with pytest.raises(type(error)), guard.around("stopping"):
        raise error


def test_a_block_swallows_and_counts() -> None:
    with guard.around("a block"):
        raise Trouble
    assert guard.counts()["a block", "Trouble"] == 1


def test_an_attempt_hands_the_error_to_who_asked_and_counts_nothing() -> None:
    error = Trouble()
    assert guard.attempt(fail, error) == (None, error)
    assert guard.attempt(int, "3") == (3, None)
    assert not any(place == "attempt" for place, _ in guard.counts())


def test_under_test_a_failure_is_raised_where_it_happens() -> None:
    with guard.strict():
        with pytest.raises(Trouble):
            guard.call("strictly", fail, Trouble())
        with guard.strict(False):
            guard.call("strictly", fail, Trouble())
    guard.call("strictly", fail, Trouble())


def test_a_watcher_is_told_until_it_is_undone() -> None:
    told: list[tuple[str, str]] = []
    undo = guard.watch(lambda place, error: told.append((place, error)))
    guard.call("watching", fail, Trouble())
    undo()
    undo()
    guard.call("watching", fail, Trouble())
    assert told == [("watching", "Trouble")]


def test_a_watcher_that_fails_does_not_go_round_in_circles() -> None:
    undo = guard.watch(lambda place, error: fail(Trouble()))
    guard.call("circling", fail, Trouble())
    undo()
    assert guard.counts()["reporting a failure", "Trouble"] == 1


def test_failures_are_counted_right_from_many_threads() -> None:
    threads = [
        threading.Thread(target=lambda: [guard.call("together", fail, Trouble()) for _ in range(100)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert guard.counts()["together", "Trouble"] == 800
