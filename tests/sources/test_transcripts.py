"""What providers' requests and answers become: messages of the conventions, class by class, whoever's shape it was."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from typing import Any

import anthropic.types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from otel_genai import content
from otel_genai.capture import CLASSES
from otel_genai.content import Contents
from otel_genai.sources import transcripts
from otel_genai.sources.drafts import AnswerDraft

ALL = frozenset(CLASSES)
PNG = b"\x89PNG picture"
ENCODED = base64.b64encode(PNG).decode()
BLOB = {"type": "blob", "modality": "image", "mime_type": "image/png", "size": len(PNG)}
BLOB["sha256"] = sha256(PNG).hexdigest()  # type: ignore[assignment]
ARGUMENTS = {"city": "Paris"}
CALL = {"type": "tool_call", "name": "weather", "id": "c1", "arguments": ARGUMENTS}
RESULT = {"type": "tool_call_response", "id": "c1", "response": "rain"}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "content": words}


def said(role: str, *parts: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "parts": list(parts), **more}


class Thing:
    """An object with attributes, as LangChain's messages are."""

    def __init__(self, **fields: Any) -> None:
        vars(self).update(fields)


USER = {
    "a text": "why?",
    "a message": {"role": "user", "content": "why?"},
    "messages": [{"role": "user", "content": "why?"}],
    "texts": ["why?"],
    "OpenAI, in parts": [{"role": "user", "content": [{"type": "text", "text": "why?"}]}],
    "Responses": [{"role": "user", "content": [{"type": "input_text", "text": "why?"}]}],
    "Responses, an item": [{"type": "message", "role": "user", "content": "why?"}],
    "Anthropic": [{"role": "user", "content": [{"type": "text", "text": "why?"}]}],
    "Gemini": [{"role": "user", "parts": [{"text": "why?"}]}],
    "Gemini, one": {"parts": [{"text": "why?"}]},
    "LangChain": [Thing(type="human", content="why?", tool_calls=None)],
    "with a system prompt": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "why?"}],
    "with an empty one": [{"role": "assistant", "content": ""}, {"role": "user", "content": "why?"}],
}


@pytest.mark.parametrize("given", USER.values(), ids=USER)
def test_what_a_user_says_is_a_message_whichever_shape_it_has(given: Any) -> None:
    assert transcripts.spoken(given, ALL) == [said("user", text("why?"))]


TOOLS = {
    "OpenAI": [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": json.dumps(ARGUMENTS)}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ],
    "Responses": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hidden"}], "encrypted_content": "hidden"},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": json.dumps(ARGUMENTS)},
        {"type": "function_call_output", "call_id": "c1", "output": "rain"},
    ],
    "Anthropic": [
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hidden", "signature": "hidden"},
                {"type": "redacted_thinking", "data": "hidden"},
                {"type": "tool_use", "id": "c1", "name": "weather", "input": ARGUMENTS},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "rain"}]}],
        },
    ],
    "Gemini": [
        {
            "role": "model",
            "parts": [
                {"text": "hidden", "thought": True},
                {"functionCall": {"id": "c1", "name": "weather", "args": ARGUMENTS}, "thoughtSignature": "hidden"},
            ],
        },
        {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "weather", "response": "rain"}}]},
    ],
    "LangChain": [
        Thing(
            type="ai",
            content=[{"type": "reasoning", "reasoning": "hidden"}],
            tool_calls=[{"id": "c1", "name": "weather", "args": ARGUMENTS}],
            additional_kwargs={"reasoning_content": "hidden"},
        ),
        Thing(type="tool", content="rain", tool_call_id="c1", name="weather"),
    ],
}


@pytest.mark.parametrize("given", TOOLS.values(), ids=TOOLS)
def test_a_tools_call_and_its_result_are_parts_and_reasoning_is_none(given: Any) -> None:
    call, result = transcripts.spoken(given, ALL)
    assert call == said("assistant", CALL)
    assert result["parts"] == [RESULT]
    assert "hidden" not in json.dumps([call, result])


