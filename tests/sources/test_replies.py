"""Tokens, model, id and finish reasons, whatever shape a provider answers in; what is not said is not made up."""

from __future__ import annotations

import re
from enum import Enum
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, Mock

import pytest
from anthropic.types import Message, RawMessageDeltaEvent, RawMessageStartEvent
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseCompletedEvent, ResponseTextDeltaEvent
from requests.structures import CaseInsensitiveDict

from otel_genai.events import ModelCall
from otel_genai.sources import pieces, replies

COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")

OPENAI_CHAT = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 8},
}
OPENAI_RESPONSES = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 5},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 8},
    "total_tokens": 120,
}
ANTHROPIC = {
    "input_tokens": 10,
    "cache_read_input_tokens": 60,
    "cache_creation_input_tokens": 30,
    "output_tokens": 20,
}
GEMINI = {
    "prompt_token_count": 100,
    "cached_content_token_count": 60,
    "candidates_token_count": 12,
    "thoughts_token_count": 8,
    "total_token_count": 120,
}
USAGES: list[tuple[str, dict[str, Any], tuple[int | None, ...]]] = [
    ("openai chat", {"usage": OPENAI_CHAT}, (100, 20, 60, None, 8)),
    ("openai responses", {"usage": OPENAI_RESPONSES}, (100, 20, 60, 5, 8)),
    ("anthropic", {"usage": ANTHROPIC}, (100, 20, 60, 30, None)),
    ("gemini", {"usage_metadata": GEMINI}, (100, 20, 60, None, 8)),
    (
        "gemini's wire",
        {"usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 2, "thoughtsTokenCount": 1}},
        (7, 3, None, None, 1),
    ),
    (
        "bedrock",
        {"usage": {"inputTokens": 10, "outputTokens": 5, "cacheReadInputTokens": 60, "cacheWriteInputTokens": 30}},
        (100, 5, 60, 30, None),
    ),
    ("deepseek", {"usage": {"prompt_tokens": 9, "prompt_cache_hit_tokens": 4}}, (9, None, 4, None, None)),
    (
        "a gateway that counts anthropic's cache in the prompt",
        {"usage": {"prompt_tokens": 100, "completion_tokens": 5, "cache_read_input_tokens": 60}},
        (100, 5, 60, None, None),
    ),
    ("camel case", {"usage": {"promptTokens": 3, "completionTokens": 4}}, (3, 4, None, None, None)),
    ("zeros that are said", {"usage": {"input_tokens": 0, "output_tokens": 0}}, (0, 0, None, None, None)),
    ("text", {"usage": {"input_tokens": "12 tokens", "output_tokens": "3.9"}}, (12, 3, None, None, None)),
    ("in data", {"data": {"usage": {"input_tokens": 1}}}, (1, None, None, None, None)),
    ("in a message", {"message": {"usage": {"input_tokens": 1}}}, (1, None, None, None, None)),
    ("in a response", {"response": {"usage": {"input_tokens": 1}}}, (1, None, None, None, None)),
    ("in a result", {"result": {"usage": {"input_tokens": 1}}}, (1, None, None, None, None)),
    ("in a result's message", {"result": {"message": {"usage": {"input_tokens": 1}}}}, (1, None, None, None, None)),
]
UNKNOWN: list[Any] = [
    None,
    3,
    "text",
    b"",
    [],
    {},
    object(),
    MagicMock(),
    Mock(),
    {"usage": None},
    {"usage": "lots"},
    {"usage": {"input_tokens": True, "output_tokens": None, "prompt_tokens": ""}},
    {"usage": {"input_tokens": -1, "output_tokens": float("nan"), "completion_tokens": float("inf")}},
    {"usage": {"input_tokens": "many", "prompt_tokens_details": None}},
    {"choices": None, "model": 3, "id": 4},
    {"choices": 5},
    {"choices": {"delta": {}}},
    {"choices": [{"delta": {"content": 1, "tool_calls": 5}}, 5]},
    {"candidates": True},
    {"candidates": [{"content": {"parts": 5}}]},
]


def read(reply: Any, **known: Any) -> ModelCall:
    call = ModelCall(**known)
    replies.read(call, reply)
    return call


def counts(call: ModelCall) -> tuple[int | None, ...]:
    return tuple(getattr(call, name) for name in COUNTS)


def objects(value: Any) -> Any:
    return SimpleNamespace(**{k: objects(v) for k, v in value.items()}) if isinstance(value, dict) else value


@pytest.mark.parametrize(("reply", "expected"), [row[1:] for row in USAGES], ids=[row[0] for row in USAGES])
def test_tokens_are_counted_once_in_every_shape(reply: dict[str, Any], expected: tuple[int | None, ...]) -> None:
    assert counts(read(reply)) == expected
    assert counts(read(objects(reply))) == expected


@pytest.mark.parametrize("reply", UNKNOWN, ids=lambda reply: re.sub(r" at 0x\w+| id='\d+'", "", repr(reply)))
def test_what_is_not_said_stays_unknown(reply: Any) -> None:
    for step in (replies.read, pieces.chunk):
        call = ModelCall()
        step(call, reply)
        assert counts(call) == (None,) * 5
        assert (call.model, call.provider, call.response_id, call.finish_reasons) == (None,) * 4


def test_a_mapping_that_knows_its_names_in_any_case_is_asked_for_them() -> None:
    usage = CaseInsensitiveDict({"Prompt_Tokens": 3, "COMPLETION_TOKENS": 4})
    assert counts(read({"usage": usage})) == (3, 4, None, None, None)


@pytest.mark.parametrize("shape", [dict, objects])
@pytest.mark.parametrize(("first", "expected"), [(7, 7), (0, 0), ("5 tokens", 5), (None, 3), (-1, 3), ("", 3)])
def test_of_several_names_of_a_count_the_first_wins_that_has_one(first: Any, expected: int, shape: Any) -> None:
    aside = {"reasoning_tokens": first, "thinking_tokens": 3}
    usage = {"promptTokens": 2, "prompt_tokens": 3, "input_tokens": first, "output_tokens_details": aside}
    call = read({"usage": shape(usage)})
    assert (call.input_tokens, call.reasoning_tokens) == (expected, expected)


def test_an_empty_usage_is_passed_over() -> None:
    assert read({"usage": {}, "result": {"usage": {"input_tokens": 1}}}).input_tokens == 1


def test_a_piece_without_choices_does_not_spoil_those_that_follow() -> None:
    empty, full = ({**CHAT[1], "choices": choices} for choices in (None, CHAT[1]["choices"]))
    call = chunks(*(ChatCompletionChunk.model_construct(**piece) for piece in (empty, full)))
    assert call.response_bytes == 3


COMPLETION = {
    "id": "c-1",
    "object": "chat.completion",
    "model": "gpt-5.5-2026",
    "choices": [{"index": 0, "finish_reason": "stop"}],
    "metadata": None,
    "usage": OPENAI_CHAT,
}


class Text(str):
    """Text of a class of its own."""


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"id": None},
        {"id": ""},
        {"id": Text("c-2")},
        {"model": None, "usage": {**OPENAI_CHAT, "model": "told beside the tokens"}},
        {"model": Text("gpt")},
        {"choices": []},
        {"choices": COMPLETION["choices"] * 2},
        {"choices": ({"finish_reason": "length"},)},
        {"choices": [{"finish_reason": None, "stop_reason": "end_turn"}]},
        {"choices": [{"finish_reason": ""}]},
        {"choices": [None]},
        {"usage": None, "usage_metadata": GEMINI},
        {"usage": {}},
        {"object": "response", "status": "failed", "error": {"code": "overloaded"}},
        {"error": {"code": 502, "message": "no provider"}},
        {"choices": None, "error": "no provider"},
        {"metadata": {"usage": ANTHROPIC, "id": "m-1"}},
        {"data": {"id": "d-1", "model": "inner"}},
        {"result": {"message": {"stop_reason": "end_turn"}}},
        {"provider": "theirs"},
    ],
    ids=str,
)
@pytest.mark.parametrize("known", [{}, {"provider": "openai"}, {"provider": "openai", "model": "gpt-5.5"}], ids=str)
@pytest.mark.parametrize("shape", [dict, objects, lambda said: ChatCompletion.model_construct(**said)])
def test_a_plain_completion_says_what_it_says_as_any_other_answer(
    said: dict[str, Any], known: dict[str, Any], shape: Any
) -> None:
    reply, call = shape({**COMPLETION, **said}), ModelCall(**known)
    replies._read_any(call, replies.fields(reply))
    assert vars(read(reply, **known)) == vars(call)


