"""Harnesses and turns: phases, items and results on one span, attempts counted, progress told."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import events
from otel_genai.sources.harness import PHASES, HarnessBlock
from otel_genai.testing import Captured

HARNESS, DURATION = "openclaw.harness.run", "openclaw.harness.duration_ms"


def only(captured: Captured) -> dict[str, Any]:
    return dict(captured.span(HARNESS).attributes)


def fail_and_clean_up(harness: HarnessBlock, problem: Exception | None = None) -> None:
    try:
        with harness.phase("send"):
            raise TimeoutError
    finally:
        with harness.phase("cleanup"):
            if problem is not None:
                raise problem


def fail_and_try_again(harness: HarnessBlock) -> None:
    with suppress(TimeoutError), harness.phase("send"):
        raise TimeoutError
    with harness.phase("send"):
        pass
    raise KeyError


def test_a_harness_that_completes_says_its_id_its_plugin_and_no_phase(captured: Captured) -> None:
    with genai.harness("codex", plugin="codex-plugin") as harness:
        for name in PHASES:
            with harness.phase(name):
                pass
    (point,) = captured.points(DURATION)
    assert point.attributes == {
        "openclaw.harness.id": "codex",
        "openclaw.harness.plugin": "codex-plugin",
        "openclaw.outcome": "completed",
        "openclaw.provider": "unknown",
        "openclaw.model": "unknown",
    }
    assert "openclaw.harness.phase" not in only(captured)


@pytest.mark.parametrize("name", PHASES)
def test_an_error_says_the_phase_that_it_came_up_in(captured: Captured, name: Any) -> None:
    harness = genai.harness("codex")
    with pytest.raises(OSError, match="gone"), harness, harness.phase(name):
        raise OSError("gone")
    (point,) = captured.points(DURATION)
    said = {"openclaw.harness.phase": name, "openclaw.errorCategory": "OSError", "openclaw.outcome": "error"}
    assert said.items() <= point.attributes.items()
    assert said.items() <= only(captured).items()
    assert "openclaw.harness.cleanup_failed" not in only(captured)


def test_another_word_is_no_phase_and_the_error_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="'think': expected one of prepare, start, send, resolve, cleanup"):
        genai.harness("codex").phase("think")  # type: ignore[arg-type]


def test_the_inner_of_two_phases_is_the_one_that_failed(captured: Captured) -> None:
    harness = genai.harness("codex")
    with pytest.raises(TimeoutError), harness, harness.phase("start"), harness.phase("send"):
        raise TimeoutError
    assert only(captured)["openclaw.harness.phase"] == "send"


def test_an_error_that_was_dealt_with_leaves_no_phase_behind(captured: Captured) -> None:
    harness = genai.harness("codex")
    with pytest.raises(KeyError), harness:
        fail_and_try_again(harness)
    assert "openclaw.harness.phase" not in only(captured)


def test_a_clean_up_that_fails_too_leaves_the_first_phase_and_says_so(captured: Captured) -> None:
    harness = genai.harness("codex")
    with pytest.raises(KeyError), harness:
        fail_and_clean_up(harness, KeyError())
    found = only(captured)
    assert (found["openclaw.harness.phase"], found["openclaw.harness.cleanup_failed"]) == ("send", True)
    assert found["openclaw.errorCategory"] == "KeyError"


def test_a_clean_up_after_an_error_leaves_the_phase_of_that(captured: Captured) -> None:
    harness = genai.harness("codex")
    with pytest.raises(TimeoutError), harness:
        fail_and_clean_up(harness)
    assert only(captured)["openclaw.harness.phase"] == "send"
    assert "openclaw.harness.cleanup_failed" not in only(captured)


def test_a_failure_that_is_only_told_is_told_of_its_phase(captured: Captured) -> None:
    with genai.harness("codex") as harness:
        with harness.phase("send"):
            harness.fail("refused")
        with harness.phase("resolve"):
            pass
    found = only(captured)
    assert (found["openclaw.harness.phase"], found["openclaw.errorCategory"]) == ("send", "refused")


def test_cancellation_is_no_failure_of_a_phase(captured: Captured) -> None:
    async def main() -> None:
        with genai.harness("codex") as harness, harness.phase("send"):
            await asyncio.sleep(60)

    async def cancelled() -> None:
        task = asyncio.create_task(main())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(cancelled())
    assert only(captured)["openclaw.outcome"] == "cancelled"
    assert "openclaw.harness.phase" not in only(captured)


def test_items_are_counted_by_how_they_stand(captured: Captured) -> None:
    with genai.harness("codex") as harness:
        with harness.item(), harness.item():
            pass
        with pytest.raises(TimeoutError), harness.item():
            raise TimeoutError
        open_one = harness.item()
        open_one.__enter__()
    found = only(captured)
    counted = {name: found[f"openclaw.harness.items.{name}"] for name in ("started", "completed", "active")}
    assert counted == {"started": 4, "completed": 2, "active": 1}
    open_one.__exit__(None, None, None)


def test_a_harness_without_items_says_nothing_of_items(captured: Captured) -> None:
    with genai.harness("codex"):
        pass
    assert not [name for name in only(captured) if ".items." in name]


def test_the_result_is_classified_and_a_yield_is_told(captured: Captured) -> None:
    with genai.harness("codex") as harness:
        harness.classify("reasoning-only")
        harness.yielded()
    found = only(captured)
    assert found["openclaw.harness.result_classification"] == "reasoning-only"
    assert found["openclaw.harness.yield_detected"] is True


def test_a_decorated_function_tells_of_the_call_that_goes_on(captured: Captured) -> None:
    codex = genai.harness("codex")

    @codex
    async def work(fails: bool) -> None:
        with codex.item():
            await asyncio.sleep(0)
        with codex.phase("resolve" if fails else "send"):
            await asyncio.sleep(0)
            if fails:
                raise OSError

    async def both() -> None:
        await asyncio.gather(work(True), work(False), return_exceptions=True)

    asyncio.run(both())
    bad, good = sorted(captured.spans, key=lambda span: span.status)
    assert (bad["openclaw.harness.phase"], bad["openclaw.harness.items.completed"]) == ("resolve", 1)
    assert "openclaw.harness.phase" not in good.attributes
    assert good["openclaw.harness.items.completed"] == 1


def test_while_nobody_listens_a_harness_is_quiet_and_keeps_nothing() -> None:
    codex = genai.harness("codex")

    @codex
    def work() -> int:
        with codex.phase("send"), codex.item():
            codex.classify("empty")
        return 1

    assert work() == 1
    assert (codex.event.items_started, codex.event.result_classification) == (None, None)


def test_an_agent_is_the_same_class_of_block(captured: Captured) -> None:
    with genai.agent("planner") as agent, agent.phase("send"), agent.item():
        pass
    assert type(agent) is type(genai.harness("codex"))
    assert only(captured)["openclaw.harness.items.completed"] == 1


# -- turns


def test_attempts_count_themselves_and_are_counted(captured: Captured) -> None:
    with genai.run("run-1") as run:
        run.attempt()
        run.attempt()
        run.attempt(7)
    told = [event for event in captured.events if isinstance(event, events.RunAttempt)]
    assert [(event.attempt, event.scope.run) for event in told] == [(1, "run-1"), (2, "run-1"), (7, "run-1")]
    assert sum(point.value for point in captured.points("openclaw.run.attempt")) == 3


def test_attempts_of_a_decorated_turn_begin_anew_with_each_call(captured: Captured) -> None:
    turn = genai.run("run-1")

    @turn
    def answer() -> None:
        turn.attempt()
        turn.attempt()

    answer()
    answer()
    told = [event.attempt for event in captured.events if isinstance(event, events.RunAttempt)]
    assert told == [1, 2, 1, 2]


def test_progress_is_told_to_subscribers_within_its_turn(captured: Captured) -> None:
    with genai.run("run-1") as run:
        run.progress("assistant_delta")
    (told,) = [event for event in captured.events if isinstance(event, events.RunProgress)]
    assert (told.reason, told.scope.run) == ("assistant_delta", "run-1")
