"""A WebSocket: its handshake, and an operation per inbound frame, so that a long connection is no endless span."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import config, guard
from ..bus import Entry, bus
from ..events import WebSocketClosed, WebSocketFrame, WebSocketHandshake
from .fields import number
from .http import fail_late, hung_up, route_of, tell_large

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Send
    from starlette.types import Scope as Request


class Socket:
    """What is kept for one connection. Its `receive` and `send` are what the application is given."""

    __slots__ = (
        "_closed",
        "_entry",
        "_frame",
        "_frames",
        "_gone",
        "_limit",
        "_receive",
        "_scope",
        "_send",
        "operation",
    )

    def __init__(self, handshake: WebSocketHandshake, scope: Request, receive: Receive, send: Send) -> None:
        self.operation = handshake
        self._scope, self._receive, self._send = scope, receive, send
        self._frame: WebSocketFrame | None = None
        self._entry: Entry | None = None
        self._frames = 0
        self._limit = config.active().large_payload_bytes
        self._gone = self._closed = False

    async def receive(self) -> Message:
        guard.call("ending a frame", self._leave, None)
        message = await self._receive()
        guard.call("reading a frame", self._received, message)
        return message

    async def send(self, message: Message) -> None:
        try:
            await self._send(message)
        except BaseException as error:
            if hung_up(error):
                self._gone = True
            raise
        guard.call("reading an answer", self._sent, message)

    def over(self, error: BaseException | None) -> None:
        """The application has returned, or `error` has escaped from it."""
        handshake, framed = self.operation, self._frame is not None
        left = self._gone and hung_up(error)
        self._leave(error)
        if handshake.outcome is None:
            self._fail(error)
        elif not framed and not left:
            fail_late(handshake, error)
        self._close(None, self._gone)

    def _received(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.receive":
            self._enter(message)
        elif kind == "websocket.disconnect":
            self._gone = True
            self._close(message.get("code"), True)

    def _enter(self, message: Message) -> None:
        handshake, size = self.operation, size_of(message)
        text = message.get("text") is not None
        frame = WebSocketFrame(route=handshake.route, size=size, text=text, index=self._frames)
        frame.new_trace, frame.links = True, (handshake,)
        self._frames += 1
        bus.start(frame)
        self._frame, self._entry = frame, bus.enter(frame)
        if self._limit is not None:
            tell_large(frame, "gateway.ws.frame", size, self._limit)

    def _leave(self, error: BaseException | None) -> None:
        """The application is done with the frame that it was given last."""
        frame, entry = self._frame, self._entry
        if frame is None or entry is None:
            return
        self._frame = self._entry = None
        bus.leave(frame, entry)
        if self._gone and hung_up(error):
            frame.cut_short()
            error = None
        bus.finish(frame, error)

    def _sent(self, message: Message) -> None:
        kind, handshake = message["type"], self.operation
        if handshake.outcome is not None:
            if kind == "websocket.close":
                self._close(message.get("code", 1000), False)
            elif self._limit is not None:
                tell_large(self._frame or handshake, "gateway.ws.outbound", size_of(message), self._limit)
        elif kind == "websocket.accept":
            handshake.subprotocol = message.get("subprotocol")
            self._answered(101, message)
        elif kind == "websocket.close":
            self._answered(403, message)
        elif kind == "websocket.http.response.start":
            handshake.status_code = number(message.get("status"))
            handshake.response_headers = message.get("headers") or ()
        elif kind == "websocket.http.response.body" and not message.get("more_body"):
            self._answered(handshake.status_code, message)

    def _answered(self, status: int | None, message: Message) -> None:
        handshake = self.operation
        handshake.status_code = status
        handshake.response_headers = message.get("headers") or handshake.response_headers
        self._finish(None)

    def _fail(self, error: BaseException | None) -> None:
        """The application is over without having answered the handshake."""
        if self._gone and (error is None or hung_up(error)):
            self.operation.cut_short()
            error = None
        elif isinstance(error, Exception) and self.operation.status_code is None:
            self.operation.status_code = 500
        self._finish(error)

    def _finish(self, error: BaseException | None) -> None:
        handshake = self.operation
        handshake.route = guard.call("reading the route", route_of, self._scope)
        handshake.blame_status()
        bus.finish(handshake, error)

    def _close(self, code: int | None, by_client: bool) -> None:
        """Tell that the connection is over, once, if it ever was open."""
        handshake = self.operation
        if self._closed or handshake.status_code != 101:
            return
        self._closed = True
        if self._frame is not None:
            self._frame.close_code = code
        closed = WebSocketClosed(route=handshake.route, code=code, by_client=by_client, frames=self._frames)
        bus.publish(closed, handshake)


def size_of(message: Message) -> int:
    """Bytes of what a frame holds."""
    text: str | None = message.get("text")
    if text is None:
        return len(message.get("bytes") or b"")
    return len(text) if text.isascii() else len(text.encode(errors="replace"))
