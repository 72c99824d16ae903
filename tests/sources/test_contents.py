"""The content of decorated functions and blocks: kept where its class is on, untouched where it is off."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import content, privacy
from otel_genai.capture import CLASSES
from otel_genai.events import HarnessRun, ModelCall, Operation, ToolExecution
from otel_genai.testing import Captured, capture

TOOL, MODEL, AGENT, RUN = "openclaw.tool.execution", "openclaw.model.call", "openclaw.harness.run", "openclaw.run"
ALL = dict.fromkeys(CLASSES, True)


@pytest.fixture
def kept() -> Iterator[Captured]:
    with capture(capture_content=ALL) as captured:
        yield captured


def said(captured: Captured, span: str, name: str) -> Any:
    return json.loads(captured.span(span)[name])


# -- tools, of every kind


@genai.tool("plain")
def plain(query: str, limit: int = 3, *, deep: bool = False) -> list[str]:
    return [query] * limit


@genai.tool("awaited")
async def awaited(query: str, limit: int = 3, *, deep: bool = False) -> list[str]:
    return [query] * limit


@genai.tool("generator")
def generator(query: str, limit: int = 3, *, deep: bool = False) -> Iterator[str]:
    for _ in range(limit):
        yield query


@genai.tool("async generator")
async def async_generator(query: str, limit: int = 3, *, deep: bool = False) -> AsyncIterator[str]:
    for _ in range(limit):
        yield query


async def listed(items: AsyncIterator[str]) -> list[str]:
    return [item async for item in items]


class Shop:
    @genai.tool("method")
    def method(self, query: str, limit: int = 3, *, deep: bool = False) -> list[str]:
        return [query] * limit

    @classmethod
    @genai.tool("class method")
    def of_class(cls, query: str, limit: int = 3, *, deep: bool = False) -> list[str]:
        return [query] * limit

    @genai.tool("around a class method")
    @classmethod
    def around(cls, query: str, limit: int = 3, *, deep: bool = False) -> list[str]:
        return [query] * limit

    @genai.tool("static method")
    @staticmethod
    def static(query: str, limit: int = 3, *, deep: bool = False) -> list[str]:
        return [query] * limit


WAYS: dict[str, Callable[..., Any]] = {
    "plain": plain,
    "awaited": lambda *args, **more: asyncio.run(awaited(*args, **more)),
    "generator": lambda *args, **more: list(generator(*args, **more)),
    "async generator": lambda *args, **more: asyncio.run(listed(async_generator(*args, **more))),
    "method": lambda *args, **more: Shop().method(*args, **more),
    "class method": lambda *args, **more: Shop.of_class(*args, **more),
    "around a class method": lambda *args, **more: Shop.around(*args, **more),
    "static method of an object": lambda *args, **more: Shop().static(*args, **more),
    "method taken off its class": lambda *args, **more: Shop.method(Shop(), *args, **more),
    "static method": lambda *args, **more: Shop.static(*args, **more),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    ("args", "more", "expected"),
    [
        (("why?",), {}, {"query": "why?"}),
        (("why?", 2), {"deep": True}, {"query": "why?", "limit": 2, "deep": True}),
        ((), {"query": "why?", "limit": 1}, {"query": "why?", "limit": 1}),
    ],
)
def test_a_tool_has_its_arguments_by_name_and_its_result(
    kept: Captured, way: Callable[..., Any], args: Any, more: Any, expected: Any
) -> None:
    result = way(*args, **more)
    assert said(kept, TOOL, "gen_ai.tool.call.arguments") == expected
    assert said(kept, TOOL, "gen_ai.tool.call.result") == result
    span = kept.span(TOOL)
    assert span["openclaw.content.tool_input"] == span["gen_ai.tool.call.arguments"]
    assert span["openclaw.content.tool_output"] == span["gen_ai.tool.call.result"]


def test_arguments_are_those_of_the_beginning_also_where_the_tool_changes_them(kept: Captured) -> None:
    @genai.tool
    def consume(queries: list[str]) -> int:
        queries.clear()
        return 0

    consume(["why?"])
    assert said(kept, TOOL, "gen_ai.tool.call.arguments") == {"queries": ["why?"]}


def test_a_tool_that_fails_has_its_arguments_and_no_result(kept: Captured) -> None:
    @genai.tool
    def fail(query: str) -> None:
        raise ValueError(query)

    with pytest.raises(ValueError, match="why"):
        fail("why?")
    assert said(kept, TOOL, "gen_ai.tool.call.arguments") == {"query": "why?"}
    assert "gen_ai.tool.call.result" not in kept.span(TOOL)
    assert "why?" not in str(kept.span(TOOL).events)


def test_a_tool_block_is_told(kept: Captured) -> None:
    with genai.tool("search") as execution:
        execution.content(tool_inputs={"query": "why?", "api_key": "abc"}, tool_outputs=["so"])
    assert said(kept, TOOL, "gen_ai.tool.call.arguments") == {"query": "why?", "api_key": "***"}
    assert said(kept, TOOL, "gen_ai.tool.call.result") == ["so"]


@pytest.mark.parametrize("options", [{}, {"capture_content": ALL}], ids=["off", "on"])
def test_a_class_of_content_that_there_is_not_is_an_error(options: Any) -> None:
    wrong = pytest.raises(TypeError, match=r"content\(\) has no 'prompts'; it takes input_messages, ")
    with capture(**options), genai.tool("search") as execution, wrong:
        execution.content(prompts="why?")


# -- model calls


def test_a_decorated_model_call_has_what_was_asked_and_answered(kept: Captured) -> None:
    @genai.model_call(provider="openai")
    def ask(model: str, messages: list[dict[str, str]], tools: list[Any], system: str) -> Any:
        return {"choices": [{"message": {"content": "so"}, "finish_reason": "stop"}]}

    ask("m", [{"role": "user", "content": "why?"}], [{"name": "weather"}], system="be kind")
    assert said(kept, MODEL, "gen_ai.input.messages")[0]["parts"] == [{"type": "text", "content": "why?"}]
    assert said(kept, MODEL, "gen_ai.output.messages")[0]["finish_reason"] == "stop"
    assert said(kept, MODEL, "gen_ai.system_instructions") == [{"type": "text", "content": "be kind"}]
    assert said(kept, MODEL, "gen_ai.tool.definitions") == [{"type": "function", "name": "weather"}]
    names = {name for name in kept.span(MODEL) if name.startswith("openclaw.content.")}
    assert names == {f"openclaw.content.{one}" for one in CLASSES if not one.startswith(("tool_i", "tool_o"))}


def test_what_is_handed_in_beats_what_was_read_and_the_last_counts(kept: Captured) -> None:
    with genai.model_call("m") as call:
        call.reply({"choices": [{"message": {"content": "so"}}]})
        call.content(output_messages="first")
        call.content(output_messages="really so")
    assert said(kept, MODEL, "gen_ai.output.messages")[0]["parts"][0]["content"] == "really so"


# -- agents and turns


def test_an_agent_has_what_it_was_asked_and_what_it_answered(kept: Captured) -> None:
    @genai.agent("planner")
    def plan(question: str, depth: int = 1) -> str:
        return "so"

    plan("why?")
    assert said(kept, AGENT, "gen_ai.input.messages") == [
        {"role": "user", "parts": [{"type": "text", "content": "why?"}]}
    ]
    assert said(kept, AGENT, "gen_ai.output.messages") == [
        {"role": "assistant", "parts": [{"type": "text", "content": "so"}]}
    ]


def test_a_system_message_in_what_an_agent_is_asked_is_its_system_prompt(kept: Captured) -> None:
    @genai.agent("planner")
    def plan(messages: list[dict[str, str]]) -> str:
        return "so"

    plan([{"role": "system", "content": "be brief"}, {"role": "user", "content": "why?"}])
    assert said(kept, AGENT, "gen_ai.system_instructions") == [{"type": "text", "content": "be brief"}]
    assert "be brief" not in str(said(kept, AGENT, "gen_ai.input.messages"))


def converse() -> None:
    with genai.run("r"), genai.agent("planner"):
        for question, answer in (("first?", "one"), ("second?", "two")):
            with genai.model_call("m") as call:
                call.content(input_messages=question)
                call.reply({"choices": [{"message": {"content": answer}}]})


def test_the_turn_has_the_first_question_and_the_last_answer_of_its_calls(kept: Captured) -> None:
    converse()
    turns = [span for span in kept.spans if "gen_ai.input.messages" in span and span.name != MODEL]
    assert turns
    for span in turns:
        assert "first?" in span["gen_ai.input.messages"]
        assert "two" in span["gen_ai.output.messages"]
        assert "second?" not in span["gen_ai.input.messages"]


def test_what_a_turn_says_itself_comes_before_what_its_calls_say(kept: Captured) -> None:
    @genai.agent("planner")
    def plan(question: str) -> str:
        converse()
        return "in short, so"

    plan("why, really?")
    outer = next(span for span in kept.spans if span.name == AGENT and "why, really?" in str(span))
    assert "in short, so" in outer["gen_ai.output.messages"]


# -- off is off


class Recording:
    """Notes everything that is done with it."""

    done: list[str]

    def __init__(self) -> None:
        object.__setattr__(self, "done", [])

    def __getattribute__(self, name: str) -> Any:
        object.__getattribute__(self, "done").append(name)
        raise AssertionError(f"{name} was asked for")


def _note(name: str) -> Any:
    def special(self: Any, *_: Any) -> Any:
        object.__getattribute__(self, "done").append(name)
        raise AssertionError(f"{name} was called")

    return special


for _name in (
    "__repr__",
    "__str__",
    "__iter__",
    "__len__",
    "__bool__",
    "__eq__",
    "__hash__",
    "__getitem__",
    "__copy__",
):
    setattr(Recording, _name, _note(_name))


def hand_in(thing: Any) -> None:
    with genai.tool("search") as execution:
        execution.content(tool_inputs=thing, tool_outputs=thing)
    with genai.model_call("m") as call:
        call.content(input_messages=thing, output_messages=thing, system_prompt=thing, tool_definitions=thing)


@genai.tool
def returning(thing: Any) -> Any:
    return [thing]


@genai.agent("planner")
def agent(question: Any) -> Any:
    return [question]


@pytest.mark.parametrize("options", [{}, {"capture_content": {"enabled": False, **ALL}}], ids=["default", "disabled"])
@pytest.mark.parametrize("way", [hand_in, lambda thing: returning([thing]), lambda thing: agent([thing])])
def test_off_means_that_content_is_not_touched(options: Any, way: Callable[[Any], Any]) -> None:
    thing = Recording()
    before = sys.getrefcount(thing)
    with capture(**options) as captured:
        way(thing)
        assert captured.spans
        captured.clear()
        gc.collect()
        assert sys.getrefcount(thing) == before
    assert object.__getattribute__(thing, "done") == []


@pytest.mark.parametrize("way", [hand_in, lambda thing: returning([thing]), lambda thing: agent([thing])])
def test_other_classes_are_not_touched_either(way: Callable[[Any], Any]) -> None:
    thing = Recording()
    with capture(capture_content={"system_prompt": True} if way is not hand_in else {"tool_inputs": True}):
        way(thing)
    assert object.__getattribute__(thing, "done") == []


def test_a_hostile_object_is_named_and_the_rest_is_kept(kept: Captured) -> None:
    thing = Recording()
    returning([thing, "fine"])
    assert said(kept, TOOL, "gen_ai.tool.call.arguments")["thing"][1] == "fine"
    assert object.__getattribute__(thing, "done") == []


def test_what_is_not_sampled_keeps_nothing() -> None:
    seen: list[Any] = []
    with capture(capture_content=ALL, sample_rate=0):
        stop = genai.subscribe(lambda event: seen.append(getattr(event, "contents", None)), content=True)
        plain("why?")
        converse()
        stop()
    assert seen
    assert set(seen) == {None}


def test_telemetry_that_is_off_costs_no_content() -> None:
    with genai.model_call("m") as call:
        call.content(input_messages=Recording())
        assert call.event.contents is None


# -- bounds


def test_all_content_of_a_span_is_bounded_together(kept: Captured) -> None:
    huge = "x" * 1_000_000
    with genai.model_call("m") as call:
        call.content(input_messages=huge, output_messages=huge, system_prompt=huge, tool_definitions=[{"name": huge}])
    span = kept.span(MODEL)
    sizes = [len(value) for name, value in span.items() if name.startswith("openclaw.content.")]
    assert len(sizes) >= 3
    assert sum(sizes) <= content.MOST_OF_A_SPAN


def test_no_attribute_is_lost_however_many_messages_there_are(kept: Captured) -> None:
    with genai.model_call("m", provider="openai") as call:
        call.content(input_messages=[{"role": "user", "content": f"m{number}"} for number in range(1000)])
    assert len(kept.span(MODEL)) < 40
    assert "m999" in kept.span(MODEL)["gen_ai.input.messages"]


# -- who else is told


@pytest.mark.parametrize("trusted", [False, True])
def test_subscribers_are_handed_content_only_where_they_ask_for_it(kept: Captured, trusted: bool) -> None:
    seen: dict[str, Any] = {}

    def note(event: Any) -> None:
        seen[event.kind] = dict(event.contents.kept) if event.contents is not None else None

    stop = genai.subscribe(note, ToolExecution, content=trusted)
    plain("why?")
    stop()
    if trusted:
        assert json.loads(seen["tool.execution.completed"]["tool_inputs"]) == {"query": "why?"}
    else:
        assert set(seen.values()) == {None}
    assert "gen_ai.tool.call.arguments" in kept.span(TOOL)


def test_nothing_is_kept_on_an_event_that_is_over(kept: Captured) -> None:
    plain("why?")
    list(generator("why?"))
    converse()
    events = [event for event in kept.events if isinstance(event, (ToolExecution, ModelCall, HarnessRun))]
    assert len(events) == 5
    for event in events:
        assert isinstance(event, Operation)
        assert event.contents is None
        assert event.asked is None
        assert "why?" not in repr(vars(event))


def test_redaction_that_fails_withholds_the_content_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with capture(capture_content=ALL) as captured:
        monkeypatch.setattr(privacy, "_redactor", lambda text, longest=None: None if "why" in text else text)
        plain("why?")
    span = captured.span(TOOL)
    assert "gen_ai.tool.call.arguments" not in span
    assert span["gen_ai.tool.name"] == "plain"
