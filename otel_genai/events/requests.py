"""Inbound requests, the frames of a WebSocket, and what is done after the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..scope import Scope
from .event import Event, Operation


@dataclass(eq=False, kw_only=True)
class Remote:
    """What a caller sent along to be continued: the inbound headers, and whether we believe them."""

    carrier: Mapping[str, Any]
    """The ASGI scope whose headers may hold `traceparent` and `tracestate`."""
    trusted: bool


@dataclass(eq=False, kw_only=True)
class HttpRequest(Operation):
    """An inbound HTTP request, from its first header to the last byte of the answer."""

    started_kind = "http.request.started"
    completed_kind = "http.request.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "http.request.error"}

    method: str = "_OTHER"
    original_method: str | None = None
    path: str = ""
    query: str | None = None
    scheme: str = "http"
    protocol_version: str | None = None
    server_address: str | None = None
    server_port: int | None = None
    client_address: str | None = None
    client_port: int | None = None
    user_agent: str | None = None
    route: str | None = None
    """The template of the route, known once the application has routed; never the raw path."""
    status_code: int | None = None
    request_bytes: int | None = None
    response_bytes: int | None = None
    body_parts: int | None = None
    """How many pieces the body of the answer was sent in."""
    first_byte_ns: int | None = None
    """From the start to the first byte of the body."""
    remote: Remote | None = field(default=None, repr=False)
    request_headers: Sequence[tuple[bytes, bytes]] = field(default=(), repr=False)
    response_headers: Sequence[tuple[bytes, bytes]] = field(default=(), repr=False)

    @property
    def first_byte_s(self) -> float | None:
        """Of an answer in more than one piece; that of one piece is there with its first byte."""
        return self.first_byte_ns / 1e9 if self.streamed and self.first_byte_ns is not None else None

    @property
    def streamed(self) -> bool | None:
        """True for an answer that was sent in more than one piece, and nothing for any other."""
        return True if self.body_parts is not None and self.body_parts > 1 else None

    @property
    def adopted(self) -> bool:
        """Its span is that of another instrumentation, which may end it as soon as the last piece is handed over."""
        return not getattr(self.trace, "ours", True)

    def cut_short(self) -> None:
        """Note that the client left before the end: cancelled, and no error of ours."""
        self.declared = self.error_type = "cancelled"

    def blame_status(self) -> None:
        """Note a status of 500 and above as the error; one below is the caller's fault."""
        if self.error_type is None and self.status_code is not None and self.status_code >= 500:
            self.error_type = str(self.status_code)


@dataclass(eq=False, kw_only=True)
class WebSocketHandshake(HttpRequest):
    """A WebSocket's opening, which ends when the application accepts or rejects it."""

    started_kind = "websocket.handshake.started"
    completed_kind = "websocket.handshake.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "websocket.handshake.error"}

    subprotocol: str | None = None


@dataclass(eq=False, kw_only=True)
class WebSocketFrame(Operation):
    """What the application does about one inbound frame: from its receipt until it asks for the next."""

    started_kind = "websocket.frame.started"
    completed_kind = "websocket.frame.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "websocket.frame.error"}

    route: str | None = None
    size: int | None = None
    """Bytes of the frame's payload."""
    text: bool | None = None
    index: int = 0
    """Which of the connection's frames it is, from 0."""
    close_code: int | None = None
    """The code with which the connection was closed while this frame was at work."""

    def cut_short(self) -> None:
        """Note that the client left while it was at work: cancelled, and no error of ours."""
        self.declared = self.error_type = "cancelled"


@dataclass(eq=False, kw_only=True)
class WebSocketClosed(Event):
    """A WebSocket is over."""

    kind = "websocket.closed"

    route: str | None = None
    code: int | None = None
    by_client: bool | None = None
    frames: int = 0


@dataclass(eq=False, kw_only=True)
class BackgroundWork(Operation):
    """What an application did after its answer, from there on; told only where an error escaped from it."""

    started_kind = "background.work.started"
    completed_kind = "background.work.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "background.work.error"}

    route: str | None = None

    def begin(self, scope: Scope) -> None:
        super().begin(scope)
        request = self.parent
        if request is not None and request.duration_ns is not None:
            self.began = request.began + request.duration_ns
            self.started_ns = self.at_ns = request.started_ns + request.duration_ns
