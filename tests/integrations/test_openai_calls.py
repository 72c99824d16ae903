"""Whose call a request of the real client is, and when a stream's ends; the answers are canned, nothing is sent."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import openai
import openai._base_client
import pytest
from opentelemetry import trace

import otel_genai as genai
import otel_genai_openai
from otel_genai import guard
from otel_genai.bus import bus
from otel_genai.testing import Captured, capture

from .trees import SPAN, calls

http: Any = getattr(openai._base_client, "httpx2", None) or openai._base_client.httpx
"""The HTTP library of this major version of `openai`."""

INSTRUMENT = otel_genai_openai.instrument
QUESTION: Any = [{"role": "user", "content": "why?"}]
USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
HEAD = {"id": "chatcmpl-1", "created": 1, "model": "gpt-5.5-2026"}
CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Because."}}
WHOLE = {**HEAD, "object": "chat.completion", "choices": [CHOICE], "usage": USAGE}


def piece(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {**HEAD, "object": "chat.completion.chunk", "choices": [choice]}


PIECES = [piece({"content": "Because"}), piece({"content": " \u00e9"}), piece({}, "stop")]
LAST = {**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": USAGE}


def sse(*events: Any) -> bytes:
    return b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)


def answering(answer: Any, **settings: Any) -> openai.OpenAI:
    """A client whose every request is answered with an object, a function's result, or a body of events."""

    def handle(request: Any) -> Any:
        found = answer(request) if callable(answer) else answer
        if isinstance(found, dict):
            return http.Response(200, json=found)
        return http.Response(200, headers={"content-type": "text/event-stream"}, content=found)

    settings.setdefault("base_url", "https://api.openai.com/v1")
    return openai.OpenAI(
        api_key="k", http_client=http.Client(transport=http.MockTransport(handle)), max_retries=0, **settings
    )


def ask(client: openai.OpenAI, **body: Any) -> Any:
    return client.chat.completions.create(**{"model": "gpt-5.5", "messages": QUESTION, **body})


# -- a call that was made by hand around the request


def test_a_call_made_by_hand_is_the_request_in_it(captured: Captured) -> None:
    with answering(WHOLE) as client, genai.model_call("gpt-5.5") as call:
        ask(client, temperature=0)
        assert call.event.outcome is None
    (event,) = calls(captured)
    assert event is call.event
    assert (event.provider, event.operation, event.temperature) == ("openai", "chat", 0.0)
    assert (event.input_tokens, event.response_model) == (10, "gpt-5.5-2026")


def test_what_is_known_by_hand_is_never_overwritten(captured: Captured) -> None:
    with answering(WHOLE) as client, genai.model_call(api="mine", temperature=0.5, server_address="here"):
        ask(client, temperature=1.0)
    (event,) = calls(captured)
    assert (event.api, event.temperature, event.server_address, event.model) == ("mine", 0.5, "here", "gpt-5.5")


def test_a_second_request_in_the_same_block_is_its_child(captured: Captured) -> None:
    with answering(WHOLE) as client, genai.model_call() as call:
        ask(client)
        ask(client)
    child, parent = calls(captured)
    assert parent is call.event
    spans = [span for span in captured.spans if span.name == SPAN]
    assert spans[0].parent_id == spans[1].span_id
    assert child.input_tokens == parent.input_tokens == 10


def test_every_request_in_the_same_block_is_paid_for(captured: Captured) -> None:
    answers = iter((10, 20, 40))
    client = answering(lambda _: {**WHOLE, "usage": {"prompt_tokens": next(answers), "completion_tokens": 1}})

    @genai.model_call(provider="openai")
    def ask_again(model: str) -> Any:
        return [ask(client, model=model) for _ in range(3)][-1]

    ask_again("gpt-5.5")
    told = [event.input_tokens for event in captured.events if isinstance(event, genai.events.ModelUsage)]
    assert sorted(told) == [10, 20, 40]


def test_what_a_block_s_request_has_used_counts_also_where_the_next_one_fails(captured: Captured) -> None:
    asked: list[Any] = []

    def answer(request: Any) -> Any:
        asked.append(request)
        if len(asked) > 1:
            raise http.ConnectError("gone")
        return WHOLE

    with answering(answer) as client, genai.model_call("gpt-5.5", provider="openai"):
        ask(client)
        with pytest.raises(openai.APIConnectionError):
            ask(client)
    (used,) = [event for event in captured.events if isinstance(event, genai.events.ModelUsage)]
    assert used.input_tokens == 10


