"""What may leave, and how much of it: bounding of labels, hashing of ids, length of texts."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256

LONGEST_TEXT = 4096
CUT = "...(truncated)"

_label = re.compile(r"[A-Za-z0-9_.:/-]{1,120}").fullmatch
_request_id = re.compile(r"[A-Za-z0-9._:-]{1,128}").fullmatch


@lru_cache(maxsize=4096)
def label(text: str, fallback: str = "unknown") -> str:
    """`text` as a metric label: 1 to 120 of `A-Z a-z 0-9 _ . : / -`, and not shaped like a session key.

    Anything else is `fallback`, so that neither people nor free text can become a time series. `/` is allowed because
    model ids have it.
    """
    trimmed = text.strip()
    folded = trimmed.lower()
    if folded.startswith("agent:") or ":agent:" in folded:
        return fallback
    return trimmed if _label(trimmed) else fallback


def text(value: str) -> str:
    """`value` as a span attribute: at most 4096 characters, and the cut is visible."""
    return value if len(value) <= LONGEST_TEXT else value[:LONGEST_TEXT] + CUT


def query(raw: str) -> str:
    """A query string with the names of its parameters and none of their values: people ask questions in them."""
    names = (part.partition("=")[0] for part in raw[:LONGEST_TEXT].split("&") if part)
    return "&".join(f"{name}=REDACTED" for name in names)


def hashed(request_id: str) -> str | None:
    """A provider's request id as `sha256:` and 12 hex digits; `None` for what is not shaped like one."""
    if not _request_id(request_id):
        return None
    return "sha256:" + sha256(request_id.encode()).hexdigest()[:12]
