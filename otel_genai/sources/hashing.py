"""One value told from another without keeping it: a hash of what JSON makes of it, or none where that is too much."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

from .. import guard

LARGEST_VALUE = 65536
"""Characters of JSON that a hash is made of; of more there is none."""


def hashed(value: Any) -> str | None:
    """The SHA-256 of `value` as JSON, its keys in order; `None` for what is not JSON or is very large."""
    digest = sha256()
    _, error = guard.attempt(feed, value, digest.update, LARGEST_VALUE)
    return None if error else digest.hexdigest()


def feed(value: Any, update: Callable[[bytes], object], room: int) -> int:
    """Give `value` as JSON, its keys in order, to `update`, and say how much room it has left.

    Raises:
        ValueError: where there is not enough.
        TypeError: for what is not JSON.
    """
    if isinstance(value, dict):
        return feed_items((part for key in sorted(value) for part in (key, value[key])), "{", len(value), update, room)
    if isinstance(value, (list, tuple)):
        return feed_items(value, "[", len(value), update, room)
    if isinstance(value, str) and len(value) > room:
        raise ValueError("too large")
    text = json.dumps(value)
    update(text.encode() + b",")
    return room - len(text)


def feed_items(items: Iterable[Any], begin: str, count: int, update: Callable[[bytes], object], room: int) -> int:
    if count > room:
        raise ValueError("too large")
    update(begin.encode())
    room -= 2
    for item in items:
        room = feed(item, update, room)
        if room < 0:
            raise ValueError("too large")
    update(b"]")
    return room
