"""HTTP requests through the middleware, message by message: what is told of them, and that nobody notices."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from opentelemetry import trace

import otel_genai as genai
from otel_genai import Middleware, guard, scope
from otel_genai.testing import Captured, capture

Message = dict[str, Any]
App = Callable[[Any, Any, Any], Awaitable[None]]
START: Message = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]}
BODY: Message = {"type": "http.response.body", "body": b"hello"}
HEADERS = [(b"host", b"shop.example:8443"), (b"user-agent", b"probe/1"), (b"content-length", b"7")]
DURATION = "http.server.request.duration"


def request(**changes: Any) -> dict[str, Any]:
    """The ASGI scope of a request."""
    standard = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": "/items/3",
        "raw_path": b"/items/3",
        "query_string": b"",
        "root_path": "",
        "headers": HEADERS,
        "client": ("127.0.0.1", 50000),
        "server": ("10.0.0.1", 8000),
    }
    return {name: value for name, value in (standard | changes).items() if value is not ...}


def serve(app: App, received: list[Message] | None = None, refuse: BaseException | None = None, **changes: Any) -> list:
    """Everything that the application sent. `refuse` is what the server raises for each piece of the body."""
    incoming, sent = iter(received or [{"type": "http.request", "body": b"", "more_body": False}]), []

    async def receive() -> Message:
        return next(incoming, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        sent.append(message)
        if refuse is not None and message["type"] == "http.response.body":
            raise refuse

    asyncio.run(app(request(**changes), receive, send))
    return sent


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send(START)
    await send(BODY)


def routed(route: object, **more: Any) -> App:
    """An application that notes the route it chose, as routers do."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope.update(more, route=route)
        await hello(scope, receive, send)

    return app


class Route:
    def __init__(self, path_format: str) -> None:
        self.path_format = path_format


def test_a_request_has_one_server_span_by_the_http_conventions(captured: Captured) -> None:
    serve(Middleware(routed(Route("/items/{id}"))), query_string=b"q=secret&page=2")
    span = captured.span("GET /items/{id}")
    assert span.kind == "server"
    assert span.attributes == {
        "http.request.method": "GET",
        "url.path": "/items/3",
        "url.query": "q=REDACTED&page=REDACTED",
        "url.scheme": "https",
        "server.address": "shop.example",
        "server.port": 8443,
        "client.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "user_agent.original": "probe/1",
        "http.route": "/items/{id}",
        "http.response.status_code": 200,
        "http.request.body.size": 7,
        "http.response.body.size": 5,
    }


def test_a_request_is_measured_once_by_route_and_never_by_path(captured: Captured) -> None:
    serve(Middleware(routed(Route("/items/{id}"))))
    (point,) = captured.points(DURATION)
    assert point.count == 1
    assert point.attributes == {
        "http.request.method": "GET",
        "url.scheme": "https",
        "http.route": "/items/{id}",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
    }
    assert [point.value for point in captured.points("http.server.active_requests")] == [0]
    assert captured.points("http.server.response.body.size")[0].sum == 5


