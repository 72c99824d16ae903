"""A message while it is on its way, and the session that it belongs to, whichever `mcp` sends it."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self
from weakref import WeakKeyDictionary

from otel_genai import guard, scope
from otel_genai.bus import bus
from otel_genai.events import McpClientOperation, McpClientSession, McpServerOperation, McpServerSession
from otel_genai.events.mcp import McpOperation
from otel_genai.sources.asgi import outside

from . import contents, messages, peers

READING = "reading an MCP message"
ROUTE = ("protocol_version", "transport", "protocol_name", "http_version", "server_address", "server_port")
Session = McpClientSession | McpServerSession

sessions: WeakKeyDictionary[Any, Session] = WeakKeyDictionary()
"""By what the library keeps for a session: its dispatcher, or itself."""


class Running:
    """`with Running(operation, session):` it is current inside, and ends with what passes through."""

    __slots__ = ("_entry", "_lent", "_token", "operation", "session")

    def __init__(self, operation: McpOperation, session: Session | None) -> None:
        self.operation = operation
        self.session = session

    def __enter__(self) -> Self:
        operation = self.operation
        self._token = scope.enter(outside()) if isinstance(operation, McpServerOperation) else None
        bus.start(operation)
        self._lent = contents.lend(operation)
        self._entry = bus.enter(operation)
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        operation = self.operation
        bus.leave(operation, self._entry)
        if self._token is not None:
            scope.leave(self._token)
        with guard.around(READING):
            error = None if error is None else messages.note_error(operation, error)
            if self.session is not None:
                tell(self.session, operation)
        contents.give_back(operation, self._lent)
        bus.finish(operation, error)

    def answered(self, answer: Any) -> None:
        guard.call(READING, messages.note_answer, self.operation, answer)


def tell(session: Session, operation: McpOperation) -> None:
    """A session is what its messages say that it is."""
    for name in ROUTE:
        value = getattr(operation, name, None)
        if value is not None and hasattr(session, name):
            setattr(session, name, value)


def sent(method: str, params: Any, request_id: Any, session: Session | None, stream: Any) -> McpClientOperation:
    """What begins when a message is sent; to a client it goes the way that the client's own have come."""
    operation = McpClientOperation(method=method, request_id=None if request_id is None else str(request_id))
    messages.note_request(operation, params)
    messages.within_its_tool(operation)
    operation.protocol_version = operation.protocol_version or version_of(session)
    if isinstance(session, McpServerSession):
        as_before(operation, session)
    else:
        peers.note_server(operation, stream)
    return operation


def as_before(operation: McpOperation, session: Session) -> None:
    """What goes the way that others of its session have gone."""
    operation.transport, operation.protocol_name = session.transport, session.protocol_name
    operation.http_version = session.http_version


def note_route(operation: McpClientOperation, session: Session | None, stream: Any) -> None:
    """The first message of a session begins before its transport is at work."""
    if not isinstance(session, McpServerSession):
        peers.note_server(operation, stream)


def version_of(session: Session | None) -> str | None:
    return None if session is None else session.protocol_version


def received(method: str, params: Any, request_id: Any, version: str | None) -> McpServerOperation:
    operation = McpServerOperation(method=method, request_id=None if request_id is None else str(request_id))
    messages.note_request(operation, params)
    operation.protocol_version = operation.protocol_version or version
    return operation


def from_client(operation: McpServerOperation, metadata: Any, stream: Any, meta: Any) -> McpServerOperation:
    """Note who a client is, and whether the trace goes on from it."""
    peers.note_client(operation, metadata, stream)
    operation.remote = messages.remote(meta, peers.trusted(metadata, stream))
    return operation


def from_server(operation: McpServerOperation, session: Session | None, stream: Any, meta: Any) -> McpServerOperation:
    """The same of a server that asks something of its client."""
    if session is not None:
        as_before(operation, session)
    operation.remote = messages.remote(meta, peers.trusted_server(stream))
    return operation


def opened(key: Any, session: Session) -> None:
    sessions[key] = session
    bus.start(session)


def closed(key: Any, error: BaseException | None) -> None:
    """A session is cancelled when it is left: that is its end, and no failure."""
    session = sessions.pop(key, None)
    if session is not None:
        bus.finish(session, error if isinstance(error, Exception) else None)
