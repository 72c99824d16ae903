"""The middleware in the programs it is for: Starlette, FastAPI, bare ASGI, a real server, beside other middlewares."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any

import httpx
import pytest
import uvicorn
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException
from fastapi.testclient import TestClient
from opentelemetry import trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware as Entry
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.opentelemetry import OpenTelemetryMiddleware as StarletteMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import otel_genai as genai
from otel_genai import Middleware, scope
from otel_genai.testing import Captured, CapturedSpan

DURATION = "http.server.request.duration"


@contextmanager
def running(app: Any, http: str = "httptools") -> Iterator[httpx.Client]:
    """The application in uvicorn, and a client of it."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, http=http))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.005)
        assert thread.is_alive(), "uvicorn did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def look() -> dict[str, Any]:
    """What an endpoint sees of its request, and a child span of it."""
    with genai.tool("look"):
        return {"session": scope.current().session, "span": f"{trace.get_current_span().get_span_context().span_id:x}"}


async def asynchronous(request: Request) -> JSONResponse:
    return JSONResponse(look())


def in_a_thread(request: Request) -> JSONResponse:
    return JSONResponse(look())


async def events() -> AsyncIterator[str]:
    for number in range(1000):
        yield f"data: {number}\n\n"


async def stream(request: Request) -> StreamingResponse:
    return StreamingResponse(events(), media_type="text/event-stream")


async def broken(request: Request) -> None:
    raise LookupError("canary")


def fails() -> None:
    raise RuntimeError


async def later(request: Request) -> PlainTextResponse:
    return PlainTextResponse("soon", background=BackgroundTask(fails))


async def bare(asgi_scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"bare"})


ROUTES = [
    Route("/async/{id:int}", asynchronous),
    Route("/thread/{id}", in_a_thread),
    Route("/stream", stream),
    Route("/broken", broken),
    Route("/later", later),
    Mount("/t/{tenant}", routes=[Route("/async/{id}", asynchronous)]),
    Mount("/bare", app=bare),
]


class Outer(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Any:
        return await call_next(request)


def starlette(before: int = 0, after: int = 0) -> Starlette:
    """Our middleware with some of the kind that runs the rest of the application in another task, around and inside."""
    ours = Entry(Middleware, session=lambda s: dict(s["headers"]).get(b"x-session", b"none").decode())
    return Starlette(routes=ROUTES, middleware=[*[Entry(Outer)] * before, ours, *[Entry(Outer)] * after])


def servers(captured: Captured) -> list[CapturedSpan]:
    return [span for span in captured.spans if span.kind == "server"]


@pytest.mark.parametrize("kind", ["async", "thread"])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 0), (0, 1), (3, 0), (0, 3), (2, 1)])
def test_the_scope_and_the_span_reach_the_endpoint_through_any_middlewares(
    captured: Captured, kind: str, before: int, after: int
) -> None:
    with TestClient(starlette(before, after)) as client:
        seen = client.get(f"/{kind}/3", headers={"x-session": "s-1"}).json()
    server, tool = captured.span(f"GET /{kind}/{{id}}"), captured.span("openclaw.tool.execution")
    assert seen == {"session": "s-1", "span": tool.span_id.lstrip("0")}
    assert captured.parent(tool) == server
    assert "otel_genai.http.streamed" not in server
    assert not trace.get_current_span().is_recording()


@pytest.mark.parametrize("http", ["h11", "httptools"])
def test_a_stream_of_a_thousand_events_is_one_span_on_a_real_server(captured: Captured, http: str) -> None:
    with running(starlette(after=1), http) as client:
        assert client.get("/stream").text.count("data:") == 1000
    (span,) = captured.spans
    assert span.name == "GET /stream"
    assert span["otel_genai.http.streamed"] is True
    assert span["http.response.status_code"] == 200


def test_requests_that_overlap_keep_their_own_scopes(captured: Captured) -> None:
    async def many() -> list[dict[str, Any]]:
        transport = httpx.ASGITransport(app=starlette(after=1))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
            calls = [client.get("/thread/1", headers={"x-session": f"s-{number}"}) for number in range(20)]
            return [answer.json() for answer in await asyncio.gather(*calls)]

    assert [seen["session"] for seen in asyncio.run(many())] == [f"s-{number}" for number in range(20)]
    assert len({span.trace_id for span in servers(captured)}) == 20


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/t/acme/async/7", "GET /t/{tenant}/async/{id}"),
        ("/t/acme/nothing", "GET /t/{tenant}"),
        ("/bare/whatever/else", "GET /bare"),
        ("/nowhere", "GET"),
        ("/async/seven", "GET"),
    ],
)
def test_mounted_applications_have_their_whole_template(captured: Captured, path: str, name: str) -> None:
    with TestClient(starlette()) as client:
        client.get(path)
    assert servers(captured)[0].name == name