def test_ten_thousand_unknown_paths_are_one_name_and_one_series(captured: Captured) -> None:
    async def missing(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body"})

    async def scan() -> None:
        transport = httpx.ASGITransport(app=Middleware(missing))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
            for number in range(10_000):
                await client.get(f"/wp-admin/{number}")

    asyncio.run(scan())
    assert {span.name for span in captured.spans} == {"GET"}
    assert [point.count for point in captured.points(DURATION)] == [10_000]


@pytest.mark.parametrize(
    ("host", "server", "expected"),
    [
        (b"shop.example", None, ("shop.example", 443)),
        (b"shop.example:81", None, ("shop.example", 81)),
        (b"[2001:db8::1]", None, ("2001:db8::1", 443)),
        (b"[2001:db8::1]:81", None, ("2001:db8::1", 81)),
        (b"2001:db8::f00d", None, ("2001:db8::f00d", 443)),
        (b"caf\xe9:x", None, ("café:x", 443)),
        (None, ("10.0.0.1", 8000), ("10.0.0.1", 8000)),
        (None, ("/run/app.sock", None), ("/run/app.sock", None)),
        (None, None, (None, None)),
    ],
)
def test_the_server_is_what_the_host_header_asks_for(
    captured: Captured, host: bytes | None, server: Any, expected: tuple[Any, Any]
) -> None:
    serve(Middleware(hello), headers=[(b"host", host)] if host else [], server=server)
    span = captured.span("GET")
    assert (span.get("server.address"), span.get("server.port")) == expected


@pytest.mark.parametrize(
    ("more", "template"),
    [
        ({"route": Route("/items/{id}")}, "/items/{id}"),
        ({"route": Route("/items/{id}"), "root_path": "/api"}, "/api/items/{id}"),
        ({"route": Route(""), "root_path": ""}, "/"),
        ({"route": "/quoted/<id>"}, "/quoted/<id>"),
        ({"route": None, "path_template": "/light/{id:int}"}, "/light/{id:int}"),
        ({"route": object()}, None),
        ({"route": None}, None),
        (
            {
                "route": Route("/items/{id}"),
                "app_root_path": "/api",
                "root_path": "/api/t/acme",
                "path_params": {"tenant": "acme"},
            },
            "/api/t/{tenant}/items/{id}",
        ),
        (
            {
                "route": Route("/items"),
                "app_root_path": "",
                "root_path": "/n/007",
                "path_params": {"number": 7},
            },
            "/items",
        ),
    ],
)
def test_the_route_is_a_template_however_the_application_keeps_it(
    captured: Captured, more: dict[str, Any], template: str | None
) -> None:
    serve(Middleware(routed(**more)))
    (span,) = captured.spans
    assert span.get("http.route") == template
    assert span.name == (f"GET {template}" if template else "GET")


@pytest.mark.parametrize(("method", "name"), [("GET", "GET"), ("QUERY", "QUERY"), ("get", "HTTP"), ("STEAL", "HTTP")])
def test_only_known_methods_are_names(captured: Captured, method: str, name: str) -> None:
    serve(Middleware(hello), method=method)
    span = captured.span(name)
    known = name != "HTTP"
    assert span["http.request.method"] == (method if known else "_OTHER")
    assert span.get("http.request.method_original") == (None if known else method)


def test_the_known_methods_can_be_set(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "GET,PURGE")
    serve(Middleware(hello), method="PURGE")
    assert captured.span("PURGE")["http.request.method"] == "PURGE"


def test_an_escaped_exception_is_an_error_of_500_and_the_same_object(captured: Captured) -> None:
    error = LookupError("the prompt was: canary")

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise error

    with pytest.raises(LookupError) as raised:
        serve(Middleware(broken))
    assert raised.value is error
    span = captured.span("GET")
    assert (span.status, span["error.type"], span["http.response.status_code"]) == ("ERROR", "LookupError", 500)
    assert "canary" not in repr(span) + str(span.events) + str(span.status_message)
    assert captured.points(DURATION)[0]["error.type"] == "LookupError"


def test_an_exception_after_the_start_keeps_the_status_that_was_sent(captured: Captured) -> None:
    async def halfway(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        serve(Middleware(halfway))
    span = captured.span("GET")
    assert (span.status, span["error.type"], span["http.response.status_code"]) == ("ERROR", "ValueError", 200)


@pytest.mark.parametrize(
    ("status", "outcome", "kind"), [(404, "UNSET", None), (499, "UNSET", None), (503, "ERROR", "503")]
)
def test_a_status_of_500_and_above_is_our_error_and_one_below_is_not(
    captured: Captured, status: int, outcome: str, kind: str | None
) -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "status": status})
        await send(BODY)

    serve(Middleware(answer))
    span = captured.span("GET")
    assert (span.status, span.get("error.type")) == (outcome, kind)


def test_an_error_behind_a_500_that_was_sent_already_is_told_with_it(captured: Captured) -> None:
    async def answers_and_raises(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "status": 500})
        await send(BODY)
        raise KeyError("as ServerErrorMiddleware does")

    with pytest.raises(KeyError):
        serve(Middleware(answers_and_raises))
    assert captured.span("GET")["error.type"] == "KeyError"


def test_a_stream_of_a_thousand_chunks_is_one_span_that_ends_with_the_last(captured: Captured) -> None:
    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"data: x\n\n", "more_body": True})
        assert not captured.spans
        await send({"type": "http.response.body", "body": b""})
        assert len(captured.spans) == 1

    assert len(serve(Middleware(stream))) == 1002
    span = captured.span("GET")
    assert span["otel_genai.http.streamed"] is True
    assert span["http.response.body.size"] == 9000
    assert captured.events[-1].body_parts == 1000


def test_the_first_byte_is_away_before_the_second_is_made(captured: Captured) -> None:
    made, arrived = [], []

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        for number in range(3):
            made.append(number)
            await send({"type": "http.response.body", "body": b"x", "more_body": number < 2})
            assert len(arrived) == len(made)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            arrived.append(message)

    asyncio.run(Middleware(stream)(request(), None, send))
    assert captured.span("GET")["otel_genai.http.time_to_first_byte"] > 0


