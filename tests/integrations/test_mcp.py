"""Real clients and servers of `mcp`, 1 or 2, in one process: what both sides say of every kind of message."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import anyio
import pytest

import otel_genai as genai
from otel_genai.testing import Captured, CapturedSpan, capture
from otel_genai_mcp import messages, running

pytest.importorskip("mcp")

from mcp import types

try:
    from mcp.client import Client
    from mcp.server import MCPServer
    from mcp.server.mcpserver import Context

    TWO = True
except ImportError:
    from mcp.server.fastmcp import Context
    from mcp.server.fastmcp import FastMCP as MCPServer
    from mcp.shared.memory import create_connected_server_and_client_session

    TWO = False

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:mcp")
INSTRUMENT = partial(genai.instrument, "mcp")
SHORT: Any = 0.05 if TWO else timedelta(seconds=0.05)
GIVEN_UP = ["client notifications/cancelled", "client notifications/cancelled > server notifications/cancelled"]
"""What only `mcp` 2 says to a server that nobody waits for any more."""


class Weather:
    """A server with a tool, a prompt and a resource."""

    def __init__(self) -> None:
        self.server = server = MCPServer("weather", log_level="CRITICAL")
        self.asked = anyio.Event()
        self.metas: list[dict[str, Any]] = []

        @server.tool()
        async def forecast(city: str) -> str:
            if city == "Atlantis":
                raise ValueError("there is no such city")
            if city == "slow":
                self.asked.set()
                await anyio.sleep(30)
            return f"sunny in {city}"

        @server.prompt()
        def greet(city: str) -> str:
            return f"greet {city}"

        @server.resource("weather://{city}")
        def read(city: str) -> str:
            return city


@asynccontextmanager
async def connected(server: Any) -> AsyncIterator[Any]:
    """A session with a server in this process."""
    async with AsyncExitStack() as stack:
        if TWO:
            yield (await stack.enter_async_context(Client(server, mode="legacy"))).session
        else:
            yield await stack.enter_async_context(create_connected_server_and_client_session(server._mcp_server))


@pytest.fixture
def captured() -> Iterator[Captured]:
    with capture(semconv="gen_ai_latest_experimental") as everything:
        yield everything


def tree(captured: Captured) -> list[str]:
    """Every span, with those that it is inside of, and what has gone wrong."""

    def said(span: CapturedSpan | None) -> str:
        if span is None:
            return ""
        wrong = f" ({span['error.type']})" if "error.type" in span else ""
        return f"{said(captured.parent(span))} > {span.kind} {span.name}{wrong}"

    return sorted(said(span).removeprefix(" > ") for span in captured.spans)


def asking(captured: Captured, ask: Callable[[Any, Weather], Any]) -> list[str]:
    """The spans of what `ask` does in a session that is open and has listed its tools."""

    async def main() -> None:
        weather = Weather()
        async with connected(weather.server) as session:
            await session.list_tools()
            captured.clear()
            await ask(session, weather)

    anyio.run(main)
    return tree(captured)


async def good(session: Any, _: Weather) -> None:
    result = await session.call_tool("forecast", {"city": "Oslo"})
    assert result.content[0].text == "sunny in Oslo"


async def failing(session: Any, _: Weather) -> None:
    await session.call_tool("forecast", {"city": "Atlantis"})


async def listing(session: Any, _: Weather) -> None:
    await session.list_prompts()


async def reading(session: Any, _: Weather) -> None:
    await session.read_resource("weather://oslo")


async def prompting(session: Any, _: Weather) -> None:
    await session.get_prompt("greet", {"city": "Oslo"})


async def pinging(session: Any, _: Weather) -> None:
    await session.send_ping()


async def refused(session: Any, _: Weather) -> None:
    with pytest.raises(Exception, match=r"(?i)not found"):
        await session.complete(types.PromptReference(type="ref/prompt", name="greet"), {"name": "city", "value": "O"})


async def timing_out(session: Any, _: Weather) -> None:
    with pytest.raises(Exception, match=r"(?i)timed out"):
        await session.call_tool("forecast", {"city": "slow"}, read_timeout_seconds=SHORT)


async def cancelling(session: Any, weather: Weather) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(session.call_tool, "forecast", {"city": "slow"})
        await weather.asked.wait()
        group.cancel_scope.cancel()


async def notifying(session: Any, _: Weather) -> None:
    changed = types.RootsListChangedNotification(method="notifications/roots/list_changed")
    await session.send_notification(changed if TWO else types.ClientNotification(changed))
    await session.send_ping()


PING = ["client ping", "client ping > server ping"]
CALL = "tools/call forecast"
UNFINISHED = f"client {CALL} (cancelled)"


def both(name: str, wrong: str = "", wrong_here: str | None = None) -> list[str]:
    here = f"client {name}{wrong if wrong_here is None else wrong_here}"
    return [here, f"{here} > server {name}{wrong}"]


def given_up(name: str, wrong: str) -> list[str]:
    """A call that nobody waits for; its server is told so, or finds out when the session is closed."""
    here = f"client {name} ({wrong})"
    told = [f"{here} > {line}" for line in GIVEN_UP] if TWO else []
    return [here, f"{here} > server {name} (cancelled)", *told]


@pytest.mark.parametrize(
    ("ask", "wanted"),
    [
        (good, both(CALL)),
        (failing, both(CALL, " (tool_error)")),
        (listing, both("prompts/list")),
        (reading, both("resources/read")),
        (prompting, both("prompts/get greet")),
        (pinging, both("ping")),
        (refused, both("completion/complete", " (-32601)")),
        (timing_out, given_up(CALL, "timeout")),
        (cancelling, given_up(CALL, "cancelled")),
        (notifying, sorted(both("notifications/roots/list_changed") + PING)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_message_is_a_span_of_each_side(captured: Captured, ask: Any, wanted: list[str]) -> None:
    assert asking(captured, ask) == sorted(wanted)


def test_a_session_begins_with_a_handshake_and_is_measured_on_both_sides(captured: Captured) -> None:
    async def main() -> None:
        async with connected(Weather().server) as session:
            await session.send_ping()

    anyio.run(main)
    assert tree(captured) == sorted(both("initialize") + both("notifications/initialized") + PING)
    for side in ("client", "server"):
        (point,) = captured.points(f"mcp.{side}.session.duration")
        assert (point.count, point.unit) == (1, "s")
        assert point.attributes == {"mcp.protocol.version": "2025-11-25"}


def test_a_call_says_what_the_conventions_ask_for(captured: Captured) -> None:
    asking(captured, good)
    for span in captured.spans:
        assert span["mcp.method.name"] == "tools/call"
        assert span["gen_ai.operation.name"] == "execute_tool"
        assert span["gen_ai.tool.name"] == "forecast"
        assert span["mcp.protocol.version"] == "2025-11-25"
        assert span["jsonrpc.request.id"].isdigit()


def test_a_resource_is_named_on_the_span_and_not_in_its_name_nor_on_metrics(captured: Captured) -> None:
    asking(captured, reading)
    assert {span["mcp.resource.uri"] for span in captured.spans} == {"weather://oslo"}
    points = captured.points("mcp.client.operation.duration") + captured.points("mcp.server.operation.duration")
    assert not any(
        {"mcp.resource.uri", "jsonrpc.request.id", "mcp.session.id"} & point.attributes.keys() for point in points
    )


@pytest.mark.parametrize("side", ["client", "server"])
def test_an_error_that_is_answered_has_its_code_and_its_measurement(captured: Captured, side: str) -> None:
    asking(captured, refused)
    (span,) = (span for span in captured.spans if span.kind == side)
    assert (span.status, span["rpc.response.status_code"]) == ("ERROR", "-32601")
    points = captured.points(f"mcp.{side}.operation.duration")
    (point,) = (point for point in points if point.attributes["mcp.method.name"] == "completion/complete")
    assert (point["error.type"], point["rpc.response.status_code"], point.count) == ("-32601", "-32601", 1)


def test_what_is_cancelled_or_left_is_no_error(captured: Captured) -> None:
    asking(captured, cancelling)
    assert {span.status for span in captured.spans} == {"UNSET"}


def test_a_server_that_asks_something_of_its_client_does_so_within_the_call(captured: Captured) -> None:
    async def ask(session: Any, weather: Weather) -> None:
        @weather.server.tool()
        async def ping(ctx: Context) -> str:
            await ctx.session.send_ping()
            return ""

        await session.list_tools()
        captured.clear()
        await session.call_tool("ping", {})

    call = "client tools/call ping > server tools/call ping"
    assert asking(captured, ask) == ["client tools/call ping", call, *(f"{call} > {line}" for line in PING)]


# -- within a tool of ours


def within_a_tool(captured: Captured, city: str, tool: str = "forecast") -> list[str]:
    async def ask(session: Any, _: Weather) -> None:
        with genai.tool(tool):
            await session.call_tool("forecast", {"city": city})

    return asking(captured, ask)


def test_a_call_by_the_tool_of_its_name_is_said_on_the_span_of_that(captured: Captured) -> None:
    outer = "internal execute_tool forecast"
    assert within_a_tool(captured, "Oslo") == [outer, f"{outer} > server {CALL}"]
    span = captured.span("execute_tool forecast")
    assert (span["mcp.method.name"], span["gen_ai.tool.name"], span.status) == ("tools/call", "forecast", "UNSET")
    counts = [
        point.count
        for point in captured.points("mcp.client.operation.duration")
        if "gen_ai.tool.name" in point.attributes
    ]
    assert counts == [1]


def test_a_call_by_another_tool_is_a_span_of_its_own(captured: Captured) -> None:
    outer = "internal execute_tool travel"
    assert within_a_tool(captured, "Oslo", "travel") == sorted([outer, *(f"{outer} > {line}" for line in both(CALL))])


def test_a_tool_whose_call_says_that_it_failed_has_failed(captured: Captured) -> None:
    outer = "internal execute_tool forecast (tool_error)"
    assert within_a_tool(captured, "Atlantis") == [outer, f"{outer} > server {CALL} (tool_error)"]
    (point,) = captured.points("gen_ai.execute_tool.duration")
    assert point["error.type"] == "tool_error"


def test_a_tool_that_tries_again_with_success_has_not_failed(captured: Captured) -> None:
    async def ask(session: Any, _: Weather) -> None:
        with genai.tool("forecast"):
            await failing(session, _)
            await good(session, _)

    asking(captured, ask)
    span = captured.span("execute_tool forecast")
    assert (span.status, "error.type" in span) == ("UNSET", False)


# -- what is left alone


def test_the_users_own_meta_arrives_beside_ours_and_is_not_changed(captured: Captured) -> None:
    seen: list[Any] = []

    async def main() -> None:
        weather, mine = Weather(), {"com.example/tenant": "acme", "traceparent": "mine"}

        @weather.server.tool()
        def look(ctx: Context) -> str:
            meta = ctx.request_context.meta
            seen.append(dict(meta) if isinstance(meta, dict) else meta.model_dump(exclude_none=True))
            return ""

        async with connected(weather.server) as session:
            await session.call_tool("look", {}, meta=mine)
        assert mine == {"com.example/tenant": "acme", "traceparent": "mine"}

    anyio.run(main)
    call = next(span for span in captured.spans if span.name == "tools/call look" and span.kind == "client")
    assert seen[0]["com.example/tenant"] == "acme"
    assert seen[0]["traceparent"].startswith(f"00-{call.trace_id}-{call.span_id}-")


def test_a_meta_of_the_users_that_is_none_is_left_to_the_server_to_refuse(captured: Captured) -> None:
    with genai.tool("look"):
        assert messages.carrying({"_meta": "nonsense"}) == {"_meta": "nonsense"}
        assert messages.carrying(None)["_meta"] == genai.headers()


def test_without_anybody_who_listens_the_wire_is_as_it_was() -> None:
    seen: list[Any] = []

    async def main() -> None:
        weather = Weather()

        @weather.server.tool()
        def look(ctx: Context) -> str:
            seen.append(ctx.request_context.meta)
            return ""

        async with connected(weather.server) as session:
            await session.call_tool("look", {})

    anyio.run(main)
    assert "traceparent" not in str(seen[0])


@pytest.mark.skipif(not TWO, reason="mcp 1 makes no spans")
def test_the_librarys_own_spans_are_left_out_while_ours_are_made(
    captured: Captured, undo: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp.shared._otel._tracer", captured.tracer_provider.get_tracer("mcp"))
    assert asking(captured, good) == both(CALL)
    undo()
    assert "client MCP send tools/call forecast" in asking(captured, good)


def test_the_undo_stops_it(captured: Captured, undo: Callable[[], None]) -> None:
    undo()
    assert asking(captured, good) == []


def test_an_error_reaches_the_caller_as_it_is(captured: Captured) -> None:
    async def main() -> None:
        async with connected(Weather().server) as session:
            with pytest.raises(Exception, match=r"(?i)unknown prompt"):
                await session.get_prompt("nobody", {})

    anyio.run(main)
    assert any(line.startswith("client prompts/get nobody (") for line in tree(captured))


@pytest.mark.parametrize(
    "meta",
    [
        {"traceparent": "nonsense"},
        {"traceparent": "00-00000000000000000000000000000000-0000000000000000-01"},
        {"traceparent": 7},
        {"traceparent": ["00"]},
        {"traceparent": "00-" + "\udcff" * 32 + "-1234567812345678-01"},
        {"tracestate": "a=1"},
        {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": {"a": 1}},
        None,
        "nonsense",
        [],
    ],
)
def test_a_malformed_meta_never_raises_and_continues_nothing(captured: Captured, meta: Any) -> None:
    message = running.received("tools/call", {"name": "x"}, 1, None)
    message.remote = messages.remote(meta, trusted=True)
    with running.Running(message, None):
        pass
    valid = isinstance(meta, dict) and str(meta.get("traceparent")).startswith("00-0af")
    (span,) = captured.spans
    assert span.parent_id == ("b7ad6b7169203331" if valid else None)
