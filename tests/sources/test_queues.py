"""Lanes: the queues of the standard library, and what they tell."""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
import time
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import events
from otel_genai.testing import Captured

ENQUEUE, DEQUEUE = "queue.lane.enqueue", "queue.lane.dequeue"


def told(captured: Captured) -> list[tuple[str, str, int | None]]:
    """Every event of a lane: its wire name, the lane, and the size after it."""
    kinds = (events.LaneEnqueued, events.LaneDequeued)
    return [(event.kind, event.lane, event.queue_size) for event in captured.events if isinstance(event, kinds)]


def waits(captured: Captured) -> list[float]:
    return [event.wait_ms or 0 for event in captured.events if isinstance(event, events.LaneDequeued)]


def test_a_lane_tells_what_is_put_in_and_taken_out_with_the_size_after(captured: Captured) -> None:
    first, second = object(), object()

    async def main() -> list[object]:
        lane = genai.Lane[object]("main")
        await lane.put(first)
        lane.put_nowait(second)
        return [await lane.get(), lane.get_nowait()]

    assert asyncio.run(main()) == [first, second]
    assert told(captured) == [(ENQUEUE, "main", 1), (ENQUEUE, "main", 2), (DEQUEUE, "main", 1), (DEQUEUE, "main", 0)]


def test_a_thread_lane_tells_what_is_put_in_and_taken_out_with_the_size_after(captured: Captured) -> None:
    first, second = object(), object()
    lane = genai.ThreadLane[object]("main")
    lane.put(first)
    lane.put_nowait(second)
    assert [lane.get(), lane.get_nowait()] == [first, second]
    assert told(captured) == [(ENQUEUE, "main", 1), (ENQUEUE, "main", 2), (DEQUEUE, "main", 1), (DEQUEUE, "main", 0)]


def test_the_wait_is_from_the_put_to_the_get_of_an_item(captured: Captured) -> None:
    lane = genai.ThreadLane[int]("main")
    began = time.perf_counter()
    lane.put(1)
    put = time.perf_counter()
    time.sleep(0.01)
    taking = time.perf_counter()
    lane.get()
    taken = time.perf_counter()
    [wait] = waits(captured)
    assert (taking - put) * 1e3 <= wait <= (taken - began) * 1e3
    [point] = captured.points("openclaw.queue.wait_ms")
    assert (point.count, point.sum) == (1, wait)


def test_who_waits_for_an_item_is_no_part_of_its_wait(captured: Captured) -> None:
    async def main() -> float:
        lane = genai.Lane[int]("main")
        taking = asyncio.create_task(lane.get())
        await asyncio.sleep(0.01)
        began = time.perf_counter()
        await lane.put(1)
        await taking
        return time.perf_counter() - began

    most = asyncio.run(main()) * 1e3
    [wait] = waits(captured)
    assert 0 <= wait <= most


def test_a_full_or_empty_lane_says_so_and_tells_nothing(captured: Captured) -> None:
    lane, thread_lane = genai.Lane[int]("main", maxsize=1), genai.ThreadLane[int]("main", maxsize=1)
    for empty in (lane.get_nowait, thread_lane.get_nowait, lambda: thread_lane.get(timeout=0.001)):
        with pytest.raises((asyncio.QueueEmpty, queue.Empty)):
            empty()
    lane.put_nowait(1)
    thread_lane.put_nowait(1)
    for full in (lane.put_nowait, thread_lane.put_nowait, lambda item: thread_lane.put(item, timeout=0.001)):
        with pytest.raises((asyncio.QueueFull, queue.Full)):
            full(2)
    assert told(captured) == [(ENQUEUE, "main", 1)] * 2


def test_a_cancelled_get_takes_nothing_and_tells_nothing(captured: Captured) -> None:
    async def main() -> int:
        lane = genai.Lane[int]("main")
        taking = asyncio.create_task(lane.get())
        await asyncio.sleep(0)
        lane.put_nowait(7)  # the taker is woken, and cancelled before it runs
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        return await lane.get()

    assert asyncio.run(main()) == 7
    assert told(captured) == [(ENQUEUE, "main", 1), (DEQUEUE, "main", 0)]


def test_a_cancelled_put_puts_nothing_and_tells_nothing(captured: Captured) -> None:
    async def main() -> int:
        lane = genai.Lane[int]("main", maxsize=1)
        lane.put_nowait(1)
        putting = asyncio.create_task(lane.put(2))
        await asyncio.sleep(0)
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
        return await lane.get() + lane.qsize()

    assert asyncio.run(main()) == 1
    assert told(captured) == [(ENQUEUE, "main", 1), (DEQUEUE, "main", 0)]


