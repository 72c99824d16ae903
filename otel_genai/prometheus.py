"""Metrics for whoever asks for them: a page for Prometheus, on a port of its own or in the user's application."""

from __future__ import annotations

import gzip
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from weakref import WeakSet

from opentelemetry.sdk.metrics.export import Metric, MetricReader, MetricsData

from . import guard, locks
from .exporters import Reporter

Answer = tuple[int, dict[str, str], bytes]

PATH = "/metrics"
PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
SECONDS_TO_ASK = 10
"""For so long a client may take over its request."""
CLOSES_WITHIN = 0.1
"""Seconds between two looks at whether the port is to be closed."""


class Page:
    """The metrics of a provider as a text, made when it is asked for.

    Raises ImportError where the extra is not installed.
    """

    def __init__(self) -> None:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader  # late: an extra
        from prometheus_client import CollectorRegistry

        self._registry = CollectorRegistry()
        self._one_at_a_time = locks.lock()
        """The exporter hands the numbers of one request to another where two come at once."""
        self.reader: MetricReader = scraped(PrometheusMetricReader)(registry=self._registry)

    def text(self, accept: str, encodings: str) -> tuple[dict[str, str], bytes]:
        """Headers and body, in OpenMetrics or in the text format, as a client accepts it."""
        from prometheus_client.exposition import choose_encoder, gzip_accepted

        encode, content_type = choose_encoder(accept)
        with self._one_at_a_time:
            body = encode(self._registry)
        headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        if gzip_accepted(encodings):
            return {**headers, "Content-Encoding": "gzip"}, gzip.compress(body)
        return headers, body


def page() -> Page | None:
    """A page, or one loud error where what makes it is not installed."""
    made, error = guard.attempt(Page)
    if isinstance(error, ImportError):
        _say_missing()
    elif error is not None:
        guard.failed("making the page for Prometheus", error)
    return made


@cache
def _say_missing() -> None:
    guard.logger.error('metrics are not shown to Prometheus: pip install "otel-genai[prometheus]"')


@cache
def scraped(exporter: type[MetricReader]) -> Callable[..., MetricReader]:
    """The exporter, but that a flush does not leave numbers behind that nobody asked for, and a unit is named once."""

    class Scraped(exporter):  # type: ignore[valid-type, misc]
        def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
            super()._receive_metrics(named(metrics_data), timeout_millis, **kwargs)

        def force_flush(self, timeout_millis: float = 10_000) -> bool:
            return True

    return Scraped


def named(data: MetricsData) -> MetricsData:
    """`openclaw.run.duration_ms` is `openclaw_run_duration_ms` there, and not `..._duration_ms_milliseconds`."""
    resources = [
        replace(each, scope_metrics=[replace(s, metrics=[once(m) for m in s.metrics]) for s in each.scope_metrics])
        for each in data.resource_metrics
    ]
    return replace(data, resource_metrics=resources)


def once(metric: Metric) -> Metric:
    return replace(metric, unit="") if metric.unit and metric.name.endswith(f"_{metric.unit}") else metric


class Endpoint:
    """A page on a port of its own, in a daemon thread; any path but `/metrics` is not found."""

    def __init__(self, shown: Page | None) -> None:
        self._page = shown
        self._server: Server | None = None
        self._report = Reporter("metrics", "prometheus")

    def open(self, host: str, port: int) -> None:
        """Listen. A port that cannot be had is an error in the log and in the health, and the program goes on."""
        if self._page is None:  # the log says why
            self._report.failed_to_start("start_failed")
            return
        server, error = guard.attempt(Server, host, port, self._page)
        if server is None:
            guard.logger.error("metrics are not shown to Prometheus: %s:%d cannot be had (%s)", host, port, error)
            self._report.failed_to_start("start_failed", type(error).__name__)
            return
        self._server = server
        serve = partial(server.serve_forever, CLOSES_WITHIN)
        threading.Thread(target=serve, name="otel_genai_prometheus", daemon=True).start()
        _open.add(self)
        self._report.started()

    def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            self._report.stopped()

    def forked(self) -> None:
        """In the child: the page is the parent's, whose thread is not here; the port must not outlive the parent."""
        server, self._server = self._server, None
        if server is not None:
            server.socket.close()


class Server(ThreadingHTTPServer):
    """The server of one page."""

    allow_reuse_address = os.name == "posix"  # elsewhere it would let two have one port, as the next does everywhere
    allow_reuse_port = False

    def __init__(self, host: str, port: int, shown: Page) -> None:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family, _, _, _, address = found[0]
        self.page = shown
        super().__init__(address[:2], Handler)  # type: ignore[arg-type]

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # that of HTTP asks the name service who we are

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no matter."""


class Handler(BaseHTTPRequestHandler):
    """One request to a server of a page."""

    server: Server
    server_version = "otel_genai"
    timeout = SECONDS_TO_ASK

    def do_GET(self) -> None:
        if self.path.partition("?")[0] == PATH:
            accept, encodings = self.headers.get("Accept", ""), self.headers.get("Accept-Encoding", "")
            status, headers, body = answer(self.server.page, accept, encodings)
        else:
            status, headers, body = 404, PLAIN, b"the metrics are at /metrics\n"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing: it is asked every few seconds."""


class MetricsApp:
    """The page as an ASGI application, at whatever path it is put."""

    def __init__(self, find: Callable[[], Page | None]) -> None:
        self._find = find

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        from starlette.concurrency import run_in_threadpool  # late: most programs have no such page

        told = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        accept, encodings = told.get(b"accept", ""), told.get(b"accept-encoding", "")
        status, headers, body = await run_in_threadpool(self._answer, scope["method"], accept, encodings)
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        raw.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, method: str, accept: str, encodings: str) -> Answer:
        if method not in {"GET", "HEAD"}:
            return 405, {**PLAIN, "Allow": "GET, HEAD"}, b"metrics are there to be read\n"
        shown = self._find()
        return answer(shown, accept, encodings) if shown else (503, PLAIN, b"metrics are off\n")


def answer(shown: Page, accept: str, encodings: str) -> Answer:
    """Status, headers and body."""
    made = guard.call("making the page for Prometheus", shown.text, accept, encodings)
    return (200, *made) if made else (500, PLAIN, b"the page could not be made\n")


_open: WeakSet[Endpoint] = WeakSet()


def _forked() -> None:
    for endpoint in list(_open):
        endpoint.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
