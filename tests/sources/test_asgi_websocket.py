"""WebSockets through the middleware: a span for the handshake, one per inbound frame, and one for the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
import websockets
from opentelemetry import trace
from starlette.applications import Starlette
from starlette.routing import Mount, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.sync.client import connect

import otel_genai as genai
from otel_genai import Middleware, guard, scope
from otel_genai.testing import Captured, CapturedSpan

Message = dict[str, Any]
CONNECT: Message = {"type": "websocket.connect"}
ACCEPT: Message = {"type": "websocket.accept", "subprotocol": None, "headers": []}
LEFT: Message = {"type": "websocket.disconnect", "code": 1001}


def text(payload: str) -> Message:
    return {"type": "websocket.receive", "text": payload}


def serve(app: Any, *received: Message, refuse: type[BaseException] | None = None) -> list[Message]:
    """Everything that the application sent; `refuse` is what the server raises for `websocket.send`."""
    incoming, sent = iter((CONNECT, *received)), []

    async def receive() -> Message:
        return next(incoming, LEFT)

    async def send(message: Message) -> None:
        sent.append(message)
        if refuse is not None and message["type"] == "websocket.send":
            raise refuse

    asgi_scope = {
        "type": "websocket",
        "path": "/chat/7",
        "scheme": "wss",
        "http_version": "1.1",
        "query_string": b"",
        "headers": [(b"host", b"shop.example")],
        "client": ("127.0.0.1", 5),
        "server": None,
    }
    asyncio.run(app(asgi_scope, receive, send))
    return sent


def each(work: Callable[[Any, Any], Any]) -> Any:
    """An application that accepts, and does `work(message, send)` for each frame until the client leaves."""

    async def app(asgi_scope: Any, receive: Any, send: Any) -> None:
        asgi_scope["route"] = "/chat/{id}"
        await receive()
        await send(ACCEPT)
        while (message := await receive())["type"] == "websocket.receive":
            await work(message, send)

    return app


async def nothing(message: Any, send: Any) -> None:
    pass


def frames(captured: Captured) -> list[CapturedSpan]:
    return [span for span in captured.spans if span.name == "websocket.frame /chat/{id}"]


def test_the_handshake_is_a_server_span_that_ends_when_it_is_accepted(captured: Captured) -> None:
    async def app(asgi_scope: Any, receive: Any, send: Any) -> None:
        asgi_scope["route"] = "/chat/{id}"
        await receive()
        assert trace.get_current_span().get_span_context().is_valid
        await send({**ACCEPT, "subprotocol": "v1"})
        assert len(captured.spans) == 1

    serve(Middleware(app))
    span = captured.span("GET /chat/{id}")
    assert (span.kind, span.status, span["http.response.status_code"]) == ("server", "UNSET", 101)
    assert (span["url.scheme"], span["server.port"], span["otel_genai.websocket.subprotocol"]) == ("wss", 443, "v1")


@pytest.mark.parametrize(
    ("messages", "status", "failed"),
    [
        ([{"type": "websocket.close", "code": 4000}], 403, False),
        (
            [
                {"type": "websocket.http.response.start", "status": 401, "headers": []},
                {"type": "websocket.http.response.body", "body": b"no", "more_body": True},
                {"type": "websocket.http.response.body", "body": b""},
            ],
            401,
            False,
        ),
        (
            [{"type": "websocket.http.response.start", "status": 503}, {"type": "websocket.http.response.body"}],
            503,
            True,
        ),
    ],
)
def test_a_rejection_has_its_status_and_no_closing(
    captured: Captured, messages: list[Message], status: int, failed: bool
) -> None:
    async def app(asgi_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for message in messages:
            assert not captured.spans
            await send(message)

    assert serve(Middleware(app)) == messages
    (span,) = captured.spans
    assert span["http.response.status_code"] == status
    assert span.status == ("ERROR" if failed else "UNSET")


@pytest.mark.parametrize(("status", "code"), [("403", 403), (None, None), (..., None)])
def test_a_rejection_whose_status_is_no_number_ends_the_handshake(
    captured: Captured, status: object, code: int | None
) -> None:
    async def app(asgi_scope: Any, receive: Any, send: Any) -> None:
        start = {"type": "websocket.http.response.start", "status": status}
        await send({name: value for name, value in start.items() if value is not ...})
        await send({"type": "websocket.http.response.body"})

    serve(Middleware(app))
    (span,) = captured.spans
    assert (span.status, span.attributes.get("http.response.status_code")) == ("UNSET", code)


def test_each_inbound_frame_is_a_trace_of_its_own_linked_to_the_handshake(captured: Captured) -> None:
    serve(Middleware(each(nothing)), text("hello"), {"type": "websocket.receive", "bytes": b"\0" * 9}, text("é"))
    handshake = captured.span("GET /chat/{id}")
    found = frames(captured)
    assert [span["otel_genai.websocket.frame.size"] for span in found] == [5, 9, 2]
    assert [span["otel_genai.websocket.frame.type"] for span in found] == ["text", "binary", "text"]
    assert [span["otel_genai.websocket.frame.index"] for span in found] == [0, 1, 2]
    assert all(span.parent_id is None and span.links == [handshake.span_id] for span in found)
    assert len({span.trace_id for span in captured.spans}) == 4


def test_what_a_frame_brings_about_is_inside_of_it_and_inherits_the_names(captured: Captured) -> None:
    async def answer(message: Any, send: Any) -> None:
        assert scope.current().session == "s-1"
        with genai.tool("lookup"):
            await send({"type": "websocket.send", "text": "there"})

    serve(Middleware(each(answer), session="s-1"), text("a"), text("b"))
    tools = [span for span in captured.spans if span.name == "openclaw.tool.execution"]
    assert [captured.parent(tool) for tool in tools] == frames(captured)
    assert len(frames(captured)) == 2
    assert {event.scope.session for event in captured.events} == {"s-1"}


def test_a_frame_lasts_until_the_next_is_asked_for(captured: Captured) -> None:
    async def check(message: Any, send: Any) -> None:
        assert len(frames(captured)) == int(message["text"])

    serve(Middleware(each(check)), text("0"), text("1"), text("2"))
    assert len(frames(captured)) == 3


def test_an_exception_fails_the_frame_it_escaped_from_and_is_the_same_object(captured: Captured) -> None:
    error = LookupError("canary")

    async def broken(message: Any, send: Any) -> None:
        raise error

    with pytest.raises(LookupError) as raised:
        serve(Middleware(each(broken)), text("a"))
    assert raised.value is error
    (frame,) = frames(captured)
    assert (frame.status, frame["error.type"]) == ("ERROR", "LookupError")
    assert captured.span("GET /chat/{id}").status == "UNSET"


def test_an_exception_between_frames_is_a_span_of_its_own(captured: Captured) -> None:
    async def pushes(asgi_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        serve(Middleware(pushes))
    work = captured.span("background")
    assert (work.status, captured.parent(work)) == ("ERROR", captured.span("GET"))


def test_an_exception_before_the_answer_is_an_error_of_500(captured: Captured) -> None:
    async def broken(asgi_scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        serve(Middleware(broken))
    (span,) = captured.spans
    assert (span.status, span["http.response.status_code"], span["error.type"]) == ("ERROR", 500, "RuntimeError")


def test_a_client_that_leaves_during_the_handshake_cancels_it(captured: Captured) -> None:
    async def slow(asgi_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await receive()

    serve(Middleware(slow))
    (span,) = captured.spans
    assert (span.status, span["otel_genai.outcome"]) == ("UNSET", "cancelled")


def test_the_client_closing_is_told_once_with_its_code(captured: Captured) -> None:
    async def again(asgi_scope: Any, receive: Any, send: Any) -> None:
        await each(nothing)(asgi_scope, receive, send)
        await receive()

    serve(Middleware(again), text("a"), text("b"))
    closed = captured.span("websocket.close /chat/{id}")
    assert closed["otel_genai.websocket.close_code"] == 1001
    assert closed["otel_genai.websocket.closed_by_client"] is True
    assert closed["otel_genai.websocket.frames"] == 2
    assert captured.parent(closed) == captured.span("GET /chat/{id}")


def test_the_application_closing_is_told_and_stands_on_the_frame(captured: Captured) -> None:
    async def refuse(message: Any, send: Any) -> None:
        await send({"type": "websocket.close", "code": 4001})

    serve(Middleware(each(refuse)), text("a"))
    closed, (frame,) = captured.span("websocket.close /chat/{id}"), frames(captured)
    assert closed["otel_genai.websocket.close_code"] == frame["otel_genai.websocket.close_code"] == 4001
    assert closed["otel_genai.websocket.closed_by_client"] is False


def test_returning_without_closing_is_told_without_a_code(captured: Captured) -> None:
    async def brief(asgi_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)

    serve(Middleware(brief))
    assert "otel_genai.websocket.close_code" not in captured.span("websocket.close")


@pytest.mark.parametrize("error", [OSError, WebSocketDisconnect])
def test_a_client_that_is_gone_while_a_frame_is_answered_is_no_error(
    captured: Captured, error: type[BaseException]
) -> None:
    async def answer(message: Any, send: Any) -> None:
        await send({"type": "websocket.send", "text": "there"})

    with pytest.raises(error):
        serve(Middleware(each(answer)), text("a"), refuse=error)
    (frame,) = frames(captured)
    assert (frame.status, frame["error.type"]) == ("UNSET", "cancelled")
    assert captured.span("websocket.close /chat/{id}")["otel_genai.websocket.closed_by_client"] is True


def test_frames_may_be_asked_for_from_several_tasks(captured: Captured, caplog: pytest.LogCaptureFixture) -> None:
    async def app(asgi_scope: Any, receive: Any, send: Any) -> None:
        asgi_scope["route"] = "/chat/{id}"
        await receive()
        await send(ACCEPT)
        for _ in range(3):
            await asyncio.create_task(receive())
        await receive()
        await asyncio.create_task(receive())
        assert not trace.get_current_span().is_recording()

    serve(Middleware(app), *(text(str(number)) for number in range(4)))
    assert len(frames(captured)) == 4
    assert not caplog.records


def test_odd_messages_pass_through_as_they_are(captured: Captured) -> None:
    odd = [{"type": "websocket.receive"}, {"type": "something.else"}, {}]
    seen: list[Message] = []

    async def app(asgi_scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)
        seen.extend([await receive() for _ in range(4)])
        await send({})

    with guard.strict(False):
        assert serve(Middleware(app), *odd) == [ACCEPT, {}]
    assert seen == [CONNECT, *odd]


# -- a real server and client


@contextmanager
def running(app: Any) -> Iterator[str]:
    """The application in uvicorn; gives the address to connect to."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ws="websockets-sansio"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"ws://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    async for message in socket.iter_text():
        with genai.tool("echo"):
            await socket.send_text(message)