@pytest.mark.parametrize("given", TOOLS.values(), ids=TOOLS)
@pytest.mark.parametrize("on", [frozenset(), frozenset({"tool_inputs"}), frozenset({"tool_outputs"})], ids=str)
def test_arguments_and_results_in_messages_are_of_the_tools_classes(given: Any, on: frozenset[str]) -> None:
    written = content.as_json(transcripts.spoken(given, on | {"input_messages"}))
    assert ("Paris" in written) is ("tool_inputs" in on)
    assert ("rain" in written) is ("tool_outputs" in on)
    assert "weather" in written


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{ENCODED}"}},
        {"type": "input_image", "image_url": f"data:image/png;base64,{ENCODED}"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ENCODED}},
        {"inlineData": {"mimeType": "image/png", "data": ENCODED}},
        {"inline_data": {"mime_type": "image/png", "data": PNG}},
    ],
    ids=["OpenAI", "Responses", "Anthropic", "Gemini", "Gemini's library"],
)
def test_an_image_is_its_type_size_and_hash(part: dict[str, Any]) -> None:
    (message,) = transcripts.spoken([{"role": "user", "content": [part]}], ALL)
    assert message["parts"] == [BLOB]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
            {"type": "uri", "modality": "image", "uri": "https://x.example/a.png"},
        ),
        (
            {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://a/b"}},
            {"type": "uri", "modality": "video", "uri": "gs://a/b"},
        ),
        ({"type": "input_file", "file_id": "f1"}, {"type": "file", "modality": "document", "file_id": "f1"}),
        (
            {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
            {"type": "blob", "modality": "audio", "mime_type": "wav", "size": 3, "sha256": sha256(b"ABC").hexdigest()},
        ),
    ],
    ids=["uri", "video", "file", "audio"],
)
def test_media_are_told_and_never_sent(part: dict[str, Any], expected: dict[str, Any]) -> None:
    assert transcripts.spoken([{"role": "user", "content": [part]}], ALL)[0]["parts"] == [expected]


def test_a_result_that_is_an_image_is_told_likewise() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ENCODED}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": [image, {"type": "text", "text": "rain"}]}
    written = content.as_json(transcripts.spoken([{"role": "user", "content": [result]}], ALL))
    assert ENCODED not in written
    assert BLOB["sha256"] in written


def test_of_a_long_history_the_beginning_and_the_end_are_kept() -> None:
    messages = [{"role": "user", "content": f"m{number}"} for number in range(1000)]
    kept = transcripts.spoken(messages, ALL)
    assert len(kept) == content.ITEMS_TRIED[0]
    assert (kept[0]["parts"][0]["content"], kept[-1]["parts"][0]["content"]) == ("m0", "m999")
    assert kept[20]["omitted_messages"] == 801


# -- answers

CHAT = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "so", "reasoning": "hidden"}}
    ],
}
RESPONSE = {
    "id": "1",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "parallel_tool_calls": False,
    "tool_choice": "auto",
    "tools": [],
    "output": [
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "hidden"}]},
        {
            "type": "message",
            "id": "m",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "so", "annotations": []}],
        },
    ],
}
MESSAGE = {
    "id": "1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [
        {"type": "thinking", "thinking": "hidden", "signature": "hidden"},
        {"type": "text", "text": "so"},
    ],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
GEMINI = {
    "candidates": [
        {
            "content": {"role": "model", "parts": [{"text": "hidden", "thought": True}, {"text": "so"}]},
            "finishReason": "STOP",
        }
    ]
}
ANSWERS: dict[str, tuple[Any, str | None]] = {
    "a text": ("so", None),
    "chat": (CHAT, "stop"),
    "chat, the library's": (ChatCompletion.model_validate(CHAT), "stop"),
    "Responses": (RESPONSE, None),
    "Responses, the library's": (Response.model_validate(RESPONSE), None),
    "Anthropic": (MESSAGE, "end_turn"),
    "Anthropic, the library's": (anthropic.types.Message.model_validate(MESSAGE), "end_turn"),
    "Gemini": (GEMINI, "STOP"),
    "Gemini, objects": (
        Thing(candidates=[Thing(content=Thing(parts=[Thing(text="so")], role="model"), finish_reason="STOP")]),
        "STOP",
    ),
    "LangChain": (Thing(type="ai", content="so", tool_calls=[]), None),
    "Ollama": ({"message": {"role": "assistant", "content": "so", "thinking": "hidden"}, "done": True}, None),
    "legacy": ({"choices": [{"text": "so", "finish_reason": "stop"}]}, "stop"),
    "inside of another": ({"result": CHAT}, "stop"),
}


