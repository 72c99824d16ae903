"""A streamed answer put together from its pieces, whoever's they are, as far as it came and as much as is kept."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import content
from otel_genai.capture import CLASSES
from otel_genai.content import Contents
from otel_genai.sources.drafts import AnswerDraft, ItemsDraft
from otel_genai.testing import Captured, capture

ALL = frozenset(CLASSES)
WEATHER = {"type": "tool_call", "name": "weather", "id": "c1", "arguments": {"city": "Paris"}}


def delta(**said: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": said}]}


def tool_delta(**function: Any) -> dict[str, Any]:
    more = {"id": "c1"} if "name" in function else {}
    return delta(tool_calls=[{"index": 0, "function": function, **more}])


STREAMS: dict[str, list[Any]] = {
    "chat": [
        delta(role="assistant", content=""),
        delta(reasoning_content="hidden"),
        delta(content="so "),
        delta(content="it is"),
        tool_delta(name="weather", arguments=""),
        tool_delta(arguments='{"city": '),
        tool_delta(arguments='"Paris"}'),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    ],
    "Responses": [
        {"type": "response.created", "response": {"id": "r", "output": []}},
        {"type": "response.reasoning_summary_text.delta", "delta": "hidden"},
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "content": []}},
        {"type": "response.output_text.delta", "delta": "so "},
        {"type": "response.output_text.delta", "delta": "it is"},
        {"type": "response.output_text.done", "text": "so it is"},
        {
            "type": "response.output_item.added",
            "output_index": 1,
            "item": {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": ""},
        },
        {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": '{"city": "Paris"}'},
        {"type": "response.function_call_arguments.done", "output_index": 1, "arguments": '{"city": "Paris"}'},
    ],
    "Anthropic": [
        {"type": "message_start", "message": {"role": "assistant", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hidden"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "hidden"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "so "}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "it is"}},
        {
            "type": "content_block_start",
            "index": 2,
            "content_block": {"type": "tool_use", "id": "c1", "name": "weather", "input": {}},
        },
        {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"city"'}},
        {
            "type": "content_block_delta",
            "index": 2,
            "delta": {"type": "input_json_delta", "partial_json": ': "Paris"}'},
        },
        {"type": "ping"},
        {"type": "message_delta", "delta": {"stop_reason": "stop"}, "usage": {}},
        {"type": "message_stop"},
    ],
    "Gemini": [
        {"candidates": [{"content": {"parts": [{"text": "hidden", "thought": True}, {"text": "so "}]}}]},
        {"candidates": [{"content": {"parts": [{"text": "it is"}]}}]},
        {
            "candidates": [
                {
                    "content": {
                        "parts": [{"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Paris"}}}]
                    },
                    "finishReason": "stop",
                }
            ]
        },
    ],
    "LangChain": [
        {"type": "AIMessageChunk", "content": "so ", "tool_call_chunks": []},
        {"type": "AIMessageChunk", "content": [{"type": "text", "text": "it is"}]},
        {"type": "AIMessageChunk", "content": [{"type": "reasoning", "reasoning": "hidden"}]},
        {
            "type": "AIMessageChunk",
            "content": "",
            "tool_calls": [{"name": "weather", "args": {}, "id": "c1"}],
            "tool_call_chunks": [{"name": "weather", "args": '{"city": ', "id": "c1", "index": 0}],
        },
        {
            "type": "AIMessageChunk",
            "content": "",
            "tool_call_chunks": [{"name": None, "args": '"Paris"}', "id": None, "index": 0}],
        },
    ],
    "Ollama": [
        {"message": {"role": "assistant", "content": "so ", "thinking": "hidden"}, "done": False},
        {"message": {"role": "assistant", "content": "it is"}, "done": False},
        {
            "message": {
                "content": "",
                "tool_calls": [{"id": "c1", "function": {"name": "weather", "arguments": {"city": "Paris"}}}],
            }
        },
    ],
}


def drafted(items: list[Any], classes: frozenset[str] = ALL) -> list[dict[str, Any]]:
    draft, contents = AnswerDraft(classes), Contents(classes, content.as_is)
    for item in items:
        draft.add(item)
    draft.settle(contents)
    return json.loads(contents.kept.get("output_messages", "[]"))  # type: ignore[no-any-return]


@pytest.mark.parametrize("items", STREAMS.values(), ids=STREAMS)
def test_the_pieces_of_an_answer_are_the_answer(items: list[Any]) -> None:
    (message,) = drafted(items)
    assert message["role"] == "assistant"
    assert message["parts"] == [{"type": "text", "content": "so it is"}, WEATHER]
    assert message.get("finish_reason", "stop") == "stop"


@pytest.mark.parametrize("items", STREAMS.values(), ids=STREAMS)
def test_the_arguments_in_it_are_of_the_tools_class(items: list[Any]) -> None:
    written = json.dumps(drafted(items, frozenset({"output_messages"})))
    assert "Paris" not in written
    assert "so it is" in written


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_is_cut_keeps_what_came(name: str) -> None:
    for end in range(len(STREAMS[name])):
        parts = [part for message in drafted(STREAMS[name][:end]) for part in message["parts"]]
        assert all(part.get("content", "so it is") in ("so ", "so it is") for part in parts)


@pytest.mark.parametrize("name", STREAMS)
def test_a_call_has_what_its_stream_said(name: str) -> None:
    with capture(capture_content={"output_messages": True}) as captured, genai.model_call("m") as call:
        assert list(call.stream(iter(STREAMS[name]))) == STREAMS[name]
    (message,) = json.loads(captured.span("openclaw.model.call")["gen_ai.output.messages"])
    assert message["parts"][0]["content"] == "so it is"


def test_a_stream_that_nobody_reads_to_its_end_has_what_was_read() -> None:
    with capture(capture_content={"output_messages": True}) as keeping, genai.model_call("m") as call:
        stream = call.stream(iter(STREAMS["chat"]))
        for item in stream:
            if item == delta(content="so "):
                break
        del stream
    (message,) = json.loads(keeping.span("openclaw.model.call")["gen_ai.output.messages"])
    assert message["parts"] == [{"type": "text", "content": "so "}]


def test_a_chunk_that_openais_helper_wraps_is_read_once() -> None:
    with capture(capture_content={"output_messages": True}) as captured, genai.model_call("m") as call:
        list(call.stream(iter([{"type": "chunk", "chunk": delta(content="so")}])))
    (message,) = json.loads(captured.span("openclaw.model.call")["gen_ai.output.messages"])
    assert message["parts"] == [{"type": "text", "content": "so"}]


def test_choices_do_not_mix() -> None:
    chunks = [{"choices": [{"index": index, "delta": {"content": f"{index}"}}]} for index in (0, 1, 0, 1)]
    assert [one["parts"][0]["content"] for one in drafted(chunks)] == ["00", "11"]


# -- how much is kept

MANY = 200_000


def held(draft: AnswerDraft) -> int:
    calls = [call for choice in draft.choices.values() for call in choice.tool_calls.values()]
    words = [choice.words for choice in draft.choices.values()] + [call.arguments for call in calls]
    names = sum(len(call.name or "") + len(call.call_id or "") for call in calls)
    return sum(len(piece) for one in words for piece in one.pieces) + names


def test_a_stream_of_very_many_items_holds_what_is_kept_and_no_more() -> None:
    draft = AnswerDraft(ALL)
    for number in range(MANY):
        draft.add(delta(content="so "))
        draft.add({"choices": [{"index": number, "delta": {"content": ""}}]})
    assert held(draft) <= content.LONGEST + content.BEYOND_THE_CUT + 3
    assert len(draft.choices) <= 128
    assert drafted([delta(content="so ")] * MANY)[0]["parts"][0]["characters"] == MANY * 3


def test_one_huge_item_is_cut_at_once() -> None:
    draft = AnswerDraft(ALL)
    draft.add(delta(content="x" * 10_000_000))
    assert held(draft) <= content.LONGEST + content.BEYOND_THE_CUT


def many_calls(arguments: str, name: str = "weather") -> Iterator[dict[str, Any]]:
    """Of as many choices and tool calls as there may be, each call in two pieces, one after the other."""
    for choice, place, half in product(range(128), range(128), (0, 1)):
        function = {"name": name, "arguments": arguments[half::2]}
        call = {"index": place, "id": f"{choice}.{place}", "function": function}
        yield {"choices": [{"index": choice, "delta": {"tool_calls": [call]}}]}


@pytest.mark.parametrize(
    ("arguments", "name"), [("x" * 10_000, "weather"), ("{}", "n" * 10_000)], ids=["arguments", "names"]
)
def test_all_texts_of_a_stream_of_very_many_tool_calls_share_one_bound(arguments: str, name: str) -> None:
    draft, contents = AnswerDraft(ALL), Contents(ALL, content.as_is)
    for item in many_calls(arguments, name):
        draft.add(item)
        assert draft.room.left >= 0
    assert content.MOST_READ - 20_000 <= held(draft) <= content.MOST_READ
    draft.settle(contents)
    assert len(contents.kept["output_messages"]) <= content.LONGEST
    assert json.loads(contents.kept["output_messages"])


def test_a_text_for_which_there_is_no_room_is_left_out_as_a_whole_with_its_length() -> None:
    function = {"name": "f", "arguments": "x" * 10_000}
    draft = AnswerDraft(ALL)
    for place in [*range(20)] * 10:
        draft.add(delta(tool_calls=[{"index": place, "id": "c", "function": function}]))
    given = [part["arguments"] for part in (draft.choices[0].made(ALL) or {})["parts"]]
    whole = content.MOST_READ // 100_000
    assert given.count("x" * 100_000) == whole
    assert given.count({"truncated": True, "characters": 100_000}) == 20 - whole


def test_with_content_off_nothing_of_a_stream_is_held(captured: Captured) -> None:
    with genai.model_call("m") as call:
        for _ in call.stream(delta(content="so ") for _ in range(1000)):
            assert call.event.contents is None
    assert "gen_ai.output.messages" not in captured.span("openclaw.model.call")


@genai.tool
def numbers(many: int) -> Iterator[str]:
    for number in range(many):
        yield f"item {number}"


def test_a_tool_that_gives_items_has_the_first_of_them_and_their_number() -> None:
    with capture(capture_content={"tool_outputs": True}) as captured:
        assert sum(1 for _ in numbers(1000)) == 1000
    given = json.loads(captured.span("openclaw.tool.execution")["gen_ai.tool.call.result"])
    assert given[:2] == ["item 0", "item 1"]
    assert given[-1] == {"truncated": True, "omitted_items": 800}


def test_items_of_a_tool_are_bounded_together() -> None:
    draft = ItemsDraft("tool_outputs", content.as_is)
    for _ in range(MANY):
        draft.add("x" * 100_000)
    contents = Contents(ALL, content.as_is)
    draft.settle(contents)
    assert len(contents.kept["tool_outputs"]) <= content.LONGEST
    assert json.loads(contents.kept["tool_outputs"])
    assert sum(map(sys.getsizeof, draft.items)) < 2 * content.LONGEST
