"""Who is on the other side of an MCP session, how it is reached, and whether its trace context is believed.

A peer that comes neither by HTTP nor by WebSocket is a process of this machine that one of us has started, or in this
process: it is trusted. Any other is judged by its address, as `Middleware(trust_inbound="private")` does; where a
`Middleware` stands around the server, by what that was told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from otel_genai import guard
from otel_genai.events import McpClientOperation, McpClientSession, McpServerOperation
from otel_genai.events.mcp import McpExchange
from otel_genai.sources.asgi import FLAG, trusting
from otel_genai.sources.http import DEFAULT_PORTS, pair

SESSION_HEADER = "mcp-session-id"
VERSION_HEADER = "mcp-protocol-version"
PORTS = {**DEFAULT_PORTS, "ws": 80, "wss": 443}

private = trusting("private")


@dataclass(slots=True)
class Route:
    """How the other side of a session is reached."""

    transport: str
    protocol_name: str | None = None
    http_version: str | None = None
    url: str | None = None
    """Of a server."""
    session_id: str | None = None
    connection: Any = None
    """What a client has opened for all that it sends; where each message comes with a request of its own, that."""


routes: WeakKeyDictionary[Any, Route] = WeakKeyDictionary()
"""By the stream that a session writes to. One that leads to nobody's transport, as in memory, has none."""


def note_stream(stream: Any, route: Route) -> None:
    routes[inner(stream)] = route


def route_of(stream: Any) -> Route | None:
    return None if stream is None else routes.get(inner(stream))


def inner(stream: Any) -> Any:
    """What `mcp` 2 puts around a stream cannot be referred to weakly."""
    return getattr(stream, "_inner", stream)


def note_transport(exchange: McpExchange, route: Route) -> None:
    exchange.transport, exchange.protocol_name = route.transport, route.protocol_name
    exchange.http_version = route.http_version


# -- as a client


def note_server(exchange: McpClientOperation | McpClientSession, stream: Any) -> None:
    """Note how a server is reached, by the stream that its session writes to."""
    route = route_of(stream)
    if route is None:
        return
    note_transport(exchange, route)
    if route.url is not None:
        url = urlsplit(route.url)
        exchange.server_address, exchange.server_port = url.hostname, url.port or PORTS.get(url.scheme)
    if isinstance(exchange, McpClientOperation):
        exchange.session_id = route.session_id


def trusted_server(stream: Any) -> bool:
    """Whether the context of what a server asks of its client is continued; a name is no address, and is not."""
    route = route_of(stream)
    if route is None or route.url is None:
        return True
    return private({"type": "http", "client": (urlsplit(route.url).hostname, 0)})


# -- as a server


def note_client(operation: McpServerOperation, metadata: Any, stream: Any) -> None:
    """Note who sent a message: by the request that it came with, if any, or how its session is reached."""
    request, route = request_of(metadata, stream), route_of(stream)
    if route is not None:
        note_transport(operation, route)
    if request is None:
        return
    if request.scope["type"] == "http":
        version = operation.http_version = request.scope.get("http_version")
        operation.transport = "quic" if version and version.startswith("3") else "tcp"
        operation.protocol_name = "http"
    operation.client_address, operation.client_port = pair(request.scope.get("client"))
    operation.session_id = request.headers.get(SESSION_HEADER)
    operation.protocol_version = operation.protocol_version or request.headers.get(VERSION_HEADER)


def request_of(metadata: Any, stream: Any) -> Any:
    """The request that a message came with, or the one that has opened its session."""
    request = getattr(metadata, "request_context", None)
    if hasattr(request, "scope"):
        return request
    route = route_of(stream)
    return None if route is None else route.connection


def trusted(metadata: Any, stream: Any) -> bool:
    """Whether the sender's context is continued; where asking fails it is not."""
    request = request_of(metadata, stream)
    if request is None:
        return True
    policy = request.scope.get(FLAG)
    return guard.call("asking whom to trust", policy if callable(policy) else private, request.scope) is True