def test_a_plain_completion_is_read_at_once() -> None:
    call = ModelCall(provider="openai")
    assert replies._read_completion(call, COMPLETION)
    assert (counts(call), call.finish_reasons) == ((100, 20, 60, None, 8), ("stop",))


def test_of_an_object_only_that_is_asked_for_which_is_read() -> None:
    class Answer(SimpleNamespace):
        @property
        def status(self) -> str:
            raise RuntimeError("this takes its time")

    call = ModelCall(provider="openai")
    replies.read(call, Answer(**COMPLETION))
    assert (counts(call), call.finish_reasons) == ((100, 20, 60, None, 8), ("stop",))


def test_reading_twice_is_reading_once() -> None:
    call = read({"usage": ANTHROPIC})
    replies.read(call, {"usage": ANTHROPIC})
    assert counts(call) == (100, 20, 60, 30, None)


@pytest.mark.parametrize("name", ["model", "provider"])
def test_what_the_caller_knows_is_not_replaced(name: str) -> None:
    call = read({"model": "other/real", "provider": "theirs"}, **{name: "ours"})
    assert getattr(call, name) == "ours"
    assert call.response_model == "other/real"


def test_a_model_with_a_slash_names_its_provider() -> None:
    assert read({"result": {"model": "anthropic/claude"}}).provider == "anthropic"
    assert read({"model": "claude"}).provider is None
    assert read({}, model="meta/llama").provider == "meta"


