"""The headers of a request with our trace context in place of the caller's, whatever kind of headers a library has."""

from __future__ import annotations

from collections.abc import MutableMapping
from operator import itemgetter
from typing import Any

from ..bus import bus

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


def with_context(headers: Any) -> Any:
    """A copy of httpx's headers with our context in place of the caller's.

    Each of their own methods goes through all of them, so it is made of what they hold, where that is as we know it:
    a list of the name as it was written, the same in small letters, and the value.
    """
    held = getattr(headers, "_list", None)
    if type(held) is not list or not held or type(held[0]) is not tuple or len(held[0]) != 3:
        made = headers.copy()
        replace_folded(made)
        return made
    theirs = not CONTEXT_HEADERS.isdisjoint(map(NAME, held))
    rows = [row for row in held if row[1] not in CONTEXT_HEADERS] if theirs else held.copy()
    for name, value in bus.headers().items():
        key = name.encode()
        rows.append((key, key, value.encode()))
    made = object.__new__(type(headers))
    made.__dict__ = {**headers.__dict__, "_list": rows}
    return made
