"""Where each signal is sent: one endpoint turned into one URL per signal."""

from __future__ import annotations

import re
from typing import Final, Literal

from . import privacy

Signal = Literal["traces", "metrics", "logs"]

DEFAULT: Final = "http://localhost:4318"
_EXPECTED: Final = "an http:// or https:// URL with a host (and a port from 0 to 65535), such as " + DEFAULT
_SIGNAL_PATH: Final = r"(?i)/v1/(traces|metrics|logs)$"


class NoEndpoint(ValueError):
    """Something else than an endpoint; `shown` is what was typed, fit to be shown."""

    def __init__(self, value: object) -> None:
        super().__init__(_EXPECTED)
        self.shown = _starred(value) if isinstance(value, str) else f"<{type(value).__name__}>"


def checked(value: object) -> str:
    """An endpoint without surrounding blanks; ValueError with what was expected."""
    if not isinstance(value, str) or not _reachable(value.strip()):
        raise NoEndpoint(value)
    return value.strip()


def _starred(typed: str) -> str:
    """What is no URL, without all that may be a credential: that cannot be told by its place."""
    user, at, rest = typed.strip().rpartition("@")
    scheme = re.match(r"\w+://", user)
    path, more = _split(f"{scheme[0] if scheme else ''}***@{rest}" if at else rest)
    path = re.sub(r":(?!//)(?!\d+(?:/|$))[^/]*", ":***", path) + f"{more[:1]}***" * bool(more)
    return repr((privacy.redact(path) or "***")[:100])


def _reachable(url: str) -> bool:
    from urllib.parse import urlsplit  # late: it is not needed before something is configured

    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - the property is what raises for a port that is no number
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in url and url.isprintable()


def for_signal(shared: str, signal: Signal) -> str:
    """The URL of one signal at a shared endpoint: `/v1/<signal>` is appended to its path (OTLP exporter specification).
    A path that already ends in the segment of a signal has it swapped: people paste such URLs.
    """
    path, rest = _split(shared)
    path = path.rstrip("/")
    named = re.search(_SIGNAL_PATH, path)
    if named is None:
        path = f"{path}/v1/{signal}"
    elif named[1].lower() != signal:
        path = path[: named.start(1)] + signal
    return path + rest


def masked(url: str) -> str:
    """A URL that can be shown: user, password, query and fragment are starred."""
    path, rest = _split(url)
    path = re.sub(r"^(\w+://).*@", r"\1***@", path)
    return f"{path}{rest[0]}***" if rest else path


def _split(url: str) -> tuple[str, str]:
    """The URL up to its query or fragment, and the rest with its mark."""
    end = min((at for at in (url.find("?"), url.find("#")) if at >= 0), default=len(url))
    return url[:end], url[end:]
