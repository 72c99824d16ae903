"""Every way to call Anthropic's real client, against a provider on this machine: one call each, and the same answer."""

from __future__ import annotations

import gc
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import anthropic
import pytest

import otel_genai as genai
import otel_genai_anthropic
from otel_genai.demo.provider import Provider
from otel_genai.events import ModelUsage
from otel_genai.testing import Captured

from .trees import SPAN, answer, calls, check_agent_and_call, everything, interrupting, run, the_call, traceparent

INSTRUMENT = otel_genai_anthropic.instrument
MODEL = "claude-opus-4-6"
QUESTION = [{"role": "user", "content": "why is the sky blue?"}]
TOOL: Any = {"name": "look", "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}}}

Way = Callable[[Any, dict[str, Any]], object]
AsyncWay = Callable[[Any, dict[str, Any]], Awaitable[object]]


def asked(model: str = MODEL, **more: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 64, "messages": QUESTION, **more}


@pytest.fixture
def client(url: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=url, api_key="k", max_retries=1) as client:
        yield client


def async_client(url: str) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=url, api_key="k", max_retries=1)


# -- the ways, plain and in an event loop


def text_stream(client: Any, body: dict[str, Any]) -> object:
    with client.messages.stream(**body) as stream:
        return "".join(stream.text_stream)


def final_message(client: Any, body: dict[str, Any]) -> object:
    with client.messages.stream(**body) as stream:
        return stream.get_final_message()


def helper_events(client: Any, body: dict[str, Any]) -> object:
    with client.messages.stream(**body) as stream:
        return [event.type for event in stream]


def streamed_response(client: Any, body: dict[str, Any]) -> object:
    with client.messages.with_streaming_response.create(**body) as response:
        return list(response.parse()) if body.get("stream") else response.parse()


WAYS: dict[str, Way] = {
    "plain": lambda c, b: c.messages.create(**b),
    "beta": lambda c, b: c.beta.messages.create(**b),
    "raw": lambda c, b: c.messages.with_raw_response.create(**b).parse(),
    "raw, not parsed": lambda c, b: c.messages.with_raw_response.create(**b),
    "streamed response": streamed_response,
    "stream": lambda c, b: list(c.messages.create(**b, stream=True)),
    "beta stream": lambda c, b: list(c.beta.messages.create(**b, stream=True)),
    "raw stream": lambda c, b: list(c.messages.with_raw_response.create(**b, stream=True).parse()),
    "streamed response of a stream": lambda c, b: streamed_response(c, {**b, "stream": True}),
    "helper's text stream": text_stream,
    "helper's final message of a stream": final_message,
    "helper's events of a stream": helper_events,
}


async def async_stream(client: Any, body: dict[str, Any]) -> object:
    return await everything(await client.messages.create(**body, stream=True))


async def async_raw_stream(client: Any, body: dict[str, Any]) -> object:
    raw = await client.messages.with_raw_response.create(**body, stream=True)
    return await everything(await raw.parse())


async def async_streamed_response(client: Any, body: dict[str, Any]) -> object:
    async with client.messages.with_streaming_response.create(**body) as response:
        parsed = await response.parse()
        return await everything(parsed) if body.get("stream") else parsed


async def async_final_message(client: Any, body: dict[str, Any]) -> object:
    async with client.messages.stream(**body) as stream:
        return await stream.get_final_message()


ASYNC_WAYS: dict[str, AsyncWay] = {
    "plain": lambda c, b: c.messages.create(**b),
    "beta": lambda c, b: c.beta.messages.create(**b),
    "raw": lambda c, b: c.messages.with_raw_response.create(**b),
    "streamed response": async_streamed_response,
    "stream": async_stream,
    "raw stream": async_raw_stream,
    "streamed response of a stream": lambda c, b: async_streamed_response(c, {**b, "stream": True}),
    "helper's final message of a stream": async_final_message,
}


def check(captured: Captured, way: str) -> None:
    call, streamed = the_call(captured), "stream" in way.split()
    assert (call.outcome, call.provider, call.model, call.operation) == ("completed", "anthropic", MODEL, "chat")
    assert (call.api, call.transport) == ("anthropic-messages", "sse" if streamed else "http")
    assert (call.input_tokens, call.output_tokens) == (14, 17)
    assert (call.cache_read_tokens, call.cache_write_tokens) == (7, 0)
    assert (call.finish_reasons, call.response_model, call.max_tokens) == (("end_turn",), MODEL, 64)
    assert re.fullmatch(r"msg_\d+", call.response_id or "")
    assert (call.server_address, bool(call.server_port)) == ("127.0.0.1", True)
    assert (call.chunks is not None, call.first_chunk_ns is not None) == (streamed, streamed)
    assert len([event for event in captured.events if isinstance(event, ModelUsage)]) == 1
    assert sum(point.sum or 0 for point in captured.points("gen_ai.client.token.usage")) == 14 + 17


# -- what is seen


@pytest.mark.parametrize("way", WAYS)
def test_a_message_is_one_call_with_its_tokens_once(captured: Captured, client: Any, way: str) -> None:
    WAYS[way](client, asked())
    check(captured, way)


@pytest.mark.parametrize("way", ASYNC_WAYS)
def test_an_async_message_is_one_call_with_its_tokens_once(captured: Captured, url: str, way: str) -> None:
    run(async_client(url), ASYNC_WAYS[way], asked())
    check(captured, way)


