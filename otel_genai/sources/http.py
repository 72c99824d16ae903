"""One HTTP request: what its scope says of it, what passes in and out, and the route that served it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, TypeVar

from .. import config, guard
from ..bus import bus
from ..events import BackgroundWork, HttpRequest, Operation, PayloadLarge, Remote
from .fields import number

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Send
    from starlette.types import Scope as Request

R = TypeVar("R", bound=HttpRequest)

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
WANTED = frozenset({b"host", b"user-agent", b"traceparent"})
BODIES = frozenset({"http.response.body", "http.response.zerocopysend"})
TOO_LARGE = 413
NOBODY = Remote(carrier={}, trusted=False)
HUNG_UP = frozenset({"ClientDisconnect", "ClientDisconnected", "WebSocketDisconnect"})
"""What frameworks raise in an application whose client has left."""


class Exchange:
    """What is kept for one HTTP request. Its `receive` and `send` are what the application is given."""

    __slots__ = ("_gone", "_receive", "_scope", "_send", "_trailers", "operation")

    def __init__(self, request: HttpRequest, scope: Request, receive: Receive, send: Send) -> None:
        self.operation = request
        self._scope, self._receive, self._send = scope, receive, send
        self._gone = self._trailers = False

    async def receive(self) -> Message:
        message = await self._receive()
        guard.call("reading a request", self._received, message)
        return message

    async def send(self, message: Message) -> None:
        adopted = self.operation.adopted  # then its span may be over with the last piece
        if adopted:
            guard.call("reading an answer", self._sent, message)
        try:
            await self._send(message)
        except BaseException as error:
            self._gone = self._gone or hung_up(error)
            raise
        if not adopted:
            guard.call("reading an answer", self._sent, message)

    def over(self, error: BaseException | None) -> None:
        """The application has returned, or `error` has escaped from it."""
        request = self.operation
        if request.outcome is None:
            if request.status_code is None and isinstance(error, Exception):
                request.status_code = 500
            self._finish(error)
        elif request.status_code is None or request.status_code < 500:
            fail_late(request, error)

    def _received(self, message: Message) -> None:
        kind, request = message["type"], self.operation
        if kind == "http.request":
            request.request_bytes = (request.request_bytes or 0) + len(message.get("body") or b"")
        elif kind == "http.disconnect" and request.duration_ns is None:
            self._gone = True

    def _sent(self, message: Message) -> None:
        kind, request = message["type"], self.operation
        if request.duration_ns is not None:
            return
        if kind in BODIES:
            self._count(message.get("body"))
            if not message.get("more_body") and not self._trailers:
                self._last(unseen=kind != "http.response.body")
        elif kind == "http.response.start":
            request.status_code = number(message.get("status"))
            request.response_headers = message.get("headers") or ()
            request.body_parts = request.response_bytes = 0
            self._trailers = bool(message.get("trailers"))
        elif kind == "http.response.pathsend":
            self._last(unseen=True)
        elif kind == "http.response.trailers" and not message.get("more_trailers"):
            self._last()

    def _count(self, body: bytes | None) -> None:
        if body:
            request = self.operation
            request.response_bytes = (request.response_bytes or 0) + len(body)
            request.body_parts = (request.body_parts or 0) + 1
            if request.first_byte_ns is None:
                request.first_byte_ns = perf_counter_ns() - request.began

    def _last(self, unseen: bool = False) -> None:
        """The last piece is away. After a status of 500 an error may follow: then it is told when the app returns."""
        request = self.operation
        request.duration_ns = perf_counter_ns() - request.began
        if unseen:
            request.response_bytes = guard.call("measuring an answer", length_of, request.response_headers)
            request.body_parts = None
        if request.status_code is None or request.status_code < 500 or request.adopted:
            self._finish(None)

    def _finish(self, error: BaseException | None) -> None:
        request = self.operation
        request.route = guard.call("reading the route", route_of, self._scope)
        if request.request_bytes is None:
            request.request_bytes = guard.call("measuring a request", length_of, request.request_headers)
        if self._gone and (error is None or hung_up(error)):
            request.cut_short()
            error = None
        request.blame_status()
        limit = config.active().large_payload_bytes
        if limit is not None:
            guard.call("measuring payloads", tell_bodies, request, limit)
        bus.finish(request, error)


def hung_up(error: BaseException | None) -> bool:
    """Whether this is how a server or framework says that the client has left."""
    return isinstance(error, OSError) or type(error).__name__ in HUNG_UP


def fail_late(request: HttpRequest, error: BaseException | None) -> None:
    """Tell of an error that escaped from what an application did after its answer: its background tasks."""
    if isinstance(error, Exception):
        work = BackgroundWork(route=request.route)
        work.parent = request
        bus.start(work)
        bus.finish(work, error)


def tell_bodies(request: HttpRequest, limit: int) -> None:
    """Tell of the bodies of a request and of its answer that have more bytes than `limit`.

    A request's body is as large as its Content-Length says, also where nobody has read it whole.
    """
    asked = max(request.request_bytes or 0, length_of(request.request_headers) or 0)
    refused = request.status_code == TOO_LARGE
    tell_large(request, "gateway.http.request", asked, limit, "rejected" if refused else "observed")
    tell_large(request, "gateway.http.response", request.response_bytes or 0, limit)


def tell_large(around: Operation, surface: str, size: int, limit: int, action: str = "observed") -> None:
    """Tell of what came up in an operation and has more bytes than `limit`."""
    if size > limit:
        event = PayloadLarge(surface=surface, action=action, payload_bytes=size, limit_bytes=limit)
        bus.publish(event, around)


# -- what a request says


def read(kind: type[R], scope: Request, methods: frozenset[str], trusts: Callable[[Request], bool]) -> R:
    """The operation that a request will be."""
    headers = scope.get("headers")
    if not isinstance(headers, (list, tuple)):  # what can be read only once is the application's
        headers = ()
    wanted = {name: value for name, value in headers if name in WANTED}
    scheme = scope.get("scheme") or ("http" if scope["type"] == "http" else "ws")
    method = scope.get("method") or "GET"
    server = asked(wanted[b"host"], scheme) if b"host" in wanted else pair(scope.get("server"))
    client = pair(scope.get("client"))
    agent, query = wanted.get(b"user-agent"), scope.get("query_string")
    return kind(
        method=method if method in methods else "_OTHER",
        original_method=None if method in methods else method,
        path=scope.get("path") or "",
        query=query.decode("latin-1") if query else None,
        scheme=scheme,
        protocol_version=scope.get("http_version"),
        server_address=server[0],
        server_port=server[1],
        client_address=client[0],
        client_port=client[1],
        user_agent=agent.decode("latin-1") if agent else None,
        remote=remote(scope, trusts) if b"traceparent" in wanted else NOBODY,
        request_headers=headers,
    )


def remote(scope: Request, trusts: Callable[[Request], bool]) -> Remote:
    return Remote(carrier=scope, trusted=guard.call("asking whom to trust", trusts, scope) is True)


@lru_cache(maxsize=1024)
def asked(host: bytes, scheme: str) -> tuple[str | None, int | None]:
    """Address and port that a Host header asks for; the port of the scheme where it names none."""
    name, colon, port = host.decode("latin-1").strip().rpartition(":")
    if not colon or not port.isdigit():
        name, port = name + colon + port, ""
    return name.strip("[]") or None, int(port[:5]) if port else DEFAULT_PORTS.get(scheme)


def pair(address: Sequence[Any] | None) -> tuple[str | None, int | None]:
    return (address[0], address[1]) if address else (None, None)


def length_of(headers: Sequence[tuple[bytes, bytes]]) -> int | None:
    """The Content-Length, where it is one."""
    length = next((value for name, value in headers if name == b"content-length"), b"")
    return int(length) if length.isdigit() else None


def url_of(scope: Request) -> str:
    """The full URL of a request, as its caller would write it."""
    host = next((value.decode("latin-1") for name, value in scope.get("headers") or () if name == b"host"), None)
    address, port = pair(scope.get("server"))
    query = scope.get("query_string") or b""
    authority = host or (f"{address}:{port}" if port else address or "")
    url = f"{scope.get('scheme') or 'http'}://{authority}{scope.get('path') or ''}"
    return f"{url}?{query.decode('latin-1')}" if query else url


# -- its route


def route_of(scope: Request) -> str | None:
    """The template of the route that the application chose; `None` where it chose none or does not say."""
    route = scope.get("route")
    known = route if isinstance(route, str) else scope.get("path_template")
    if isinstance(known, str):
        return known
    if route is None:
        return unnoted(scope)
    template = getattr(effective(scope, route), "path_format", None)
    if not isinstance(template, str):
        return None
    if hasattr(route, "routes"):  # of an application that was mounted there only its place is known
        return mounted(scope, {}) or "/"
    return mounted(scope, getattr(route, "param_convertors", {})).rstrip("/") + template or "/"


def unnoted(scope: Request) -> str | None:
    """The same where the router notes only what it called, as FastAPI's does of its own pages and of mounts."""
    endpoint, path = scope.get("endpoint"), scope.get("root_path") or ""
    if endpoint is None:
        return None
    root: str = scope.get("app_root_path", path)
    if path != root:
        place = mounted(scope, {})
        return None if place == root else place
    routes = getattr(scope.get("router"), "routes", ())
    found = {getattr(route, "path_format", None) for route in routes if getattr(route, "endpoint", None) is endpoint}
    template = found.pop() if len(found) == 1 else None  # one endpoint may have several
    return path.rstrip("/") + template if isinstance(template, str) else None


def effective(scope: Request, route: object) -> object:
    """The route as a router was included: FastAPI keeps the prefix beside of it."""
    context = (scope.get("fastapi") or {}).get("effective_route_context")
    return context if getattr(context, "original_route", None) is route else route


def mounted(scope: Request, own: Any) -> str:
    """Where the application that served the request is mounted, with the names of what varies in the place.

    `own` are the parameters of the route itself. A place that varies in a way that cannot be named is left out.
    """
    path: str = scope.get("root_path") or ""
    if not path:
        return path
    root: str = scope.get("app_root_path", path)
    varying = {str(value): f"{{{name}}}" for name, value in (scope.get("path_params") or {}).items() if name not in own}
    if path == root or not varying:
        return path
    pieces = [varying.get(piece, piece) for piece in path[len(root) :].split("/")]
    return root + "/".join(pieces) if set(varying.values()) <= set(pieces) else root