@pytest.mark.parametrize(
    ("messages", "size"),
    [
        ([START, {"type": "http.response.pathsend", "path": "/srv/page"}], 5),
        ([START, {"type": "http.response.zerocopysend", "file": 3}], 5),
        ([{**START, "trailers": True}, BODY, {"type": "http.response.trailers", "headers": []}], 5),
        ([{"type": "http.response.start", "status": 204}, {"type": "http.response.body"}], 0),
    ],
)
def test_every_last_message_that_asgi_knows_ends_the_span(captured: Captured, messages: list, size: int) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            assert not captured.spans
            await send(message)
        assert len(captured.spans) == 1

    assert serve(Middleware(app)) == messages
    assert captured.span("GET")["http.response.body.size"] == size


@pytest.mark.parametrize(
    ("reads", "received", "size"),
    [(0, [], 7), (2, [(b"abc", True), (b"de", False)], 5), (1, [(b"", False)], 0)],
)
def test_the_size_of_a_request_is_what_was_read_or_else_announced(
    captured: Captured, reads: int, received: list[tuple[bytes, bool]], size: int
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(reads):
            await receive()
        await hello(scope, receive, send)

    serve(Middleware(app), [{"type": "http.request", "body": body, "more_body": more} for body, more in received])
    assert captured.span("GET")["http.request.body.size"] == size


class ClientDisconnect(Exception):
    """As Starlette has it."""


@pytest.mark.parametrize("error", [OSError("gone"), ConnectionResetError(), ClientDisconnect()])
def test_a_client_that_left_before_the_end_is_cancelled_and_no_error(captured: Captured, error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        serve(Middleware(hello), refuse=error)
    assert raised.value is error
    span = captured.span("GET")
    assert (span.status, span["error.type"], span["otel_genai.outcome"]) == ("UNSET", "cancelled", "cancelled")


def test_a_disconnect_that_the_application_was_told_of_is_cancelled(captured: Captured) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        assert (await receive())["type"] == "http.disconnect"

    serve(Middleware(app), [{"type": "http.disconnect"}])
    assert captured.span("GET")["otel_genai.outcome"] == "cancelled"


def test_a_disconnect_after_the_end_changes_nothing(captured: Captured) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await hello(scope, receive, send)
        await receive()

    serve(Middleware(app), [{"type": "http.disconnect"}])
    assert "error.type" not in captured.span("GET")


def test_the_applications_own_error_is_one_even_after_a_disconnect(captured: Captured) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        serve(Middleware(app), [{"type": "http.disconnect"}])
    assert captured.span("GET").status == "ERROR"


def test_a_cancelled_request_is_cancelled(captured: Captured) -> None:
    async def cancelled(scope: Any, receive: Any, send: Any) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        serve(Middleware(cancelled))
    span = captured.span("GET")
    assert (span.status, span["otel_genai.outcome"], span["error.type"]) == ("UNSET", "cancelled", "cancelled")


def test_work_after_the_answer_stays_in_its_trace_and_scope(captured: Captured) -> None:
    async def app(scope_: Any, receive: Any, send: Any) -> None:
        await hello(scope_, receive, send)
        with genai.tool("mailer"):
            assert scope.current().session == "s-1"

    serve(Middleware(app, session="s-1"))
    served, mailer = captured.span("GET"), captured.span("openclaw.tool.execution")
    assert captured.parent(mailer) == served
    assert served.end_ns <= mailer.start_ns


def test_an_error_of_a_background_task_is_a_span_of_its_own(captured: Captured) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["route"] = Route("/items/{id}")
        await hello(scope, receive, send)
        raise RuntimeError("in the background")

    with pytest.raises(RuntimeError):
        serve(Middleware(app))
    served, work = captured.span("GET /items/{id}"), captured.span("background /items/{id}")
    assert (served.status, work.status, work["error.type"]) == ("UNSET", "ERROR", "RuntimeError")
    assert captured.parent(work) == served
    assert work.start_ns == served.end_ns


def test_an_excluded_request_leaves_no_trace_and_no_measurement(captured: Captured) -> None:
    app = Middleware(hello, excluded_urls="/health,^https://shop.example:8443/items/3\\?skip$")
    assert serve(app, query_string=b"skip") == serve(app, path="/health/live") == [START, BODY]
    assert not captured.spans
    assert not captured.metrics()
    serve(app)
    assert len(captured.spans) == 1


def test_without_an_argument_the_configuration_says_what_is_excluded() -> None:
    app = Middleware(hello)
    with capture(excluded_urls="/items") as captured:
        serve(app)
        assert not captured.spans
        serve(app, path="/other")
        assert len(captured.spans) == 1


def test_names_are_bound_for_everything_inside_and_gone_afterwards(captured: Captured) -> None:
    seen: list[scope.Scope] = []

    async def app(scope_: Any, receive: Any, send: Any) -> None:
        seen.append(scope.current())
        await hello(scope_, receive, send)

    names = {"channel": "web", "agent": lambda s: s["path"][1:], "user": lambda s: None}
    serve(Middleware(app, **names))
    assert (seen[0].channel, seen[0].agent, seen[0].user) == ("web", "items/3", None)
    assert scope.current() == scope.Scope()


@pytest.mark.parametrize("answer", [lambda s: s["nothing"], lambda s: 7])
def test_a_name_that_cannot_be_had_is_no_reason_to_fail(captured: Captured, answer: Any) -> None:
    with guard.strict(False):
        assert serve(Middleware(hello, channel=answer)) == [START, BODY]
    assert captured.span("GET")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"channel": 7}, TypeError, "channel=7: expected text"),
        ({"trust_inbound": "public"}, ValueError, "trust_inbound='public': expected True, False, 'private'"),
        ({"trust_inbound": 8}, TypeError, "trust_inbound=8: expected True, False, 'private'"),
        ({"trust_inbound": ["10.0.0.0/99"]}, ValueError, "trust_inbound='10.0.0.0/99': expected a network"),
        ({"excluded_urls": "("}, ValueError, "excluded_urls='(': expected regular expressions"),
        ({"excluded_urls": 5}, ValueError, "excluded_urls=5: expected regular expressions"),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as raised:
        Middleware(hello, **arguments)
    assert words in str(raised.value)


