"""Every way to call Google's real client, against a provider on this machine: the same spans, and the same answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import httpx
import httpx2
import pytest
from google import genai as google
from google.genai import errors, types

import otel_genai as genai
import otel_genai_google_genai
from otel_genai.demo.provider import Provider
from otel_genai.demo.server import serve
from otel_genai.testing import Captured, capture

from .trees import AGENT, SPAN, USAGE, calls, spans, the_call, traceparent

# The library's own session is a subclass of aiohttp's, which that does not like.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

http: Any = httpx2 if int(google.__version__.split(".")[0]) >= 3 else httpx
"""The HTTP library that this major version of `google-genai` has for a default."""

INSTRUMENT = otel_genai_google_genai.instrument
MODEL, QUESTION = "gemini-2.5-flash", "why is the sky blue?"
ANSWER = f"An answer to: {QUESTION}"
TOOL = "openclaw.tool.execution"
ASKED = (SPAN, "UNSET", [USAGE])


@pytest.fixture(scope="module")
def slow() -> Iterator[tuple[Provider, str]]:
    """Takes two seconds for an answer, in which it can be given up."""
    provider = Provider(latency_seconds=(2, 2))
    with serve(provider) as url:
        yield provider, url


@pytest.fixture
def client(served: tuple[Provider, str], provider: Provider) -> Iterator[google.Client]:
    with google.Client(api_key="k", http_options={"base_url": served[1]}) as client:
        yield client


# -- every way to ask, and every way for it to end


def ask(url: str, model: str, stream: bool, end: str) -> None:
    def interrupt(request: object) -> None:
        raise KeyboardInterrupt

    hooks: dict[str, Any] = {"event_hooks": {"request": [interrupt]}} if end == "cancelled" else {}
    options: Any = {"base_url": url, "client_args": hooks}
    with google.Client(api_key="k", http_options=options) as client, genai.agent("ada"):
        if not stream:
            assert client.models.generate_content(model=model, contents=QUESTION).text == ANSWER
            return
        said = ""
        for chunk in client.models.generate_content_stream(model=model, contents=QUESTION):
            said += chunk.text or ""
            if end == "abandoned":
                return
        assert said == ANSWER


async def ask_async(url: str, model: str, stream: bool, end: str, transport: Any) -> None:
    options: Any = {"base_url": url, "async_client_args": {"transport": transport} if transport else {}}
    async with google.Client(api_key="k", http_options=options).aio as client, genai.agent("ada"):
        if not stream:
            assert (await client.models.generate_content(model=model, contents=QUESTION)).text == ANSWER
            return
        said = ""
        async for chunk in await client.models.generate_content_stream(model=model, contents=QUESTION):
            said += chunk.text or ""
            if end == "abandoned":
                return
        assert said == ANSWER


async def given_up(provider: Provider, asking: Any) -> None:
    """Cancel a task when the provider has its request."""
    task = asyncio.create_task(asking)
    while not provider.seen and not task.done():
        await asyncio.sleep(0.01)
    task.cancel()
    await task


WAYS = ["sync", "aiohttp", "httpx"]
ENDS = {
    "ok": (nullcontext, (AGENT, "UNSET", [ASKED]), ("completed", None, None)),
    "error": (
        lambda: pytest.raises(errors.ClientError),
        (AGENT, "ERROR", [(SPAN, "ERROR", [])]),
        ("error", "google.genai.errors.ClientError", "429"),
    ),
    "cancelled": (
        lambda: pytest.raises((KeyboardInterrupt, asyncio.CancelledError)),
        (AGENT, "UNSET", [(SPAN, "UNSET", [])]),
        ("cancelled", "cancelled", None),
    ),
    "abandoned": (nullcontext, (AGENT, "UNSET", [ASKED]), ("cancelled", None, None)),
}
TABLE = [(way, stream, end) for way in WAYS for stream in (False, True) for end in ENDS if stream or end != "abandoned"]


@pytest.mark.parametrize(("way", "stream", "end"), TABLE)
def test_a_call_is_one_span_with_its_usage_however_it_is_made_and_ends(
    captured: Captured, served: Any, slow: Any, provider: Provider, way: str, stream: bool, end: str
) -> None:
    raises, wanted, outcome = ENDS[end]
    model = "broken" if end == "error" else MODEL
    server, url = slow if end == "cancelled" and way != "sync" else served
    server.clear()
    with raises():
        if way == "sync":
            ask(url, model, stream, end)
        else:
            asking = ask_async(url, model, stream, end, http.AsyncHTTPTransport() if way == "httpx" else None)
            asyncio.run(given_up(server, asking) if end == "cancelled" else asking)
    assert spans(captured) == [wanted]
    call = the_call(captured)
    assert (call.outcome, call.error_type, call.error_code) == outcome
    assert (call.provider, call.operation, call.model) == ("gcp.gemini", "generate_content", model)
    if server.seen:
        (request,) = server.seen
        assert request.headers["traceparent"] == traceparent(captured.span(SPAN))


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_has_its_tokens_and_what_else_the_answer_says(
    captured: Captured, client: google.Client, provider: Provider, stream: bool
) -> None:
    chunks = None
    if stream:
        chunks = len(list(client.models.generate_content_stream(model=MODEL, contents=QUESTION)))
    else:
        client.models.generate_content(model=MODEL, contents=QUESTION)
    call, (seen,) = the_call(captured), provider.seen
    assert seen.usage
    assert (call.input_tokens, call.output_tokens) == (seen.usage["prompt_tokens"], seen.usage["completion_tokens"])
    assert (call.cache_read_tokens, call.reasoning_tokens) == (seen.usage["prompt_tokens"] // 2, 8)
    assert (call.finish_reasons, call.response_model) == (("STOP",), MODEL)
    assert (call.response_id or "").startswith("resp-")
    assert (call.server_address, call.transport) == ("127.0.0.1", "sse" if stream else "http")
    assert (call.stream, call.chunks, call.api) == (stream, chunks, "google-generative-ai")


# -- what a request says

CONFIG: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 40,
    "max_output_tokens": 100,
    "seed": 7,
    "candidate_count": 2,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.2,
    "stop_sequences": ["END"],
    "response_mime_type": "application/json",
    "thinking_config": {"thinking_level": "LOW"},
}
SETTINGS = {
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 40,
    "max_tokens": 100,
    "seed": 7,
    "choice_count": 2,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.2,
    "stop_sequences": ("END",),
    "output_type": "json",
    "reasoning_level": "LOW",
    "finish_reasons": ("STOP", "STOP"),
}


@pytest.mark.parametrize("made", [dict, lambda **config: types.GenerateContentConfig(**config)])
def test_the_settings_are_those_of_the_config(captured: Captured, client: google.Client, made: Any) -> None:
    client.models.generate_content(model=MODEL, contents=QUESTION, config=made(**CONFIG))
    call = the_call(captured)
    assert {name: getattr(call, name) for name in SETTINGS} == SETTINGS


@pytest.mark.parametrize(
    ("config", "output"),
    [
        ({}, None),
        ({"response_mime_type": "text/plain"}, "text"),
        ({"response_modalities": ["TEXT"]}, "text"),
        ({"response_modalities": ["TEXT", "IMAGE"]}, "image"),
        ({"response_modalities": ["AUDIO"]}, "speech"),
    ],
)
def test_the_kind_of_answer_that_is_asked_for_is_told(
    captured: Captured, client: google.Client, config: Any, output: str | None
) -> None:
    client.models.generate_content(model=f"models/{MODEL}", contents=QUESTION, config=config)
    assert (the_call(captured).output_type, the_call(captured).model) == (output, MODEL)


@pytest.mark.parametrize("vertex", [False, True])
def test_embeddings_are_calls_of_their_own_kind(captured: Captured, served: tuple[Provider, str], vertex: bool) -> None:
    with google.Client(vertexai=vertex, api_key="k", http_options={"base_url": served[1]}) as client:
        reply = client.models.embed_content(model="e", contents=["why?", "how?"], config={"output_dimensionality": 4})
    call = the_call(captured)
    assert len(reply.embeddings or ()) == 2
    assert (call.operation, call.outcome, call.dimensions, call.model) == ("embeddings", "completed", 4, "e")
    assert (call.provider, call.input_tokens) == (("gcp.vertex_ai", 2) if vertex else ("gcp.gemini", None))


def test_the_models_of_vertex_are_called_as_they_are_everywhere(
    captured: Captured, served: tuple[Provider, str]
) -> None:
    place = "projects/p/locations/l/publishers/google/models/"
    with google.Client(vertexai=True, api_key="k", http_options={"base_url": served[1]}) as client:
        client.models.generate_content(model=f"{place}{MODEL}", contents=QUESTION)
    call = the_call(captured)
    assert (call.provider, call.api, call.model) == ("gcp.vertex_ai", "google-vertex", MODEL)


def test_retries_are_inside_of_one_call(captured: Captured, served: Any, provider: Provider) -> None:
    retry = {"attempts": 3, "initial_delay": 0.001, "jitter": 0.001}
    options: Any = {"base_url": served[1], "retry_options": retry}
    with google.Client(api_key="k", http_options=options) as client, pytest.raises(errors.ClientError):
        client.models.generate_content(model="broken", contents=QUESTION)
    assert len(provider.seen) == 3
    assert spans(captured) == [(SPAN, "ERROR", [])]


# -- chats, and functions that the library calls


def test_each_message_of_a_chat_is_a_call(captured: Captured, client: google.Client) -> None:
    chat = client.chats.create(model=MODEL)
    assert chat.send_message(QUESTION).text == ANSWER
    assert len(list(chat.send_message_stream("and why?"))) > 1
    assert spans(captured) == [ASKED, ASKED]
    assert [call.stream for call in calls(captured)] == [False, True]


def look_up(city: str) -> str:
    """The weather of a city."""
    return f"rain in {city}"


async def look_up_async(city: str) -> str:
    """The weather of a city."""
    return look_up(city)


def fail(city: str) -> str:
    """Nothing."""
    raise LookupError(city)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("tool", "status"), [(look_up, "UNSET"), (genai.tool(look_up), "UNSET"), (fail, "ERROR")])
def test_functions_that_the_library_calls_are_tools_between_its_calls(
    captured: Captured, client: google.Client, tool: Any, status: str, stream: bool
) -> None:
    with genai.agent("ada"):
        chat = client.chats.create(model=MODEL, config={"tools": [tool]})
        list(chat.send_message_stream("Paris")) if stream else chat.send_message("Paris")
    tools = [(TOOL, status, [])]
    assert sorted(spans(captured)[0][2]) == sorted([ASKED, *tools, ASKED])
    assert captured.span(TOOL)["gen_ai.tool.name"] == tool.__name__


@pytest.mark.parametrize("tool", [look_up, look_up_async])
def test_functions_are_tools_in_an_event_loop_too(captured: Captured, served: Any, tool: Any) -> None:
    async def main() -> None:
        options: Any = {"base_url": served[1]}
        async with google.Client(api_key="k", http_options=options).aio as client, genai.agent("ada"):
            reply = await client.chats.create(model=MODEL, config={"tools": [tool]}).send_message("Paris")
        assert "rain in Paris" in (reply.text or "")

    asyncio.run(main())
    assert spans(captured) == [(AGENT, "UNSET", [ASKED, (TOOL, "UNSET", []), ASKED])]


def test_content_is_kept_where_it_is_switched_on(served: tuple[Provider, str]) -> None:
    image = types.Part.from_bytes(data=b"abc", mime_type="image/png")
    config: Any = {"tools": [look_up], "system_instruction": "Be brief."}
    with (
        capture(capture_content=True) as captured,
        google.Client(api_key="k", http_options={"base_url": served[1]}) as client,
    ):
        client.models.generate_content(model=MODEL, contents=[image, "Paris"], config=config)
    asked, answered = (span for span in captured.spans if span.name == SPAN)
    assert json.loads(asked["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]
    (offered,) = json.loads(asked["gen_ai.tool.definitions"])
    assert (offered["name"], offered["description"]) == ("look_up", "The weather of a city.")
    kinds = [part["type"] for message in json.loads(answered["gen_ai.input.messages"]) for part in message["parts"]]
    assert kinds == ["blob", "text", "tool_call", "tool_call_response"]
    assert "rain in Paris" in answered["gen_ai.output.messages"]


# -- answers that are out of the ordinary, canned


def answering(*answers: dict[str, Any]) -> google.Client:
    """A client whose every request is answered with an object, or with several as the events of a stream."""

    def handle(request: Any) -> Any:
        if ":streamGenerateContent" not in str(request.url):
            return http.Response(200, json=answers[0])
        events = b"".join(b"data: %s\n\n" % json.dumps(one).encode() for one in answers)
        return http.Response(200, headers={"content-type": "text/event-stream"}, content=events)

    return google.Client(api_key="k", http_options={"client_args": {"transport": http.MockTransport(handle)}})


WHOLE = {"candidates": [{"finishReason": "STOP", "content": {"role": "model", "parts": [{"text": "Because."}]}}]}
SOUND = {
    "promptTokenCount": 10,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 4}, {"modality": "AUDIO", "tokenCount": 6}],
    "candidatesTokenCount": 5,
    "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"promptFeedback": {"blockReason": "SAFETY"}}, {"finish_reasons": ("SAFETY",), "outcome": "completed"}),
        (
            {**WHOLE, "usageMetadata": SOUND},
            {"input_tokens": 10, "input_audio_tokens": 6, "output_audio_tokens": 5, "finish_reasons": ("STOP",)},
        ),
        (
            {**WHOLE, "usageMetadata": {"promptTokenCount": 3, "thoughtsTokenCount": 20}},
            {"input_tokens": 3, "output_tokens": 20, "reasoning_tokens": 20},
        ),
    ],
)
def test_what_only_google_says_is_read(captured: Captured, answer: Any, said: Any) -> None:
    with answering(answer) as client:
        client.models.generate_content(model=MODEL, contents=QUESTION)
    call = the_call(captured)
    assert {name: getattr(call, name) for name in said} == said


def test_an_answer_is_read_also_as_it_was_sent(captured: Captured) -> None:
    with answering({**WHOLE, "usageMetadata": SOUND}) as client:
        raw = types.GenerateContentConfig(should_return_http_response=True)
        reply = client.models.generate_content(model=MODEL, contents=QUESTION, config=raw)
    call = the_call(captured)
    assert reply.candidates is None
    assert (call.input_tokens, call.output_tokens, call.finish_reasons) == (10, 5, ("STOP",))


def test_an_error_within_a_stream_is_the_calls(captured: Captured) -> None:
    failure = {"error": {"code": 503, "status": "UNAVAILABLE", "message": "overloaded"}}
    with answering(WHOLE, failure) as client, pytest.raises(errors.ServerError):
        list(client.models.generate_content_stream(model=MODEL, contents=QUESTION))
    call = the_call(captured)
    assert (call.outcome, call.error_code, call.chunks) == ("error", "503", 1)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("said", [(MODEL, None), (f"models/{MODEL}", "chat"), (None, "generate_content")])
def test_a_call_made_by_hand_is_the_request_in_it(captured: Captured, said: Any, stream: bool) -> None:
    model, operation = said
    with answering({**WHOLE, "usageMetadata": SOUND}) as client, genai.model_call(model, operation=operation) as call:
        ask = client.models.generate_content_stream if stream else client.models.generate_content
        reply: Any = ask(model=MODEL, contents=QUESTION)
        assert [one.text for one in (reply if stream else [reply])] == ["Because."]
    assert the_call(captured) is call.event
    assert (call.event.input_tokens, call.event.provider, call.event.outcome) == (10, "gcp.gemini", "completed")


def test_the_answer_and_the_request_are_what_they_are_without_us(
    captured: Captured, client: google.Client, provider: Provider, undo: Callable[[], None]
) -> None:
    seen = client.models.generate_content(model=MODEL, contents=QUESTION)
    undo()
    unseen = client.models.generate_content(model=MODEL, contents=QUESTION)
    assert len(calls(captured)) == 1
    assert seen.candidates == unseen.candidates
    assert provider.seen[0].body == provider.seen[1].body
    assert provider.seen[0].headers.keys() - provider.seen[1].headers.keys() == {"traceparent"}
