"""Streams: current while they make an item and never else, finished exactly once, whoever ends them."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import logging
import pickle
import threading
import tracemalloc
import weakref
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import pytest
from opentelemetry import trace
from starlette.responses import StreamingResponse
from starlette.testclient import TestClient

import otel_genai as genai
from otel_genai import guard, scope
from otel_genai.sources import streams
from otel_genai.testing import Captured

TOOL, AGENT, CALL = "openclaw.tool.execution", "openclaw.harness.run", "openclaw.model.call"


@pytest.fixture(autouse=True)
def _nothing_left(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """After every test: no context was detached where it was not attached, and nothing is current."""
    with caplog.at_level(logging.DEBUG, logger="opentelemetry.context"):
        yield
    gc.collect()
    assert not [record for record in caplog.records if record.name == "opentelemetry.context"]
    assert not trace.get_current_span().get_span_context().is_valid
    assert scope.current() == scope.Scope()


def child(name: str) -> None:
    with genai.tool(name):
        pass


def children(captured: Captured, parent: str) -> list[Any]:
    return [span["gen_ai.tool.name"] for span in captured.spans if captured.parent(span) == captured.span(parent)]


@genai.agent
def numbers(most: int = 3) -> Iterator[int]:
    for number in range(most):
        child(f"before {number}")
        yield number
        child(f"after {number}")


@genai.agent
async def anumbers(most: int = 3) -> AsyncIterator[int]:
    for number in range(most):
        child(f"before {number}")
        await asyncio.sleep(0)
        yield number
        child(f"after {number}")


# -- what is current


def test_what_happens_in_the_body_is_a_child_at_every_item_and_what_the_consumer_does_not(captured: Captured) -> None:
    for number in numbers():
        assert genai.headers() == {}
        child(f"consumer {number}")
    told = [f"{word} {number}" for number in range(3) for word in ("before", "after")]
    assert children(captured, AGENT) == told
    assert [span["gen_ai.tool.name"] for span in captured.spans if span.parent_id is None and span.name == TOOL] == [
        "consumer 0",
        "consumer 1",
        "consumer 2",
    ]


def test_the_same_holds_for_an_async_body(captured: Captured) -> None:
    async def main() -> None:
        async for number in anumbers():
            assert genai.headers() == {}
            child(f"consumer {number}")

    asyncio.run(main())
    assert children(captured, AGENT) == [f"{word} {number}" for number in range(3) for word in ("before", "after")]


def test_a_block_around_a_yield_is_current_after_it_too_and_not_for_the_consumer(captured: Captured) -> None:
    @genai.agent
    def reply() -> Iterator[int]:
        with genai.model_call("m"), genai.bind(channel="slack"):
            for number in range(3):
                yield number
                child(f"after {number}")
                assert scope.current().channel == "slack"
        child("at last")

    for _ in reply():
        assert (genai.headers(), scope.current()) == ({}, scope.Scope())
    assert children(captured, CALL) == ["after 0", "after 1", "after 2"]
    assert captured.parent(captured.spans[3]) == captured.span(AGENT)


def test_a_span_of_opentelemetry_around_a_yield_is_current_after_it_too(captured: Captured) -> None:
    tracer = captured.tracer_provider.get_tracer("user")

    @genai.agent
    async def reply() -> AsyncIterator[int]:
        with tracer.start_as_current_span("theirs"):
            yield 1
            child("after")

    async def main() -> None:
        async for _ in reply():
            assert not trace.get_current_span().is_recording()

    asyncio.run(main())
    assert captured.parent(captured.span(TOOL)) == captured.span("theirs")


def test_the_consumers_own_span_stays_current_between_items(captured: Captured) -> None:
    with genai.tool("consumer"):
        before = genai.headers()
        for _ in numbers():
            assert genai.headers() == before
    assert captured.parent(captured.span(AGENT))["gen_ai.tool.name"] == "consumer"  # type: ignore[index]


def test_two_streams_in_turns_keep_their_own(captured: Captured) -> None:
    @genai.agent
    def speaker(name: str) -> Iterator[None]:
        with genai.bind(session=name):
            for _ in range(3):
                yield
                assert scope.current().session == name

    for _ in zip(speaker("a"), speaker("b"), strict=True):
        assert scope.current().session is None
    assert [span.status for span in captured.spans] == ["UNSET", "UNSET"]


def test_each_step_in_another_thread_is_inside_all_the_same(captured: Captured) -> None:
    stream = numbers()
    with ThreadPoolExecutor(2) as pool:
        assert [pool.submit(next, stream, None).result() for _ in range(4)] == [0, 1, 2, None]
    assert len(children(captured, AGENT)) == 6


def test_each_step_in_another_task_is_inside_all_the_same(captured: Captured) -> None:
    async def main() -> list[int]:
        stream = anumbers()
        return [await asyncio.wait_for(anext(stream), 5) for _ in range(3)] + [await anext(stream, -1)]

    assert asyncio.run(main()) == [0, 1, 2, -1]
    assert len(children(captured, AGENT)) == 6


# -- the protocol of generators


@genai.tool
def echo() -> Generator[Any, Any, str]:
    heard = None
    while heard != "stop":
        try:
            heard = yield heard
        except LookupError as error:
            heard = error
    return "over"


def test_send_throw_and_return_value_are_those_of_a_generator(captured: Captured) -> None:
    error = LookupError()
    stream = echo()
    assert (next(stream), stream.send(1), stream.throw(error)) == (None, 1, error)
    with pytest.raises(StopIteration) as stopped:
        stream.send("stop")
    assert stopped.value.value == "over"
    assert captured.span(TOOL).status == "UNSET"


def test_yield_from_gives_the_return_value_and_passes_on_what_is_sent(captured: Captured) -> None:
    def outer() -> Generator[Any, Any, str]:
        return (yield from echo())

    stream = outer()
    assert (next(stream), stream.send(1)) == (None, 1)
    with pytest.raises(StopIteration, match="over"):
        stream.send("stop")
    assert len(captured.spans) == 1


def test_asend_athrow_and_aclose_are_those_of_an_async_generator(captured: Captured) -> None:
    @genai.tool
    async def aecho() -> Any:
        heard: Any = None
        while True:
            try:
                heard = yield heard
            except LookupError as error:
                heard = error

    async def main() -> list[Any]:
        error, stream = LookupError(), aecho()
        heard = [await anext(stream), await stream.asend(1), await stream.athrow(error) is error]
        await stream.aclose()
        return [*heard, await anext(stream, "closed")]

    assert asyncio.run(main()) == [None, 1, True, "closed"]
    assert captured.span(TOOL)["openclaw.outcome"] == "cancelled"


def test_it_passes_for_the_generator_it_stands_for(captured: Captured) -> None:
    stream, astream = numbers(), anumbers()
    assert inspect.isgenerator(stream)
    assert inspect.isasyncgen(astream)
    assert inspect.getgeneratorstate(stream) == inspect.GEN_CREATED
    assert repr(stream).startswith("<generator object numbers")
    assert isinstance(stream, Generator)
    assert iter(stream) is stream
    assert aiter(astream) is astream


def test_a_generator_becomes_a_context_manager_as_before(captured: Captured) -> None:
    @contextmanager
    @genai.tool
    def opened() -> Iterator[int]:
        try:
            yield 1
        except LookupError:
            child("cleanup")

    with opened() as value:
        assert value == 1
        raise LookupError
    cleanup, opening = captured.spans
    assert (cleanup.parent_id, opening.status) == (opening.span_id, "UNSET")


def test_an_async_generator_becomes_an_async_context_manager_as_before(captured: Captured) -> None:
    @asynccontextmanager
    @genai.agent
    async def opened() -> AsyncIterator[int]:
        yield 1
        child("cleanup")

    async def main() -> int:
        async with opened() as value:
            return value

    assert asyncio.run(main()) == 1
    assert children(captured, AGENT) == ["cleanup"]


def test_the_first_item_is_there_before_the_second_is_made(captured: Captured) -> None:
    go = threading.Event()

    @genai.model_call
    def slow() -> Iterator[int]:
        yield 1
        assert go.wait(5)
        yield 2

    stream = slow()
    assert next(stream) == 1
    go.set()
    assert list(stream) == [2]


# -- how a stream ends


def outcome(captured: Captured, name: str = AGENT) -> tuple[str, Any, int]:
    """Status of the one span, the outcome of the one operation, and how often it ended."""
    status = captured.span(name).status
    ended = [event for event in captured.events if isinstance(event, genai.events.HarnessRun)]
    return status, ended[0].outcome, len(ended)


CUT = ("UNSET", "cancelled", 1)


def closed(stream: Any) -> None:
    stream.close()
    stream.close()


def dropped(stream: Any) -> None:
    del stream


def collected(stream: Any) -> None:
    cycle: list[Any] = [stream]
    cycle.append(cycle)


@pytest.mark.parametrize("abandon", [closed, dropped, collected])
def test_an_abandoned_stream_ends_once_as_cancelled(captured: Captured, abandon: Callable[[Any], None]) -> None:
    def consume() -> None:
        stream = numbers()
        for _ in stream:
            break
        abandon(stream)

    consume()
    gc.collect()
    assert outcome(captured) == CUT


def test_the_body_cleans_up_inside_of_its_operation_also_when_it_is_dropped(captured: Captured) -> None:
    @genai.agent
    def careful() -> Iterator[int]:
        try:
            yield 1
        finally:
            child("cleanup")

    for _ in careful():
        break
    assert children(captured, AGENT) == ["cleanup"]


@pytest.mark.parametrize(("abandon", "inside"), [(dropped, True), (collected, False)])
def test_the_garbage_collector_closes_a_body_without_making_its_operation_current(
    captured: Captured, abandon: Callable[[Any], None], inside: bool
) -> None:
    """It may run in the midst of setting a context variable, and CPython 3.11 crashes if one is set then."""
    seen: list[scope.Scope] = []

    @genai.agent
    def careful() -> Iterator[int]:
        try:
            with genai.bind(channel="slack"):
                yield 1
        finally:
            seen.append(scope.current())

    def consume() -> None:
        stream = careful()
        next(stream)
        abandon(stream)

    consume()
    gc.collect()
    assert [one.operation is not None for one in seen] == [inside]
    assert outcome(captured) == CUT


async def aclosed(stream: Any) -> None:
    await stream.aclose()
    await stream.aclose()


async def aclosed_by_a_task(stream: Any) -> None:
    await asyncio.create_task(stream.aclose())


async def adropped(stream: Any) -> None:
    """The loop's finaliser closes the body, in a task of its own."""


