"""MCP over every transport that the library has, on loopback or a pipe: what both sides say of it, whole."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import WebSocketRoute

import otel_genai as genai
from otel_genai.demo.server import serve
from otel_genai.events import McpServerOperation
from otel_genai.testing import Captured, capture

pytest.importorskip("mcp")

from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.memory import create_client_server_memory_streams

from otel_genai_mcp import peers, transports

try:
    from mcp.server import MCPServer

    TWO = True
except ImportError:
    from mcp.client.websocket import websocket_client
    from mcp.server.fastmcp import FastMCP as MCPServer
    from mcp.server.websocket import websocket_server

    TWO = False

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:mcp", "ignore:The WebSocket:DeprecationWarning")
INSTRUMENT = partial(genai.instrument, "mcp")
SHAPE = "gen_ai_latest_experimental"
SERVER = f"""
import json, sys
import otel_genai as genai
from otel_genai.testing import capture
try:
    from mcp.server import MCPServer
except ImportError:
    from mcp.server.fastmcp import FastMCP as MCPServer
server = MCPServer("weather", log_level="CRITICAL")
@server.tool()
def forecast(city: str) -> str:
    return f"sunny in {{city}}"
genai.instrument("mcp")
with capture(semconv="{SHAPE}") as captured:
    server.run("stdio")
    told = [[span.kind, span.name, dict(span)] for span in captured.spans]
    points = [dict(point.attributes) for point in captured.points("mcp.server.session.duration")]
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump([told, points], file)
"""
"""A server of another process, which imports first and observes then, as programs do."""


def weather() -> Any:
    server = MCPServer("weather", log_level="CRITICAL")

    @server.tool()
    def forecast(city: str) -> str:
        return f"sunny in {city}"

    return server


def by_web_socket() -> Any:
    server = weather()._mcp_server

    async def endpoint(socket: Any) -> None:
        async with websocket_server(socket.scope, socket.receive, socket.send) as (read, write):
            await server.run(read, write, server.create_initialization_options())

    return Starlette(routes=[WebSocketRoute("/ws", endpoint)])


@asynccontextmanager
async def session(opened: Any) -> AsyncIterator[Any]:
    async with opened as (read, write, *_), ClientSession(read, write) as session:
        await session.initialize()
        yield session


async def call(opened: Any) -> None:
    async with session(opened) as client:
        result = await client.call_tool("forecast", {"city": "Oslo"})
    assert result.content[0].text == "sunny in Oslo"


@pytest.fixture
def captured() -> Iterator[Captured]:
    with capture(semconv=SHAPE) as everything:
        yield everything


# -- what is said of it

CALL = {
    "mcp.method.name": "tools/call",
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "forecast",
    "mcp.protocol.version": "2025-11-25",
    "jsonrpc.request.id": "2" if TWO else "1",
}
HTTP = {"network.transport": "tcp", "network.protocol.name": "http", "network.protocol.version": "1.1"}
WEB_SOCKET = {"network.transport": "tcp", "network.protocol.name": "websocket"}
PIPE = {"network.transport": "pipe"}

Way = tuple[Callable[[], Any], Callable[[str], Any], dict[str, str]]
WAYS: dict[str, Way] = {
    "streamable": (lambda: weather().streamable_http_app(), lambda url: streamable_http_client(f"{url}/mcp"), HTTP),
    "sse": (lambda: weather().sse_app(), lambda url: sse_client(f"{url}/sse"), HTTP),
}
if not TWO:
    WAYS["websocket"] = (by_web_socket, lambda url: websocket_client(f"ws{url[4:]}/ws"), WEB_SOCKET)


def called(way: str) -> str:
    """Call the tool of a server on a real socket; returns the URL."""
    app, client, _ = WAYS[way]
    with serve(app()) as url:
        anyio.run(call, client(url))
    return url


def address(url: str, side: str) -> dict[str, Any]:
    return {f"{side}.address": "127.0.0.1", f"{side}.port": urlsplit(url).port}


@pytest.mark.parametrize("way", WAYS)
def test_a_call_over_a_network_says_on_both_sides_how_it_went(captured: Captured, way: str) -> None:
    url, network = called(way), WAYS[way][2]
    sides = {span.kind: dict(span) for span in captured.spans if span.name == "tools/call forecast"}
    id_said = {"mcp.session.id": sides["client"].pop("mcp.session.id", None)}
    assert sides["client"] == CALL | network | address(url, "server")
    assert (way == "streamable") is (id_said["mcp.session.id"] is not None)
    assert sides["server"].pop("mcp.session.id", None) == id_said["mcp.session.id"]
    assert sides["server"].pop("client.port") > 0
    assert sides["server"] == CALL | network | {"client.address": "127.0.0.1"}


@pytest.mark.parametrize("way", WAYS)
def test_every_message_of_a_session_goes_the_same_way_and_so_does_the_session(captured: Captured, way: str) -> None:
    url, network = called(way), WAYS[way][2]
    for span in captured.spans:
        assert {name: span[name] for name in span if name.startswith("network.")} == network
    version = {"mcp.protocol.version": "2025-11-25"}
    (client,) = captured.points("mcp.client.session.duration")
    assert client.attributes == version | network | address(url, "server")
    (server,) = captured.points("mcp.server.session.duration")
    assert server.attributes == version | network


def test_a_call_through_a_pipe_says_so_on_both_sides(captured: Captured, tmp_path: Path) -> None:
    file, told = tmp_path / "server.py", tmp_path / "told.json"
    file.write_text(SERVER, encoding="utf-8")
    arguments = [str(file), str(told)]
    anyio.run(call, stdio_client(StdioServerParameters(command=sys.executable, args=arguments, env=dict(os.environ))))
    spans, points = json.loads(told.read_text(encoding="utf-8"))
    calls = [attributes for kind, name, attributes in spans if (kind, name) == ("server", "tools/call forecast")]
    assert calls == [CALL | PIPE]
    assert dict(captured.span("tools/call forecast")) == CALL | PIPE
    assert {span["network.transport"] for span in captured.spans} == {"pipe"}
    assert {attributes["network.transport"] for _, _, attributes in spans} == {"pipe"}
    session = {"mcp.protocol.version": "2025-11-25", "network.transport": "pipe"}
    assert points == [session]
    assert [point.attributes for point in captured.points("mcp.client.session.duration")] == [session]


def test_what_stays_in_memory_has_no_transport(captured: Captured) -> None:
    server = weather()
    server = server._lowlevel_server if TWO else server._mcp_server

    async def main() -> None:
        async with create_client_server_memory_streams() as (mine, its), anyio.create_task_group() as group:
            group.start_soon(server.run, *its, server.create_initialization_options())
            await call(handed_out(mine))
            group.cancel_scope.cancel()

    anyio.run(main)
    spans = [span for span in captured.spans if span.name == "tools/call forecast"]
    assert [dict(span) for span in spans] == [CALL, CALL]
    assert not any("network.transport" in span for span in captured.spans)


@asynccontextmanager
async def handed_out(streams: Any) -> AsyncIterator[Any]:
    yield streams


@pytest.mark.parametrize(("version", "transport"), [("1.1", "tcp"), ("2", "tcp"), ("3", "quic"), (None, "tcp")])
def test_http_3_goes_by_quic(version: str | None, transport: str) -> None:
    request = HTTPConnection({"type": "http", "http_version": version, "headers": [], "client": None})
    operation = McpServerOperation(method="ping")
    peers.note_client(operation, SimpleNamespace(request_context=request), None)
    assert (operation.transport, operation.protocol_name) == (transport, "http")
    assert operation.http_version == version


# -- whom to trust, and what is left as it was


@pytest.mark.parametrize("trust", [True, False])
@pytest.mark.skipif(TWO, reason="mcp 2 has no WebSockets")
def test_a_client_that_came_by_web_socket_is_believed_as_its_middleware_says(captured: Captured, trust: bool) -> None:
    with serve(genai.Middleware(by_web_socket(), trust_inbound=trust)) as url:
        anyio.run(call, WAYS["websocket"][1](url))
    spans = {span.kind: span for span in captured.spans if span.name == "tools/call forecast"}
    client, server = spans["client"], spans["server"]
    assert (server.parent_id == client.span_id) is trust
    assert (server.trace_id == client.trace_id) is trust
    assert (client.span_id in server.links) is not trust


@pytest.mark.parametrize(
    ("host", "trusted"), [("127.0.0.1", True), ("10.1.2.3", True), ("93.184.216.34", False), ("mcp.example.com", False)]
)
def test_a_server_is_trusted_by_its_address_however_it_is_reached(host: str, trusted: bool) -> None:
    class Stream:
        """What a session writes to."""

    stream = Stream()
    assert peers.trusted_server(stream)
    peers.note_stream(stream, peers.Route("tcp", "http", url=f"http://{host}:8000/sse"))
    assert peers.trusted_server(stream) is trusted


def test_who_opens_a_transport_sees_its_errors_as_they_are() -> None:
    with pytest.raises(OSError, match="nothing-like-it"):
        anyio.run(call, stdio_client(StdioServerParameters(command="nothing-like-it")))


def broken(error: BaseException | None) -> str:
    """What comes of an error, or of being cancelled, while a transport is open."""
    silent = StdioServerParameters(command=sys.executable, args=["-Sc", "import sys; sys.stdin.read()"])

    async def main() -> str:
        with anyio.CancelScope() as cancelled:
            async with stdio_client(silent):
                if error is not None:
                    raise error
                cancelled.cancel()
                await anyio.sleep(30)
        return f"cancelled: {cancelled.cancelled_caught}"

    try:
        return anyio.run(main)
    except BaseException as raised:  # noqa: BLE001 (the test looks at it)
        return repr(raised)


CANCELLED = pytest.param(None, marks=pytest.mark.skipif(not TWO, reason="mcp 1 then leaves its streams unclosed"))


@pytest.mark.parametrize("error", [LookupError("mine"), KeyboardInterrupt(), CANCELLED], ids=repr)
def test_what_goes_wrong_inside_of_a_transport_comes_out_as_without_us(
    error: BaseException | None, undo: Callable[[], None]
) -> None:
    with_us = broken(error)
    undo()
    assert with_us == broken(error)
    assert ("cancelled: True" if error is None else repr(error)) in with_us


def test_the_undo_takes_the_transports_back(undo: Callable[[], None]) -> None:
    cells = [transports.generator_of(function) for function in (stdio_client, sse_client)]
    ours = [cell.cell_contents for cell in cells]
    undo()
    assert [cell.cell_contents for cell in cells] == [function.__wrapped__ for function in ours]
