"""An OTLP/HTTP endpoint that keeps what it is sent, for a person to look at and for a test to assert on."""

from __future__ import annotations

import threading
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from .decode import Log, Point, Span, decode_logs, decode_metrics, decode_traces

PROTOBUF = "application/x-protobuf"
MAXIMUM_BYTES = 64 * 1024 * 1024


class Signal(NamedTuple):
    """How one of the three signals is read and answered."""

    decode: Callable[[bytes], list[Any]]
    response: type[Any]


SIGNALS: Mapping[str, Signal] = {
    "/v1/traces": Signal(decode_traces, ExportTraceServiceResponse),
    "/v1/metrics": Signal(decode_metrics, ExportMetricsServiceResponse),
    "/v1/logs": Signal(decode_logs, ExportLogsServiceResponse),
}


class Arrival(NamedTuple):
    """One export request as it came: `size` is in bytes, before any decompression; header names are lower-case."""

    path: str
    headers: dict[str, str]
    size: int


class Refused(Exception):
    """A request that is answered with an error status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Receiver:
    """An ASGI application for `POST /v1/traces`, `/v1/metrics` and `/v1/logs` (OTLP/HTTP, binary protobuf).

    It keeps the newest `limit` spans, log records, metric series and requests each, in memory. `maximum_bytes` bounds
    a body, before and after decompression. Reading is safe from any thread. `routes` serve it within another
    application. Source: OTLP specification 1.x, section "OTLP/HTTP".
    """

    def __init__(self, *, limit: int = 10_000, maximum_bytes: int = MAXIMUM_BYTES) -> None:
        self._limit = limit
        self._maximum_bytes = maximum_bytes
        self._changed = threading.Condition()
        self._spans: deque[Span] = deque(maxlen=limit)
        self._logs: deque[Log] = deque(maxlen=limit)
        self._requests: deque[Arrival] = deque(maxlen=limit)
        self._points: dict[str, Point] = {}
        self._keep: dict[str, Callable[[list[Any]], None]] = {
            "/v1/traces": self._spans.extend,
            "/v1/metrics": self._keep_points,
            "/v1/logs": self._logs.extend,
        }
        self.routes = [Route(path, partial(self._export, path), methods=["POST"]) for path in SIGNALS]
        self._app = Starlette(routes=self.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    @property
    def spans(self) -> list[Span]:
        """In the order of arrival, the newest last."""
        with self._changed:
            return list(self._spans)

    @property
    def points(self) -> list[Point]:
        """The latest of each series; one that arrives as deltas is added up."""
        with self._changed:
            return list(self._points.values())

    @property
    def logs(self) -> list[Log]:
        """In the order of arrival, the newest last."""
        with self._changed:
            return list(self._logs)

    @property
    def requests(self) -> list[Arrival]:
        """Every request that was read to its end, refused ones included."""
        with self._changed:
            return list(self._requests)

    def wait(self, predicate: Callable[[Receiver], bool], timeout: float = 10.0) -> bool:
        """Blocks the calling thread until `predicate(receiver)` holds, at most `timeout` seconds; says whether it does.

        Call it from a thread other than the one that serves this receiver.
        """
        with self._changed:
            return self._changed.wait_for(lambda: predicate(self), timeout)

    def clear(self) -> None:
        """Forgets everything that arrived so far."""
        with self._changed:
            for kept in (self._spans, self._logs, self._requests, self._points):
                kept.clear()
            self._changed.notify_all()

    async def _export(self, path: str, request: Request) -> Response:
        try:
            body = await self._read(request)
            arrival = Arrival(path, dict(request.headers), len(body))
            await run_in_threadpool(self._take, arrival, body)
        except Refused as refused:
            return _refusal(refused)
        except ClientDisconnect:
            return Response(status_code=400)
        return Response(SIGNALS[path].response().SerializeToString(), media_type=PROTOBUF)

    async def _read(self, request: Request) -> bytes:
        body = bytearray()
        async for chunk in request.stream():
            if len(body) + len(chunk) > self._maximum_bytes:
                raise Refused(413, f"the body is larger than {self._maximum_bytes} bytes")
            body += chunk
        return bytes(body)

    def _take(self, arrival: Arrival, body: bytes) -> None:
        decoded: list[Any] = []
        try:
            decoded = _decode(arrival, body, self._maximum_bytes)
        finally:
            with self._changed:
                self._requests.append(arrival)
                self._keep[arrival.path](decoded)
                self._changed.notify_all()

    def _keep_points(self, points: list[Point]) -> None:
        """A series that is updated becomes the newest; over the limit, the one updated longest ago goes."""
        for point in points:
            earlier = self._points.pop(point.series, None)
            self._points[point.series] = point.after(earlier) if earlier else point
            if len(self._points) > self._limit:
                del self._points[next(iter(self._points))]


def _decode(arrival: Arrival, body: bytes, maximum_bytes: int) -> list[Any]:
    _check_content_type(arrival.headers.get("content-type", ""))
    plain = _decompress(body, arrival.headers.get("content-encoding", ""), maximum_bytes)
    try:
        return SIGNALS[arrival.path].decode(plain)
    except DecodeError as error:
        raise Refused(400, f"the body is no export request: {error}") from error


def _check_content_type(content_type: str) -> None:
    if content_type.partition(";")[0].strip().lower() != PROTOBUF:
        raise Refused(415, f"send {PROTOBUF}, not {content_type or 'a body without a content type'}")


def _decompress(body: bytes, encoding: str, maximum_bytes: int) -> bytes:
    """Deflate is taken with the zlib header the standard asks for and without it, as some senders have it."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in ("gzip", "deflate"):
        raise Refused(415, f"the content encoding {encoding} is unknown: send gzip, deflate or none")
    try:
        return _inflate(body, zlib.MAX_WBITS | 32, maximum_bytes)
    except zlib.error as error:
        if name == "gzip":
            raise Refused(400, f"the body is not {name}: {error}") from error
    try:
        return _inflate(body, -zlib.MAX_WBITS, maximum_bytes)
    except zlib.error as error:
        raise Refused(400, f"the body is not {name}: {error}") from error


def _inflate(body: bytes, window_bits: int, maximum_bytes: int) -> bytes:
    stream = zlib.decompressobj(window_bits)
    plain = stream.decompress(body, maximum_bytes + 1)
    if len(plain) > maximum_bytes:
        raise Refused(413, f"the decompressed body is larger than {maximum_bytes} bytes")
    if not stream.eof or stream.unused_data:
        raise Refused(400, "the compressed body is cut off or has something behind its end")
    return plain


def _refusal(refused: Refused) -> Response:
    """The specification asks for a protobuf `Status` in the body of every error."""
    headers = {"accept-encoding": "gzip, deflate"} if refused.status == 415 else {}
    content = Status(message=str(refused)).SerializeToString()
    return Response(content, status_code=refused.status, headers=headers, media_type=PROTOBUF)
