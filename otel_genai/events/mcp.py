"""What passes between the clients and servers of the Model Context Protocol, as each side sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from .agents import ToolExecution
from .event import Operation
from .requests import Remote


@dataclass(eq=False, kw_only=True)
class McpExchange(Operation):
    """What a message and a session have in common: how the other side is reached."""

    protocol_version: str | None = None
    """The version of the protocol that both have agreed on: `2025-11-25`."""
    transport: str | None = None
    """`pipe` for stdio; `tcp` for HTTP and WebSockets, `quic` for HTTP/3; none where it is not known, as in memory."""
    protocol_name: str | None = None
    """`http` or `websocket`, where it is that."""
    http_version: str | None = None


@dataclass(eq=False, kw_only=True)
class McpOperation(McpExchange):
    """A request or a notification. What it asks with, and what is answered, is never a field of it."""

    method: str = "_OTHER"
    """`tools/call`, `resources/read`, `notifications/progress` ..."""
    tool: str | None = None
    prompt: str | None = None
    """Name of the prompt that is asked for."""
    resource: str | None = None
    """URI of the resource; on spans only."""
    request_id: str | None = None
    """The JSON-RPC id, which a notification has not; on spans only."""
    session_id: str | None = None
    """The transport's id of the session; on spans only."""
    response_code: str | None = None
    """The JSON-RPC error code of an answer that is an error."""

    def refuse(self, code: int | str) -> None:
        """Note that the answer is an error with this code."""
        self.declare(str(code))
        self.response_code = str(code)


@dataclass(eq=False, kw_only=True)
class McpClientOperation(McpOperation):
    """A message, from who sends it until it is answered; a notification until it is sent."""

    started_kind = "mcp.client.operation.started"
    completed_kind = "mcp.client.operation.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "mcp.client.operation.error"}

    server_address: str | None = None
    server_port: int | None = None
    tool_around: ToolExecution | None = field(default=None, init=False, repr=False)
    """The execution of that tool which the call is made for: it is said on the span of that, instead of one more."""


@dataclass(eq=False, kw_only=True)
class McpServerOperation(McpOperation):
    """The same message at who receives it, until it is dealt with."""

    started_kind = "mcp.server.operation.started"
    completed_kind = "mcp.server.operation.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "mcp.server.operation.error"}

    client_address: str | None = None
    client_port: int | None = None
    remote: Remote | None = field(default=None, repr=False)


@dataclass(eq=False, kw_only=True)
class McpClientSession(McpExchange):
    """A session, at the client: from its opening until it is closed."""

    started_kind = "mcp.client.session.started"
    completed_kind = "mcp.client.session.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "mcp.client.session.error"}

    server_address: str | None = None
    server_port: int | None = None


@dataclass(eq=False, kw_only=True)
class McpServerSession(McpExchange):
    """A session, at the server."""

    started_kind = "mcp.server.session.started"
    completed_kind = "mcp.server.session.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "mcp.server.session.error"}