@pytest.mark.parametrize("other", [{"provider": "anthropic"}, {"operation": "embeddings"}])
def test_a_block_for_another_call_keeps_its_own(captured: Captured, other: dict[str, Any]) -> None:
    with answering(WHOLE) as client, genai.model_call(**other):
        ask(client)
    child, parent = calls(captured)
    assert (child.provider, child.input_tokens, parent.input_tokens) == ("openai", 10, None)


def test_a_request_in_a_tool_in_a_call_is_a_call_of_its_own(captured: Captured) -> None:
    with answering(WHOLE) as client, genai.model_call("m"), genai.tool("summarise"):
        ask(client)
    assert len(calls(captured)) == 2


def test_an_error_in_a_block_is_the_blocks_to_have(captured: Captured) -> None:
    def fail(request: Any) -> Any:
        raise http.ConnectError("no route", request=request)

    with answering(fail) as client, pytest.raises(openai.APIConnectionError), genai.model_call("gpt-5.5"):
        ask(client)
    (event,) = calls(captured)
    assert (event.outcome, event.error_type) == ("error", "openai.APIConnectionError")


def test_a_stream_read_in_the_block_leaves_the_end_to_the_block(captured: Captured) -> None:
    with answering(sse(*PIECES, LAST)) as client, genai.model_call("gpt-5.5") as call:
        assert len(list(ask(client, stream=True))) == 4
        gc.collect()
        assert call.event.outcome is None
    (event,) = calls(captured)
    assert (event.outcome, event.chunks, event.input_tokens) == ("completed", 4, 10)


def test_a_stream_closed_after_its_end_leaves_the_end_to_the_block(captured: Captured) -> None:
    with answering(sse(*PIECES)) as client, genai.model_call("gpt-5.5") as call:
        with ask(client, stream=True) as stream:
            list(stream)
        assert call.event.outcome is None
    (event,) = calls(captured)
    assert (event.outcome, event.finish_reasons) == ("completed", ("stop",))


def test_a_stream_that_outlives_its_block_keeps_the_call_open(captured: Captured) -> None:
    with answering(sse(*PIECES, LAST)) as client:
        with genai.model_call("gpt-5.5") as call:
            stream = ask(client, stream=True)
        assert call.event.outcome is None
        list(stream)
        assert call.event.outcome == "completed"
    (event,) = calls(captured)
    assert event.output_tokens == 4


def test_a_stream_that_is_dropped_after_its_block_ends_the_call_as_cancelled(captured: Captured) -> None:
    with answering(sse(*PIECES, LAST)) as client:
        with genai.model_call("gpt-5.5"):
            stream = ask(client, stream=True)
            next(stream)
        stream.close()
    (event,) = calls(captured)
    assert (event.outcome, event.error_type, event.chunks) == ("cancelled", None, 1)


# -- streams


def test_the_first_piece_is_there_before_the_second_is_made(captured: Captured) -> None:
    made: list[int] = []

    def body(_: Any) -> Iterator[bytes]:
        for number, event in enumerate(PIECES):
            made.append(number)
            yield sse(event)

    with answering(body) as client, ask(client, stream=True) as stream:
        assert next(stream).choices[0].delta.content == "Because"
        assert made == [0]


def test_between_two_pieces_the_context_is_the_consumers(captured: Captured) -> None:
    inside: list[Any] = []

    def body(_: Any) -> Iterator[bytes]:
        for event in PIECES:
            inside.append(trace.get_current_span().get_span_context().span_id)
            yield sse(event)

    with answering(body) as client, ask(client, stream=True) as stream:
        for _ in stream:
            assert trace.get_current_span() is trace.INVALID_SPAN
            assert genai.headers() == {}
    assert {f"{span_id:016x}" for span_id in inside} == {captured.span(SPAN).span_id}


def test_the_bytes_of_a_stream_are_those_that_the_model_said(captured: Captured) -> None:
    with answering(sse(*PIECES, LAST)) as client:
        list(ask(client, stream=True))
    (event,) = calls(captured)
    assert event.response_bytes == len("Because \u00e9".encode())


def test_a_stream_without_usage_has_no_tokens_and_gets_no_extra_piece(captured: Captured) -> None:
    bodies: list[Any] = []

    def answer(request: Any) -> bytes:
        bodies.append(json.loads(request.content))
        return sse(*PIECES)

    with answering(answer) as client:
        assert len(list(ask(client, stream=True))) == 3
    (event,) = calls(captured)
    assert (event.input_tokens, event.output_tokens) == (None, None)
    assert bodies == [{"model": "gpt-5.5", "messages": QUESTION, "stream": True}]
    assert captured.points("gen_ai.client.token.usage") == []


