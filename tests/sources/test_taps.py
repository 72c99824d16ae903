"""The streams of client libraries: each piece is made inside of the call, and nothing of that reaches the consumer."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from opentelemetry import trace

import otel_genai as genai
from otel_genai import guard, scope
from otel_genai.bus import bus
from otel_genai.events import ModelCall
from otel_genai.sources.taps import AsyncTap, Tap
from otel_genai.testing import Captured

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
