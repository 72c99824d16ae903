"""The headers of a request with our trace context in place of the caller's, whatever kind of headers a library has."""

from __future__ import annotations

from collections.abc import MutableMapping
from operator import itemgetter
from typing import Any

from ..bus import bus
from .fields import MOST_CLASSES

CONTEXT = ("traceparent", "tracestate")
CONTEXT_HEADERS = frozenset((*CONTEXT, b"traceparent", b"tracestate"))
NAME = itemgetter(1)


def replace_context(headers: MutableMapping[Any, Any]) -> None:
    """Take out every trace context that the caller put there, in any case, and put in ours, if there is a valid one."""
    for name in [name for name in headers if name.lower() in CONTEXT_HEADERS]:
        headers.pop(name, None)
    for name, value in bus.headers().items():
        headers[name] = value


def replace_folded(headers: Any) -> None:
    """The same in headers that know no case and replace all of a name's values at once, as httpx's do."""
    ours = bus.headers()
    for name in CONTEXT:
        if name in ours:
            headers[name] = ours[name]
        elif name in headers:
            del headers[name]


_in_rows: set[type] = set()
"""Those of httpx's classes of headers that are known to hold rows."""


def with_context(headers: Any) -> Any:
    """A copy of a request's headers with our context in place of the caller's.

    Each of the methods of httpx's headers goes through all of them, so it is made of what they hold.
    """
    if type(headers) not in _in_rows and not _are_rows(headers):
        return changed(headers)
    made, rows = alike(headers), headers._list
    if not CONTEXT_HEADERS.isdisjoint(map(NAME, rows)):
        rows = [row for row in rows if row[1] not in CONTEXT_HEADERS]
    made._list = rows + (bus.rows() or [])
    return made


def _are_rows(headers: Any) -> bool:
    """Whether headers are httpx's and hold what we know: a name as it was written, in small letters, and the value."""
    held = getattr(headers, "_list", None) if folded(headers) else None
    known = type(held) is list and bool(held) and type(held[0]) is tuple and len(held[0]) == 3
    if known and len(_in_rows) < MOST_CLASSES:
        _in_rows.add(type(headers))
    return known


def changed(headers: Any) -> Any:
    """The same by the methods of the headers, whatever these hold."""
    made = headers.copy()
    (replace_folded if folded(headers) else replace_context)(made)
    return made


def folded(headers: Any) -> bool:
    """Whether headers are like httpx's."""
    return hasattr(type(headers), "raw")


def alike(thing: Any) -> Any:
    """Another of the same class that holds the same; `copy.copy` would lose the body of httpx's requests."""
    made = object.__new__(type(thing))
    made.__dict__.update(thing.__dict__)
    return made