def test_an_error_in_the_middle_of_a_stream_is_the_same_error(captured: Captured) -> None:
    with answering(sse(PIECES[0], {"error": {"message": "overloaded", "type": "server_error"}})) as client:
        stream = ask(client, stream=True)
        assert next(stream) is not None
        with pytest.raises(openai.APIError, match="overloaded"):
            next(stream)
    (event,) = calls(captured)
    assert (event.outcome, event.error_type, event.chunks) == ("error", "openai.APIError", 1)


def test_an_interrupt_in_the_middle_of_a_stream_is_a_cancellation(captured: Captured) -> None:
    def body(_: Any) -> Iterator[bytes]:
        yield sse(PIECES[0])
        raise KeyboardInterrupt

    with answering(body) as client, pytest.raises(KeyboardInterrupt):
        list(ask(client, stream=True))
    (event,) = calls(captured)
    assert (event.outcome, event.error_type, event.chunks) == ("cancelled", "cancelled", 1)


def test_a_response_that_failed_is_an_error_although_nothing_is_raised(captured: Captured) -> None:
    failed = {"id": "resp_1", "object": "response", "model": "m", "status": "failed", "output": []}
    event = {"type": "response.failed", "sequence_number": 0, "response": {**failed, "error": {"code": "server_error"}}}
    with answering(sse(event)) as client:
        assert len(list(client.responses.create(model="m", input="why?", stream=True))) == 1
    (call,) = calls(captured)
    assert (call.outcome, call.error_type) == ("error", "server_error")


@pytest.mark.parametrize("rest", [{}, {"choices": None}, {**HEAD, "object": "chat.completion", "choices": []}])
@pytest.mark.parametrize(
    ("error", "expected"), [({"code": 502, "message": "Provider returned error"}, "502"), ("no provider", "error")]
)
def test_an_answer_that_says_it_failed_is_an_error_although_its_status_is_200(
    captured: Captured, rest: dict[str, Any], error: Any, expected: str
) -> None:
    with answering({**rest, "error": error}) as client:
        assert not ask(client).choices
    (call,) = calls(captured)
    assert (call.outcome, call.error_type, call.input_tokens) == ("error", expected, None)


def test_a_completion_without_an_error_is_completed(captured: Captured) -> None:
    with answering({**WHOLE, "error": None}) as client:
        ask(client)
    (call,) = calls(captured)
    assert (call.outcome, call.error_type, call.finish_reasons) == ("completed", None, ("stop",))