async def acollected(stream: Any) -> None:
    collected(stream)


@pytest.mark.parametrize("abandon", [aclosed, aclosed_by_a_task, adropped, acollected])
def test_an_abandoned_async_stream_ends_once_as_cancelled(captured: Captured, abandon: Callable[[Any], Any]) -> None:
    async def consume() -> None:
        stream = anumbers()
        async for _ in stream:
            break
        await abandon(stream)

    async def main() -> None:
        with genai.tool("consumer"):
            before = genai.headers()
            await consume()
            gc.collect()
            await asyncio.sleep(0.01)
            assert genai.headers() == before

    asyncio.run(main())
    assert outcome(captured) == CUT


@pytest.mark.parametrize("abandon", [aclosed, aclosed_by_a_task, adropped, acollected])
def test_blocks_in_the_body_end_once_whoever_ends_that(captured: Captured, abandon: Callable[[Any], Any]) -> None:
    @genai.agent
    async def reply() -> AsyncIterator[int]:
        try:
            with genai.model_call("m"), genai.bind(channel="slack"):
                yield 1
        finally:
            child("cleanup")

    async def consume() -> None:
        stream = reply()
        async for _ in stream:
            break
        await abandon(stream)

    async def main() -> None:
        await consume()
        gc.collect()
        await asyncio.sleep(0.01)
        assert (genai.headers(), scope.current()) == ({}, scope.Scope())

    asyncio.run(main())
    assert outcome(captured) == CUT
    assert sorted(span.name for span in captured.spans) == [AGENT, CALL, TOOL]
    if abandon is not acollected:  # the garbage collector begins where it likes
        assert captured.parent(captured.span(TOOL)) == captured.span(AGENT)


