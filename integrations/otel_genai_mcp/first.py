"""`mcp` 1: every message passes a session, whose messages are pydantic models."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import wrapt
from mcp.client.session import ClientSession
from mcp.server.lowlevel.server import Server
from mcp.server.session import ServerSession
from mcp.shared.session import BaseSession, RequestResponder

from otel_genai import guard, scope
from otel_genai.events import McpClientOperation, McpClientSession, McpServerOperation, McpServerSession
from otel_genai.sources.fields import field
from otel_genai.sources.replacing import Function, Undo, Wanted, replaced, together

from . import messages, transports
from .running import (
    READING,
    Running,
    closed,
    from_client,
    from_server,
    note_route,
    opened,
    received,
    sent,
    sessions,
    version_of,
)

clients: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
"""What came with the last request of a session: its notifications come without."""


def observe() -> Undo:
    """Observe clients and servers from now on; returns the undo."""
    return together(
        replaced(BaseSession, "__aenter__", _open),
        replaced(BaseSession, "__aexit__", _close),
        replaced(BaseSession, "send_request", _request),
        replaced(BaseSession, "send_notification", _notification),
        replaced(ServerSession, "_received_request", _admit),
        replaced(ClientSession, "_received_request", _asked),
        replaced(Server, "_handle_request", _handle),
        replaced(Server, "_handle_message", _handle_message),
        replaced(RequestResponder, "respond", _respond),
        transports.observe(),
    )


# -- sessions


def _open(original: Function, wanted: Wanted) -> Function:
    async def enter(session: Any) -> Any:
        entered = await original(session)
        if wanted():
            opened(session, McpClientSession() if isinstance(session, ClientSession) else McpServerSession())
        return entered

    return enter


def _close(original: Function, wanted: Wanted) -> Function:
    async def leave(session: Any, kind: Any, error: BaseException | None, trace: Any) -> Any:
        try:
            return await original(session, kind, error, trace)
        finally:
            closed(session, error)

    return leave


# -- sending


class Carrying(wrapt.ObjectProxy[Any]):
    """A message that is written with the trace context in its `_meta`; the user's own object stays as it is."""

    def model_dump(self, *args: Any, **how: Any) -> dict[str, Any]:
        dumped: dict[str, Any] = self.__wrapped__.model_dump(*args, **how)
        params = guard.call(READING, messages.carrying, dumped.get("params"))
        return {**dumped, "params": params} if params else dumped


def _request(original: Function, wanted: Wanted) -> Function:
    async def send(session: Any, request: Any, *args: Any, **how: Any) -> Any:
        operation = guard.call(READING, _sent, session, request, True) if wanted() else None
        if operation is None:
            return await original(session, request, *args, **how)
        with Running(operation, sessions.get(session)) as running:
            try:
                answer = await original(session, Carrying(request), *args, **how)
            finally:
                guard.call(READING, note_route, operation, running.session, session._write_stream)
            running.answered(answer)
        return answer

    return send


def _notification(original: Function, wanted: Wanted) -> Function:
    async def send(session: Any, notification: Any, *args: Any, **how: Any) -> None:
        operation = guard.call(READING, _sent, session, notification, False) if wanted() else None
        if operation is None:
            await original(session, notification, *args, **how)
            return
        with Running(operation, sessions.get(session)):
            await original(session, Carrying(notification), *args, **how)

    return send


def _sent(session: Any, message: Any, asks: bool) -> McpClientOperation:
    root = getattr(message, "root", message)
    request_id = session._request_id if asks else None
    return sent(root.method, root.params, request_id, sessions.get(session), session._write_stream)


# -- receiving


def _admit(original: Function, wanted: Wanted) -> Function:
    """Of what a server's session receives, it deals with `initialize` itself."""

    async def admit(session: Any, responder: Any) -> Any:
        clients[session] = responder.message_metadata
        root = responder.request.root
        if not wanted() or root.method != "initialize":
            return await original(session, responder)
        return await _dealt_with(original, (session, responder), session, responder, root)

    return admit


def _handle(original: Function, wanted: Wanted) -> Function:
    async def handle(server: Any, responder: Any, request: Any, session: Any, *args: Any, **how: Any) -> Any:
        if not wanted():
            return await original(server, responder, request, session, *args, **how)
        arguments = (server, responder, request, session, *args)
        return await _dealt_with(original, arguments, session, responder, request, **how)

    return handle


async def _dealt_with(
    original: Function, arguments: tuple[Any, ...], session: Any, responder: Any, request: Any, **how: Any
) -> Any:
    operation = guard.call(READING, _received, session, responder, request)
    if operation is None:
        return await original(*arguments, **how)
    with Running(operation, sessions.get(session)):
        result = await original(*arguments, **how)
        if responder.cancelled:
            operation.declared = operation.error_type = "cancelled"
    return result


def _received(session: Any, responder: Any, request: Any) -> McpServerOperation:
    ours = sessions.get(session)
    operation = received(request.method, request.params, responder.request_id, version_of(ours))
    return from_client(operation, responder.message_metadata, session._write_stream, responder.request_meta)


def _handle_message(original: Function, wanted: Wanted) -> Function:
    """Of what a server receives, the notifications."""

    async def handle(server: Any, message: Any, session: Any, *args: Any, **how: Any) -> Any:
        notification = getattr(message, "root", None)
        operation = guard.call(READING, _notified, session, notification) if wanted() and notification else None
        if operation is None:
            return await original(server, message, session, *args, **how)
        with Running(operation, sessions.get(session)):
            return await original(server, message, session, *args, **how)

    return handle


def _notified(session: Any, notification: Any) -> McpServerOperation:
    ours = sessions.get(session)
    operation = received(notification.method, notification.params, None, version_of(ours))
    return from_client(operation, clients.get(session), session._write_stream, field(notification.params, "meta"))


def _asked(original: Function, wanted: Wanted) -> Function:
    """A server asks something of its client."""

    async def asked(session: Any, responder: Any) -> Any:
        operation = guard.call(READING, _from_server, session, responder) if wanted() else None
        if operation is None:
            return await original(session, responder)
        with Running(operation, sessions.get(session)):
            return await original(session, responder)

    return asked


def _from_server(session: Any, responder: Any) -> McpServerOperation:
    request, ours = responder.request.root, sessions.get(session)
    operation = received(request.method, request.params, responder.request_id, version_of(ours))
    return from_server(operation, ours, session._write_stream, responder.request_meta)


def _respond(original: Function, wanted: Wanted) -> Function:
    async def respond(responder: Any, response: Any) -> Any:
        operation = scope.current().operation
        if wanted() and isinstance(operation, McpServerOperation):
            guard.call(READING, _note_response, operation, response)
        return await original(responder, response)

    return respond


def _note_response(operation: McpServerOperation, response: Any) -> None:
    code = getattr(response, "code", None)
    if isinstance(code, int):
        operation.refuse(code)
    else:
        messages.note_answer(operation, getattr(response, "root", response))