class Reason(Enum):
    STOP = 1


REASONS: list[tuple[Any, tuple[str, ...] | None]] = [
    ({"choices": [{"finish_reason": "stop"}, {"finish_reason": "length"}]}, ("stop", "length")),
    ({"choices": [{"finish_reason": None}]}, None),
    ({"stop_reason": "end_turn"}, ("end_turn",)),
    ({"stopReason": "tool_use"}, ("tool_use",)),
    ({"candidates": [{"finish_reason": Reason.STOP}]}, ("STOP",)),
    ({"object": "response", "status": "completed"}, ("completed",)),
    (
        {"object": "response", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
        ("max_output_tokens",),
    ),
    ({"object": "response", "status": "in_progress"}, None),
    ({"result": {"message": {"stop_reason": "end_turn"}}}, ("end_turn",)),
]


@pytest.mark.parametrize(("reply", "expected"), REASONS)
def test_finish_reasons_are_the_providers_words(reply: Any, expected: tuple[str, ...] | None) -> None:
    assert read(reply).finish_reasons == expected


def test_the_objects_of_the_libraries_are_read_like_their_json() -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}
    head = {"id": "c-1", "created": 1, "model": "gpt-5.5-2026"}
    chat = ChatCompletion.model_validate(
        {**head, "object": "chat.completion", "choices": [choice], "usage": OPENAI_CHAT}
    )
    call = read(chat, model="gpt-5.5")
    assert counts(call) == (100, 20, 60, None, 8)
    assert (call.model, call.response_model, call.response_id) == ("gpt-5.5", "gpt-5.5-2026", "c-1")
    response = Response.model_construct(id="r-1", object="response", status="completed", usage=OPENAI_RESPONSES)
    assert counts(read(response)) == (100, 20, 60, 5, 8)
    embedding = CreateEmbeddingResponse.model_validate(
        {"object": "list", "model": "e", "data": [], "usage": {"prompt_tokens": 3, "total_tokens": 3}}
    )
    assert counts(read(embedding)) == (3, None, None, None, None)
    message = {"id": "m-1", "type": "message", "role": "assistant", "content": [], "model": "claude"}
    assert counts(read(Message.model_validate({**message, "stop_reason": "end_turn", "usage": ANTHROPIC}))) == (
        (100, 20, 60, 30, None)
    )


def test_a_count_that_only_a_compatible_provider_has_is_read() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10, "prompt_cache_hit_tokens": 4}
    body = {"id": "c", "created": 1, "model": "deepseek-chat", "object": "chat.completion", "choices": []}
    assert read(ChatCompletion.model_validate({**body, "usage": usage})).cache_read_tokens == 4


def test_a_response_that_failed_is_declared_an_error() -> None:
    call = read({"object": "response", "status": "failed", "error": {"code": "rate_limit_exceeded"}})
    assert (call.declared, call.error_type) == ("error", "rate_limit_exceeded")


