"""The streams of client libraries: each piece is made inside of the call, and nothing of that reaches the consumer."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk
from opentelemetry import trace

import otel_genai as genai
from otel_genai import guard, scope
from otel_genai.bus import bus
from otel_genai.events import ModelCall
from otel_genai.sources.taps import AsyncTap, Tap
from otel_genai.testing import Captured, capture

CALL = "openclaw.model.call"
tenant: ContextVar[str] = ContextVar("tenant", default="nobody")


def piece(text: str | None, reason: str | None = None) -> dict[str, Any]:
    return {"id": "c-1", "model": "gpt-5.5", "choices": [{"delta": {"content": text}, "finish_reason": reason}]}


def current() -> int:
    return trace.get_current_span().get_span_context().span_id


def pieces(seen: list[Any]) -> Iterator[dict[str, Any]]:
    """What a library makes of an answer, which notes what is current when it does so."""
    for text in ("one", "two", "three"):
        seen.append((current(), scope.current().operation, tenant.get()))
        yield piece(text)
    yield piece(None, "stop")


async def apieces(seen: list[Any]) -> AsyncIterator[dict[str, Any]]:
    for one in pieces(seen):
        yield one


@pytest.fixture
def call() -> ModelCall:
    call = ModelCall(operation="chat", provider="openai", model="gpt-5.5")
    bus.start(call)
    return call


def test_every_piece_is_made_inside_of_the_call(captured: Captured, call: ModelCall) -> None:
    seen: list[Any] = []
    tenant.set("ada")
    with genai.tool("around"):
        outside = current()
        for _ in Tap(call, pieces(seen)):
            assert (current(), scope.current().operation is call) == (outside, False)
            tenant.set("another")
    tenant.set("nobody")
    span = int(captured.span(CALL).span_id, 16)
    assert seen == [(span, call, "ada")] * 3


def test_in_an_event_loop_too(captured: Captured, call: ModelCall) -> None:
    seen: list[Any] = []

    async def consume() -> None:
        with genai.tool("around"):
            outside = current()
            async for _ in AsyncTap(call, apieces(seen)):
                assert (current(), scope.current().operation is call) == (outside, False)

    asyncio.run(consume())
    span = int(captured.span(CALL).span_id, 16)
    assert seen == [(span, call, "nobody")] * 3


def test_the_pieces_are_counted_and_read(captured: Captured, call: ModelCall) -> None:
    assert len(list(Tap(call, pieces([])))) == 4
    span = captured.span(CALL)
    assert (call.chunks, call.response_bytes, call.response_id) == (4, len("onetwothree"), "c-1")
    assert span["gen_ai.response.finish_reasons"] == ("stop",)


def test_a_piece_that_cannot_be_read_is_handed_on_and_the_rest_is_read(captured: Captured, call: ModelCall) -> None:
    class Odd:
        def __getattribute__(self, name: str) -> Any:
            raise ValueError(name)

    odd = Odd()
    with guard.strict(False):
        got = list(Tap(call, iter([piece("one"), odd, piece("two")])))
        captured.metrics()
    assert got[1] is odd
    assert (call.chunks, call.response_bytes) == (3, len("onetwo"))


def test_the_error_of_a_piece_is_the_error_of_the_call(captured: Captured, call: ModelCall) -> None:
    def broken() -> Iterator[Any]:
        yield piece("one")
        raise ValueError("broken")

    tap = Tap(call, broken())
    next(tap)
    with pytest.raises(ValueError, match="broken"):
        next(tap)
    assert captured.span(CALL).status == "ERROR"
    assert call.outcome == "error"


def test_a_stream_that_is_left_is_cancelled_once(captured: Captured, call: ModelCall) -> None:
    tap = Tap(call, pieces([]))
    next(tap)
    tap.close()
    tap.close()
    assert call.outcome == "cancelled"
    assert len(captured.spans) == 1


@pytest.mark.parametrize("read", [0, 1, 4, 5])
def test_a_stream_and_its_call_are_freed_without_the_garbage_collector(read: int) -> None:
    inner, call = pieces([]), ModelCall()
    freed = weakref.ref(inner), weakref.ref(call)
    bus.start(call)
    tap = Tap(call, inner)
    gc.disable()
    try:
        for _ in range(read):
            next(tap, None)
        del inner, call, tap
        assert [one() for one in freed] == [None, None]
    finally:
        gc.enable()


# -- pieces of a class that declares its fields, of which the usual ones are read in fewer steps


def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
    return {
        "id": "c-1",
        "model": "gpt-5.5",
        "object": "chat.completion.chunk",
        "created": 1,
        "choices": choices,
        **more,
    }


WORD = chunk({"content": "word"})
TOOL_CALL = {"index": 0, "id": "t-1", "type": "function", "function": {"name": "look", "arguments": '{"a"'}}
USAGE = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
UNUSUAL = {
    "half a character": chunk({"content": "\ud83d"}),
    "more than ASCII": chunk({"content": "h\u00e9"}),
    "no text": chunk({"content": ""}),
    "refusal": chunk({"content": "", "refusal": "no"}),
    "reasoning": chunk({"reasoning_content": "hm"}),
    "tool call": chunk({"content": "look", "tool_calls": [TOOL_CALL]}),
    "end": chunk({"content": "last"}, "stop"),
    "usage beside": chunk({"content": "last"}, usage=USAGE),
    "usage alone": chunk({}, usage=USAGE, choices=[]),
    "usage apart": chunk({}, "stop", x_groq={"id": "g", "usage": USAGE}),
    "two choices": chunk({}, choices=[*WORD["choices"], {**WORD["choices"][0], "index": 1}]),
    "text of no type": chunk({"content": ["word"]}),
    "no delta": chunk({}, choices=[{"index": 0, "text": "word", "finish_reason": None}]),
    "choice of no type": chunk({}, choices=["word"]),
    "choices of no type": chunk({}, choices=7),
    "other id": chunk({"content": "word"}, id="c-2", model="gpt-6"),
}


def told(items: list[Any], asynchronous: bool = False, **known: Any) -> dict[str, Any]:
    """What a call knows at the end of a stream, but for its times."""

    async def pieces_later() -> AsyncIterator[Any]:
        for item in items:
            yield item

    async def consume() -> None:
        assert [one async for one in AsyncTap(call, pieces_later())] == items

    call = ModelCall(operation="chat", **known)
    bus.start(call)
    if asynchronous:
        asyncio.run(consume())
    else:
        assert list(Tap(call, iter(items))) == items
    assert 0 < (call.first_chunk_ns or 0) <= (call.last_chunk_ns or 0) <= (call.duration_ns or 0)
    names = [name for name in ModelCall.__dataclass_fields__ if name.endswith(("_tokens", "_bytes", "_reasons"))]
    names += ["chunks", "stream", "response_id", "response_model", "model", "outcome", "error_type"]
    return {name: getattr(call, name) for name in names}


def made(item: dict[str, Any]) -> Any:
    """As the library makes it, which checks nothing."""
    return ChatCompletionChunk.construct(**item)  # type: ignore[arg-type]


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("item", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_pieces_that_are_read_in_fewer_steps_say_what_their_json_says(item: dict[str, Any], asynchronous: bool) -> None:
    for items in ([WORD, item, WORD], [item, WORD, item]):
        assert told([made(one) for one in items], asynchronous) == told(items)


def test_pieces_that_only_later_say_whose_they_are_are_asked_until_they_do() -> None:
    items = [chunk({"content": "word"}, id="", model=""), chunk({"content": "word"}, id="", model=""), WORD, WORD]
    known = told([made(one) for one in items])
    assert known == told(items)
    assert (known["response_id"], known["response_model"], known["chunks"]) == ("c-1", "gpt-5.5", 4)


def test_a_piece_of_another_class_among_them_is_read_as_what_it_is() -> None:
    items = [WORD, made(WORD), "word", made(WORD), WORD, made(chunk({}, "stop"))]
    assert (told(items)["chunks"], told(items)["response_bytes"]) == (6, 20)


@pytest.mark.parametrize("name", ["response_bytes", "chunks"])
def test_a_call_that_was_told_of_no_type_fails_nobody_and_counts_nothing_twice(name: str) -> None:
    call = ModelCall(operation="chat")
    bus.start(call)
    tap = Tap(call, iter([made(WORD)] * 4))
    next(tap), next(tap)
    setattr(call, name, "many")
    with guard.strict(False):
        assert len(list(tap)) == 2
    other = call.chunks if name == "response_bytes" else call.response_bytes
    assert (getattr(call, name), other) == ("many", 4 if name == "response_bytes" else 8)


def test_a_piece_whose_inside_fails_is_handed_on() -> None:
    class Odd:
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError(name)

    odd = made(WORD)
    odd.choices = [Odd()]
    call = ModelCall(operation="chat")
    bus.start(call)
    before = guard.counts().get(("reading a chunk", "RuntimeError"), 0)
    with guard.strict(False):
        got = [id(one) for one in Tap(call, iter([made(WORD), odd, made(WORD)]))]
    assert got[1] == id(odd)
    assert (call.chunks, call.response_bytes) == (3, 8)
    assert guard.counts()["reading a chunk", "RuntimeError"] == before + 1


def test_what_they_say_is_kept_where_content_is() -> None:
    with capture(capture_content={"output_messages": True}) as captured:
        told([made(one) for one in (WORD, WORD, WORD, chunk({}, "stop"))])
    assert json.loads(captured.span(CALL)["gen_ai.output.messages"])[0]["parts"][0]["content"] == "wordwordword"


def test_what_makes_the_pieces_is_closed_inside_of_the_call_when_its_stream_is_dropped(captured: Captured) -> None:
    seen: list[Any] = []

    def careful() -> Iterator[Any]:
        try:
            yield made(WORD)
            yield made(WORD)
        finally:
            seen.append((scope.current().operation, call.outcome))

    call = ModelCall(operation="chat")
    bus.start(call)
    tap = Tap(call, careful())
    next(tap)
    del tap
    assert seen == [(call, None)]
    assert call.outcome == "cancelled"