def test_a_block_in_an_undecorated_body_that_is_finalised_elsewhere_ends_once(captured: Captured) -> None:
    async def reply() -> AsyncIterator[int]:
        with genai.agent("undecorated"), genai.bind(channel="slack"):
            yield 1

    async def main() -> None:
        async for _ in reply():
            break
        gc.collect()
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert outcome(captured) == CUT


def test_a_task_that_is_cancelled_while_it_waits_for_an_item_cancels_the_stream(captured: Captured) -> None:
    @genai.agent
    async def silent() -> AsyncIterator[int]:
        await asyncio.sleep(60)
        yield 1

    async def consume() -> None:
        async for _ in silent():
            pass

    async def main() -> None:
        task = asyncio.create_task(consume())
        await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(main())
    assert outcome(captured) == CUT
    assert captured.span(AGENT)["error.type"] == "cancelled"


def test_a_stream_may_outlive_its_loop(captured: Captured) -> None:
    loop = asyncio.new_event_loop()
    stream = anumbers()
    loop.run_until_complete(anext(stream))
    loop.close()
    del stream
    gc.collect()
    assert outcome(captured) == CUT


def test_a_loop_that_stops_while_an_item_is_awaited_leaves_nothing_behind(captured: Captured) -> None:
    loop = asyncio.new_event_loop()
    stream = anumbers()
    step = stream.__anext__()
    step.send(None)  # type: ignore[attr-defined]
    step.close()  # type: ignore[attr-defined]
    loop.close()
    del stream, step
    gc.collect()
    assert outcome(captured) == CUT


