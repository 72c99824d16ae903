"""Why an export fails, in words of ours: the text of an error may hold a URL, or what the collector answered."""

from __future__ import annotations

import socket
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from .. import failures

PHRASES = frozenset(status.phrase for status in HTTPStatus)
CAUSES: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (ConnectionRefusedError, "connection refused"),
    (socket.gaierror, "name not found"),
    (TimeoutError, "timed out"),
    (ConnectionResetError, "connection closed"),
)
GRPC_PORT: Final = 4317


def reason_in(arguments: object) -> str | None:
    """What a complaint says about the failure, without its text: that may hold a URL."""
    for argument in arguments if isinstance(arguments, tuple) else ():
        if isinstance(argument, BaseException):
            return type(argument).__name__
        if isinstance(argument, int) and 100 <= argument <= 599:
            return f"HTTP {argument}"
        if isinstance(argument, str) and argument in PHRASES:
            return argument
    return None


def cause_in(arguments: object) -> str | None:
    """What is below the error that a complaint names, in words of ours."""
    errors = (one for one in arguments if isinstance(one, BaseException)) if isinstance(arguments, tuple) else ()
    return next(filter(None, map(cause_of, errors)), None)


def cause_of(error: BaseException) -> str | None:
    links = tuple(failures.causes(error))
    return next((words for kind, words in CAUSES if any(isinstance(link, kind) for link in links)), None)


def hint_at_port(url: str) -> str:
    """A word to whoever has named the other port of a collector."""
    if urlsplit(url).port != GRPC_PORT:
        return ""
    return f"; port {GRPC_PORT} is that of OTLP over gRPC, what is sent here is OTLP over HTTP, whose port is 4318"
