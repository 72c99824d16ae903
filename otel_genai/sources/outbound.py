"""Lets requests within a model call, or to a remote agent, carry its trace context, whatever HTTP library sends them.

Everything happens at the class, so that a client made earlier, the user's own client, a custom transport, each retry
and each redirect are covered. Outside of such a call a request is passed on as it is, and so is one within it that asks
for a token: an identity provider is a third party, known by its host or by the path of its endpoint (see `identity`).
The caller's objects are never changed: what is sent is a copy that differs in its headers only, and `response.request`
shows what was sent.

Source: https://www.w3.org/TR/trace-context-2/
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import wrapt

from .. import guard, locks, scope
from ..events import ModelCall, RemoteAgent
from .carriers import alike, replace_context, with_context
from .identity import asks_for_token
from .replacing import once

Call = ModelCall | RemoteAgent
"""What is asked of somebody elsewhere."""
CALLS = (ModelCall, RemoteAgent)
Wrapped = Callable[..., Any]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]
Prepare = Callable[[Call, Any, tuple[Any, ...], dict[str, Any]], Arguments | None]
Wrapper = Callable[[Wrapped, Any, tuple[Any, ...], dict[str, Any]], Any]

PREPARING = "preparing a request"
ANSWERED = "reading the size of an answer"
BYTES = (bytes, bytearray)
DEFAULT_PORTS = {"http": 80, "https": 443}

_lock = locks.reentrant()  # an import hook may fire within `install`
_installs = 0
_awaited: set[str] = set()
_wrapped: list[tuple[Any, str, object]] = []
"""The module, the path of its method, and what is wrapped around that."""


def running_call() -> Call | None:
    """The call that a request is within. A tool that runs within one is not, so that third parties see nothing."""
    operation = scope.current().operation
    if _installs and isinstance(operation, CALLS) and operation.outcome is None:
        return operation
    return None


def carrying(request: Any) -> Any:
    """A copy of an `httpx.Request` or a `requests.PreparedRequest`: the caller may send the original again."""
    made = alike(request)
    made.headers = with_context(request.headers)
    return made


# -- what a request says about its call


def note_server(call: Call, url: object) -> None:
    if call.server_address is not None:
        return
    parts = urlsplit(str(url))
    call.server_address = parts.hostname
    if call.server_port is None:
        call.server_port = parts.port or DEFAULT_PORTS.get(parts.scheme)


def note_request(call: Call, headers: Any, body: object = None) -> None:
    """The bytes of a body where they are known without reading it; those of the last attempt stay."""
    if not isinstance(call, ModelCall):
        return
    size = len(body) if isinstance(body, BYTES) else content_length(headers)
    if size is not None:
        call.request_bytes = size


def note_answer(call: Call, response: Any) -> None:
    """The bytes of an answer that is read already or says how long it will be; a refusal or a redirect is none."""
    if not isinstance(call, ModelCall) or call.response_bytes is not None or call.stream:
        return
    status = response.status_code if hasattr(response, "status_code") else response.status
    if status // 100 != 2:
        return
    body = getattr(response, "_content", None) or getattr(response, "_body", None)
    if isinstance(body, bytes):
        call.response_bytes = len(body)
    elif "Content-Encoding" not in response.headers:  # else the length is that of the compressed body
        call.response_bytes = content_length(response.headers)


def content_length(headers: Any) -> int | None:
    value = headers.get("Content-Length")
    return int(value) if value is not None and value.isdigit() else None


# -- each library's arguments; none where the request is not the call's


def prepare_request(call: Call, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments | None:
    """`send(request, ...)` of httpx, httpx2 and requests."""
    request = args[0] if args else kwargs["request"]
    url = request.url
    if asks_for_token(url):
        return None
    if call.server_address is None:
        note_server(call, url)
    said = request.__dict__
    note_request(call, request.headers, said.get("_content") or said.get("body"))
    sent = carrying(request)
    return ((sent, *args[1:]), kwargs) if args else (args, {**kwargs, "request": sent})


def prepare_urlopen(call: Call, pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments | None:
    """`urlopen(method, url, body, headers, ...)` of urllib3, where `headers` defaults to the pool's."""
    url = whole_url(pool, argument(args, kwargs, 1, "url"))
    if asks_for_token(url):
        return None
    given = argument(args, kwargs, 3, "headers")
    headers = copied(pool.headers if given is None else given)
    replace_context(headers)
    note_server(call, url)
    note_request(call, headers, argument(args, kwargs, 2, "body"))
    return with_argument(args, kwargs, 3, "headers", headers)


def whole_url(pool: Any, url: str) -> str:
    """What a pool asks for: its own host's path, or through a proxy any URL."""
    host = f"[{pool.host}]" if ":" in pool.host else pool.host
    return url if "://" in url else f"{pool.scheme}://{host}:{pool.port or ''}{url}"


def copied(headers: Any) -> Any:
    return headers.copy() if hasattr(headers, "copy") else dict(headers)


def argument(args: tuple[Any, ...], kwargs: dict[str, Any], index: int, name: str) -> Any:
    return args[index] if len(args) > index else kwargs.get(name)


