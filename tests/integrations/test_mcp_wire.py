"""MCP over stdio and over streamable HTTP on loopback: how the other side is reached, and whose trace is continued."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

import otel_genai as genai
from otel_genai.demo.server import serve
from otel_genai.testing import Captured, CapturedSpan, capture

pytest.importorskip("mcp")

from mcp import StdioServerParameters, stdio_client

try:
    from mcp.client import Client
    from mcp.server import MCPServer

    TWO = True
except ImportError:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client
    from mcp.server.fastmcp import FastMCP as MCPServer

    TWO = False

INSTRUMENT = partial(genai.instrument, "mcp")
SERVER = """
import json, os
import otel_genai as genai
from otel_genai.bus import bus
try:
    from mcp.server import MCPServer
except ImportError:
    from mcp.server.fastmcp import FastMCP as MCPServer
genai.configure(enabled=True, endpoint="http://127.0.0.1:1")
genai.instrument("mcp")
server = MCPServer("ids", log_level="CRITICAL")
@server.tool()
def ids() -> str:
    return json.dumps(bus.trace_ids())
server.run("stdio")
os._exit(0)
"""
"""A server of another process, which tells of the span that it is at work in."""
MODES = ["legacy", "auto"] if TWO else ["legacy"]
"""With a session and its handshake; or, since the protocol of July 2026, without."""


def application(**middleware: Any) -> Any:
    server = MCPServer("weather", log_level="CRITICAL")

    @server.tool()
    def forecast(city: str) -> str:
        return f"sunny in {city}"

    app = server.streamable_http_app()
    if middleware:
        app.add_middleware(genai.Middleware, **middleware)
    return app


@asynccontextmanager
async def connected(url: str, mode: str) -> AsyncIterator[Any]:
    if TWO:
        async with Client(url, mode=mode) as client:
            yield client
    else:
        async with streamable_http_client(url) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            yield session


@asynccontextmanager
async def piped(file: Path, mode: str) -> AsyncIterator[Any]:
    parameters = StdioServerParameters(command=sys.executable, args=[str(file)], env=dict(os.environ))
    if TWO:
        async with Client(stdio_client(parameters), mode=mode) as client:
            yield client
    else:
        async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            yield session


def call(app: Any, mode: str = "legacy") -> str:
    """Call the tool of a server on a real socket, within an agent; returns the URL."""

    async def main(url: str) -> None:
        async with connected(f"{url}/mcp", mode) as client:
            with genai.agent("traveller"):
                result = await client.call_tool("forecast", {"city": "Oslo"})
        assert result.content[0].text == "sunny in Oslo"

    with serve(app) as url:
        anyio.run(main, url)
    return url


@pytest.fixture
def captured() -> Iterator[Captured]:
    with capture(semconv="gen_ai_latest_experimental") as everything:
        yield everything


def sides(captured: Captured) -> tuple[CapturedSpan, CapturedSpan]:
    found = {span.kind: span for span in captured.spans if span.name == "tools/call forecast"}
    return found["client"], found["server"]


def posts(captured: Captured) -> dict[str, CapturedSpan]:
    return {span.span_id: span for span in captured.spans if span.get("http.request.method") == "POST"}


@pytest.mark.parametrize("mode", MODES)
def test_a_server_on_loopback_goes_on_with_the_clients_trace(captured: Captured, mode: str) -> None:
    call(application(), mode)
    client, server = sides(captured)
    assert captured.parent(client) == captured.span("invoke_agent traveller")
    assert captured.parent(server) == client
    assert server.links == []


@pytest.mark.parametrize("mode", MODES)
def test_both_sides_say_how_the_other_is_reached(captured: Captured, mode: str) -> None:
    url = call(application(), mode)
    client, server = sides(captured)
    for span in (client, server):
        assert (span["network.transport"], span["network.protocol.name"]) == ("tcp", "http")
        assert ("mcp.session.id" in span) is (mode == "legacy")
    assert f"http://{client['server.address']}:{client['server.port']}" == url
    assert (server["client.address"], server["network.protocol.version"]) == ("127.0.0.1", "1.1")
    assert client.get("mcp.session.id") == server.get("mcp.session.id")
    assert client["mcp.protocol.version"] == server["mcp.protocol.version"]


def test_a_session_is_measured_with_the_server_that_it_was_with(captured: Captured) -> None:
    url = call(application())
    (point,) = captured.points("mcp.client.session.duration")
    assert url.endswith(f":{point['server.port']}")
    assert point["network.transport"] == "tcp"


@pytest.mark.parametrize("mode", MODES)
def test_the_request_that_a_message_came_with_is_linked_to(captured: Captured, mode: str) -> None:
    """`mcp` 1 handles a message outside of its request, where there is nothing to link to."""
    call(application(trust_inbound=True), mode)
    client, server = sides(captured)
    assert captured.parent(server) == client
    linked = server.links
    assert len(linked) == (1 if TWO else 0)
    assert set(linked) <= posts(captured).keys()


@pytest.mark.parametrize("mode", MODES)
def test_a_client_that_is_not_trusted_is_linked_to_and_no_parent(captured: Captured, mode: str) -> None:
    call(application(trust_inbound=False), mode)
    client, server = sides(captured)
    assert server.trace_id != client.trace_id
    assert client.span_id in server.links
    parent = captured.parent(server)
    assert parent is None if not TWO else parent.span_id in posts(captured)


def test_a_policy_that_fails_is_a_no(captured: Captured) -> None:
    def policy(scope: Any) -> bool:
        raise LookupError("who is that?")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("otel_genai.guard._strict", False)
        call(application(trust_inbound=policy))
    client, server = sides(captured)
    assert server.trace_id != client.trace_id


@pytest.mark.parametrize("mode", MODES)
def test_a_server_in_another_process_is_in_the_trace_of_its_client(
    captured: Captured, mode: str, tmp_path: Path
) -> None:
    file = tmp_path / "server.py"
    file.write_text(SERVER, encoding="utf-8")

    async def main() -> dict[str, str]:
        async with piped(file, mode) as client:
            result = await client.call_tool("ids", {})
        return json.loads(result.content[0].text)

    told = anyio.run(main)
    span = captured.span("tools/call ids")
    assert (told["traceId"], told["parentSpanId"]) == (span.trace_id, span.span_id)
    assert span["network.transport"] == "pipe"


@pytest.mark.parametrize(
    "meta", [{"traceparent": 7}, {"traceparent": "nonsense"}, {"traceparent": [[]]}, {}, "nonsense"]
)
def test_a_malformed_meta_that_comes_in_breaks_nothing(captured: Captured, meta: Any) -> None:
    about = {"capabilities": {}, "clientInfo": {"name": "x", "version": "1"}, "protocolVersion": "2025-11-25"}
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {**about, "_meta": meta}}
    headers = {"accept": "application/json, text/event-stream"}
    with serve(application()) as url:
        answer = httpx.post(f"{url}/mcp", json=message, headers=headers)
    assert answer.status_code in {200, 400}
    assert all(span.parent_id is None for span in captured.spans)
