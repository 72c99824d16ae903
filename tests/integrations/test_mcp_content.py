"""What a tool is given and gives back by MCP: kept on both sides where its class is switched on, and nowhere else."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from typing import Any

import anyio
import pytest
from opentelemetry import trace

import otel_genai as genai
from otel_genai.content import Contents
from otel_genai.events import McpClientOperation, McpServerOperation, ToolExecution
from otel_genai.testing import Captured, CapturedSpan, capture

pytest.importorskip("mcp")

from mcp import types

from otel_genai_mcp import contents

from .test_mcp import MCPServer, connected

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:mcp")
INSTRUMENT = partial(genai.instrument, "mcp")
ARGUMENTS, RESULT = "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"
CONTENT = (ARGUMENTS, RESULT, "openclaw.content.tool_input", "openclaw.content.tool_output")
SECRET = "sk-proj-" + "a1B2c3D4e5" * 4
PICTURE = b"\x89PNG of a canary"

Ask = Callable[[Any], Awaitable[object]]


def weather() -> Any:
    """A server whose tools answer in each of the ways that there are."""
    server = MCPServer("weather", log_level="CRITICAL")

    @server.tool()
    def forecast(city: str) -> dict[str, Any]:
        if city == "Atlantis":
            raise ValueError("there is no such city")
        return {"sky": f"sunny in {city}", "days": 3}

    @server.tool()
    def picture() -> list[Any]:
        inside = types.TextResourceContents(uri="weather://oslo", mimeType="text/plain", text="sunny")
        data = base64.b64encode(PICTURE).decode()
        return [
            types.ImageContent(type="image", data=data, mimeType="image/png"),
            types.EmbeddedResource(type="resource", resource=inside),
        ]

    return server


@contextmanager
def keeping(*classes: str) -> Iterator[Captured]:
    with capture(semconv="gen_ai_latest_experimental", capture_content=dict.fromkeys(classes, True)) as captured:
        yield captured


def asking(ask: Ask) -> None:
    async def main() -> None:
        async with connected(weather()) as session:
            await ask(session)

    anyio.run(main)


async def oslo(session: Any) -> None:
    await session.call_tool("forecast", {"city": "Oslo"})


async def atlantis(session: Any) -> None:
    await session.call_tool("forecast", {"city": "Atlantis"})


def calls(captured: Captured) -> dict[str, CapturedSpan]:
    return {span.kind: span for span in captured.spans if span.name.startswith("tools/call ")}


def said(span: CapturedSpan) -> dict[str, Any]:
    return {name: json.loads(span[name]) for name in CONTENT if name in span}


IN_OSLO = {"sky": "sunny in Oslo", "days": 3}


@pytest.mark.parametrize("classes", [(), ("tool_inputs",), ("tool_outputs",), ("tool_inputs", "tool_outputs")])
def test_each_class_is_kept_by_itself_and_by_both_sides_alike(classes: tuple[str, ...]) -> None:
    with keeping(*classes) as captured:
        asking(oslo)
        client, server = calls(captured)["client"], calls(captured)["server"]
        assert said(client) == said(server)
        assert (ARGUMENTS in client, RESULT in client) == ("tool_inputs" in classes, "tool_outputs" in classes)
        assert client.get(ARGUMENTS) == client.get("openclaw.content.tool_input")
        assert client.get(RESULT) == client.get("openclaw.content.tool_output")
        assert said(client).get(ARGUMENTS, {"city": "Oslo"}) == {"city": "Oslo"}
        if RESULT in client:
            result = said(client)[RESULT]
            assert result["structuredContent"] == IN_OSLO
            assert [(part["type"], json.loads(part["text"])) for part in result["content"]] == [("text", IN_OSLO)]


def test_no_other_message_has_content() -> None:
    with keeping("tool_inputs", "tool_outputs") as captured:
        asking(oslo)
        others = [span for span in captured.spans if span not in calls(captured).values()]
        assert {span.name for span in others} >= {"initialize", "notifications/initialized"}
        assert not any(said(span) for span in others)


def test_of_a_medium_size_and_hash_are_kept_and_of_a_resource_its_text() -> None:
    with keeping("tool_outputs") as captured:
        asking(lambda session: session.call_tool("picture", {}))
        client, server = calls(captured)["client"], calls(captured)["server"]
        assert said(client) == said(server)
        image, resource = said(client)[RESULT]["content"]
    weighed = {"type": "bytes", "size": len(PICTURE), "sha256": sha256(PICTURE).hexdigest()}
    assert image == {"type": "image", "mimeType": "image/png", "data": weighed}
    inside = {"uri": "weather://oslo", "mimeType": "text/plain", "text": "sunny"}
    assert resource == {"type": "resource", "resource": inside}


def test_what_a_tool_says_of_its_failure_is_no_result() -> None:
    """The conventions ask for it only where a call was successful; it is the text of an error."""
    with keeping("tool_inputs", "tool_outputs") as captured:
        asking(atlantis)
        for span in calls(captured).values():
            assert said(span)[ARGUMENTS] == {"city": "Atlantis"}
            assert (span["error.type"], RESULT in span) == ("tool_error", False)
        assert "no such city" not in str([dict(span) for span in captured.spans])


def test_secrets_are_masked_and_what_is_long_is_cut() -> None:
    with keeping("tool_inputs", "tool_outputs") as captured:
        asking(lambda session: session.call_tool("forecast", {"city": SECRET, "long": "x" * 300_000}))
        for span in calls(captured).values():
            assert "a1B2c3D4e5a1B2c3D4e5" not in str(dict(span))
            assert len(span[ARGUMENTS]) <= 128 * 1024
            assert json.loads(span[ARGUMENTS])["long"].startswith("xxx")


def test_an_answer_that_is_none_keeps_the_arguments_alone() -> None:
    async def cancelled(session: Any) -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await oslo(session)

    with keeping("tool_inputs", "tool_outputs") as captured:
        asking(cancelled)
        client = calls(captured)["client"]
        assert said(client).keys() == {ARGUMENTS, "openclaw.content.tool_input"}


def test_subscribers_are_handed_it_only_where_they_ask_for_content() -> None:
    seen: dict[str, list[Any]] = {"with": [], "without": []}

    def note(key: str, event: Any) -> None:
        if event.outcome is not None and event.method == "tools/call":
            seen[key].append(None if event.contents is None else dict(event.contents.kept))

    with keeping("tool_inputs", "tool_outputs"):
        stops = [
            genai.subscribe(partial(note, key), McpServerOperation, content=key == "with")
            for key in ("with", "without")
        ]
        asking(oslo)
        for stop in stops:
            stop()
    assert [kept.keys() for kept in seen["with"]] == [{"tool_inputs", "tool_outputs"}]
    assert seen["without"] == [None]


# -- within a tool of ours


def within(ask: Ask) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is said of a call on the span of the tool around it, and at its server."""
    with keeping("tool_inputs", "tool_outputs") as captured:
        asking(ask)
        assert "client" not in calls(captured)
        return said(captured.span("execute_tool forecast")), said(calls(captured)["server"])