async def hang_up(socket: WebSocket) -> None:
    await socket.accept()
    await socket.receive_text()
    await socket.close(4002)


def application() -> Starlette:
    app = Starlette(
        routes=[
            WebSocketRoute("/echo/{room}", echo),
            Mount("/t/{tenant}", routes=[WebSocketRoute("/hang-up", hang_up)]),
        ]
    )
    app.add_middleware(Middleware, channel="web")
    return app


def test_a_real_conversation_is_a_handshake_its_frames_and_an_end(captured: Captured) -> None:
    with running(application()) as address, connect(f"{address}/echo/7") as client:
        for word in ("one", "two"):
            client.send(word)
            assert client.recv() == word
    assert captured.span("GET /echo/{room}")["http.response.status_code"] == 101
    frames = [span for span in captured.spans if span.name == "websocket.frame /echo/{room}"]
    tools = [span for span in captured.spans if span.name == "openclaw.tool.execution"]
    assert [captured.parent(tool) for tool in tools] == frames
    assert captured.span("websocket.close /echo/{room}")["otel_genai.websocket.frames"] == 2


def test_a_real_socket_closed_by_the_application_tells_its_code(captured: Captured) -> None:
    with running(application()) as address, connect(f"{address}/t/acme/hang-up") as client:
        client.send("x")
        with pytest.raises(websockets.ConnectionClosed):
            client.recv()
    closed = captured.span("websocket.close /t/{tenant}/hang-up")
    assert (closed["otel_genai.websocket.close_code"], closed["otel_genai.websocket.closed_by_client"]) == (4002, False)


def test_a_path_that_has_no_route_is_rejected(captured: Captured) -> None:
    with running(application()) as address, pytest.raises(websockets.InvalidStatus):
        connect(f"{address}/nowhere")
    assert captured.span("GET")["http.response.status_code"] == 403