def test_a_static_file_has_the_route_of_its_directory(captured: Captured, tmp_path: Any) -> None:
    (tmp_path / "page.txt").write_text("page")
    app = Starlette(
        routes=[
            Mount("/static", app=StaticFiles(directory=tmp_path)),
            Route("/file", lambda request: FileResponse(tmp_path / "page.txt")),
        ]
    )
    app.add_middleware(Middleware)
    with running(app) as client:
        assert client.get("/static/page.txt").text == client.get("/file").text == "page"
    assert [span.name for span in captured.spans] == ["GET /static", "GET /file"]
    assert [span["http.response.body.size"] for span in captured.spans] == [4, 4]


def test_an_exception_of_an_endpoint_has_its_class_where_the_middleware_is_added(captured: Captured) -> None:
    with TestClient(starlette(), raise_server_exceptions=False) as client:
        assert client.get("/broken").status_code == 500
    span = captured.span("GET /broken")
    assert (span.status, span["error.type"], span["http.response.status_code"]) == ("ERROR", "LookupError", 500)


def test_an_exception_has_its_class_where_the_middleware_stands_around_everything(captured: Captured) -> None:
    app = Middleware(Starlette(routes=ROUTES))
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/broken").text == "Internal Server Error"
    span = captured.span("GET /broken")
    assert (span.status, span["error.type"], span["http.response.status_code"]) == ("ERROR", "LookupError", 500)


@pytest.mark.parametrize("after", [0, 1])
def test_a_failing_background_task_is_visible_and_the_answer_is_not_to_blame(captured: Captured, after: int) -> None:
    with running(starlette(after=after)) as client:
        assert client.get("/later").text == "soon"
    served, work = captured.span("GET /later"), captured.span("background /later")
    assert (served.status, work.status, work["error.type"]) == ("UNSET", "ERROR", "RuntimeError")
    assert captured.parent(work) == served


def test_a_client_that_leaves_a_stream_is_cancelled_on_a_real_server(captured: Captured) -> None:
    async def endless() -> AsyncIterator[str]:
        while True:
            yield "tick\n"
            await asyncio.sleep(0.001)

    app = Starlette(routes=[Route("/ticks", lambda request: StreamingResponse(endless()))])
    app.add_middleware(Middleware)
    with running(app) as client, client.stream("GET", "/ticks") as answer:
        assert next(answer.iter_text()).startswith("tick")
    span = captured.span("GET /ticks")
    assert (span.status, span["otel_genai.outcome"], span["http.response.status_code"]) == ("UNSET", "cancelled", 200)


@pytest.mark.parametrize("http", ["h11", "httptools"])
def test_pipelined_requests_share_neither_scope_nor_trace(captured: Captured, http: str) -> None:
    with running(starlette(), http) as client:
        port = client.base_url.port
        first = b"GET /async/1 HTTP/1.1\r\nhost: x\r\nx-session: s-1\r\n\r\n"
        second = b"GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(first + second)
            while connection.recv(4096):
                pass
    one, two = servers(captured)
    assert (one.name, two.name) == ("GET /async/{id}", "GET")
    assert one.trace_id != two.trace_id
    assert two.parent_id is None


# -- FastAPI


def look_at(request: Any) -> PlainTextResponse:
    return PlainTextResponse("looked")


def look_twice(request: Any) -> PlainTextResponse:
    return PlainTextResponse("looked twice")


def tenant() -> str:
    return "acme"


def fastapi() -> FastAPI:
    router = APIRouter(prefix="/items")

    @router.get("/{id}")
    async def one(id: int, name: Annotated[str, Depends(tenant)]) -> dict[str, Any]:
        if id == 4:
            raise HTTPException(404)
        return {"id": id, "tenant": name, "session": scope.current().session}

    @router.post("/{id}")
    def create(id: int, body: dict[str, Any], tasks: BackgroundTasks) -> dict[str, Any]:
        tasks.add_task(look)
        return body

    outer = APIRouter(prefix="/v1")
    outer.include_router(router)
    app = FastAPI()
    app.include_router(outer)
    return app


def test_fastapi_endpoints_dependencies_and_schema_are_as_before(captured: Captured) -> None:
    plain, watched = fastapi(), fastapi()
    watched.add_middleware(Middleware, session="s-1")
    with TestClient(plain) as before, TestClient(watched) as after:
        assert after.get("/openapi.json").json() == before.get("/openapi.json").json()
        assert after.get("/v1/items/x").json() == before.get("/v1/items/x").json()
        assert after.get("/v1/items/3").json() == {**before.get("/v1/items/3").json(), "session": "s-1"}


def test_a_router_that_fastapi_includes_has_its_prefix_in_the_route(captured: Captured) -> None:
    app = fastapi()
    app.add_middleware(Middleware)
    with TestClient(app) as client:
        for number in (3, 4, "x"):
            client.get(f"/v1/items/{number}")
    assert {span.name for span in servers(captured)} == {"GET /v1/items/{id}"}
    assert [span["http.response.status_code"] for span in servers(captured)] == [200, 404, 422]
    assert {point["http.route"] for point in captured.points(DURATION)} == {"/v1/items/{id}"}


