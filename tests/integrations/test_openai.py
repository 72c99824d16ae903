"""Every way to call the real client, against a provider on this machine: one operation each, and the same answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import openai
import pytest

import otel_genai as genai
import otel_genai_openai
from otel_genai.demo.provider import Provider
from otel_genai.events import ModelCall, ModelUsage
from otel_genai.testing import Captured

from .trees import SPAN, answer, calls, check_agent_and_call, everything, interrupting, run, the_call, traceparent

INSTRUMENT, PATH = otel_genai_openai.instrument, "/v1"
QUESTION = [{"role": "user", "content": "why is the sky blue?"}]
STREAM: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
HELPER: dict[str, Any] = {"stream_options": {"include_usage": True}}

Way = Callable[[Any, str], object]
AsyncWay = Callable[[Any, str], Awaitable[object]]


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="k", max_retries=1) as client:
        yield client


def async_client(url: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=1)


# -- the ways, plain and in an event loop


def streamed_response(client: Any, model: str, **options: Any) -> object:
    with client.chat.completions.with_streaming_response.create(model=model, messages=QUESTION, **options) as response:
        return list(response.parse()) if options else response.parse()


def helped(client: Any, model: str) -> object:
    with client.chat.completions.stream(model=model, messages=QUESTION, **HELPER) as stream:
        return stream.get_final_completion()


def helped_responses(client: Any, model: str) -> object:
    with client.responses.stream(model=model, input="why?") as stream:
        return stream.get_final_response()


CHAT: dict[str, Way] = {
    "plain": lambda c, m: c.chat.completions.create(model=m, messages=QUESTION),
    "parsed": lambda c, m: c.beta.chat.completions.parse(model=m, messages=QUESTION),
    "raw": lambda c, m: c.chat.completions.with_raw_response.create(model=m, messages=QUESTION).parse(),
    "raw, not parsed": lambda c, m: c.chat.completions.with_raw_response.create(model=m, messages=QUESTION),
    "streamed response": streamed_response,
    "stream": lambda c, m: list(c.chat.completions.create(model=m, messages=QUESTION, **STREAM)),
    "raw stream": lambda c, m: list(
        c.chat.completions.with_raw_response.create(model=m, messages=QUESTION, **STREAM).parse()
    ),
    "streamed response of a stream": lambda c, m: streamed_response(c, m, **STREAM),
    "helper": helped,
}
OTHER: dict[str, tuple[Way, str, str]] = {
    "responses": (lambda c, m: c.responses.create(model=m, input="why?"), "openai-responses", "chat"),
    "responses stream": (
        lambda c, m: list(c.responses.create(model=m, input="why?", stream=True)),
        "openai-responses",
        "chat",
    ),
    "responses helper": (helped_responses, "openai-responses", "chat"),
    "embeddings": (lambda c, m: c.embeddings.create(model=m, input="why?"), "openai-embeddings", "embeddings"),
    "completions": (
        lambda c, m: c.completions.create(model=m, prompt="why?"),
        "openai-legacy-completions",
        "text_completion",
    ),
    "completions stream": (
        lambda c, m: list(c.completions.create(model=m, prompt="why?", **STREAM)),
        "openai-legacy-completions",
        "text_completion",
    ),
}


async def async_stream(client: Any, model: str) -> object:
    return await everything(await client.chat.completions.create(model=model, messages=QUESTION, **STREAM))


async def async_raw_stream(client: Any, model: str) -> object:
    raw = await client.chat.completions.with_raw_response.create(model=model, messages=QUESTION, **STREAM)
    return await everything(raw.parse())


async def async_streamed_response(client: Any, model: str, **options: Any) -> object:
    completions = client.chat.completions.with_streaming_response
    async with completions.create(model=model, messages=QUESTION, **options) as response:
        parsed = await response.parse()
        return await everything(parsed) if options else parsed


async def async_helped(client: Any, model: str) -> object:
    async with client.chat.completions.stream(model=model, messages=QUESTION, **HELPER) as stream:
        return await stream.get_final_completion()


ASYNC_CHAT: dict[str, AsyncWay] = {
    "plain": lambda c, m: c.chat.completions.create(model=m, messages=QUESTION),
    "parsed": lambda c, m: c.beta.chat.completions.parse(model=m, messages=QUESTION),
    "raw": lambda c, m: c.chat.completions.with_raw_response.create(model=m, messages=QUESTION),
    "streamed response": async_streamed_response,
    "stream": async_stream,
    "raw stream": async_raw_stream,
    "streamed response of a stream": lambda c, m: async_streamed_response(c, m, **STREAM),
    "helper": async_helped,
}


def check_chat(call: ModelCall, streamed: bool) -> None:
    assert (call.outcome, call.provider, call.model, call.operation) == ("completed", "openai", "gpt-5.5", "chat")
    assert (call.api, call.transport) == ("openai-completions", "sse" if streamed else "http")
    assert (call.input_tokens, call.output_tokens) == (14, 17)
    assert (call.cache_read_tokens, call.reasoning_tokens) == (7, 8)
    assert call.finish_reasons == ("stop",)
    assert call.response_id is not None
    assert call.response_model == "gpt-5.5"
    assert call.server_address == "127.0.0.1"
    assert call.server_port
    assert (call.chunks is not None, call.first_chunk_ns is not None) == (streamed, streamed)


# -- what is seen


@pytest.mark.parametrize("way", CHAT)
def test_a_chat_completion_is_one_call_with_its_tokens_once(captured: Captured, client: Any, way: str) -> None:
    CHAT[way](client, "gpt-5.5")
    check_chat(the_call(captured), "stream" in way.split() or way == "helper")
    assert sum(point.sum or 0 for point in captured.points("gen_ai.client.token.usage")) == 14 + 17
    assert len([event for event in captured.events if isinstance(event, ModelUsage)]) == 1


@pytest.mark.parametrize("way", ASYNC_CHAT)
def test_an_async_chat_completion_is_one_call_with_its_tokens_once(captured: Captured, url: str, way: str) -> None:
    run(async_client(url), ASYNC_CHAT[way], "gpt-5.5")
    check_chat(the_call(captured), "stream" in way.split() or way == "helper")
    assert len([event for event in captured.events if isinstance(event, ModelUsage)]) == 1


@pytest.mark.parametrize("way", OTHER)
def test_other_endpoints_are_called_what_they_are(captured: Captured, client: Any, way: str) -> None:
    function, api, operation = OTHER[way]
    function(client, "m")
    call = the_call(captured)
    assert (call.api, call.operation, call.outcome) == (api, operation, "completed")
    assert call.input_tokens is not None
    assert captured.span(SPAN)["gen_ai.operation.name"] == operation


@pytest.mark.parametrize("way", CHAT)
def test_a_refused_call_is_one_error_after_its_retries(
    captured: Captured, client: Any, provider: Provider, way: str
) -> None:
    with pytest.raises(openai.RateLimitError):
        CHAT[way](client, "broken")
    call = the_call(captured)
    assert len(provider.seen) == 2
    assert (call.outcome, call.error_type, call.error_code) == ("error", "openai.RateLimitError", "429")
    assert call.request_id_hash is not None
    assert (call.input_tokens, call.output_tokens) == (None, None)


@pytest.mark.parametrize("way", ASYNC_CHAT)
def test_a_refused_async_call_is_one_error(captured: Captured, url: str, way: str) -> None:
    with pytest.raises(openai.RateLimitError):
        run(async_client(url), ASYNC_CHAT[way], "broken")
    call = the_call(captured)
    assert (call.outcome, call.error_type, call.error_code) == ("error", "openai.RateLimitError", "429")


@pytest.mark.parametrize("way", ASYNC_CHAT)
def test_a_cancelled_call_is_cancelled_and_no_error(captured: Captured, slow_url: str, way: str) -> None:
    streamed = "stream" in way.split() or way == "helper"
    with pytest.raises(TimeoutError):
        run(async_client(slow_url), ASYNC_CHAT[way], "gpt-5.5", seconds=0.5 if streamed else 0.05)
    call = the_call(captured)
    assert (call.outcome, call.error_type) == ("cancelled", "cancelled")
    assert captured.span(SPAN).status == "UNSET"


# -- the whole tree of spans, by how it was called and how it ended


def interrupted(way: Way) -> Way:
    def ask(client: Any, model: str) -> None:
        with interrupting(client):
            way(client, model)

    return ask


def abandoned(client: Any, model: str) -> None:
    for _ in client.chat.completions.create(model=model, messages=QUESTION, **STREAM):
        break


def abandoned_unread(client: Any, model: str) -> None:
    with client.chat.completions.with_streaming_response.create(model=model, messages=QUESTION) as response:
        assert response.status_code == 200


async def abandoned_async(client: Any, model: str) -> None:
    async for _ in await client.chat.completions.create(model=model, messages=QUESTION, **STREAM):
        break


async def abandoned_unread_async(client: Any, model: str) -> None:
    async with client.chat.completions.with_streaming_response.create(model=model, messages=QUESTION) as response:
        assert response.status_code == 200


RAISED: dict[str, Any] = {"error": openai.RateLimitError, "cancelled": (KeyboardInterrupt, TimeoutError)}
# How it is called, how that ends, and by what; tokens are known only of an answer that came whole.
TREES: list[tuple[str, str, Any]] = [
    ("sync", "ok", CHAT["plain"]),
    ("sync", "error", CHAT["plain"]),
    ("sync", "cancelled", interrupted(CHAT["plain"])),
    ("sync", "abandoned", abandoned_unread),
    ("sync stream", "ok", CHAT["stream"]),
    ("sync stream", "error", CHAT["stream"]),
    ("sync stream", "cancelled", interrupted(CHAT["stream"])),
    ("sync stream", "abandoned", abandoned),
    ("async", "ok", ASYNC_CHAT["plain"]),
    ("async", "error", ASYNC_CHAT["plain"]),
    ("async", "cancelled", ASYNC_CHAT["plain"]),
    ("async", "abandoned", abandoned_unread_async),
    ("async stream", "ok", async_stream),
    ("async stream", "error", async_stream),
    ("async stream", "cancelled", async_stream),
    ("async stream", "abandoned", abandoned_async),
]


@pytest.mark.parametrize(("kind", "ending", "way"), TREES)
def test_the_whole_tree_is_the_agent_the_call_and_what_it_used(
    captured: Captured, client: Any, url: str, slow_url: str, provider: Provider, kind: str, ending: str, way: Any
) -> None:
    model, timed = "broken" if ending == "error" else "gpt-5.5", kind.startswith("async") and ending == "cancelled"
    with genai.agent("ada"), suppress(RAISED.get(ending, ())):
        if kind.startswith("async"):
            seconds = (0.5 if "stream" in kind else 0.05) if timed else None
            run(async_client(slow_url if timed else url), way, model, seconds=seconds)
        else:
            way(client, model)
    check_agent_and_call(captured, ending, ending == "ok")
    if not timed:
        assert provider.seen[-1].headers["traceparent"] == traceparent(captured.span(SPAN))


# -- a stream that is left early


def broken_off(client: Any) -> None:
    abandoned(client, "m")


def left(client: Any) -> None:
    with client.chat.completions.create(model="m", messages=QUESTION, **STREAM) as stream:
        next(stream)


def closed(client: Any) -> None:
    stream = client.chat.completions.create(model="m", messages=QUESTION, **STREAM)
    next(stream)
    stream.close()
    stream.close()


def never_begun(client: Any) -> None:
    client.chat.completions.create(model="m", messages=QUESTION, **STREAM).close()


def helper_left(client: Any) -> None:
    with client.chat.completions.stream(model="m", messages=QUESTION) as stream:
        next(stream)


def responses_helper_left(client: Any) -> None:
    with client.responses.stream(model="m", input="why?") as stream:
        next(stream)


def raw_dropped(client: Any) -> None:
    client.chat.completions.with_raw_response.create(model="m", messages=QUESTION, **STREAM).http_response.close()


def response_left(client: Any) -> None:
    abandoned_unread(client, "m")


def lines_left(client: Any) -> None:
    with client.chat.completions.with_streaming_response.create(model="m", messages=QUESTION, **STREAM) as response:
        next(response.iter_lines())


LEFT = [broken_off, left, closed, never_begun, helper_left, responses_helper_left]
LEFT += [raw_dropped, response_left, lines_left]


@pytest.mark.parametrize("leave", LEFT)
def test_an_answer_that_is_left_early_ends_its_call_once(
    captured: Captured, client: Any, leave: Callable[[Any], None]
) -> None:
    leave(client)
    call = the_call(captured)
    assert (call.outcome, call.error_type) == ("cancelled", None)
    assert captured.span(SPAN).status == "UNSET"
    assert (call.input_tokens, call.output_tokens) == (None, None)


@pytest.mark.parametrize("leave", ["break", "with", "helper", "response"])
def test_an_async_answer_that_is_left_early_ends_its_call_once(captured: Captured, url: str, leave: str) -> None:
    async def main() -> None:
        async with async_client(url) as client:
            completions = client.chat.completions
            if leave == "break":
                async for _ in await completions.create(model="m", messages=QUESTION, **STREAM):
                    break
            elif leave == "with":
                async with await completions.create(model="m", messages=QUESTION, **STREAM) as stream:
                    await anext(aiter(stream))
            elif leave == "helper":
                async with completions.stream(model="m", messages=QUESTION) as stream:
                    await anext(aiter(stream))
            else:
                async with completions.with_streaming_response.create(model="m", messages=QUESTION):
                    pass

    asyncio.run(main())
    call = the_call(captured)
    assert (call.outcome, call.error_type) == ("cancelled", None)


# -- what the user gets


@pytest.mark.parametrize("way", [*CHAT, *OTHER])
def test_the_answer_is_what_it_is_without_us(
    captured: Captured, client: Any, undo: Callable[[], None], way: str
) -> None:
    function = CHAT[way] if way in CHAT else OTHER[way][0]
    seen = answer(function(client, "gpt-5.5"))
    assert len(calls(captured)) == 1
    undo()
    assert seen == answer(function(client, "gpt-5.5"))
    assert len(calls(captured)) == 1


def test_the_request_carries_the_context_of_the_call_and_nothing_else(
    captured: Captured, client: Any, provider: Provider
) -> None:
    CHAT["stream"](client, "gpt-5.5")
    (request,) = provider.seen
    assert request.headers["traceparent"] == traceparent(captured.span(SPAN))
    assert request.body == {"model": "gpt-5.5", "messages": QUESTION, **STREAM}


def test_a_listing_is_no_model_call(captured: Captured, client: Any) -> None:
    with pytest.raises(openai.NotFoundError):
        client.models.list()
    with pytest.raises(openai.APIStatusError):
        client.get("/chat/completions", cast_to=object)
    assert calls(captured) == []
