"""A request through an ASGI application, beside the two middlewares that others would take."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from starlette.middleware.opentelemetry import OpenTelemetryMiddleware as StarletteMiddleware

from otel_genai.sources.asgi import Middleware

from .rounds import Candidate, Line, Subject
from .sdk import meters, observed, tracers

SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.4"},
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/v1/turns",
    "raw_path": b"/v1/turns",
    "query_string": b"",
    "root_path": "",
    "headers": [
        (b"host", b"gateway.example.com"),
        (b"user-agent", b"httpx/1.0"),
        (b"accept", b"*/*"),
        (b"content-type", b"application/json"),
        (b"content-length", b"2"),
        (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ],
    "client": ("127.0.0.1", 50000),
    "server": ("127.0.0.1", 8000),
}
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"2")],
}
BODY = {"type": "http.response.body", "body": b"{}"}


async def application(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    await receive()
    await send(START)
    await send(BODY)


async def receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"{}", "more_body": False}


async def send(_: dict[str, Any]) -> None:
    pass


def requested(app: Any, *, metrics: bool = True) -> Candidate:
    async def call() -> None:
        await app({**SCOPE}, receive, send)

    return Candidate(call, partial(observed, metrics=metrics))


def contrib(**providers: Any) -> Any:
    """The middleware of opentelemetry-instrumentation-asgi, by the stable conventions as ours."""
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    return OpenTelemetryMiddleware(application, exclude_spans=["receive", "send"], **providers)


def request() -> Subject:
    ours = Middleware(application)
    return Subject(
        {
            "bare": requested(application),
            "ours": requested(ours),
            "ours, linked": requested(Middleware(application, trust_inbound=False)),
            "otel asgi": requested(contrib(tracer_provider=tracers(), meter_provider=meters())),
            "ours, span only": requested(ours, metrics=False),
            "starlette": requested(StarletteMiddleware(application, tracer_provider=tracers())),
        },
        (
            Line("ASGI request: span, HTTP metrics", "ours", "otel asgi", 0.5, "bare"),
            Line("... the caller not trusted", "ours, linked", "otel asgi", 0.5, "bare"),
            Line("ASGI request: span only", "ours, span only", "starlette", 1.1, "bare"),
        ),
    )


SUBJECTS = {"request": request}
