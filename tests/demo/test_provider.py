import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
import requests
from starlette.responses import StreamingResponse

from otel_genai.demo.answers import REASONING_TOKENS
from otel_genai.demo.provider import Provider
from otel_genai.demo.server import serve

QUESTION: Any = [{"role": "user", "content": "why is the sky blue?"}]
ANSWER = "An answer to: why is the sky blue?"
PARAMETERS = {
    "type": "object",
    "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}, "sort": {"enum": ["date", "rank"]}},
    "required": ["query", "limit", "sort"],
}
ARGUMENTS = {"query": "why is the sky blue?", "limit": 1, "sort": "date"}
CHAT_TOOLS: Any = [{"type": "function", "function": {"name": "search", "parameters": PARAMETERS}}]
RESPONSES_TOOLS: Any = [{"type": "function", "name": "search", "parameters": PARAMETERS, "strict": True}]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Provider, str]]:
    provider = Provider()
    with serve(provider) as url:
        yield provider, f"{url}/v1"


@pytest.fixture
def provider(served: tuple[Provider, str]) -> Provider:
    served[0].clear()
    return served[0]


@pytest.fixture
def client(served: tuple[Provider, str]) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=served[1], api_key="none", max_retries=0) as client:
        yield client


def test_a_chat_is_answered_with_text_and_usage(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gpt-5.5", messages=QUESTION)
    reply = raw.parse()
    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == (ANSWER, "stop")
    assert (reply.model, reply.id.startswith("chatcmpl-")) == ("gpt-5.5", True)
    assert reply.usage
    assert reply.usage.prompt_tokens_details
    assert reply.usage.completion_tokens_details
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply.usage.prompt_tokens_details.cached_tokens == reply.usage.prompt_tokens // 2 > 0
    assert reply.usage.completion_tokens_details.reasoning_tokens == REASONING_TOKENS
    assert raw.headers["x-request-id"].startswith("req_")


def test_what_was_asked_is_remembered(provider: Provider, client: openai.OpenAI) -> None:
    client.chat.completions.create(model="gpt-5.5", messages=QUESTION, n=2, extra_headers={"Traceparent": "00-a-b-01"})
    (seen,) = provider.seen
    assert (seen.path, seen.headers["traceparent"]) == ("/v1/chat/completions", "00-a-b-01")
    assert seen.body == {"model": "gpt-5.5", "messages": QUESTION, "n": 2}


def test_the_asynchronous_client_gets_the_same(served: tuple[Provider, str]) -> None:
    async def ask() -> tuple[str | None, list[str | None]]:
        async with openai.AsyncOpenAI(base_url=served[1], api_key="none", max_retries=0) as client:
            reply = await client.chat.completions.create(model="m", messages=QUESTION, n=2)
            stream = await client.chat.completions.create(model="m", messages=QUESTION, stream=True)
            pieces = [chunk.choices[0].delta.content async for chunk in stream]
            return reply.choices[1].message.content, pieces

    whole, pieces = asyncio.run(ask())
    assert whole == ANSWER == "".join(piece or "" for piece in pieces)


def test_a_stream_ends_with_the_usage_when_asked(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="m", messages=QUESTION)
    options: Any = {"include_usage": True}
    chunks = list(client.chat.completions.create(model="m", messages=QUESTION, stream=True, stream_options=options))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == ANSWER
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert (chunks[-1].choices, chunks[-1].usage) == ([], whole.usage)
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_has_no_usage_unless_asked(client: openai.OpenAI) -> None:
    with client.chat.completions.create(model="m", messages=QUESTION, stream=True) as stream:
        chunks = list(stream)
    assert all(chunk.choices and "usage" not in chunk.model_fields_set for chunk in chunks)


def test_an_offered_tool_is_called_once(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model="m", messages=QUESTION, tools=CHAT_TOOLS)
    message = reply.choices[0].message
    assert reply.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls
    assert message.tool_calls[0].type == "function"
    assert message.tool_calls[0].function.name == "search"
    assert json.loads(message.tool_calls[0].function.arguments) == ARGUMENTS
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "scattering"}
    conversation: Any = [*QUESTION, message.model_dump(exclude_none=True), result]
    final = client.chat.completions.create(model="m", messages=conversation, tools=CHAT_TOOLS)
    assert final.choices[0].message.content == "An answer to: scattering"


def test_a_tool_is_called_in_a_stream(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="m", messages=QUESTION, tools=CHAT_TOOLS) as stream:
        reply = stream.get_final_completion()
    message = reply.choices[0].message
    assert reply.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls
    assert json.loads(message.tool_calls[0].function.arguments) == ARGUMENTS


@pytest.mark.parametrize("options", [{}, {"tools": CHAT_TOOLS, "tool_choice": "none"}, {"tools": []}])
def test_no_tool_is_called_when_none_may_be(client: openai.OpenAI, options: Any) -> None:
    reply = client.chat.completions.create(model="m", messages=QUESTION, **options)
    assert (reply.choices[0].message.content, reply.choices[0].message.tool_calls) == (ANSWER, None)