def test_an_error_of_the_body_is_the_users_own_and_ends_the_stream(captured: Captured) -> None:
    raised = ValueError("x")

    @genai.agent
    def broken() -> Iterator[int]:
        yield 1
        raise raised

    with pytest.raises(ValueError, match="x") as caught:
        list(broken())
    assert caught.value is raised
    assert caught.traceback[-1].name == "broken"
    assert outcome(captured) == ("ERROR", "error", 1)


def test_an_error_of_the_consumer_only_cuts_the_stream_short(captured: Captured) -> None:
    def consume() -> None:
        for _ in numbers():
            raise LookupError

    with pytest.raises(LookupError):
        consume()
    gc.collect()
    assert outcome(captured) == CUT


def test_a_stream_that_was_never_begun_is_no_operation(captured: Captured) -> None:
    numbers().close()
    dropped(numbers())
    closed_first = numbers()
    closed_first.close()  # type: ignore[attr-defined]
    assert list(closed_first) == []

    async def main() -> None:
        await anumbers().aclose()  # type: ignore[attr-defined]

    asyncio.run(main())
    assert captured.events == []


def test_a_second_consumer_gets_the_error_and_the_first_its_items(captured: Captured) -> None:
    async def main() -> list[int]:
        stream = anumbers()
        step = asyncio.create_task(anext(stream))
        await asyncio.sleep(0)
        for meddling in (stream.aclose, stream.__anext__):  # type: ignore[attr-defined]
            with pytest.raises(RuntimeError, match="already running"):
                await meddling()
        return [await step, *[number async for number in stream]]

    assert asyncio.run(main()) == [0, 1, 2]
    assert outcome(captured) == ("UNSET", "completed", 1)


def test_a_generator_that_goes_on_after_close_is_not_over(captured: Captured) -> None:
    @genai.agent
    def stubborn() -> Iterator[int]:
        with suppress(GeneratorExit):
            yield 1
        yield 2
        yield 3

    stream = stubborn()
    next(stream)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        stream.close()  # type: ignore[attr-defined]
    assert list(stream) == [3]
    assert outcome(captured) == ("UNSET", "completed", 1)


def test_an_error_lets_go_of_the_users_frames(captured: Captured) -> None:
    class Held:
        """Something that a frame of the user holds."""

    freed: list[bool] = []

    @genai.agent
    def broken() -> Iterator[int]:
        held = Held()
        weakref.finalize(held, freed.append, True)
        yield 1
        raise ValueError

    gc.disable()
    with suppress(ValueError):
        list(broken())
    gc.enable()
    assert freed == [True]