MESSAGE = {"message": "Provider returned error"}
FAILURES: list[tuple[Any, str]] = [
    ({"code": 502, **MESSAGE}, "502"),
    ({"code": 400, "type": "invalid", **MESSAGE}, "400"),
    ({"code": 599}, "599"),
    ({"code": "502"}, "502"),
    ({"code": "overloaded", "type": "server_error"}, "overloaded"),
    ({"code": None, "type": "server_error", **MESSAGE}, "server_error"),
    ({"code": 200, "type": "server_error"}, "server_error"),
    ({"code": 600, **MESSAGE}, "error"),
    ({"code": 399, **MESSAGE}, "error"),
    ({"code": -502, **MESSAGE}, "error"),
    ({"code": 502.5, **MESSAGE}, "error"),
    ({"code": True, **MESSAGE}, "error"),
    (MESSAGE, "error"),
    ("Provider returned error", "error"),
    (RuntimeError("no"), "error"),
]


@pytest.mark.parametrize(("error", "expected"), FAILURES, ids=str)
@pytest.mark.parametrize(
    "said",
    [{}, {"choices": None}, COMPLETION, {"object": "response", "status": "failed"}, {"data": {"id": "d"}}],
    ids=str,
)
@pytest.mark.parametrize("shape", [dict, objects, lambda said: ChatCompletion.model_construct(**said)])
def test_an_answer_that_says_it_failed_is_declared_an_error(
    error: Any, expected: str, said: dict[str, Any], shape: Any
) -> None:
    call = read(shape({**said, "error": error}), provider="openai")
    assert (call.declared, call.error_type) == ("error", expected)


@pytest.mark.parametrize("error", [None, "", {}, [], False, True, 0, 3, ["no"], print, object(), Mock(), MagicMock()])
@pytest.mark.parametrize("shape", [dict, objects, lambda said: ChatCompletion.model_construct(**said)])
def test_an_answer_that_says_nothing_of_an_error_is_none(error: Any, shape: Any) -> None:
    call = read(shape({**COMPLETION, "error": error}), provider="openai")
    assert (call.declared, call.error_type, counts(call)) == (None, None, (100, 20, 60, None, 8))


def test_a_mock_is_no_failure() -> None:
    assert read(MagicMock()).declared is None


# -- streams


def chunks(*items: Any, **known: Any) -> ModelCall:
    call = ModelCall(**known)
    for item in items:
        pieces.chunk(call, item)
    return call