def test_added_twice_there_is_one_span_and_one_measurement_and_both_bind(captured: Captured) -> None:
    seen: list[scope.Scope] = []

    async def app(scope_: Any, receive: Any, send: Any) -> None:
        seen.append(scope.current())
        await hello(scope_, receive, send)

    serve(Middleware(Middleware(app, agent="inner"), channel="outer"))
    assert len(captured.spans) == 1
    assert captured.points(DURATION)[0].count == 1
    assert (seen[0].channel, seen[0].agent) == ("outer", "inner")


def test_an_asgi_scope_can_be_used_again(captured: Captured) -> None:
    asgi_scope, app = request(), Middleware(hello)

    async def send(_: Message) -> None:
        pass

    for _ in range(2):
        asyncio.run(app(asgi_scope, None, send))
    assert len(captured.spans) == 2
    assert asgi_scope == request()


@pytest.mark.parametrize("kind", ["lifespan", "carrier-pigeon", None])
def test_other_kinds_of_scope_pass_through_untouched(captured: Captured, kind: str | None) -> None:
    seen: list[Any] = []

    async def app(*given: Any) -> None:
        seen.extend(given)

    given = ({"type": kind}, object(), object())
    asyncio.run(Middleware(app)(*given))
    assert all(one is other for one, other in zip(seen, given, strict=True))
    assert given[0] == {"type": kind}
    assert not captured.spans


def test_while_nobody_listens_the_application_gets_exactly_what_the_server_gave() -> None:
    seen: list[Any] = []

    async def app(*given: Any) -> None:
        seen.extend(given)

    given = (request(), object(), object())
    asyncio.run(Middleware(app)(*given))
    assert all(one is other for one, other in zip(seen, given, strict=True))


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": [(b"\xff\xfe", b"\xff"), (b"host", b"\xff\xff"), (b"user-agent", b"\x80")]},
        {"headers": [(b"traceparent", b"\xff-not-one"), (b"traceparent", b"")]},
        {"headers": ...},
        {"headers": None},
        {"headers": [("host", "text")]},
        {"headers": [()]},
        {"headers": [(b"content-length", b"-5")]},
        {"server": ..., "client": ..., "scheme": ..., "http_version": ..., "root_path": ..., "query_string": ...},
        {"path": ..., "raw_path": ..., "method": ...},
        {"client": (), "server": ["", None]},
        {"client": 7, "server": 9},
        {"query_string": b"\xff=\xff"},
    ],
)
@pytest.mark.parametrize("excluded", [(), "/health"])
def test_an_odd_scope_is_answered_as_without_us(captured: Captured, changes: dict[str, Any], excluded: Any) -> None:
    with guard.strict(False):
        assert serve(Middleware(hello, excluded_urls=excluded), **changes) == [START, BODY]