@pytest.mark.parametrize("way", WAYS)
def test_a_refused_call_is_one_error_after_its_retries(
    captured: Captured, client: Any, provider: Provider, way: str
) -> None:
    with pytest.raises(anthropic.RateLimitError):
        WAYS[way](client, asked("broken"))
    call = the_call(captured)
    assert len(provider.seen) == 2
    assert (call.outcome, call.error_type, call.error_code) == ("error", "anthropic.RateLimitError", "429")
    assert (call.input_tokens, call.request_id_hash is not None) == (None, True)


@pytest.mark.parametrize("way", ["plain", "stream"])
def test_a_tool_that_is_called_is_why_it_ended(captured: Captured, client: Any, way: str) -> None:
    WAYS[way](client, asked(tools=[TOOL]))
    assert the_call(captured).finish_reasons == ("tool_use",)


def test_what_is_said_leaves_only_where_it_is_switched_on(client: Any) -> None:
    with genai.testing.capture(capture_content=True) as captured:
        for way in ("plain", "stream"):
            WAYS[way](client, asked(system="be brief", tools=[TOOL]))
    spans = [str(span.attributes) for span in captured.spans if span.name == SPAN]
    assert len(spans) == 2
    for words in ("why is the sky blue?", "be brief", "look", "tool_call", "tool_use"):
        assert [words in span for span in spans] == [True, True], words


# -- the whole tree of spans, by how it was called and how it ended


def create(client: Any, body: dict[str, Any]) -> object:
    return client.messages.create(**body)


def read_stream(client: Any, body: dict[str, Any]) -> object:
    return list(client.messages.create(**body, stream=True))


def abandon(client: Any, body: dict[str, Any]) -> None:
    for _ in client.messages.create(**body, stream=True):
        break


def abandon_unread(client: Any, body: dict[str, Any]) -> None:
    with client.messages.with_streaming_response.create(**body) as response:
        assert response.status_code == 200


async def abandon_unread_async(client: Any, body: dict[str, Any]) -> None:
    async with client.messages.with_streaming_response.create(**body) as response:
        assert response.status_code == 200


async def abandon_async(client: Any, body: dict[str, Any]) -> None:
    async for _ in await client.messages.create(**body, stream=True):
        break


def interrupted(client: Any, body: dict[str, Any]) -> None:
    with interrupting(client):
        client.messages.create(**body)


def interrupted_stream(client: Any, body: dict[str, Any]) -> None:
    interrupted(client, {**body, "stream": True})


RAISED: dict[str, Any] = {"error": anthropic.RateLimitError, "cancelled": (KeyboardInterrupt, TimeoutError)}
# How it is called, how that ends, by what; and whether anything is known of its tokens.
TREES: list[tuple[str, str, Any, bool]] = [
    ("sync", "ok", create, True),
    ("sync", "error", create, False),
    ("sync", "cancelled", interrupted, False),
    ("sync", "abandoned", abandon_unread, False),
    ("sync stream", "ok", read_stream, True),
    ("sync stream", "error", read_stream, False),
    ("sync stream", "cancelled", interrupted_stream, False),
    ("sync stream", "abandoned", abandon, True),
    ("async", "ok", ASYNC_WAYS["plain"], True),
    ("async", "error", ASYNC_WAYS["plain"], False),
    ("async", "cancelled", ASYNC_WAYS["plain"], False),
    ("async", "abandoned", abandon_unread_async, False),
    ("async stream", "ok", async_stream, True),
    ("async stream", "error", async_stream, False),
    ("async stream", "cancelled", async_stream, True),
    ("async stream", "abandoned", abandon_async, True),
]


@pytest.mark.parametrize(("kind", "ending", "way", "counted"), TREES)
def test_the_whole_tree_is_the_agent_the_call_and_what_it_used(
    captured: Captured, client: Any, slow_url: str, provider: Provider, kind: str, ending: str, way: Any, counted: bool
) -> None:
    body, timed = asked("broken" if ending == "error" else MODEL), kind.startswith("async") and ending == "cancelled"
    with genai.agent("ada"), suppress(RAISED.get(ending, ())):
        if kind.startswith("async"):
            seconds = (0.5 if "stream" in kind else 0.05) if timed else None
            run(async_client(slow_url if timed else client.base_url), way, body, seconds=seconds)
        else:
            way(client, body)
    check_agent_and_call(captured, ending, counted)
    if not timed:
        assert provider.seen[-1].headers["traceparent"] == traceparent(captured.span(SPAN))


# -- what the user gets


@pytest.mark.parametrize("way", WAYS)
def test_the_answer_is_what_it_is_without_us(
    captured: Captured, client: Any, undo: Callable[[], None], way: str
) -> None:
    seen = answer(WAYS[way](client, asked()))
    undo()
    assert seen == answer(WAYS[way](client, asked()))
    assert len(calls(captured)) == 1


def test_what_is_sent_is_what_it_is_without_us(captured: Captured, client: Any, provider: Provider) -> None:
    WAYS["stream"](client, asked())
    (request,) = provider.seen
    assert request.body == {**asked(), "stream": True}


def test_a_stream_that_is_dropped_closes_at_once(captured: Captured, client: Any) -> None:
    gc.disable()
    try:
        stream = client.messages.create(**asked(), stream=True)
        next(stream)
        response = stream.response
        del stream
        assert response.is_closed
    finally:
        gc.enable()
    assert the_call(captured).outcome == "cancelled"


def test_counting_tokens_and_batches_are_no_model_calls(captured: Captured, client: Any) -> None:
    with pytest.raises(anthropic.APIStatusError):
        client.messages.count_tokens(model=MODEL, messages=QUESTION)
    with pytest.raises(anthropic.APIStatusError):
        client.messages.batches.create(requests=[{"custom_id": "1", "params": asked()}])
    assert calls(captured) == []
