"""Who is on the other side of an MCP session, how it is reached, and whether its trace context is believed.

A peer that does not come by HTTP is a process of this machine that one of us has started: it is trusted. One that comes
by HTTP is judged by its address, as `Middleware(trust_inbound="private")` does; where a `Middleware` stands around the
server, by what that was told.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from otel_genai import guard
from otel_genai.events import McpClientOperation, McpClientSession, McpServerOperation
from otel_genai.sources.asgi import FLAG, trusting
from otel_genai.sources.http import DEFAULT_PORTS, pair

SESSION_HEADER = "mcp-session-id"
VERSION_HEADER = "mcp-protocol-version"

private = trusting("private")
transports: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
"""The HTTP transport behind the stream that a client's session writes to."""


# -- as a client


def note_stream(stream: Any, transport: Any) -> None:
    transports[inner(stream)] = transport


def transport_of(stream: Any) -> Any:
    return None if stream is None else transports.get(inner(stream))


def inner(stream: Any) -> Any:
    """What `mcp` 2 puts around a stream cannot be referred to weakly."""
    return getattr(stream, "_inner", stream)


def note_server(exchange: McpClientOperation | McpClientSession, stream: Any) -> None:
    """Note how a server is reached, by the stream that its session writes to."""
    transport = transport_of(stream)
    if transport is None:
        exchange.transport = "pipe"
        return
    exchange.transport, exchange.protocol_name = "tcp", "http"
    url = urlsplit(str(transport.url))
    exchange.server_address = url.hostname
    exchange.server_port = url.port or DEFAULT_PORTS.get(url.scheme)
    if isinstance(exchange, McpClientOperation):
        exchange.session_id = transport.session_id


def trusted_server(stream: Any) -> bool:
    """Whether the context of what a server asks of its client is continued; a name is no address, and is not."""
    transport = transport_of(stream)
    return transport is None or private({"type": "http", "client": (urlsplit(str(transport.url)).hostname, 0)})


# -- as a server


def note_client(operation: McpServerOperation, metadata: Any) -> None:
    """Note who sent a message, by the HTTP request that it came with, if any."""
    request = request_of(metadata)
    if request is None:
        operation.transport = "pipe"
        return
    operation.transport, operation.protocol_name = "tcp", "http"
    operation.http_version = request.scope.get("http_version")
    operation.client_address, operation.client_port = pair(request.scope.get("client"))
    operation.session_id = request.headers.get(SESSION_HEADER)
    operation.protocol_version = operation.protocol_version or request.headers.get(VERSION_HEADER)


def request_of(metadata: Any) -> Any:
    """The HTTP request that a message came with."""
    request = getattr(metadata, "request_context", None)
    return request if hasattr(request, "scope") else None


def trusted(metadata: Any) -> bool:
    """Whether the sender's context is continued; where asking fails it is not."""
    request = request_of(metadata)
    if request is None:
        return True
    policy = request.scope.get(FLAG)
    return guard.call("asking whom to trust", policy if callable(policy) else private, request.scope) is True
