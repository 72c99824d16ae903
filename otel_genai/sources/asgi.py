"""An inbound request: whom it is for, a scope for everything inside, and an operation that ends with its last byte."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextvars import Token
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from .. import config, guard
from ..bus import Entry, bus
from ..events import HttpRequest, WebSocketHandshake
from ..scope import Scope, current, enter, leave
from .http import Exchange, pair, read, url_of
from .websockets import Socket

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Send
    from starlette.types import Scope as Request

    Name = str | Callable[[Request], str | None] | None
    Trust = bool | str | Sequence[str] | Callable[[Request], bool]
    Opened = tuple[Exchange | Socket, Entry, Token[Scope]]

FLAG = "otel_genai"
"""Stands in the ASGI scope of a request that is being watched already: what says whether its caller is trusted."""
KINDS = frozenset({"http", "websocket"})
PRIVATE = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
    *("::1/128", "fc00::/7", "fe80::/10"),
)
KNOWN_METHODS_VARIABLE = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS"
KNOWN_METHODS = "GET,HEAD,POST,PUT,DELETE,CONNECT,OPTIONS,TRACE,PATCH,QUERY"


class Middleware:
    """Gives every HTTP request, and every frame of a WebSocket, a span and a scope that what happens inside inherits.

    Pure ASGI: it holds nothing back, and stands around any application: `app.add_middleware(Middleware, channel="web")`
    or `Middleware(app)`. Where it stands twice around a request, the inner one only binds its names.

    Args:
        app: the ASGI application.
        channel, agent, session, conversation, user: whom the work is for: text, or a callable on the ASGI scope that
            returns text or None. One that fails says nothing, which leaves what was bound outside.
        trust_inbound: whose `traceparent` is continued; everybody else's is linked to. True, False, networks in a list
            (`["10.0.0.0/8"]`), a callable on the ASGI scope (failing means no), or `"private"`: callers on a loopback,
            private or link-local address or on a Unix socket, but not one of whom nothing is known.
        excluded_urls: regular expressions, in a list or separated by commas; a request whose full URL matches one
            leaves no trace and no measurement. Unset: those of the configuration.

    Raises:
        TypeError, ValueError: for an argument that cannot be used; it names the argument and what was expected.

    Sources: https://opentelemetry.io/docs/specs/semconv/http/, https://asgi.readthedocs.io/en/latest/specs/www.html
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        channel: Name = None,
        agent: Name = None,
        session: Name = None,
        conversation: Name = None,
        user: Name = None,
        trust_inbound: Trust = "private",
        excluded_urls: str | Sequence[str] | None = None,
    ) -> None:
        names = {"channel": channel, "agent": agent, "session": session, "conversation": conversation, "user": user}
        self.app = app
        self._names = {name: checked(name, value) for name, value in names.items() if value is not None}
        self._trusts = trusting(trust_inbound)
        self._excluded = None if excluded_urls is None else patterns(excluded_urls)
        self._methods = frozenset((os.environ.get(KNOWN_METHODS_VARIABLE) or KNOWN_METHODS).split(","))

    async def __call__(self, scope: Request, receive: Receive, send: Send) -> None:
        if not bus.listening or scope.get("type") not in KINDS:
            await self.app(scope, receive, send)
        elif FLAG in scope:
            await self._inside(scope, receive, send)
        elif (opened := guard.call("reading a request", self._open, scope, receive, send)) is None:
            await self.app(scope, receive, send)
        else:
            await self._watch(scope, *opened)

    async def _inside(self, scope: Request, receive: Receive, send: Send) -> None:
        """Serve a request that another of us watches."""
        token = enter(self._bound(scope, current()))
        try:
            await self.app(scope, receive, send)
        finally:
            leave(token)

    async def _watch(self, scope: Request, exchange: Exchange | Socket, entry: Entry, token: Token[Scope]) -> None:
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except BaseException as error:
            guard.call("ending a request", exchange.over, error)
            raise
        else:
            guard.call("ending a request", exchange.over, None)
        finally:
            bus.leave(exchange.operation, entry)
            leave(token)
            scope.pop(FLAG, None)

    def _open(self, scope: Request, receive: Receive, send: Send) -> Opened | None:
        """Begin the operation of a request; `None` for one that is excluded."""
        if self._excludes(scope):
            return None
        exchange: Exchange | Socket
        if scope["type"] == "http":
            exchange = Exchange(read(HttpRequest, scope, self._methods, self._trusts), scope, receive, send)
        else:
            exchange = Socket(read(WebSocketHandshake, scope, self._methods, self._trusts), scope, receive, send)
        scope[FLAG] = self._trusts
        token = enter(self._bound(scope, outside()))
        bus.start(exchange.operation)
        return exchange, bus.enter(exchange.operation), token

    def _bound(self, scope: Request, around: Scope) -> Scope:
        names: dict[str, Any] = {}
        for name, value in self._names.items():
            found = guard.call("naming a request", named, value, scope)
            if found is not None:
                names[name] = found
        return around._replace(**names) if names else around

    def _excludes(self, scope: Request) -> bool:
        excluded = self._excluded
        if excluded is None:
            excluded = compiled(config.active().excluded_urls)
        if not excluded:
            return False
        url = url_of(scope)
        return any(pattern.search(url) for pattern in excluded)


