"""Who asked for what, when an agent does several things at once: the whole tree, by tasks, task groups and threads."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import pytest

import otel_genai as genai
from otel_genai.testing import Captured, CapturedSpan

trio = pytest.importorskip("trio")

STEP = "otel_genai.agent.step"
NAMES = ("openclaw.harness.id", "gen_ai.tool.name", "openclaw.model")
QUERIES = ("a", "b", "c")
Tree = tuple[str, int | None, tuple[Any, ...]]
Together = Callable[..., Awaitable[None]]


def tree(captured: Captured) -> tuple[Tree, ...]:
    """Every span as its name, its step and what is below it, in the order of the names."""
    below: dict[str | None, list[CapturedSpan]] = {}
    spans = [span for span in captured.spans if span.name != "openclaw.model.usage"]
    known = {span.span_id for span in spans}
    for span in spans:
        below.setdefault(span.parent_id if span.parent_id in known else None, []).append(span)

    def grown(span_id: str | None) -> tuple[Tree, ...]:
        return tuple(sorted((called(span), span.get(STEP), grown(span.span_id)) for span in below.get(span_id, ())))

    return grown(None)


def called(span: CapturedSpan) -> str:
    return next(str(span[name]) for name in NAMES if name in span)


@genai.tool("search")
async def search(query: str) -> str:
    await anyio.sleep(0)
    with genai.tool(f"rank {query}"):
        await anyio.sleep(0)
    return query


@genai.tool("search")
def search_in_thread(query: str) -> str:
    with genai.tool(f"rank {query}"):
        return query


async def ask(number: int) -> None:
    with genai.model_call(f"model {number}") as call:
        await anyio.sleep(0)
        call.update(input_tokens=1, output_tokens=1)


async def planner(together: Together, one: Callable[[str], Any] = search) -> None:
    """Two turns of a loop: a model call, which asks for three tools at once, and another one, which answers."""
    with genai.agent("planner"):
        await ask(1)
        await together(one, QUERIES)
        await ask(2)


WANTED: Tree = (
    "planner",
    None,
    (
        ("model 1", 1, ()),
        ("model 2", 2, ()),
        *(("search", 1, ((f"rank {query}", 1, ()),)) for query in QUERIES),
    ),
)


# -- the ways to do things at once


async def gather(one: Callable[[str], Any], queries: Iterable[str]) -> None:
    await asyncio.gather(*map(one, queries))


async def task_group(one: Callable[[str], Any], queries: Iterable[str]) -> None:
    async with asyncio.TaskGroup() as group:
        for query in queries:
            group.create_task(one(query))


async def threads(one: Callable[[str], Any], queries: Iterable[str]) -> None:
    await asyncio.gather(*(asyncio.to_thread(one, query) for query in queries))


async def executor(one: Callable[[str], Any], queries: Iterable[str]) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(None, genai.carried(one), query) for query in queries))


async def any_group(one: Callable[[str], Any], queries: Iterable[str]) -> None:
    async with anyio.create_task_group() as group:
        for query in queries:
            group.start_soon(one, query)


async def any_threads(one: Callable[[str], Any], queries: Iterable[str]) -> None:
    await any_group(partial(anyio.to_thread.run_sync, one), queries)


async def nursery(one: Callable[[str], Any], queries: Iterable[str]) -> None:
    async with trio.open_nursery() as group:
        for query in queries:
            group.start_soon(one, query)


async def trio_threads(one: Callable[[str], Any], queries: Iterable[str]) -> None:
    await nursery(partial(trio.to_thread.run_sync, one), queries)


TOGETHER = [
    *(("asyncio", way, search) for way in (gather, task_group, any_group)),
    *(("asyncio", way, search_in_thread) for way in (threads, executor, any_threads)),
    *(("trio", way, search) for way in (any_group, nursery)),
    *(("trio", way, search_in_thread) for way in (any_threads, trio_threads)),
]
every_way = pytest.mark.parametrize(
    ("backend", "together", "one"), TOGETHER, ids=lambda it: getattr(it, "__name__", it)
)


@every_way
def test_tools_side_by_side_are_children_of_the_agent_whose_model_asked_for_them(
    captured: Captured, backend: str, together: Together, one: Callable[[str], Any]
) -> None:
    anyio.run(planner, together, one, backend=backend)
    assert tree(captured) == (WANTED,)


async def crowd(size: int, together: Together, one: Callable[[str], Any]) -> None:
    """Many agents at once, each of which is in a conversation of its own and uses five tools at once, twice."""

    async def work(number: int) -> None:
        with genai.bind(conversation=f"c-{number}"), genai.agent(f"agent {number}"):
            for turn in (1, 2):
                await ask(turn)
                await together(one, [f"{number}.{turn}.{each}" for each in range(5)])

    async with anyio.create_task_group() as group:
        for number in range(size):
            group.start_soon(work, number)


def crowded(number: int) -> Tree:
    searches = [("search", turn, ((f"rank {number}.{turn}.{each}", turn, ()),)) for turn in (1, 2) for each in range(5)]
    return f"agent {number}", None, tuple(sorted([("model 1", 1, ()), ("model 2", 2, ()), *searches]))


@every_way
def test_of_a_hundred_agents_at_once_every_span_has_the_right_parent_and_conversation(
    captured: Captured, backend: str, together: Together, one: Callable[[str], Any]
) -> None:
    anyio.run(crowd, 100, together, one, backend=backend)
    assert tree(captured) == tuple(sorted(crowded(number) for number in range(100)))
    spans = captured.spans
    roots = {span.trace_id: span["gen_ai.conversation.id"] for span in spans if span.parent_id is None}
    assert len(roots) == 100
    assert all(span.get("gen_ai.conversation.id", roots[span.trace_id]) == roots[span.trace_id] for span in spans)


# -- threads, without a loop


def test_a_pool_of_threads_carries_what_it_is_told_to(captured: Captured) -> None:
    with ThreadPoolExecutor(3) as pool, genai.agent("planner"):
        assert list(pool.map(genai.carried(search_in_thread), QUERIES)) == list(QUERIES)
        assert pool.submit(genai.carried(search_in_thread), "d").result() == "d"
    ((name, _, below),) = tree(captured)
    assert (name, [one[0] for one in below]) == ("planner", ["search"] * 4)


def test_a_pool_of_threads_carries_nothing_by_itself(captured: Captured) -> None:
    with ThreadPoolExecutor(1) as pool, genai.agent("planner"):
        pool.submit(search_in_thread, "a").result()
    assert [name for name, _, _ in tree(captured)] == ["planner", "search"]


def test_a_thread_carries_what_it_is_told_to(captured: Captured) -> None:
    with genai.agent("planner"):
        thread = threading.Thread(target=genai.carried(search_in_thread), args=("a",))
        thread.start()
        thread.join()
    assert tree(captured) == (("planner", None, (("search", None, (("rank a", None, ()),)),)),)


def test_one_carried_function_runs_in_several_threads_at_once(captured: Captured) -> None:
    meeting = threading.Barrier(3, timeout=30)

    def meet(_: str) -> None:
        with genai.tool("meet"):
            meeting.wait()

    with ThreadPoolExecutor(3) as pool, genai.agent("planner"):
        list(pool.map(genai.carried(meet), QUERIES))
    assert tree(captured) == (("planner", None, (("meet", None, ()),) * 3),)


def test_what_a_carried_function_changes_stays_there() -> None:
    def rename() -> str | None:
        genai.bind(channel="slack").__enter__()
        return scope_channel()

    with genai.bind(channel="web"):
        carried = genai.carried(rename)
        assert (carried(), carried(), scope_channel()) == ("slack", "slack", "web")


def scope_channel() -> str | None:
    with genai.bind() as here:
        return here.channel


def test_a_carried_function_keeps_its_name_and_raises_what_it_raises() -> None:
    def divide(by: int) -> float:
        """Divides."""
        return 1 / by

    carried = genai.carried(divide)
    assert (carried.__name__, carried.__doc__, carried(2)) == ("divide", "Divides.", 0.5)
    with pytest.raises(ZeroDivisionError):
        carried(0)


def test_what_is_no_function_cannot_be_carried() -> None:
    with pytest.raises(TypeError, match=r"carried\(\) takes a function, not 5"):
        genai.carried(5)  # type: ignore[type-var]


def test_an_async_function_cannot_be_carried() -> None:
    with pytest.raises(TypeError, match="takes a plain function"):
        genai.carried(search)


def current_headers(_: int) -> dict[str, str]:
    return genai.headers()


def test_another_process_is_another_world(captured: Captured) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool, genai.agent("planner"):
        assert genai.headers()
        assert pool.map(current_headers, [1]) == [{}]


# -- steps


def test_each_turn_of_the_loop_has_its_number(captured: Captured) -> None:
    with genai.agent("planner"):
        for _ in range(3):
            with genai.model_call("m"):
                pass
            with genai.tool("search"):
                pass
    steps = [(span.name.rpartition(".")[2], span[STEP]) for span in captured.spans if STEP in span]
    assert steps == [(what, step) for step in (1, 2, 3) for what in ("call", "execution")]


def test_an_agent_inside_of_another_counts_its_own_turns(captured: Captured) -> None:
    with genai.agent("planner"):
        for _ in range(2):
            with genai.model_call("outer"), genai.tool("delegate"), genai.agent("writer"), genai.model_call("inner"):
                pass
    found = Counter((called(span), span.get(STEP)) for span in captured.spans if STEP in span)
    assert found == {("outer", 1): 1, ("outer", 2): 1, ("delegate", 1): 1, ("delegate", 2): 1, ("inner", 1): 2}


def test_tools_that_begin_while_the_answer_still_streams_are_of_its_turn(captured: Captured) -> None:
    with genai.agent("planner"), genai.model_call("m"), genai.tool("search"):
        pass
    assert captured.span("openclaw.tool.execution")[STEP] == 1


def test_model_calls_side_by_side_are_one_turn(captured: Captured) -> None:
    async def sample() -> None:
        with genai.agent("planner"):
            await asyncio.gather(ask(1), ask(2))
            await ask(3)

    asyncio.run(sample())
    assert [(called(span), span[STEP]) for span in captured.spans if STEP in span] == [
        ("model 1", 1),
        ("model 2", 1),
        ("model 3", 3),
    ]


def test_without_an_agent_and_before_its_first_call_there_is_no_turn(captured: Captured) -> None:
    with genai.model_call("m"), genai.tool("search"):
        pass
    with genai.agent("planner"), genai.tool("search"):
        pass
    with genai.agent("planner"), genai.model_call("m", operation="embeddings"):
        pass
    assert not [span for span in captured.spans if STEP in span]
