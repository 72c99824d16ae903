"""What people say is looked for, byte by byte, in all that leaves, under every combination of the six classes."""

from __future__ import annotations

import asyncio
import io
import itertools
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import otel_genai as genai
from otel_genai.capture import CLASSES

CANARIES = {
    "system_prompt": "canary-of-the-system-prompt",
    "input_messages": "canary-of-the-user",
    "output_messages": "canary-of-the-answer",
    "tool_inputs": "canary-of-the-arguments",
    "tool_outputs": "canary-of-the-result",
    "tool_definitions": "canary-of-the-description",
}
TEXTS = {"exception": "canary-of-the-exception", "log": "canary-of-the-log"}
NEVER = {
    "header": "canary-of-the-header",
    "query": "canary-of-the-query",
    "path": "canary-of-the-path",
    "command": "canary-of-the-command",
    "reasoning": "canary-of-the-reasoning",
}
THERE = ("canary-model", "canary-tool", "canary-agent", "canary.logger")
"""What always leaves: if it does not, nothing was looked for."""


class Sink(ThreadingHTTPServer):
    """Takes every export and keeps its bytes."""

    daemon_threads = True

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        super().__init__(("127.0.0.1", 0), Keeper)


class Keeper(BaseHTTPRequestHandler):
    server: Sink
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.server.bodies.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield server
        server.shutdown()


# -- a program, in which all of it is said

SOURCE = "def work(log, text, path):\n    try:\n        open(path)\n    except OSError:\n        log.exception(text)\n"
exec(compile(SOURCE, f"/srv/{NEVER['path']}.py", "exec"), module := {})


@genai.tool("canary-tool")
def search(query: str) -> list[str]:
    return [CANARIES["tool_outputs"], query.replace(CANARIES["tool_inputs"], "")]


@genai.tool("canary-tool-that-fails")
def fail(query: str) -> None:
    raise ValueError(f"{TEXTS['exception']} {query and ''}")