def with_argument(args: tuple[Any, ...], kwargs: dict[str, Any], index: int, name: str, value: object) -> Arguments:
    if len(args) > index:
        return (*args[:index], value, *args[index + 1 :]), kwargs
    return args, {**kwargs, name: value}


# -- wrappers


def sending(prepare: Prepare) -> Wrapper:
    """A wrapper for a method that sends and returns the response."""

    def send(wrapped: Wrapped, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = running_call()
        if call is None:
            return wrapped(*args, **kwargs)
        prepared = guard.call(PREPARING, prepare, call, client, args, kwargs)
        if prepared is None:
            return wrapped(*args, **kwargs)
        args, kwargs = prepared
        response = wrapped(*args, **kwargs)
        guard.call(ANSWERED, note_answer, call, response)
        return response

    return send


async def send_async(wrapped: Wrapped, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`AsyncClient.send` of httpx and httpx2."""
    call = running_call()
    if call is None:
        return await wrapped(*args, **kwargs)
    prepared = guard.call(PREPARING, prepare_request, call, client, args, kwargs)
    if prepared is None:
        return await wrapped(*args, **kwargs)
    args, kwargs = prepared
    response = await wrapped(*args, **kwargs)
    guard.call(ANSWERED, note_answer, call, response)
    return response


async def request_async(wrapped: Wrapped, session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`ClientSession._request(method, url, ...)` of aiohttp, which says only later how long its body was."""
    call = running_call()
    if call is None:
        return await wrapped(*args, **kwargs)
    if guard.call(PREPARING, prepare_session, call, session, args, kwargs):
        return await apart(wrapped, args, kwargs)
    response = await wrapped(*args, **kwargs)
    with guard.around(ANSWERED):
        first = response.history[0] if response.history else response
        note_request(call, first.request_info.headers)
        note_answer(call, response)
    return response


def prepare_session(call: Call, session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Note whom a session asks; says whether it asks for a token, which is not the call's request."""
    url = session._build_url(argument(args, kwargs, 1, "str_or_url"))
    if asks_for_token(url):
        return True
    note_server(call, url)
    return False


_apart: ContextVar[bool] = ContextVar("otel_genai_request_apart", default=False)
"""Whether a request of aiohttp is under way that is not the call's: its URL is not known where its headers are made."""


async def apart(wrapped: Wrapped, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    token = _apart.set(True)
    try:
        return await wrapped(*args, **kwargs)
    finally:
        _apart.reset(token)


def merge_headers(wrapped: Wrapped, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`ClientSession._prepare_headers` of aiohttp, which merges the caller's and the session's into new ones."""
    headers = wrapped(*args, **kwargs)
    if running_call() is not None and not _apart.get():
        guard.call(PREPARING, replace_context, headers)
    return headers


HTTPX = {"Client.send": sending(prepare_request), "AsyncClient.send": send_async}
LIBRARIES: dict[str, dict[str, Wrapper]] = {
    "httpx": HTTPX,
    "httpx2": HTTPX,
    "aiohttp": {"ClientSession._request": request_async, "ClientSession._prepare_headers": merge_headers},
    "requests": {"Session.send": sending(prepare_request)},
    "urllib3": {"HTTPConnectionPool.urlopen": sending(prepare_urlopen)},
}


# -- on and off


def install() -> Callable[[], None]:
    """Wrap what the libraries send with, in those imported already and in each that is imported later.

    Returns the undo. The libraries stay wrapped until every install is undone; an undo counts once.
    """
    global _installs
    with _lock:
        _installs += 1
        if _installs == 1:
            for library in LIBRARIES:
                _wrap_or_await(library)
    return once(_uninstall)


def _uninstall() -> None:
    global _installs
    with _lock:
        _installs -= 1
        if not _installs:
            _unwrap()


def _wrap_or_await(library: str) -> None:
    module = sys.modules.get(library)
    if module is not None:
        _wrap(library, module)
    elif library not in _awaited:  # a hook cannot be taken back: there is one for the life of the process
        _awaited.add(library)
        wrapt.register_post_import_hook(partial(_wrap, library), library)


def _wrap(library: str, module: Any) -> None:
    with _lock:
        if _installs:
            for path, wrapper in LIBRARIES[library].items():
                guard.call("wrapping an HTTP library", _wrap_method, module, path, wrapper)


def _wrap_method(module: Any, path: str, wrapper: Wrapper) -> None:
    def is_ours(one: Any) -> bool:
        return type(one) is wrapt.FunctionWrapper and one._self_wrapper is wrapper

    left = wrapt.find_wrapper(wrapt.resolve_path(module, path)[2], predicate=is_ours)
    applied = wrapt.wrap_function_wrapper(module, path, wrapper) if left is None else left
    _wrapped.append((module, path, applied))


def _unwrap() -> None:
    """What lies under somebody else's function stays there: it does nothing while we are off, and is used again."""
    while _wrapped:
        module, path, wrapper = _wrapped.pop()
        with suppress(wrapt.WrapperNotOutermostError):
            wrapt.unwrap_object(module, path, wrapper, missing_ok=True)
