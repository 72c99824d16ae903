"""A call that returns a task or a future lasts until that is done, and its user notices nothing."""

from __future__ import annotations

import asyncio
import gc
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

import otel_genai as genai
from otel_genai.testing import Captured

TOOL, CALL = "openclaw.tool.execution", "openclaw.model.call"
REPLY = {"model": "gpt-5.5", "usage": {"prompt_tokens": 7, "completion_tokens": 2}, "choices": []}


async def fail() -> str:
    await asyncio.sleep(0)
    raise KeyError("late")


async def answer() -> dict[str, Any]:
    await asyncio.sleep(0)
    with genai.tool("inside"):
        return REPLY


@genai.tool
def begin(work: Any) -> asyncio.Task[Any]:
    return asyncio.create_task(work)


def test_a_task_that_fails_later_is_an_error_of_the_call_that_returned_it(captured: Captured) -> None:
    async def main() -> None:
        task = begin(fail())
        assert type(task) is asyncio.Task
        assert captured.spans == []
        with pytest.raises(KeyError):
            await task

    asyncio.run(main())
    assert captured.span(TOOL).status == "ERROR"
    assert captured.span(TOOL)["error.type"] == "KeyError"


def test_a_task_that_is_done_ends_its_call_and_is_around_what_it_did(captured: Captured) -> None:
    async def main() -> None:
        assert await begin(answer()) is REPLY

    asyncio.run(main())
    inner, outer = captured.spans
    assert (outer["gen_ai.tool.name"], outer.status) == ("begin", "UNSET")
    assert captured.parent(inner) is not None
    assert inner.parent_id == outer.span_id
    assert outer.end_ns >= inner.end_ns


def test_a_task_that_is_cancelled_ends_its_call_as_cancelled(captured: Captured) -> None:
    async def main() -> None:
        task = begin(asyncio.sleep(60))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(main())
    assert [event.outcome for event in captured.events] == ["cancelled"]
    assert captured.span(TOOL).status == "UNSET"


def test_the_answer_of_a_task_is_read_as_if_it_had_been_returned(captured: Captured) -> None:
    @genai.model_call("gpt-5.5", provider="openai")
    def ask() -> asyncio.Task[Any]:
        return asyncio.ensure_future(answer())

    async def main() -> None:
        await ask()

    asyncio.run(main())
    assert captured.span(CALL)["gen_ai.usage.input_tokens"] == 7


@pytest.mark.parametrize("observed", [True, False])
def test_a_task_whose_error_nobody_looks_at_still_warns(captured: Captured, observed: bool) -> None:
    warned: list[str] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: warned.append(context["message"]))
        task = begin(fail()) if observed else asyncio.create_task(fail())
        await asyncio.wait([task])
        del task
        gc.collect()

    asyncio.run(main())
    assert warned == ["Task exception was never retrieved"]
    assert [event.outcome for event in captured.events] == ["error"] * observed


def test_a_coroutine_that_returns_a_future_lasts_as_long_as_that(captured: Captured) -> None:
    @genai.tool
    async def later() -> asyncio.Future[str]:
        return asyncio.get_running_loop().create_future()

    async def main() -> None:
        future = await later()
        assert captured.spans == []
        future.set_result("done")
        await asyncio.sleep(0)

    asyncio.run(main())
    assert captured.span(TOOL).status == "UNSET"


def test_a_future_that_is_lost_ends_its_call_as_cancelled(captured: Captured) -> None:
    @genai.tool
    async def later() -> asyncio.Future[str]:
        return asyncio.get_running_loop().create_future()

    asyncio.run(later())
    gc.collect()
    assert [event.outcome for event in captured.events] == ["cancelled"]


@pytest.mark.parametrize(
    ("work", "outcome"), [(lambda: "found", "completed"), (lambda: [][0], "error"), (None, "cancelled")]
)
def test_a_future_of_a_pool_ends_its_call_as_it_ends(captured: Captured, work: Any, outcome: str) -> None:
    go = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(go.wait)

        @genai.tool
        def submit() -> Future[Any]:
            return pool.submit(work or print)

        future = submit()
        early = [*captured.events]
        assert work or future.cancel()
        go.set()
    assert type(future) is Future
    assert early == []
    assert [event.outcome for event in captured.events] == [outcome]


def test_what_only_looks_like_a_future_is_a_plain_result(captured: Captured) -> None:
    class Promise:
        def add_done_callback(self, function: Any) -> None:
            raise AssertionError("nobody asked for this")

    promise = Promise()
    assert genai.tool(lambda: promise)() is promise
    assert captured.span(TOOL).status == "UNSET"