@pytest.mark.parametrize(("reply", "reason"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_a_message_without_its_reasoning(reply: Any, reason: str | None) -> None:
    (message,) = transcripts.answers(reply, ALL)
    assert message == said("assistant", text("so"), **({"finish_reason": reason} if reason else {}))


def test_every_choice_is_a_message() -> None:
    choices = [{"message": {"content": word}, "finish_reason": "stop"} for word in ("a", "b")]
    assert [one["parts"] for one in transcripts.answers({"choices": choices}, ALL)] == [[text("a")], [text("b")]]


@pytest.mark.parametrize("reply", [None, 5, {}, [], {"choices": []}, {"data": [{"embedding": [0.1]}]}, object()])
def test_what_says_nothing_is_no_answer(reply: Any) -> None:
    assert list(transcripts.answers(reply, ALL)) == []


def test_a_refusal_is_an_answer() -> None:
    (message,) = transcripts.answers({"choices": [{"message": {"content": None, "refusal": "no"}}]}, ALL)
    assert message["parts"] == [text("no")]


# -- whole requests

SYSTEM = {
    "OpenAI": {"messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "why?"}]},
    "OpenAI, developer": {
        "messages": [{"role": "developer", "content": "be kind"}, {"role": "user", "content": "why?"}]
    },
    "Responses": {"instructions": "be kind", "input": "why?"},
    "Anthropic": {"system": "be kind", "messages": [{"role": "user", "content": "why?"}]},
    "Anthropic, blocks": {
        "system": [{"type": "text", "text": "be kind"}],
        "messages": [{"role": "user", "content": "why?"}],
    },
    "Gemini": {"systemInstruction": {"parts": [{"text": "be kind"}]}, "contents": "why?"},
    "Gemini's library": {"config": {"system_instruction": "be kind"}, "contents": "why?"},
    "LangChain": {"messages": [Thing(type="system", content="be kind"), Thing(type="human", content="why?")]},
}


@pytest.mark.parametrize("request_", SYSTEM.values(), ids=SYSTEM)
def test_the_system_prompt_is_of_its_own_class_wherever_it_stands(request_: Any) -> None:
    for on in (ALL, frozenset({"system_prompt"}), frozenset({"input_messages"})):
        contents = Contents(on, content.as_is)
        transcripts.keep_request(contents, request_)
        kept = {name: json.loads(one) for name, one in contents.kept.items()}
        wanted = {"system_prompt": [text("be kind")], "input_messages": [said("user", text("why?"))]}
        assert kept == {name: one for name, one in wanted.items() if name in on}


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
DEFINITIONS = {
    "OpenAI": {"type": "function", "function": {"name": "weather", "description": "d", "parameters": SCHEMA}},
    "Responses": {"type": "function", "name": "weather", "description": "d", "parameters": SCHEMA, "strict": True},
    "Anthropic": {"name": "weather", "description": "d", "input_schema": SCHEMA},
    "Gemini": {"functionDeclarations": [{"name": "weather", "description": "d", "parameters": SCHEMA}]},
}


@pytest.mark.parametrize("tool", DEFINITIONS.values(), ids=DEFINITIONS)
def test_tools_that_are_offered_have_one_shape(tool: Any) -> None:
    wanted = {"type": "function", "name": "weather", "description": "d", "parameters": SCHEMA}
    assert transcripts.definitions([tool, {"nameless": 1}]) == [wanted]


@pytest.mark.parametrize("hostile", [{"messages": 5}, {"messages": [None, 5, b"x", [], {}]}, {"tools": 5}, 5, None, []])
def test_a_request_of_no_known_shape_breaks_nothing(hostile: Any) -> None:
    contents = Contents(ALL, content.as_is)
    transcripts.keep_request(contents, hostile)
    assert all(json.loads(kept) is not None for kept in contents.kept.values())


KEYS = """role content parts text type tool_calls function name arguments args input output messages message choices
candidates delta index image_url url data source inlineData functionCall functionResponse response system tools config
refusal tool_call_chunks item content_block chunk prompt"""
WORDS = """user tool system function_call tool_use image text reasoning response.output_text.delta content_block_delta
content_block_start response.output_item.added response.completed message_delta chunk data:image/png;base64,QQ== data: {
AIMessageChunk"""
leaves = st.one_of(
    st.sampled_from(WORDS.split()),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.binary(max_size=3),
    st.text(),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=5), st.tuples(inner)
    ),
    max_leaves=25,
)


@given(trees, st.lists(trees, max_size=4))
@settings(max_examples=300, deadline=None)
def test_whatever_shape_a_request_an_answer_or_a_stream_has_nothing_breaks(said: Any, items: list[Any]) -> None:
    contents, draft = Contents(ALL, content.as_is), AnswerDraft(ALL)
    transcripts.keep_request(contents, said)
    assert all(message["parts"] for message in transcripts.answers(said, ALL))
    for item in items:
        draft.add(item)
    draft.settle(contents)
    assert all(json.loads(kept) for kept in contents.kept.values() if kept != "[]")