def test_a_block_that_says_nothing_itself_has_what_the_call_has() -> None:
    async def ask(session: Any) -> None:
        with genai.tool("forecast"):
            await oslo(session)

    tool, server = within(ask)
    assert tool == server
    assert tool[ARGUMENTS] == {"city": "Oslo"}


def test_what_a_decorated_tool_was_given_and_gives_back_stands_alone() -> None:
    async def ask(session: Any) -> None:
        @genai.tool("forecast")
        async def forecast(where: str) -> str:
            await oslo(session)
            return "fine"

        await forecast("the capital")

    tool, server = within(ask)
    assert (tool[ARGUMENTS], tool[RESULT]) == ({"where": "the capital"}, "fine")
    assert (tool["openclaw.content.tool_input"], tool["openclaw.content.tool_output"]) == tuple(
        tool[name] for name in (ARGUMENTS, RESULT)
    )
    assert server[ARGUMENTS] == {"city": "Oslo"}


def test_what_a_block_hands_in_comes_first_also_when_it_does_so_before() -> None:
    async def ask(session: Any) -> None:
        with genai.tool("forecast") as tool:
            tool.content(tool_outputs="mine")
            await oslo(session)

    tool, _ = within(ask)
    assert (tool[ARGUMENTS], tool[RESULT]) == ({"city": "Oslo"}, "mine")


@pytest.mark.parametrize(("first", "last"), [(atlantis, oslo), (oslo, atlantis)])
def test_of_several_calls_the_last_one_counts_and_no_two_are_mixed(first: Ask, last: Ask) -> None:
    async def ask(session: Any) -> None:
        with genai.tool("forecast"):
            await first(session)
            await last(session)

    tool, _ = within(ask)
    city = "Oslo" if last is oslo else "Atlantis"
    assert tool[ARGUMENTS] == {"city": city}
    assert (RESULT in tool) is (last is oslo)


def test_a_span_is_told_of_content_once_when_the_tool_is_over() -> None:
    told: list[set[str]] = []

    async def ask(session: Any) -> None:
        with genai.tool("forecast"):
            await oslo(session)
            told.append(set(trace.get_current_span().attributes))  # type: ignore[attr-defined]

    tool, _ = within(ask)
    assert "mcp.method.name" in told[0]
    assert not told[0] & set(CONTENT)
    assert tool.keys() == set(CONTENT)


def test_a_tool_that_is_over_takes_nothing_more() -> None:
    tool, call = ToolExecution(name="forecast"), McpClientOperation(method="tools/call", tool="forecast")
    call.tool_around = tool
    assert contents.lend(call) is None
    tool.contents = Contents(frozenset({"tool_inputs"}), lambda text, _: text)
    contents.offer_arguments(call, {"arguments": {"city": "Oslo"}})
    lent = contents.lend(call)
    tool.contents = None
    contents.give_back(call, lent)
    assert call.contents is None