def outside() -> Scope:
    """The scope around a request; blank where a server began it inside of one that is over (HTTP pipelining)."""
    around = current()
    operation = around.operation
    while operation is not None:
        if type(operation) is HttpRequest and operation.duration_ns is not None:
            return Scope()
        operation = operation.scope.operation
    return around


def checked(name: str, value: Any) -> Any:
    if not isinstance(value, str) and not callable(value):
        raise TypeError(f"{name}={value!r}: expected text, or a callable on the ASGI scope that returns text or None")
    return value


def named(value: Any, scope: Request) -> str | None:
    found = value if isinstance(value, str) else value(scope)
    if found is not None and not isinstance(found, str):
        raise TypeError(f"expected text or None, got {type(found).__name__}")
    return found


def trusting(trust: Any) -> Callable[[Request], bool]:
    """Whether a caller is believed, as `trust_inbound` says it."""
    if isinstance(trust, bool):
        return lambda scope: trust
    if callable(trust):
        return trust  # type: ignore[no-any-return]
    if trust == "private":
        private = within(PRIVATE)
        return lambda scope: private(scope) or over_a_socket(scope)
    if isinstance(trust, str) or not isinstance(trust, Sequence):
        expected = "True, False, 'private', a list of networks or a callable on the ASGI scope"
        raise (ValueError if isinstance(trust, str) else TypeError)(f"trust_inbound={trust!r}: expected {expected}")
    return within(trust)


def within(networks: Sequence[str]) -> Callable[[Request], bool]:
    """Whether a caller's address is in one of the networks."""
    parsed = tuple(network(text) for text in networks)

    @lru_cache(maxsize=4096)
    def holds(host: str) -> bool:
        address = ip_address(host)
        unmapped = getattr(address, "ipv4_mapped", None) or address  # what a dual-stack socket reports of IPv4
        return any(unmapped in one for one in parsed)

    def contains(scope: Request) -> bool:
        try:
            return holds(pair(scope.get("client"))[0] or "")
        except ValueError:
            return False

    return contains


def network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as problem:
        raise ValueError(f"trust_inbound={text!r}: expected a network such as '10.0.0.0/8': {problem}") from None


def over_a_socket(scope: Request) -> bool:
    """Whether the caller came over a Unix socket, and so from this machine."""
    server = scope.get("server")
    return not scope.get("client") and bool(server) and pair(server)[1] is None


def patterns(excluded: str | Sequence[str]) -> tuple[re.Pattern[str], ...]:
    items = excluded.split(",") if isinstance(excluded, str) else excluded
    try:
        return compiled(tuple(item.strip() for item in items if item.strip()))
    except (re.error, AttributeError, TypeError) as problem:
        expected = "regular expressions, in a list or separated by commas"
        raise ValueError(f"excluded_urls={excluded!r}: expected {expected}: {problem}") from None


@lru_cache(maxsize=64)
def compiled(expressions: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(expression) for expression in expressions)