# -- costs


@pytest.mark.slow
def test_a_million_items_need_no_memory(captured: Captured) -> None:
    @genai.tool
    async def many() -> AsyncIterator[str]:
        for number in range(1_000_000):
            yield "x" * 1000 + str(number)

    async def main() -> int:
        index = 0
        async for _ in many():
            index += 1
            if index == 900_000:  # tracing costs ten times as much as the rest
                tracemalloc.start()
        return tracemalloc.get_traced_memory()[1]

    try:
        assert asyncio.run(main()) < 100_000
    finally:
        tracemalloc.stop()


def test_no_task_is_made_per_item(captured: Captured) -> None:
    made: list[Any] = []

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
        made.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **options)

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(factory)
        async for _ in anumbers(100):
            assert made == []

    asyncio.run(main())


# -- model calls


def test_the_chunks_of_a_model_call_are_counted_and_timed(captured: Captured) -> None:
    @genai.model_call("gpt-5.5", provider="openai")
    def reply() -> Iterator[str]:
        yield from "abc"

    assert "".join(reply()) == "abc"
    (call,) = (event for event in captured.events if isinstance(event, genai.events.ModelCall))
    assert (call.chunks, call.stream) == (3, True)
    assert 0 < (call.first_chunk_ns or 0) <= (call.last_chunk_ns or 0) <= (call.duration_ns or 0)


def test_a_chunk_that_cannot_be_read_is_handed_on_all_the_same(captured: Captured) -> None:
    def broken(call: Any, item: Any) -> None:
        raise LookupError

    stream = streams.Stream(genai.events.ModelCall(model="m"), iter([1, 2]), broken)
    with guard.strict(False):
        assert list(stream) == [1, 2]
    assert captured.span(CALL).status == "UNSET"


class Answer:
    """Shaped as the streams of the provider libraries are."""

    def __init__(self, inner: Any) -> None:
        self._iterator = inner
        self.closed = 0

    def __iter__(self) -> Iterator[int]:
        yield from self._iterator

    async def __aiter__(self) -> AsyncIterator[int]:
        async for item in self._iterator:
            yield item

    def close(self) -> None:
        self.closed += 1


async def acount() -> AsyncIterator[int]:
    for number in range(3):
        yield number


def test_a_providers_stream_stays_the_object_it_is_and_the_call_lasts_until_it_is_read(captured: Captured) -> None:
    answer = Answer(iter(range(3)))
    ask = genai.model_call("m")(lambda: answer)
    assert ask() is answer
    assert captured.spans == []
    assert list(answer) == [0, 1, 2]
    answer.close()
    assert answer.closed == 1
    assert captured.span(CALL).status == "UNSET"


def test_a_providers_async_stream_too(captured: Captured) -> None:
    @genai.model_call("m")
    async def ask() -> Answer:
        return Answer(acount())

    async def main() -> list[int]:
        return [number async for number in await ask()]

    assert asyncio.run(main()) == [0, 1, 2]
    assert len(captured.spans) == 1


def test_closing_a_providers_stream_ends_the_call(captured: Captured) -> None:
    answer = genai.model_call("m")(lambda: Answer(iter(range(3))))()
    next(iter(answer))
    answer.close()
    (call,) = captured.events
    assert (call.outcome, call.chunks) == ("cancelled", 1)  # type: ignore[attr-defined]


def test_an_object_that_can_be_iterated_both_ways_still_can(captured: Captured) -> None:
    class Both:
        """As the wrapper of a well known gateway library."""

        left = 2

        def __iter__(self) -> Both:
            return self

        def __aiter__(self) -> Both:
            return self

        def __next__(self) -> int:
            if self.left == 0:
                raise StopIteration
            self.left -= 1
            return self.left

        async def __anext__(self) -> int:
            try:
                return next(self)
            except StopIteration:
                raise StopAsyncIteration from None

    async def main() -> list[int]:
        return [item async for item in genai.model_call("a")(lambda: Both())()]

    assert list(genai.model_call("m")(lambda: Both())()) == [1, 0]
    assert isinstance(genai.model_call("m")(lambda: Both())(), Both)
    assert asyncio.run(main()) == [1, 0]