def test_an_async_stream_that_another_task_closes_leaves_nothing_current(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> AsyncIterator[bytes]:
        for event in PIECES:
            yield sse(event)

    def handle(_: Any) -> Any:
        return http.Response(200, headers={"content-type": "text/event-stream"}, content=body())

    async def main() -> None:
        async with openai.AsyncOpenAI(
            api_key="k", http_client=http.AsyncClient(transport=http.MockTransport(handle))
        ) as client:
            stream = await client.chat.completions.create(model="gpt-5.5", messages=QUESTION, stream=True)
            await anext(aiter(stream))
            await asyncio.create_task(stream.close())
            assert trace.get_current_span() is trace.INVALID_SPAN

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    (event,) = calls(captured)
    assert (event.outcome, caplog.records) == ("cancelled", [])


def test_a_stream_can_be_read_after_its_telemetry_is_gone() -> None:
    with answering(sse(*PIECES)) as client:
        with capture() as captured:
            stream = ask(client, stream=True)
            next(stream)
        assert len(list(stream)) == 2
        assert captured.events == []


# -- what is asked, and of whom


@pytest.mark.parametrize(
    ("base_url", "provider"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://gateway.example.com/v1", "openai"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://mine.openai.azure.com/openai/v1", "azure.ai.openai"),
        ("https://us-central1-aiplatform.googleapis.com/v1", "gcp.vertex_ai"),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com/v1", "aws.bedrock"),
    ],
)
def test_a_well_known_host_names_the_provider(captured: Captured, base_url: str, provider: str) -> None:
    with answering(WHOLE, base_url=base_url) as client:
        ask(client)
    (event,) = calls(captured)
    assert (event.provider, event.server_port) == (provider, 443)
    assert base_url.startswith(f"https://{event.server_address}")


def test_each_request_of_a_client_is_told_by_its_own_path_method_and_body(captured: Captured) -> None:
    def answer(request: Any) -> Any:
        return sse(*PIECES) if b'"stream":true' in request.content else WHOLE

    with answering(answer) as client:
        for _ in range(2):
            ask(client)
            list(ask(client, stream=True))
            client.completions.create(model="davinci", prompt="why?")
            client.get("/chat/completions", cast_to=object)
            client.post("/files", cast_to=object, body={"model": "m"})
    told = [(event.operation, event.api, event.transport, event.stream) for event in calls(captured)]
    chat, legacy = ("chat", "openai-completions"), ("text_completion", "openai-legacy-completions")
    assert told == [(*chat, "http", False), (*chat, "sse", True), (*legacy, "http", False)] * 2


def test_a_client_that_is_given_another_url_asks_whom_that_names(captured: Captured) -> None:
    with answering(WHOLE) as client:
        ask(client)
        client.base_url = "https://api.groq.com/openai/v1"
        ask(client)
    told = [(event.provider, event.server_address) for event in calls(captured)]
    assert told == [("openai", "api.openai.com"), ("groq", "api.groq.com")]


def test_the_same_url_names_another_provider_for_a_client_of_another_class(captured: Captured) -> None:
    with answering(WHOLE) as client:
        azure = openai.AzureOpenAI(
            azure_endpoint="https://proxy.example.com", api_key="k", api_version="1", http_client=client._client
        )
        azure.base_url = client.base_url
        assert azure.base_url is client.base_url
        for one in (client, azure, client):
            ask(one)
    assert [event.provider for event in calls(captured)] == ["openai", "azure.ai.openai", "openai"]


def test_azure_is_azure_whatever_its_host(captured: Captured) -> None:
    transport = http.MockTransport(lambda request: http.Response(200, json=WHOLE))
    with openai.AzureOpenAI(
        azure_endpoint="https://proxy.example.com",
        api_key="k",
        api_version="2026-01-01",
        http_client=http.Client(transport=transport),
    ) as client:
        client.chat.completions.create(model="deployed", messages=QUESTION)
    (event,) = calls(captured)
    assert (event.provider, event.model, event.operation) == ("azure.ai.openai", "deployed", "chat")


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"stop": "END", "frequency_penalty": 1, "presence_penalty": 0.5}, (("END",), 1.0, 0.5)),
        ({"stop": ["a", "b"]}, (("a", "b"), None, None)),
        ({"stop": None}, (None, None, None)),
    ],
)
def test_what_a_chat_is_to_stop_at_and_to_avoid_is_read(
    body: dict[str, Any], asked: tuple[Any, ...], captured: Captured
) -> None:
    with answering(WHOLE) as client:
        ask(client, **body)
    (call,) = calls(captured)
    assert (call.stop_sequences, call.frequency_penalty, call.presence_penalty) == asked


@pytest.mark.parametrize(
    ("body", "output_type"),
    [
        ({"response_format": {"type": "text"}}, "text"),
        ({"response_format": {"type": "json_object"}}, "json"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}}, "json"),
        ({"modalities": ["text", "audio"], "audio": {"voice": "v", "format": "wav"}}, "speech"),
        ({"response_format": {"type": "grammar"}}, None),
        ({}, None),
    ],
)
def test_what_a_chat_is_to_be_answered_with_is_read(
    body: dict[str, Any], output_type: str | None, captured: Captured
) -> None:
    with answering(WHOLE) as client:
        ask(client, reasoning_effort="low", extra_body={"top_k": 40}, **body)
    (call,) = calls(captured)
    assert (call.output_type, call.reasoning_level, call.top_k) == (output_type, "low", 40)


def test_what_a_response_goes_on_from_is_read(captured: Captured) -> None:
    body: dict[str, Any] = {"text": {"format": {"type": "json_object"}}, "reasoning": {"effort": "high"}}
    with answering({"id": "resp_1", "model": "gpt-5.5-2026", "object": "response", "output": []}) as client:
        prompt: Any = {"id": "pmpt_1", "version": "3"}
        client.responses.create(model="gpt-5.5", previous_response_id="resp_0", prompt=prompt, **body)
    (call,) = calls(captured)
    assert (call.previous_response_id, call.prompt_name, call.prompt_version) == ("resp_0", "pmpt_1", "3")
    assert (call.output_type, call.reasoning_level) == ("json", "high")


def test_how_embeddings_are_to_be_written_is_read(captured: Captured) -> None:
    with answering({"object": "list", "model": "embed-1", "data": [], "usage": USAGE}) as client:
        client.embeddings.create(model="embed-1", input="why?", dimensions=3, encoding_format="float")
    (call,) = calls(captured)
    assert (call.dimensions, call.encoding_formats) == (3, ("float",))


