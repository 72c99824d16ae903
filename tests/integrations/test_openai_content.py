"""What the real `openai` client asks and is answered, where content is on: the same, whichever way it is called."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

import otel_genai_openai
from otel_genai.capture import CLASSES
from otel_genai.testing import Captured, CapturedSpan, capture

from .trees import SPAN

INSTRUMENT, PATH = otel_genai_openai.instrument, "/v1"
MESSAGES: Any = [{"role": "system", "content": "be kind"}, {"role": "user", "content": "why?"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "weather", "description": "of a city", "parameters": SCHEMA}
CHAT_TOOLS: Any = [{"type": "function", "function": FUNCTION}]
RESPONSES_TOOLS: Any = [{"type": "function", "strict": False, **FUNCTION}]
ANSWER = "An answer to: why?"


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="k", max_retries=0) as client:
        yield client


@pytest.fixture
def kept() -> Iterator[Captured]:
    with capture(capture_content=dict.fromkeys(CLASSES, True)) as captured:
        yield captured


def the_span(captured: Captured) -> CapturedSpan:
    gc.collect()
    return captured.span(SPAN)


def said(captured: Captured, name: str) -> Any:
    return json.loads(the_span(captured)[name])


def message(role: str, *parts: Any) -> dict[str, Any]:
    return {"role": role, "parts": list(parts)}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "content": words}


def streamed_response(client: Any, **more: Any) -> None:
    with client.chat.completions.with_streaming_response.create(model="m", messages=MESSAGES, **more) as response:
        response.parse() if not more else list(response.parse())


def helper(client: Any) -> None:
    with client.chat.completions.stream(model="m", messages=MESSAGES) as stream:
        stream.get_final_completion()


def responses_helper(client: Any) -> None:
    with client.responses.stream(model="m", instructions="be kind", input="why?") as stream:
        stream.get_final_response()


def asynchronous(stream: bool) -> Callable[[Any], None]:
    async def call(url: Any) -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key="k") as client:
            reply = await client.chat.completions.create(model="m", messages=MESSAGES, stream=stream)
            if stream:
                async for _ in reply:
                    pass

    return lambda client: asyncio.run(call(client.base_url))


WAYS: dict[str, Callable[[Any], object]] = {
    "chat": lambda c: c.chat.completions.create(model="m", messages=MESSAGES),
    "chat stream": lambda c: list(c.chat.completions.create(model="m", messages=MESSAGES, stream=True)),
    "raw": lambda c: c.chat.completions.with_raw_response.create(model="m", messages=MESSAGES),
    "streamed response": streamed_response,
    "streamed response of a stream": lambda c: streamed_response(c, stream=True),
    "helper": helper,
    "asynchronous": asynchronous(stream=False),
    "asynchronous stream": asynchronous(stream=True),
    "responses": lambda c: c.responses.create(model="m", instructions="be kind", input="why?"),
    "responses stream": lambda c: list(
        c.responses.create(model="m", instructions="be kind", input="why?", stream=True)
    ),
    "responses helper": responses_helper,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_question_and_the_answer_are_messages(kept: Captured, client: openai.OpenAI, way: Any) -> None:
    way(client)
    assert said(kept, "gen_ai.input.messages") == [message("user", text("why?"))]
    assert said(kept, "gen_ai.system_instructions") == [text("be kind")]
    (answer,) = said(kept, "gen_ai.output.messages")
    assert (answer["role"], answer["parts"]) == ("assistant", [text(ANSWER)])
    assert the_span(kept)["openclaw.content.output_messages"] == the_span(kept)["gen_ai.output.messages"]


TOOLS: dict[str, Callable[[Any], object]] = {
    "chat": lambda c: c.chat.completions.create(model="m", messages=MESSAGES, tools=CHAT_TOOLS),
    "chat stream": lambda c: list(
        c.chat.completions.create(model="m", messages=MESSAGES, tools=CHAT_TOOLS, stream=True)
    ),
    "responses": lambda c: c.responses.create(model="m", input="why?", tools=RESPONSES_TOOLS),
    "responses stream": lambda c: list(c.responses.create(model="m", input="why?", tools=RESPONSES_TOOLS, stream=True)),
}


@pytest.mark.parametrize("way", TOOLS.values(), ids=TOOLS)
def test_tools_that_are_offered_and_called_are_there(kept: Captured, client: openai.OpenAI, way: Any) -> None:
    way(client)
    assert said(kept, "gen_ai.tool.definitions") == [{"type": "function", **FUNCTION}]
    (answer,) = said(kept, "gen_ai.output.messages")
    (call,) = answer["parts"]
    assert (call["type"], call["name"], call["arguments"]) == ("tool_call", "weather", {"city": "why?"})
    assert call["id"]


@pytest.mark.parametrize("way", [*WAYS.values(), *TOOLS.values()], ids=[*WAYS, *(f"{one} with tools" for one in TOOLS)])
def test_by_default_nothing_of_it_is_kept(captured: Captured, client: openai.OpenAI, way: Any) -> None:
    way(client)
    span = the_span(captured)
    assert not [name for name in span if "content" in name or "messages" in name or "definitions" in name]
    assert "why?" not in str(span.attributes)


def test_a_stream_that_is_left_has_what_came(kept: Captured, client: openai.OpenAI) -> None:
    with client.chat.completions.create(model="m", messages=MESSAGES, stream=True) as stream:
        for chunk in stream:
            if chunk.choices[0].delta.content:
                break
    (answer,) = said(kept, "gen_ai.output.messages")
    assert ANSWER.startswith(answer["parts"][0]["content"])


def test_a_call_that_is_refused_has_its_question_and_not_the_text_of_the_refusal(
    kept: Captured, client: openai.OpenAI
) -> None:
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="broken", messages=MESSAGES)
    span = the_span(kept)
    assert json.loads(span["gen_ai.input.messages"]) == [message("user", text("why?"))]
    assert "gen_ai.output.messages" not in span
    assert "Rate limit" not in f"{span.attributes} {span.events} {span.status_message}"


def test_each_class_stands_for_itself(client: openai.OpenAI) -> None:
    with capture(capture_content={"output_messages": True}) as captured:
        client.chat.completions.create(model="m", messages=MESSAGES, tools=CHAT_TOOLS)
    span = the_span(captured)
    assert {name for name in span if name.startswith("openclaw.content.")} == {"openclaw.content.output_messages"}
    assert "arguments" not in span["gen_ai.output.messages"]


def test_answers_stay_the_objects_that_they_are(kept: Captured, client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model="m", messages=MESSAGES)
    assert reply.choices[0].message.content == ANSWER
    assert MESSAGES == [{"role": "system", "content": "be kind"}, {"role": "user", "content": "why?"}]
    assert the_span(kept)