async def below(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("metrics")(scope, receive, send)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/openapi.json", "/openapi.json"),
        ("/docs", "/docs"),
        ("/plain/3", "/plain/{id}"),
        ("/first", None),  # two routes have this endpoint
        ("/metrics/any", "/metrics"),
        ("/t/acme/any", "/t/{tenant}"),
        ("/inner/v1/items/3", "/inner/v1/items/{id}"),
        ("/inner/docs", "/inner"),
        ("/absent", None),
    ],
)
@pytest.mark.parametrize("root", ["", "/api"])
def test_what_fastapi_routes_without_a_note_has_a_route_where_it_is_sure(
    captured: Captured, root: str, path: str, route: str | None
) -> None:
    app = fastapi()
    for place in ("/plain/{id}", "/first", "/second"):
        app.add_route(place, look_at if place == "/plain/{id}" else look_twice)
    app.mount("/metrics", below)
    app.mount("/t/{tenant}", below)
    app.mount("/inner", fastapi())
    with TestClient(Middleware(app), root_path=root) as client:
        client.get(root + path)
    assert servers(captured)[0].get("http.route") == (route and root + route)


def test_a_background_task_of_a_sync_endpoint_is_in_the_trace(captured: Captured) -> None:
    app = fastapi()
    app.add_middleware(Middleware)
    with running(app) as client:
        assert client.post("/v1/items/3", json={"a": 1}).json() == {"a": 1}
    server, tool = captured.span("POST /v1/items/{id}"), captured.span("openclaw.tool.execution")
    assert captured.parent(tool) == server
    assert server["http.request.body.size"] == len('{"a":1}')


def test_a_watched_application_mounted_in_a_watched_one_has_one_span(captured: Captured) -> None:
    inner, outer = fastapi(), fastapi()
    inner.add_middleware(Middleware, session="inner")
    outer.add_middleware(Middleware, channel="web", session="outer")
    outer.mount("/sub", inner)
    with TestClient(outer) as client:
        assert client.get("/sub/v1/items/3").json()["session"] == "inner"
    assert servers(captured)[0].name == "GET /sub/v1/items/{id}"
    assert len(servers(captured)) == 1
    assert captured.points(DURATION)[0].count == 1


def test_a_lifespan_runs_as_before_and_leaves_nothing(captured: Captured) -> None:
    steps = []

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
        steps.append("up")
        yield {"shared": 7}
        steps.append("down")

    app = Starlette(lifespan=lifespan, routes=[Route("/", lambda request: JSONResponse(request.state.shared))])
    app.add_middleware(Middleware)
    with TestClient(app) as client:
        assert client.get("/").json() == 7
    assert steps == ["up", "down"]
    assert len(captured.spans) == 1


def test_a_bare_application_on_a_real_server(captured: Captured) -> None:
    started = time.time_ns()
    with running(Middleware(bare, channel="web", trust_inbound=True)) as client:
        headers = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        assert client.get("/x?y=z", headers=headers).text == "bare"
        port = client.base_url.port
    span = captured.span("GET")
    assert (span["server.address"], span["server.port"], span["client.address"]) == ("127.0.0.1", port, "127.0.0.1")
    assert span.parent_id == "b7ad6b7169203331"
    assert started <= span.start_ns <= span.end_ns <= time.time_ns()


# -- inside of another instrumentation


def enriched(span: CapturedSpan, name: str) -> None:
    assert span.kind == "server"
    assert span.name == name
    assert span["http.response.status_code"] == 200
    assert span["server.address"] == "testserver"
    assert span["http.response.body.size"] > 0


def test_the_span_of_the_asgi_instrumentation_is_used_and_enriched(captured: Captured) -> None:
    inner = starlette()
    app = OpenTelemetryMiddleware(inner, tracer_provider=captured.tracer_provider, exclude_spans=["receive", "send"])
    with TestClient(app) as client:
        client.get("/async/3")
    (server,) = servers(captured)
    enriched(server, "GET /async/{id}")
    assert captured.parent(captured.span("openclaw.tool.execution")) == server
    assert captured.points(DURATION)[0].count == 1


def test_the_span_of_the_fastapi_instrumentation_is_used_and_enriched(captured: Captured) -> None:
    app = fastapi()
    app.add_middleware(Middleware)
    FastAPIInstrumentor.instrument_app(app, tracer_provider=captured.tracer_provider)
    try:
        with TestClient(app) as client:
            client.get("/v1/items/3")
    finally:
        FastAPIInstrumentor.uninstrument_app(app)
    (server,) = servers(captured)
    enriched(server, "GET /v1/items/{id}")


def test_the_span_of_starlettes_own_middleware_is_used_and_enriched(captured: Captured) -> None:
    app = starlette()
    app.add_middleware(StarletteMiddleware, tracer_provider=captured.tracer_provider)
    with TestClient(app) as client:
        client.get("/async/3")
    (server,) = servers(captured)
    enriched(server, "GET /async/{id}")


def test_an_exception_inside_of_another_instrumentation_is_on_its_span(captured: Captured) -> None:
    app = OpenTelemetryMiddleware(Middleware(Starlette(routes=ROUTES)), tracer_provider=captured.tracer_provider)
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/broken").status_code == 500
    (server,) = servers(captured)
    assert (server.status, server["http.response.status_code"]) == ("ERROR", 500)
    assert not [span for span in captured.spans if span.name.startswith("background")]