def test_an_iterator_without_close_can_be_closed(captured: Captured) -> None:
    stream = genai.model_call("m")(lambda: iter([1, 2]))()
    next(stream)
    stream.close()
    (call,) = captured.events
    assert call.outcome == "cancelled"  # type: ignore[attr-defined]


def test_a_dropped_stream_does_not_close_an_iterator_that_somebody_else_has(captured: Captured) -> None:
    source = (number for number in range(3))
    stream = genai.model_call("m")(lambda: source)()
    next(stream)
    del stream
    assert list(source) == [1, 2]


# -- a stream inside of a block


def test_a_block_lasts_as_long_as_the_stream_it_opened(captured: Captured) -> None:
    with genai.model_call("m") as call:
        stream = call.stream(iter("abc"))
    assert captured.spans == []
    assert "".join(stream) == "abc"
    assert len(captured.spans) == 1


def test_a_stream_that_is_over_leaves_its_block_open(captured: Captured) -> None:
    with genai.model_call("m") as call:
        stream = call.stream(iter("abc"))
        assert "".join(stream) == "abc"
        stream.close()
        del stream
        gc.collect()
        assert call.event.outcome is None
        call.update(input_tokens=7)
    assert captured.span(CALL)["gen_ai.usage.input_tokens"] == 7


def test_a_stream_that_is_given_up_inside_of_its_block_leaves_that_open(captured: Captured) -> None:
    with genai.model_call("m") as call:
        for _ in call.stream(iter("abc")):
            break
        gc.collect()
        assert call.event.outcome is None
    assert call.event.outcome == "completed"


def test_two_streams_in_a_block_both_have_to_end(captured: Captured) -> None:
    with genai.model_call("m") as call:
        first, second = call.stream(iter("ab")), call.stream(iter("cd"))
    assert "".join(first) == "ab"
    assert captured.spans == []
    assert "".join(second) == "cd"
    assert len(captured.spans) == 1


def test_what_is_no_stream_comes_back_as_it_is_and_holds_nothing(captured: Captured) -> None:
    answer = {"id": "x"}
    with genai.model_call("m") as call:
        assert call.stream(answer) is answer
    assert len(captured.spans) == 1


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
@pytest.mark.parametrize("made", [numbers, anumbers])
def test_a_stream_can_be_copied_no_more_than_a_generator(
    captured: Captured, copied: Callable[[Any], Any], made: Callable[[], Any]
) -> None:
    with pytest.raises(TypeError, match=r"cannot pickle .*generator"):
        copied(genai.tool(made)())


def test_an_error_in_the_block_ends_it_at_once(captured: Captured) -> None:
    with suppress(LookupError), genai.model_call("m") as call:
        stream = call.stream(iter("abc"))
        raise LookupError
    assert captured.span(CALL).status == "ERROR"
    assert list(stream) == ["a", "b", "c"]
    assert len(captured.spans) == 1


# -- responses


@pytest.mark.parametrize("content", [anumbers, numbers])
def test_a_decorated_body_of_a_response_lasts_until_it_has_been_sent(
    captured: Captured, content: Callable[[], Any]
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        body: Any = content()
        if hasattr(body, "__aiter__"):
            text: Any = (str(number) async for number in body)
        else:
            text = (str(number) for number in body)
        await StreamingResponse(text)(scope, receive, send)

    assert TestClient(app).get("/").text == "012"
    assert len(children(captured, AGENT)) == 6


def test_an_endpoint_that_returns_a_streaming_response_lasts_until_that_has_been_sent(captured: Captured) -> None:
    async def body() -> AsyncIterator[str]:
        for number in range(3):
            child(f"part {number}")
            yield str(number)

    @genai.agent
    async def endpoint() -> StreamingResponse:
        return StreamingResponse(body())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        response = await endpoint()
        assert not captured.spans
        await response(scope, receive, send)

    assert TestClient(app).get("/").text == "012"
    assert children(captured, AGENT) == ["part 0", "part 1", "part 2"]
    assert outcome(captured) == ("UNSET", "completed", 1)
