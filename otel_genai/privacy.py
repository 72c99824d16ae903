"""What may leave, and how much of it: redaction and length of texts, bounding of labels, hashing of ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from math import isfinite
from typing import Any

from .redaction import LOOK_AHEAD, Redactor, masked_field

LONGEST_TEXT = 4096
REMEMBERED = 128
"""Characters of a text, up to which it is remembered what redaction makes of it: names come again and again."""
CUT = "...(truncated)"

LARGEST_NUMBER = 2**63

_label = re.compile(r"[A-Za-z0-9_.:/-]{1,120}").fullmatch
_digest = re.compile(r"sha256:[0-9a-f]{12}").fullmatch
_attribute_name = re.compile(r"[A-Za-z0-9_.:-]{1,64}").fullmatch
_request_id = re.compile(r"[A-Za-z0-9._:-]{1,128}").fullmatch


@lru_cache(maxsize=4096)
def label(text: str, fallback: str = "unknown") -> str:
    """`text` as a metric label: 1 to 120 of `A-Z a-z 0-9 _ . : / -`, and not shaped like a session key.

    Anything else is `fallback`, so that neither people nor free text can become a time series. `/` is allowed because
    model ids have it.
    """
    trimmed = text.strip()
    if session_shaped(trimmed):
        return fallback
    return trimmed if _label(trimmed) and _redactor(trimmed) == trimmed else fallback


def session_shaped(text: str) -> bool:
    """Whether it looks like the key of somebody's session (`agent:main:telegram:...`)."""
    folded = text.lower()
    return folded.startswith("agent:") or ":agent:" in folded


def word(value: str) -> str | None:
    """A name on a span, as `text`; `None` also for what looks like the key of a session."""
    return None if session_shaped(value) else text(value)


def text(value: str, longest: int = LONGEST_TEXT) -> str | None:
    """`value` as it may leave: redacted, then at most `longest` characters, and the cut is visible.

    `None` where the user's own redaction failed: then it must not leave at all. Every string that is exported, on a
    span, in an event, in a log record or on stdout, comes through here or through `redact`.
    """
    if len(value) <= REMEMBERED:
        return _short(value)
    seen = redact(value, longest)
    if seen is None or (len(seen) <= longest and len(value) <= longest):
        return seen
    return seen[:longest] + CUT


def redact(value: str, longest: int | None = None) -> str | None:
    """`value` with its secrets masked, or `None` where the user's own redaction failed.

    Of a long one only what is kept, `longest` characters, and `LOOK_AHEAD` more are read, also by the user's function.
    """
    if len(value) <= REMEMBERED and (longest is None or len(value) <= longest):
        return _short(value)
    within = value if longest is None else value[: longest + LOOK_AHEAD]
    return _sendable(_redactor(within, longest))


@lru_cache(maxsize=8192)
def _short(value: str) -> str | None:
    return _sendable(_redactor(value))


def _sendable(text: str | None) -> str | None:
    """Half of a surrogate pair is no UTF-8: all that is sent together with it would be lost."""
    return text if text is None or text.isascii() else text.encode("utf-8", "replace").decode()


_redactor = Redactor()


def redact_with(redactor: Redactor) -> Callable[[], None]:
    """Mask what `redactor` does; returns the undo."""
    before = _redactor
    _use(redactor)
    return lambda: _use(before)


def _use(redactor: Redactor) -> None:
    global _redactor
    _redactor = redactor
    _short.cache_clear()
    label.cache_clear()


def attributes(given: Mapping[Any, Any], longest: int = LONGEST_TEXT) -> Iterator[tuple[str, str | bool | int | float]]:
    """Of what somebody hands in by names of his own: the plain values under names that are fit to be exported."""
    for name, value in given.items():
        if isinstance(name, str) and _attribute_name(name) and name[0] != "_" and redact(name) == name:
            fit = _fit(name, value, longest)
            if fit is not None:
                yield name, fit


def _fit(name: str, value: object, longest: int) -> str | bool | int | float | None:
    """A text, redacted and bounded, or what is a number in every format; masked where the name is that of a secret."""
    if isinstance(value, str):
        seen = text(value, longest)
        return None if seen is None else masked_field(name, seen)
    if isinstance(value, int):
        return masked_field(name, value) if -LARGEST_NUMBER <= value < LARGEST_NUMBER else None
    return masked_field(name, value) if isinstance(value, float) and isfinite(value) else None


def query(raw: str) -> str:
    """A query string with the names of its parameters and none of their values: people ask questions in them."""
    names = (part.partition("=")[0] for part in raw[:LONGEST_TEXT].split("&") if part)
    return "&".join(f"{name}=REDACTED" for name in names)


def hashed(request_id: str) -> str | None:
    """A provider's request id as `sha256:` and 12 hex digits; `None` for what is not shaped like one."""
    if not _request_id(request_id):
        return None
    return digest(request_id)


def digest(value: str) -> str:
    """Any id as `sha256:` and 12 hex digits, which stays what it is when it is one already."""
    return value if _digest(value) else "sha256:" + sha256(value.encode("utf-8", "replace")).hexdigest()[:12]