def test_headers_that_can_be_read_only_once_are_left_to_the_application(captured: Captured) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert list(scope["headers"]) == HEADERS
        await hello(scope, receive, send)

    def once() -> Iterator[tuple[bytes, bytes]]:
        yield from HEADERS

    assert serve(Middleware(app), headers=once()) == [START, BODY]


def test_odd_messages_reach_the_server_as_they_are(captured: Captured) -> None:
    odd: list[Message] = [{"type": "http.response.start"}, {"type": "http.response.push"}, {}, BODY]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in odd:
            await send(message)

    with guard.strict(False):
        assert serve(Middleware(app)) == odd


@pytest.mark.parametrize(
    ("status", "code"), [("200", 200), (HTTPStatus.OK, 200), ("many", None), (None, None), (..., None), ([200], None)]
)
@pytest.mark.parametrize("last", [BODY, {"type": "http.response.pathsend", "path": "/a"}])
def test_a_status_that_is_no_number_ends_the_request_all_the_same(
    captured: Captured, status: object, code: int | None, last: Message
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "status": status} if status is not ... else {"type": "http.response.start"})
        await send(last)

    assert serve(Middleware(app))[1] is last
    (span,) = captured.spans
    assert (span.status, span.attributes.get("http.response.status_code")) == ("UNSET", code)


@pytest.mark.parametrize("headers", [[(b"content-length", 5)], [b"content-length"], 7])
def test_headers_of_an_answer_that_cannot_be_read_end_the_request_all_the_same(headers: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "headers": headers})
        await send({"type": "http.response.pathsend", "path": "/a"})

    with capture() as captured, guard.strict(False):
        serve(Middleware(app))
    (span,) = captured.spans
    assert (span.status, span.attributes["http.response.status_code"]) == ("UNSET", 200)


def test_a_subscriber_that_fails_does_not_reach_the_request() -> None:
    def explode(_: object) -> None:
        raise RuntimeError

    undo = genai.subscribe(explode)
    try:
        assert serve(Middleware(hello)) == [START, BODY]
    finally:
        undo()


def test_a_request_that_is_begun_inside_of_one_that_is_over_is_no_part_of_it(captured: Captured) -> None:
    """As servers do with pipelined requests: the task of the second is made where the first sends its last piece."""
    app = Middleware(routed(None), session=lambda s: s["path"] if s["path"] == "/first" else None)
    tasks: list[asyncio.Task[None]] = []
    sessions: list[str | None] = []

    async def send(message: Message) -> None:
        sessions.append(scope.current().session)
        if message["type"] == "http.response.body" and not tasks:
            tasks.append(asyncio.ensure_future(app(request(path="/second"), None, send)))

    async def connection() -> None:
        await app(request(path="/first"), None, send)
        await tasks[0]

    asyncio.run(connection())
    first, second = captured.spans
    assert sessions == ["/first", "/first", None, None]
    assert second.parent_id is None
    assert first.trace_id != second.trace_id


def test_the_server_span_is_current_inside_and_not_after(captured: Captured) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert trace.get_current_span().get_span_context().is_valid
        await hello(scope, receive, send)

    async def serve_here() -> None:
        async def send(_: Message) -> None:
            pass

        await Middleware(app)(request(), None, send)
        assert not trace.get_current_span().get_span_context().is_valid

    asyncio.run(serve_here())


@pytest.mark.parametrize(
    ("name", "value"), [(b"x-tenant", "acme"), (b"authorization", "[REDACTED]"), (b"cookie", "[REDACTED]")]
)
def test_captured_headers_are_attributes_without_their_secrets(
    monkeypatch: pytest.MonkeyPatch, name: bytes, value: str
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", ".*")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE", "content-.*,(")
    with guard.strict(False), capture() as captured:
        serve(Middleware(hello), headers=[(name, b"acme")])
    span = captured.span("GET")
    assert span[f"http.request.header.{name.decode()}"] == (value,)
    assert span["http.response.header.content-length"] == ("5",)


def test_the_environment_says_what_else_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", "x-tenant,x-twice")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS", "tenant")
    with capture() as captured:
        serve(Middleware(hello), headers=[(b"X-Tenant", b"acme"), (b"x-twice", b"1"), (b"x-twice", b"\xe9")])
    span = captured.span("GET")
    assert span["http.request.header.x-tenant"] == ("[REDACTED]",)
    assert span["http.request.header.x-twice"] == ("1", "é")


def test_no_header_is_captured_that_was_not_asked_for(captured: Captured) -> None:
    serve(Middleware(hello))
    assert not [name for name in captured.span("GET") if ".header." in name]