def test_the_settings_of_the_model_are_those_of_the_body(captured: Captured) -> None:
    body = {"temperature": 1, "top_p": 0.5, "max_completion_tokens": 9, "seed": 3, "n": 2}
    with answering(WHOLE) as client:
        ask(client, **body)
        client.responses.create(model="m", input="why?", max_output_tokens=8)
        ask(client, temperature=None, n=None)
    first, second, third = calls(captured)
    assert (first.temperature, first.top_p, first.max_tokens, first.seed, first.choice_count) == (1.0, 0.5, 9, 3, 2)
    assert second.max_tokens == 8
    assert (third.temperature, third.choice_count, third.stream) == (None, None, False)


FURTHER: list[Callable[[Any], Any]] = [
    lambda client: client.responses.compact(model="gpt-5.5", input="why?"),
    lambda client: client.beta.responses.compact(model="gpt-5.5", input="why?"),
    lambda client: client.beta.responses.create(model="gpt-5.5", input="why?"),
]


@pytest.mark.parametrize("way", FURTHER, ids=["compact", "beta-compact", "beta"])
@pytest.mark.skipif(not hasattr(openai.resources.beta, "Responses"), reason="this version has not all of them")
def test_a_conversation_that_is_compacted_and_the_beta_are_responses_too(captured: Captured, way: Any) -> None:
    usage = {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11}
    with answering({"id": "cmp_1", "object": "response.compaction", "output": [], "usage": usage}) as client:
        assert way(client).usage.input_tokens == 9
    (event,) = calls(captured)
    assert (event.operation, event.api, event.model) == ("chat", "openai-responses", "gpt-5.5")
    assert (event.input_tokens, event.output_tokens, event.response_id) == (9, 2, "cmp_1")


def test_a_body_that_is_no_mapping_is_called_as_it_is(captured: Captured) -> None:
    with answering(WHOLE) as client:
        assert client.post("/chat/completions", body=[1], cast_to=object) == WHOLE
    (event,) = calls(captured)
    assert (event.model, event.input_tokens) == ("gpt-5.5-2026", 10)


# -- nothing is changed


def test_what_the_user_handed_over_is_unchanged(captured: Captured) -> None:
    messages, headers = list(QUESTION), {"X-Mine": "1"}
    with answering(WHOLE) as client:
        ask(client, messages=messages, extra_headers=headers)
        ask(client, extra_headers=None)
    assert (messages, headers) == (QUESTION, {"X-Mine": "1"})


def test_a_response_that_was_read_is_as_it_was(captured: Captured) -> None:
    with answering(lambda request: (sse(event) for event in PIECES)) as client:
        stream = ask(client, stream=True)
        list(stream)
        assert not {"close", "aclose", "iter_bytes"} & set(vars(stream.response))
        pickle.dumps(ask(answering(WHOLE)))


def test_an_answer_that_cannot_be_read_is_still_the_users() -> None:
    with capture() as captured, guard.strict(False), answering(lambda request: b"not JSON") as client:
        raw = client.chat.completions.with_raw_response.create(model="m", messages=QUESTION)
        assert raw.http_response.text == "not JSON"
        (event,) = calls(captured)
        assert event.outcome == "completed"


def test_without_a_subscriber_the_client_is_left_alone() -> None:
    assert not bus.listening
    with answering(sse(*PIECES)) as client, ask(client, stream=True) as stream:
        assert type(stream._iterator).__name__ == "generator"
        assert len(list(stream)) == 3


@pytest.mark.parametrize("again", [INSTRUMENT, partial(genai.instrument, "openai")])
def test_what_is_switched_on_twice_counts_once_until_the_last_undo(
    captured: Captured, undo: Callable[[], None], again: Callable[[], Callable[[], None]]
) -> None:
    undone = again()
    for step, seen in ((undone, 1), (undo, 1), (lambda: None, 0)):
        captured.clear()
        with answering(WHOLE) as client:
            ask(client)
        assert len(calls(captured)) == seen
        step()


def test_the_undo_puts_back_what_was_there(captured: Captured, undo: Callable[[], None]) -> None:
    undo()
    undo()
    for owner in (openai._base_client.SyncAPIClient, openai._base_client.AsyncAPIClient):
        assert not hasattr(vars(owner)["request"], "__wrapped__")
    with answering(WHOLE) as client:
        ask(client)
    assert calls(captured) == []
