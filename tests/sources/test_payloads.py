"""Large bodies and frames through the middleware: told once each, by their bytes, where the option says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import Middleware, events
from otel_genai.testing import Captured, capture

Message = dict[str, Any]
LIMIT = 10
COUNT, BYTES = "openclaw.payload.large", "openclaw.payload.large_bytes"
REQUEST, RESPONSE = "gateway.http.request", "gateway.http.response"
FRAME, OUTBOUND = "gateway.ws.frame", "gateway.ws.outbound"


@pytest.fixture
def limited() -> Iterator[Captured]:
    with capture(large_payload_bytes=LIMIT) as captured:
        yield captured


def serve(app: Any, received: list[Message], kind: str = "http", headers: Any = ()) -> None:
    incoming = iter(received)

    async def receive() -> Message:
        return next(incoming, {"type": f"{kind}.disconnect"})

    async def send(message: Message) -> None:
        pass

    scope = {"type": kind, "method": "POST", "path": "/", "headers": list(headers)}
    asyncio.run(Middleware(app, channel="web")(scope, receive, send))


def answering(*parts: bytes, status: int = 200, reads: bool = True, headers: Any = ()) -> Any:
    """An application that reads what it is sent, and answers with these parts."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while reads and (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


def body(*parts: bytes) -> list[Message]:
    last = len(parts) - 1
    return [{"type": "http.request", "body": part, "more_body": at < last} for at, part in enumerate(parts)]


def told(captured: Captured) -> list[tuple[Any, ...]]:
    large = [event for event in captured.events if isinstance(event, events.PayloadLarge)]
    return [(event.surface, event.action, event.payload_bytes, event.limit_bytes) for event in large]


def test_a_request_in_pieces_is_counted_and_told_once(limited: Captured) -> None:
    serve(answering(), body(b"12345", b"67890", b"12345"))
    assert told(limited) == [(REQUEST, "observed", 15, LIMIT)]


def test_an_answer_in_pieces_is_counted_and_told_once(limited: Captured) -> None:
    serve(answering(b"123456", b"123456", b"123456"), body(b""))
    assert told(limited) == [(RESPONSE, "observed", 18, LIMIT)]


def test_what_is_as_large_as_the_limit_is_not_told(limited: Captured) -> None:
    serve(answering(b"0123456789"), body(b"0123456789"))
    assert told(limited) == []
    assert COUNT not in limited.metrics()


def test_a_body_that_was_refused_unread_is_as_large_as_it_says(limited: Captured) -> None:
    serve(answering(status=413, reads=False), body(b"x"), headers=[(b"content-length", b"5000")])
    assert told(limited) == [(REQUEST, "rejected", 5000, LIMIT)]


@pytest.mark.parametrize("length", [b"-5000", b"5e9", b"", b"5000, 5000"])
def test_a_length_that_is_none_says_nothing(limited: Captured, length: bytes) -> None:
    serve(answering(), body(b"x"), headers=[(b"content-length", length)])
    assert told(limited) == []


def test_a_file_that_the_server_sends_is_as_large_as_its_headers_say(limited: Captured) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4000")]})
        await send({"type": "http.response.pathsend", "path": "/a/file"})

    serve(app, body(b""))
    assert told(limited) == [(RESPONSE, "observed", 4000, LIMIT)]


def test_a_request_that_fails_is_told_too(limited: Captured) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise KeyError("oops")

    with pytest.raises(KeyError):
        serve(app, body(b"01234567890"))
    assert told(limited) == [(REQUEST, "observed", 11, LIMIT)]


def test_the_metrics_have_surface_action_and_channel_and_nothing_of_the_body(limited: Captured) -> None:
    serve(answering(b"a secret of ours"), body(b""))
    (count,), (size,) = limited.points(COUNT), limited.points(BYTES)
    assert count.attributes == size.attributes
    assert count.attributes == {
        "openclaw.payload.surface": RESPONSE,
        "openclaw.payload.action": "observed",
        "openclaw.channel": "web",
        "openclaw.plugin": "none",
        "openclaw.reason": "none",
    }
    assert (count.value, size.sum) == (1, 16)


def talking(*answers: Message) -> Callable[..., Any]:
    """An application that accepts, and sends these for each frame."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            for answer in answers:
                await send({"type": "websocket.send", **answer})

    return app


CONNECT = {"type": "websocket.connect"}


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ({"bytes": b"0" * 11}, [(FRAME, "observed", 11, LIMIT)]),
        ({"text": "0" * 11}, [(FRAME, "observed", 11, LIMIT)]),
        ({"text": "ä" * 6}, [(FRAME, "observed", 12, LIMIT)]),
        ({"text": "0" * 10, "bytes": None}, []),
    ],
)
def test_a_frame_is_measured_in_bytes(limited: Captured, frame: Message, expected: list[Any]) -> None:
    serve(talking(), [CONNECT, {"type": "websocket.receive", **frame}], "websocket")
    assert told(limited) == expected


def test_each_large_frame_that_is_sent_is_told_once_and_belongs_to_the_one_it_answers(limited: Captured) -> None:
    answers = ({"text": "0" * 20}, {"text": "short"}, {"bytes": b"0" * 30})
    serve(talking(*answers), [CONNECT, {"type": "websocket.receive", "text": "hi"}], "websocket")
    assert told(limited) == [(OUTBOUND, "observed", 20, LIMIT), (OUTBOUND, "observed", 30, LIMIT)]
    large = [event for event in limited.events if isinstance(event, events.PayloadLarge)]
    assert {(type(event.parent), event.scope.channel) for event in large} == {(events.WebSocketFrame, "web")}


def test_without_the_option_nothing_is_large(captured: Captured) -> None:
    serve(answering(b"0" * 1000), body(b"0" * 1000))
    serve(talking({"text": "0" * 1000}), [CONNECT, {"type": "websocket.receive", "text": "0" * 1000}], "websocket")
    assert told(captured) == []


def test_who_refuses_something_elsewhere_publishes_it(captured: Captured) -> None:
    genai.publish(events.PayloadLarge(surface="gateway.chat.history", action="truncated", reason="chat_history_budget"))
    (point,) = captured.points(COUNT)
    assert point["openclaw.reason"] == "chat_history_budget"
