"""Headers of a request and its answer as attributes of its span, where the environment asks for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from opentelemetry.util.http import (
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE,
    SanitizeValue,
    get_custom_headers,
)

from .. import guard, privacy
from ..catalog.rows import Value
from ..events import Event, HttpRequest

SECRETS = ("authorization", "cookie", "api[-_]?key", "token", "secret", "password")
"""Names that hold one of these are captured without their values, whatever the environment says."""
Pairs = Sequence[tuple[bytes, bytes]]


class HeaderCapture:
    """Gives the captured headers of an HTTP request: `http.request.header.<name>`, `http.response.header.<name>`.

    Args:
        request, response: names, or regular expressions of names, of the headers to capture.
        sanitized: regular expressions of names whose values are replaced by `[REDACTED]`.

    Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/
    """

    def __init__(self, request: Iterable[str], response: Iterable[str], sanitized: Iterable[str] = ()) -> None:
        self._request, self._response = valid(request), valid(response)
        self._sanitize = SanitizeValue([*SECRETS, *valid(sanitized)])

    @classmethod
    def from_environment(cls) -> HeaderCapture | None:
        """What the variables OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_* ask for; `None` where that is nothing."""
        capture = cls(
            get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST),
            get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE),
            get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS),
        )
        return capture if capture._request or capture._response else None

    def __call__(self, event: Event) -> dict[str, Value]:
        if not isinstance(event, HttpRequest):
            return {}
        found = self._read(event.request_headers, self._request, "http.request.header.{}".format)
        return found | self._read(event.response_headers, self._response, "http.response.header.{}".format)

    def _read(self, pairs: Pairs, wanted: list[str], name: Callable[[str], str]) -> dict[str, Value]:
        if not wanted:
            return {}
        captured = self._sanitize.sanitize_header_values(texts(pairs), wanted, name)
        return {name: tuple(filter(None, map(privacy.text, values))) for name, values in captured.items()}


def texts(pairs: Pairs) -> Mapping[str, list[str]]:
    """Headers by lowercase name, each with its values in order; bytes that are no text do not raise."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def valid(expressions: Iterable[str]) -> list[str]:
    """Those that are regular expressions; one that is not is reported, and no reason to capture nothing at all."""
    return [each for each in expressions if each and guard.call("reading header names", re.compile, each) is not None]
