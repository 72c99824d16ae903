"""What is said of inbound requests, WebSockets and what they leave to be done: spans and metrics."""

from __future__ import annotations

from .. import privacy
from ..events import BackgroundWork, HttpRequest, WebSocketClosed, WebSocketFrame, WebSocketHandshake
from . import attributes as a
from .buckets import HTTP_SECONDS
from .readings import CUT_SHORT, Words, failed
from .rows import Metric, On, Span


def query(request: HttpRequest) -> str | None:
    return privacy.query(request.query) if request.query else None


def frame_type(frame: WebSocketFrame) -> str | None:
    return None if frame.text is None else ("text" if frame.text else "binary")


HTTP_BASE = (a.HTTP_METHOD.of("method"), a.URL_SCHEME.of("scheme"))
HTTP_DONE = (
    *HTTP_BASE,
    a.HTTP_ROUTE.of("route"),
    a.HTTP_STATUS.of("status_code"),
    a.PROTOCOL_VERSION.of("protocol_version"),
    a.ERROR_TYPE.of("error_type"),
)
HTTP_START = (
    a.HTTP_METHOD.of("method"),
    a.HTTP_METHOD_ORIGINAL.of("original_method"),
    a.URL_PATH.of("path"),
    a.URL_QUERY.of(query),
    a.URL_SCHEME.of("scheme"),
    a.SERVER_ADDRESS.of("server_address"),
    a.SERVER_PORT.of("server_port"),
    a.CLIENT_ADDRESS.of("client_address"),
    a.PROTOCOL_VERSION.of("protocol_version"),
    a.USER_AGENT.of("user_agent"),
)
HTTP_END = (
    a.HTTP_ROUTE.of("route"),
    a.HTTP_STATUS.of("status_code"),
    a.HTTP_REQUEST_SIZE.of("request_bytes"),
    a.HTTP_RESPONSE_SIZE.of("response_bytes"),
    a.ERROR_TYPE.of("error_type"),
    a.TIME_TO_FIRST_BYTE.of("first_byte_s"),
    a.STREAMED.of("streamed"),
    CUT_SHORT,
)


def http_name(request: HttpRequest) -> str:
    method = "HTTP" if request.method == "_OTHER" else request.method
    return f"{method} {request.route}" if request.route else method


def http_failed(request: HttpRequest) -> str | None:
    """An exception or a 5xx answer; 4xx is the caller's fault and no error of ours."""
    if request.outcome == "error":
        return request.error_category or ""
    return "" if request.status_code is not None and request.status_code >= 500 else None


METRICS: tuple[Metric, ...] = (
    Metric(
        "http.server.request.duration",
        "histogram",
        "s",
        "How long a request took, to the last byte of its answer.",
        (On(HttpRequest, "duration_s", HTTP_DONE),),
        HTTP_SECONDS,
    ),
    Metric(
        "http.server.active_requests",
        "up_down_counter",
        "{request}",
        "Requests that are being answered.",
        (
            On(HttpRequest, 1, HTTP_BASE, ("http.request.started",)),
            On(HttpRequest, -1, HTTP_BASE, ("http.request.completed", "http.request.error")),
        ),
    ),
    Metric(
        "http.server.request.body.size",
        "histogram",
        "By",
        "Bytes of a request's body.",
        (On(HttpRequest, "request_bytes", HTTP_DONE),),
    ),
    Metric(
        "http.server.response.body.size",
        "histogram",
        "By",
        "Bytes of a response's body.",
        (On(HttpRequest, "response_bytes", HTTP_DONE),),
    ),
)

SPANS: tuple[Span, ...] = (
    Span(
        HttpRequest,
        http_name,
        "An inbound HTTP request, to the last byte of its answer.",
        kind="server",
        start=HTTP_START,
        end=HTTP_END,
        status=http_failed,
        adopts=True,
    ),
    Span(
        BackgroundWork,
        Words("background", "{route}"),
        "An error that escaped from what was done after the answer; it starts where the answer ended.",
        end=(a.HTTP_ROUTE.of("route"), a.ERROR_TYPE.of("error_type")),
        status=failed,
    ),
    Span(
        WebSocketHandshake,
        http_name,
        "A WebSocket's opening, until the application accepts or rejects it.",
        kind="server",
        start=(*HTTP_START, a.PROTOCOL_NAME.always("websocket")),
        end=(*HTTP_END, a.SUBPROTOCOL.of("subprotocol")),
        status=http_failed,
        adopts=True,
    ),
    Span(
        WebSocketFrame,
        Words("websocket.frame", "{route}"),
        "What was done about one inbound frame; a trace of its own, linked to the handshake.",
        kind="server",
        start=(
            a.PROTOCOL_NAME.always("websocket"),
            a.HTTP_ROUTE.of("route"),
            a.FRAME_SIZE.of("size"),
            a.FRAME_TYPE.of(frame_type),
            a.FRAME_INDEX.of("index"),
        ),
        end=(a.ERROR_TYPE.of("error_type"), a.CLOSE_CODE.of("close_code"), CUT_SHORT),
        status=failed,
    ),
    Span(
        WebSocketClosed,
        Words("websocket.close", "{route}"),
        "A WebSocket is over; it stands in the trace of its handshake.",
        start=(
            a.PROTOCOL_NAME.always("websocket"),
            a.HTTP_ROUTE.of("route"),
            a.CLOSE_CODE.of("code"),
            a.CLOSED_BY_CLIENT.of("by_client"),
            a.FRAMES.of("frames"),
        ),
    ),
)