REQUEST = {
    "system_prompt": CANARIES["system_prompt"],
    "input_messages": [
        {"role": "system", "content": CANARIES["system_prompt"]},
        {"role": "user", "content": CANARIES["input_messages"]},
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": NEVER["reasoning"], "signature": NEVER["reasoning"]}],
            "tool_calls": [
                {"id": "1", "function": {"name": "t", "arguments": f'{{"q": "{CANARIES["tool_inputs"]}"}}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": CANARIES["tool_outputs"]},
    ],
    "tool_definitions": [{"type": "function", "function": {"name": "t", "description": CANARIES["tool_definitions"]}}],
}
ANSWER = {
    "role": "assistant",
    "content": CANARIES["output_messages"],
    "reasoning_content": NEVER["reasoning"],
    "tool_calls": [{"id": "2", "function": {"name": "t", "arguments": f'{{"q": "{CANARIES["tool_inputs"]}"}}'}}],
}


@genai.agent("canary-agent")
def answer(question: str) -> str:
    search(CANARIES["tool_inputs"])
    with suppress(ValueError):
        fail(CANARIES["tool_inputs"])
    with genai.model_call("canary-model", provider="openai") as call:
        call.content(**REQUEST)
        call.reply({"choices": [{"message": ANSWER, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}})
    with suppress(RuntimeError), genai.model_call("canary-model"):
        raise RuntimeError(TEXTS["exception"])
    module["work"](logging.getLogger("canary.logger"), TEXTS["log"], TEXTS["exception"])
    genai.exec.run(["true", NEVER["command"], f"/srv/{NEVER['path']}"], check=True)
    return CANARIES["output_messages"]


async def application(scope: Any, receive: Any, send: Any) -> None:
    with genai.run("r"):
        answer(CANARIES["input_messages"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-answer", NEVER["header"].encode())]})
    await send({"type": "http.response.body", "body": NEVER["query"].encode()})


SCOPE: dict[str, Any] = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/ask",
    "query_string": f"q={NEVER['query']}".encode(),
    "headers": [(b"host", b"localhost"), (b"authorization", f"Bearer {NEVER['header']}".encode())],
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 80),
}


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": NEVER["query"].encode(), "more_body": False}


async def _send(_: Any) -> None:
    """Nobody is there."""


def all_that_leaves(sink: Sink, program: Any = application, **options: Any) -> dict[str, bytes]:
    """The bytes of each way out, for one run of the program."""
    sink.bodies.clear()
    endpoint = f"http://127.0.0.1:{sink.server_port}"
    printed = io.StringIO()
    with (
        redirect_stdout(printed),
        genai.configure(enabled=True, endpoint=endpoint, logs=True, logs_exporter="both", **options) as telemetry,
    ):
        page = telemetry._page()
        asyncio.run(genai.Middleware(program)(SCOPE, _receive, _send))
        scraped = page.text("text/plain", "")[1] if page else b""
        assert telemetry.shutdown()
    ways = {"prometheus": scraped, "stdout": printed.getvalue().encode()}
    for path, body in sink.bodies:
        ways[path] = ways.get(path, b"") + body
    return ways


def found(ways: Mapping[str, bytes], canaries: Mapping[str, str]) -> set[str]:
    everything = b"\n".join(ways.values())
    return {name for name, canary in canaries.items() if canary.encode() in everything}


def combinations() -> Iterator[frozenset[str]]:
    for many in range(len(CLASSES) + 1):
        yield from map(frozenset, itertools.combinations(CLASSES, many))


@pytest.mark.parametrize("on", list(combinations()), ids=lambda on: " ".join(sorted(on)) or "none")
def test_each_class_leaves_exactly_when_it_is_on(sink: Sink, on: frozenset[str]) -> None:
    ways = all_that_leaves(sink, capture_content=dict.fromkeys(sorted(on), True))
    assert set(ways) == {"prometheus", "stdout", "/v1/traces", "/v1/metrics", "/v1/logs"}
    assert all(any(name.encode() in bytes for bytes in ways.values()) for name in THERE)
    assert found(ways, CANARIES) == on
    assert found(ways, TEXTS) == set()
    assert found(ways, NEVER) == set()
    assert b"canary-of-the" not in ways["prometheus"] + ways["/v1/metrics"] + ways["/v1/logs"] + ways["stdout"]


def test_texts_of_errors_and_logs_leave_with_everything_alone(sink: Sink) -> None:
    ways = all_that_leaves(sink, capture_content=True)
    assert found(ways, CANARIES) == set(CLASSES)
    assert found(ways, TEXTS) == set(TEXTS)
    for signal in ("prometheus", "/v1/metrics"):
        assert b"canary-of-the" not in ways[signal]
    assert TEXTS["log"].encode() in ways["/v1/logs"]
    assert TEXTS["log"].encode() in ways["stdout"]
    # The text of an exception says where in the code it came up; nothing else names a file.
    assert found(ways, NEVER) == {"path"}
    assert found({"traces": ways["/v1/traces"]}, NEVER) == set()


@pytest.mark.parametrize("sampled", [0.0])
@pytest.mark.parametrize("classes", [True, dict.fromkeys(CLASSES, True)], ids=["everything", "every class"])
def test_what_is_not_sampled_keeps_its_content_to_itself(sink: Sink, classes: Any, sampled: float) -> None:
    ways = all_that_leaves(sink, capture_content=classes, sample_rate=sampled)
    assert found(ways, CANARIES) == set()


@pytest.mark.parametrize(
    ("classes", "signals"),
    [
        ({"spans": True, "events": False}, {"/v1/traces"}),
        ({"spans": False, "events": True}, {"/v1/logs", "stdout"}),
        ({"spans": True, "events": True}, {"/v1/traces", "/v1/logs", "stdout"}),
    ],
    ids=["spans", "events", "both"],
)
def test_content_goes_where_it_is_wanted_and_nowhere_else(sink: Sink, classes: Any, signals: set[str]) -> None:
    ways = all_that_leaves(sink, capture_content={**dict.fromkeys(CLASSES, True), **classes})
    said = {way for way, sent in ways.items() if CANARIES["input_messages"].encode() in sent}
    assert said == signals


# -- the same of a program whose tools are elsewhere

BY_MCP = {"tool_inputs": "canary-of-the-mcp-arguments", "tool_outputs": "canary-of-the-mcp-result"}
NEVER_BY_MCP = {
    "failure": "canary-of-the-mcp-failure",
    "prompt": "canary-of-the-mcp-prompt",
    "resource": "canary-of-the-mcp-resource",
    "meta": "canary-of-the-mcp-meta",
}


def mcp_server() -> Any:
    server = pytest.importorskip("mcp.server.mcpserver").MCPServer("canary", log_level="CRITICAL")

    @server.tool("canary-mcp-tool")
    def look(query: str) -> str:
        if query == "fail":
            raise ValueError(NEVER_BY_MCP["failure"])
        return BY_MCP["tool_outputs"]

    @server.prompt("greet")
    def greet(name: str) -> str:
        return f"{NEVER_BY_MCP['prompt']} {name}"

    @server.resource("canary://read")
    def read() -> str:
        return NEVER_BY_MCP["resource"]

    return server


async def by_mcp(scope: Any, receive: Any, send: Any) -> None:
    from mcp.client import Client

    async with Client(mcp_server(), mode="legacy") as client:
        await client.call_tool("canary-mcp-tool", {"query": BY_MCP["tool_inputs"]}, meta={"note": NEVER_BY_MCP["meta"]})
        with genai.tool("canary-mcp-tool"):
            await client.call_tool("canary-mcp-tool", {"query": BY_MCP["tool_inputs"]})
        await client.call_tool("canary-mcp-tool", {"query": "fail"})
        await client.get_prompt("greet", {"name": NEVER_BY_MCP["prompt"]})
        await client.read_resource("canary://read")
    await application(scope, receive, send)


@pytest.fixture
def observed() -> Iterator[None]:
    pytest.importorskip("mcp.client.client")
    undo = genai.instrument("mcp")
    yield
    undo()


@pytest.mark.usefixtures("observed")
@pytest.mark.parametrize("on", [(), ("tool_inputs",), ("tool_outputs",), ("tool_inputs", "tool_outputs"), CLASSES])
def test_what_goes_to_tools_elsewhere_leaves_exactly_when_it_is_on(sink: Sink, on: tuple[str, ...]) -> None:
    ways = all_that_leaves(sink, by_mcp, capture_content=dict.fromkeys(on, True))
    assert b"tools/call canary-mcp-tool" in ways["/v1/traces"]
    assert found(ways, BY_MCP) == set(on) & BY_MCP.keys()
    assert found(ways, NEVER_BY_MCP) == set()
    assert b"canary-of-the" not in ways["prometheus"] + ways["/v1/metrics"] + ways["/v1/logs"] + ways["stdout"]
    assert found(ways, CANARIES) == set(on)