def piece(delta: dict[str, Any], index: int = 0, reason: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": reason}
    return {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt", "choices": [choice], **more}


CHAT = [
    piece({"role": "assistant", "content": ""}),
    piece({"content": "h\u00e9"}),
    piece({"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]}),
    piece({"reasoning_content": "hm"}),
    piece({}, reason="stop"),
    {**piece({}), "choices": [], "usage": OPENAI_CHAT},
]
RESPONSE = {"id": "r-1", "object": "response", "model": "gpt", "status": "completed", "usage": OPENAI_RESPONSES}
RESPONSES = [
    {"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "usage": None}},
    {"type": "response.output_text.delta", "delta": "h\u00e9"},
    {"type": "response.function_call_arguments.delta", "delta": '{"a"'},
    {"type": "response.output_text.done", "text": "h\u00e9"},
    {"type": "response.completed", "response": RESPONSE},
]
STARTED = {"id": "m-1", "model": "claude", "usage": {**ANTHROPIC, "output_tokens": 1}}
START = {"type": "message_start", "message": STARTED}
MESSAGE = [
    START,
    {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "h\u00e9"}},
    {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": '{"a"'}},
    {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hm"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20}},
]
GEMINI_PIECES = [
    {"response_id": "g-1", "candidates": [{"content": {"parts": [{"text": "h\u00e9"}]}}]},
    {"candidates": [{"finish_reason": "STOP", "content": {"parts": []}}], "usage_metadata": GEMINI},
]
STREAMS: list[tuple[str, list[Any], tuple[int | None, ...], str, str, int]] = [
    ("chat", CHAT, (100, 20, 60, None, 8), "c-1", "stop", 9),
    ("responses", RESPONSES, (100, 20, 60, 5, 8), "r-1", "completed", 7),
    ("anthropic", MESSAGE, (100, 20, 60, 30, None), "m-1", "end_turn", 9),
    ("gemini", GEMINI_PIECES, (100, 20, 60, None, 8), "g-1", "STOP", 3),
]


@pytest.mark.parametrize(("items", "tokens", "id_", "reason", "size"), [row[1:] for row in STREAMS])
@pytest.mark.parametrize("shape", [dict, objects])
def test_a_stream_says_in_pieces_what_an_answer_says(
    items: list[Any], tokens: Any, id_: str, reason: str, size: int, shape: Any
) -> None:
    call = chunks(*map(shape, items))
    assert counts(call) == tokens
    assert (call.response_id, call.finish_reasons, call.response_bytes) == (id_, (reason,), size)


def test_the_pieces_of_the_libraries_are_read_like_their_json() -> None:
    call = chunks(*(ChatCompletionChunk.model_validate(item) for item in CHAT))
    assert (counts(call), call.response_bytes) == ((100, 20, 60, None, 8), 9)
    text = ResponseTextDeltaEvent.model_construct(type="response.output_text.delta", delta="abc")
    whole = ResponseCompletedEvent.model_construct(type="response.completed", response=RESPONSE)
    call = chunks(text, text, whole)
    assert (counts(call), call.response_bytes) == ((100, 20, 60, 5, 8), 6)
    start = RawMessageStartEvent.model_construct(type="message_start", message=STARTED)
    end = RawMessageDeltaEvent.model_construct(type="message_delta", delta=None, usage={"output_tokens": 20})
    assert counts(chunks(start, end)) == (100, 20, 60, 30, None)


def test_counts_so_far_replace_those_before() -> None:
    later = {"type": "message_delta", "delta": {}, "usage": {**ANTHROPIC, "input_tokens": 15, "output_tokens": 9}}
    partly = {"type": "message_delta", "delta": {}, "usage": {"input_tokens": 15, "output_tokens": 11}}
    assert counts(chunks(START, later, partly)) == (105, 11, 60, 30, None)


GROQ = [*CHAT[:-2], piece({}, reason="stop", x_groq={"id": "req", "usage": OPENAI_CHAT})]
MOONSHOT = [*CHAT[:-2], {**CHAT[-2], "choices": [{**CHAT[-2]["choices"][0], "usage": OPENAI_CHAT}]}]


@pytest.mark.parametrize("items", [GROQ, MOONSHOT], ids=["groq", "moonshot"])
@pytest.mark.parametrize("shape", [dict, objects, ChatCompletionChunk.model_validate])
def test_a_usage_that_a_compatible_provider_puts_elsewhere_in_the_last_piece_is_read(items: Any, shape: Any) -> None:
    call = chunks(*map(shape, items))
    assert (counts(call), call.finish_reasons) == ((100, 20, 60, None, 8), ("stop",))


def test_each_choice_of_a_stream_has_its_finish_reason_once() -> None:
    ends = [piece({}, 1, "length"), piece({}, 0, "stop"), piece({}, 0, "stop")]
    assert chunks(*ends, choice_count=2).finish_reasons == ("length", "stop")
    assert chunks(ends[1], ends[2]).finish_reasons == ("stop",)


@pytest.mark.parametrize(
    "event", [{"type": "error", "code": "overloaded"}, {"type": "error", "error": {"type": "overloaded"}}]
)
def test_an_error_event_is_declared_an_error(event: dict[str, Any]) -> None:
    call = chunks(event)
    assert (call.declared, call.error_type) == ("error", "overloaded")


def test_half_a_character_is_counted_and_no_failure() -> None:
    assert chunks(piece({"content": "\ud83d"})).response_bytes == 3


def test_a_generator_of_text_is_counted_as_text() -> None:
    assert chunks("ab", "\u00e9").response_bytes == 4


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens_details": {"audio_tokens": 7}, "completion_tokens_details": {"audio_tokens": 3}},
        {"input_tokens_details": {"audio_tokens": 7}, "output_tokens_details": {"audio_tokens": 3}},
        {"input_token_details": {"audio_tokens": 7}, "output_token_details": {"audio_tokens": 3}},
        {"input_token_details": {"audio": 7}, "output_token_details": {"audio": 3}},
    ],
    ids=["chat", "responses", "realtime", "langchain"],
)
def test_tokens_of_sound_are_read_in_every_shape(usage: dict[str, Any]) -> None:
    call = ModelCall()
    replies.read(call, {"usage": usage})
    assert (call.input_audio_tokens, call.output_audio_tokens) == (7, 3)


def test_tokens_of_sound_that_nobody_counts_are_unknown() -> None:
    call = ModelCall()
    replies.read(call, {"usage": {**OPENAI_CHAT, "prompt_tokens_details": None}})
    assert (call.input_audio_tokens, call.output_audio_tokens) == (None, None)
