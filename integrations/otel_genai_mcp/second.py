"""`mcp` 2: every message passes a dispatcher, whose parameters are plain dictionaries.

It makes spans of its own, for the global tracer provider. They are the same, and are left out while ours are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from mcp.client.session import ClientSession
from mcp.server import _otel as server_spans
from mcp.server.runner import ServerRunner
from mcp.shared import jsonrpc_dispatcher
from mcp.shared.direct_dispatcher import DirectDispatcher
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher

from otel_genai import guard, scope
from otel_genai.events import McpClientOperation, McpClientSession, McpServerOperation, McpServerSession
from otel_genai.events.mcp import McpOperation
from otel_genai.sources.replacing import Function, Undo, Wanted, replaced, together

from . import messages, peers, transports
from .running import (
    READING,
    Running,
    Session,
    closed,
    from_client,
    from_server,
    note_route,
    opened,
    received,
    sent,
    sessions,
)


def observe() -> Undo:
    """Observe clients and servers from now on; returns the undo."""
    dispatchers = (JSONRPCDispatcher, DirectDispatcher)
    return together(
        *(replaced(kind, "run", _run) for kind in dispatchers),
        *(replaced(kind, "send_raw_request", _request) for kind in dispatchers),
        *(replaced(kind, "notify", _notification) for kind in dispatchers),
        *(replaced(kind, name, _receive) for kind in (ServerRunner, ClientSession) for name in RECEIVING),
        transports.observe(),
        *(replaced(module, "otel_span", _span) for module in (jsonrpc_dispatcher, server_spans)),
        replaced(jsonrpc_dispatcher, "inject_trace_context", _inject),
    )


RECEIVING = ("_on_request", "_on_notify")


# -- sessions


def _run(original: Function, wanted: Wanted) -> Function:
    async def run(dispatcher: Any, on_request: Any, *args: Any, **how: Any) -> None:
        if not wanted():
            await original(dispatcher, on_request, *args, **how)
            return
        client = isinstance(getattr(on_request, "__self__", None), ClientSession)
        opened(dispatcher, McpClientSession() if client else McpServerSession())
        try:
            await original(dispatcher, on_request, *args, **how)
        except BaseException as error:
            closed(dispatcher, error)
            raise
        closed(dispatcher, None)

    return run


# -- sending


def _request(original: Function, wanted: Wanted) -> Function:
    async def send(dispatcher: Any, method: str, params: Any, opts: Any = None, **how: Any) -> Any:
        operation = guard.call(READING, _sent, dispatcher, method, params, opts, True) if wanted() else None
        if operation is None:
            return await original(dispatcher, method, params, opts, **how)
        with Running(operation, sessions.get(dispatcher)) as running:
            params = guard.call(READING, messages.carrying, params) or params
            try:
                answer = await original(dispatcher, method, params, opts, **how)
            finally:
                guard.call(READING, note_route, operation, running.session, stream_of(dispatcher))
            running.answered(answer)
        return answer

    return send


def _notification(original: Function, wanted: Wanted) -> Function:
    async def notify(dispatcher: Any, method: str, params: Any, opts: Any = None, **how: Any) -> None:
        operation = guard.call(READING, _sent, dispatcher, method, params, opts, False) if wanted() else None
        if operation is None:
            await original(dispatcher, method, params, opts, **how)
            return
        with Running(operation, sessions.get(dispatcher)):
            params = guard.call(READING, messages.carrying, params) or params
            await original(dispatcher, method, params, opts, **how)

    return notify


def _sent(dispatcher: Any, method: str, params: Any, opts: Any, asks: bool) -> McpClientOperation:
    opts = opts or {}
    counts = getattr(dispatcher, "_peer", None) or dispatcher  # one without a wire leaves that to the other side
    request_id = opts.get("request_id", counts._next_id + 1) if asks else None
    operation = sent(method, params, request_id, sessions.get(dispatcher), stream_of(dispatcher))
    operation.protocol_version = (opts.get("headers") or {}).get(peers.VERSION_HEADER, operation.protocol_version)
    return operation


# -- receiving


def _receive(original: Function, wanted: Wanted) -> Function:
    async def receive(receiver: Any, dctx: Any, method: str, params: Any) -> Any:
        operation = guard.call(READING, _received, receiver, dctx, method, params) if wanted() else None
        if operation is None:
            return await original(receiver, dctx, method, params)
        with Running(operation, _session(dctx)) as running:
            answer = await original(receiver, dctx, method, params)
            running.answered(answer)
        return answer

    return receive


def _received(receiver: Any, dctx: Any, method: str, params: Any) -> McpServerOperation:
    meta = params.get("_meta") if isinstance(params, Mapping) else None
    client = isinstance(receiver, ClientSession)
    version = receiver.protocol_version if client else receiver.connection.protocol_version
    operation = received(method, params, dctx.request_id, version)
    if client:
        return from_server(operation, sessions.get(receiver._dispatcher), stream_of(receiver._dispatcher), meta)
    return from_client(operation, dctx.message_metadata, stream_of(_dispatcher(dctx)), meta)


def stream_of(dispatcher: Any) -> Any:
    """What it writes to; one without a wire has none."""
    return getattr(dispatcher, "_write_stream", None)


def _session(dctx: Any) -> Session | None:
    dispatcher = _dispatcher(dctx)
    return None if dispatcher is None else sessions.get(dispatcher)


def _dispatcher(dctx: Any) -> Any:
    return getattr(getattr(dctx, "_inner", dctx), "_dispatcher", None)


# -- the library's own spans


class Silent:
    """In place of a span that is left out."""

    def set_attribute(self, *_: object) -> None:
        """Nothing is kept."""

    set_attributes = set_status = record_exception = add_event = set_attribute


def _span(original: Function, wanted: Wanted) -> Function:
    def span(*args: Any, **how: Any) -> Any:
        return nullcontext(Silent()) if _ours(wanted) else original(*args, **how)

    return span


def _inject(original: Function, wanted: Wanted) -> Function:
    def inject(meta: dict[str, Any]) -> None:
        if not _ours(wanted):
            original(meta)

    return inject


def _ours(wanted: Wanted) -> bool:
    return wanted() and isinstance(scope.current().operation, McpOperation)
