"""Which transport the streams of a session belong to: the function that opens one hands them out, and says no more.

Users have imported that function before anybody observes it, so what is exchanged is the generator inside of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import wraps
from importlib import import_module
from types import CellType
from typing import Any
from weakref import WeakKeyDictionary

from mcp.client.streamable_http import StreamableHTTPTransport
from starlette.requests import HTTPConnection

from otel_genai import guard
from otel_genai.sources.fields import field
from otel_genai.sources.replacing import Function, Undo, Wanted, replaced, together

from . import peers
from .peers import Route

READING = "reading an MCP transport"
Said = Mapping[str, Any]
"""The arguments and variables of who has opened a transport."""

posting: WeakKeyDictionary[Any, Route] = WeakKeyDictionary()
"""By what posts messages to a server."""


def observe() -> Undo:
    """Note from now on by which transport a stream goes; returns the undo."""
    return together(
        replaced(StreamableHTTPTransport, "post_writer", _post_writer),
        *(replaced(StreamableHTTPTransport, f"_handle_{kind}_response", _response) for kind in ("json", "sse")),
        *(noted(module, name, route) for (module, name), route in ROUTES.items()),
    )


# -- streamable HTTP


def _post_writer(original: Function, wanted: Wanted) -> Function:
    """What writes to an HTTP server says by which stream its session is known."""

    async def write(transport: Any, *args: Any, **how: Any) -> None:
        guard.call(READING, _note_transport, transport, how["write_stream"] if "write_stream" in how else args[3])
        await original(transport, *args, **how)

    return write


def _note_transport(transport: Any, stream: Any) -> None:
    posting[transport] = route = Route("tcp", "http", url=str(transport.url))
    peers.note_stream(stream, route)


def _response(original: Function, wanted: Wanted) -> Function:
    async def handle(transport: Any, response: Any, *args: Any, **how: Any) -> Any:
        guard.call(READING, _note_response, transport, response)
        return await original(transport, response, *args, **how)

    return handle


def _note_response(transport: Any, response: Any) -> None:
    route = posting.get(transport)
    if route is not None:
        route.http_version, route.session_id = http_version(response), transport.session_id


def http_version(response: Any) -> str | None:
    """`1.1` or `2`, as the connection says; asked itself, a response that came by none makes one up."""
    said = getattr(response, "extensions", {}).get("http_version")
    return said.decode().removeprefix("HTTP/") if isinstance(said, bytes) else None


# -- all others


def _pipe(_: Said) -> Route:
    return Route("pipe")


def _events(said: Said) -> Route:
    return Route("tcp", "http", http_version(field(said.get("event_source"), "response")), url=str(said["url"]))


def _web_socket(said: Said) -> Route:
    return Route("tcp", "websocket", url=str(said["url"]))


def _from_web_socket(said: Said) -> Route:
    return Route("tcp", "websocket", connection=HTTPConnection(said["scope"]))


ROUTES: Mapping[tuple[str, str], Callable[[Said], Route]] = {
    ("mcp.client.stdio", "stdio_client"): _pipe,
    ("mcp.server.stdio", "stdio_server"): _pipe,
    ("mcp.client.sse", "sse_client"): _events,
    ("mcp.client.websocket", "websocket_client"): _web_socket,
    ("mcp.server.websocket", "websocket_server"): _from_web_socket,
}
"""How what these functions open goes. A server's requests say by themselves that they have come by HTTP."""


def noted(module: str, name: str, route: Callable[[Said], Route]) -> Undo:
    """Note the streams that a function opens; `mcp` 2 has none for WebSockets, and 1 only with their library."""
    try:
        function = getattr(import_module(module), name)
    except ImportError:
        return lambda: None
    cell = guard.call(READING, generator_of, function)
    return _exchanged(cell, route) if cell is not None else lambda: None


def generator_of(function: Any) -> CellType:
    """Where a function that `asynccontextmanager` has made keeps the generator function that it calls."""
    while hasattr(function.__wrapped__, "__wrapped__"):
        function = function.__wrapped__
    cell: CellType = function.__closure__[function.__code__.co_freevars.index("func")]
    return cell


def _exchanged(cell: CellType, route: Callable[[Said], Route]) -> Undo:
    original = cell.cell_contents
    opens = asynccontextmanager(original)

    @wraps(original)
    async def open_and_note(*args: Any, **how: Any) -> AsyncIterator[Any]:
        manager: Any = opens(*args, **how)
        async with manager as streams:
            guard.call(READING, lambda: peers.note_stream(streams[1], route(manager.gen.ag_frame.f_locals)))
            yield streams

    cell.cell_contents = open_and_note

    def undo() -> None:
        if cell.cell_contents is open_and_note:
            cell.cell_contents = original

    return undo