def test_a_get_with_a_timeout_leaves_the_lane_as_it_was(captured: Captured) -> None:
    async def main() -> None:
        lane = genai.Lane[int]("main")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lane.get(), 0.001)
        assert lane.empty()

    asyncio.run(main())
    assert not captured.events


def test_many_tasks_lose_and_double_nothing(captured: Captured) -> None:
    async def main() -> list[int]:
        lane = genai.Lane[int]("main", maxsize=3)
        taken: list[int] = []

        async def take() -> None:
            while True:
                taken.append(await lane.get())
                await asyncio.sleep(0)
                lane.task_done()

        takers = [asyncio.create_task(take()) for _ in range(4)]
        await asyncio.gather(*(lane.put(number) for number in range(100)))
        await lane.join()
        for taker in takers:
            taker.cancel()
        await asyncio.gather(*takers, return_exceptions=True)
        return taken

    assert sorted(asyncio.run(main())) == list(range(100))
    assert sorted(kind for kind, _, _ in told(captured)) == [DEQUEUE] * 100 + [ENQUEUE] * 100
    assert all(0 <= (size or 0) <= 3 for _, _, size in told(captured))


def test_many_threads_lose_and_double_nothing(captured: Captured) -> None:
    lane = genai.ThreadLane[int]("main", maxsize=3)
    taken: list[int] = []

    def take() -> None:
        for _ in range(50):
            taken.append(lane.get())
            lane.task_done()

    def put(start: int) -> None:
        for number in range(start, start + 50):
            lane.put(number)

    threads = [threading.Thread(target=take) for _ in range(2)]
    threads += [threading.Thread(target=put, args=(start,)) for start in (0, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lane.join()
    assert sorted(taken) == list(range(100))
    assert sorted(kind for kind, _, _ in told(captured)) == [DEQUEUE] * 100 + [ENQUEUE] * 100
    assert all(0 <= (size or 0) <= 3 for _, _, size in told(captured))


def test_a_subscriber_may_look_at_the_lane_it_is_told_of(captured: Captured) -> None:
    lane = genai.ThreadLane[int]("main")
    sizes: list[int] = []
    stop = genai.subscribe(lambda _: sizes.append(lane.qsize()))
    lane.put(1)
    lane.get()
    stop()
    assert sizes == [1, 0]


def test_an_event_is_of_the_scope_it_happened_in(captured: Captured) -> None:
    lane = genai.ThreadLane[int]("main")
    with genai.bind(channel="slack"):
        lane.put(1)
    with genai.bind(channel="web"):
        lane.get()
    assert [event.scope.channel for event in captured.events] == ["slack", "web"]


@pytest.mark.parametrize("kind", ["Lane", "ThreadLane"])
def test_an_item_put_in_before_anybody_listened_has_its_wait(kind: str) -> None:
    lane: Any = getattr(genai, kind)("main")
    lane.put_nowait(1)
    seen: list[events.Event] = []
    stop = genai.subscribe(seen.append)
    assert lane.get_nowait() == 1
    stop()
    [event] = seen
    assert isinstance(event, events.LaneDequeued)
    assert event.wait_ms is not None
    assert event.wait_ms >= 0


@pytest.mark.parametrize("kind", ["Lane", "ThreadLane"])
def test_a_lane_is_the_queue_of_the_standard_library(kind: str) -> None:
    lane: Any = getattr(genai, kind)("main", maxsize=2)
    assert isinstance(lane, asyncio.Queue if kind == "Lane" else queue.Queue)
    assert (lane.name, lane.maxsize, lane.qsize(), lane.empty(), lane.full()) == ("main", 2, 0, True, False)
    lane.put_nowait(None)
    assert lane.get_nowait() is None
    lane.task_done()
    with pytest.raises(ValueError, match="called too many times"):
        lane.task_done()


if sys.version_info >= (3, 13):  # since when queues can be shut down

    def test_a_lane_that_is_shut_down_gives_what_it_has_and_takes_no_more(captured: Captured) -> None:
        async def main() -> None:
            lane: Any = genai.Lane("main")
            lane.put_nowait(1)
            lane.shutdown()
            assert await lane.get() == 1
            for use in (lane.get_nowait, lambda: lane.put_nowait(2)):
                with pytest.raises(asyncio.QueueShutDown):
                    use()

        asyncio.run(main())
        assert told(captured) == [(ENQUEUE, "main", 1), (DEQUEUE, "main", 0)]

    @pytest.mark.parametrize("kind", ["Lane", "ThreadLane"])
    def test_what_an_immediate_shutdown_discards_is_not_told(captured: Captured, kind: str) -> None:
        lane: Any = getattr(genai, kind)("main")
        lane.put_nowait(1)
        lane.shutdown(immediate=True)
        assert lane.empty()
        assert told(captured) == [(ENQUEUE, "main", 1)]
