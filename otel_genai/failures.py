"""What went wrong, in bounded words: class, kind, status and request id of a provider's or a tool's error.

An error's own code runs where its fields and its text are read; what that raises is taken for nothing said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from . import guard
from .privacy import hashed

# The first match wins; the words of the reference system, in its order (codes before texts).
KINDS_BY_CODE = {
    "ABORT_ERR": "aborted",
    "ECONNABORTED": "aborted",
    "ERR_ABORTED": "aborted",
    "ECONNRESET": "connection_reset",
    "ERR_STREAM_PREMATURE_CLOSE": "connection_closed",
    "UND_ERR_SOCKET": "connection_closed",
    "ETIMEDOUT": "timeout",
    "ERR_SOCKET_CONNECTION_TIMEOUT": "timeout",
}
KINDS_BY_CLASS: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, "timeout"),
    (ConnectionResetError, "connection_reset"),
    (ConnectionAbortedError, "aborted"),
    (BrokenPipeError, "connection_closed"),
    (EOFError, "connection_closed"),
)
KINDS_BY_WORDS = (
    (re.compile(r"terminated|sigkill|sigterm", re.I), "terminated"),
    (re.compile(r"econnreset|connection reset", re.I), "connection_reset"),
    (
        re.compile(
            r"socket hang up|premature close|connection closed|other side closed|server disconnected"
            r"|incomplete chunked read|peer closed connection",
            re.I,
        ),
        "connection_closed",
    ),
    (re.compile(r"timed? ?out", re.I), "timeout"),
    (re.compile(r"aborted", re.I), "aborted"),
)
REQUEST_ID_FIELDS = (
    "upstream_request_id",
    "provider_request_id",
    "request_id",
    "upstreamRequestId",
    "providerRequestId",
    "requestId",
)
_request_id_in_text = re.compile(
    r"\b(?:x-request-id|request[-_]id|trace[-_]id)[\"']?\s*[:=]?\s*[\"']?([A-Za-z0-9._:-]{1,128})", re.I
)
LONGEST_MESSAGE = 4096
DEEPEST_CAUSE = 5


def category(error: BaseException) -> str:
    """The canonical name of the error's class: `TimeoutError`, `openai.RateLimitError`. Never its message."""
    named, _ = guard.attempt(_canonical, type(error))
    return named or plain_name(error)


def _canonical(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def plain_name(error: BaseException) -> str:
    """The name of the error's class, without its module; `error` for one that cannot be read."""
    name, _ = guard.attempt(type.__getattribute__, type(error), "__qualname__")
    return name if isinstance(name, str) else "error"


def text_of(said: object) -> str:
    """The text of an error, or of what it carries; empty where that cannot be made."""
    return guard.attempt(str, said)[0] or ""


def _read(thing: object, name: str) -> Any:
    return guard.attempt(getattr, thing, name, None)[0]


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, outermost first, at most five deep."""
    link: BaseException | None = error
    for _ in range(DEEPEST_CAUSE):
        if link is None:
            return
        yield link
        cause = _read(link, "__cause__")
        around = None if _read(link, "__suppress_context__") else _read(link, "__context__")
        link = around if cause is None else cause


def failure_kind(error: BaseException) -> str | None:
    """`timeout`, `connection_reset`, `connection_closed`, `terminated`, `aborted`, or `None` for any other failure."""
    chain = list(causes(error))
    for link in chain:
        code = KINDS_BY_CODE.get(text_of(_read(link, "code")))
        if code:
            return code
    for link in chain:
        for kind, word in KINDS_BY_CLASS:
            if issubclass(type(link), kind):
                return word
    return _kind_by_words(text_of(error)[:LONGEST_MESSAGE])


def _kind_by_words(message: str) -> str | None:
    return next((word for pattern, word in KINDS_BY_WORDS if pattern.search(message)), None)


def status(error: BaseException) -> str | None:
    """The HTTP status of the error, as text, where it has one (`status`, `status_code`, `code` or its response's)."""
    for holder in (error, _read(error, "response")):
        for name in ("status", "status_code", "code"):
            value = _read(holder, name)
            if isinstance(value, int) and 100 <= value <= 599:
                return str(value)
    return None


def request_id_hash(error: BaseException) -> str | None:
    """The provider's request id of a failed call, hashed: read off the error, its causes, or its message."""
    for link in causes(error):
        for name in REQUEST_ID_FIELDS:
            value = _read(link, name)
            if isinstance(value, str) and value:
                return hashed(value)
    found = _request_id_in_text.search(text_of(error)[:LONGEST_MESSAGE])
    return hashed(found.group(1)) if found else None