@pytest.mark.parametrize("question", ["why is the sky blue?", QUESTION])
def test_a_response_has_text_and_usage(client: openai.OpenAI, question: Any) -> None:
    response = client.responses.create(model="gpt-5.5", input=question)
    assert (response.output_text, response.status, response.model) == (ANSWER, "completed", "gpt-5.5")
    assert response.usage
    assert response.usage.input_tokens_details.cached_tokens == response.usage.input_tokens // 2
    assert response.usage.output_tokens_details.reasoning_tokens == REASONING_TOKENS


def test_a_response_streams_its_events_in_order(client: openai.OpenAI) -> None:
    events = list(client.responses.create(model="m", input="hello there", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert events[-1].type == "response.completed"
    assert "".join(deltas) == events[-1].response.output_text == "An answer to: hello there"


@pytest.mark.parametrize("options", [{}, {"tools": RESPONSES_TOOLS}])
def test_the_client_can_assemble_a_streamed_response(client: openai.OpenAI, options: Any) -> None:
    whole = client.responses.create(model="m", input="hello", **options)
    with client.responses.stream(model="m", input="hello", **options) as stream:
        assembled = stream.get_final_response()
    assert assembled.usage == whole.usage
    assert [item.type for item in assembled.output] == [item.type for item in whole.output]
    assert assembled.output_text == whole.output_text


def test_a_response_calls_an_offered_tool_once(client: openai.OpenAI) -> None:
    (call,) = client.responses.create(model="m", input=QUESTION, tools=RESPONSES_TOOLS).output
    assert call.type == "function_call"
    assert (call.name, json.loads(call.arguments)) == ("search", ARGUMENTS)
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "scattering"}
    conversation: Any = [*QUESTION, call.model_dump(exclude_none=True), result]
    final = client.responses.create(model="m", input=conversation, tools=RESPONSES_TOOLS)
    assert final.output_text == "An answer to: scattering"


@pytest.mark.parametrize(
    ("given", "count"), [("sky", 1), (["sky", "sea", "sky"], 3), ([1, 2], 1), ([[1, 2], [3]], 2), ([""], 1)]
)
def test_embeddings_are_the_same_in_both_encodings(client: openai.OpenAI, given: Any, count: int) -> None:
    packed = client.embeddings.create(model="e", input=given, dimensions=8)
    plain = client.embeddings.create(model="e", input=given, dimensions=8, encoding_format="float")
    assert (len(packed.data), len(packed.data[0].embedding)) == (count, 8)
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
    assert packed.usage == plain.usage


def test_a_legacy_completion_is_whole_or_streamed(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="m", prompt="one two")
    options: Any = {"include_usage": True}
    chunks = list(client.completions.create(model="m", prompt="one two", stream=True, stream_options=options))
    assert whole.choices[0].text == "An answer to: one two"
    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == whole.choices[0].text
    assert chunks[-1].usage == whole.usage


def test_the_broken_model_is_over_its_limit(provider: Provider, client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as raised:
        client.chat.completions.create(model="broken", messages=QUESTION)
    assert (raised.value.status_code, raised.value.code) == (429, "rate_limit_exceeded")
    assert raised.value.request_id
    assert raised.value.request_id.startswith("req_")
    assert [seen.body["model"] for seen in provider.seen] == ["broken"]


def test_a_client_that_retries_is_seen_each_time(provider: Provider, client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError):
        client.with_options(max_retries=2).responses.create(model="broken", input="hello")
    assert len(provider.seen) == 3


@pytest.mark.parametrize("body", [b"", b"[]", b"not json", b'{"messages": []}'])
def test_a_request_without_a_model_is_refused(client: openai.OpenAI, body: bytes) -> None:
    with pytest.raises(openai.BadRequestError, match="you must provide a model"):
        client.post("/chat/completions", cast_to=object, content=body)


def test_a_latency_changes_nothing_but_the_time() -> None:
    with (
        serve(Provider(latency_seconds=(0.001, 0.002))) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
    ):
        chunks = list(client.chat.completions.create(model="m", messages=QUESTION, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER


def test_an_abandoned_stream_leaves_the_provider_well(client: openai.OpenAI) -> None:
    with client.chat.completions.create(model="m", messages=QUESTION, stream=True) as stream:
        next(stream)
    assert client.chat.completions.create(model="m", messages=QUESTION).choices[0].message.content == ANSWER


def test_a_stream_left_open_ends_with_the_server_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.Event().wait()

    caplog.set_level(logging.WARNING)
    with serve(StreamingResponse(endless())) as url:
        answer = requests.get(url, stream=True, timeout=30)
        assert answer.raw.read(5) == b"first"
    answer.close()
    assert caplog.records == []
