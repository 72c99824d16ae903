"""Reads and writes W3C trace context, level 2, because the stock propagator only knows level 1 of it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Self, cast

from opentelemetry.instrumentation.asgi import asgi_getter
from opentelemetry.trace import SpanContext, TraceFlags, TraceState

from ..bus import Header

# Version 00 ends with its flags; a higher one may go on after a dash with what only its own readers know.
_TRACEPARENT = re.compile(
    r"[ \t]*(?:(00)|(?!00|ff)[0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})"
    r"(?(1)|(?:-.*)?)[ \t]*"
)
_PARENT, _STATE = b"traceparent", b"tracestate"
_MEMBER = re.compile(
    r"([0-9a-z][0-9a-z_\-*/@]{0,255})=([\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e])"
)
_MOST_MEMBERS = 32
_MOST_CHARACTERS = 8192  # of all tracestate headers; most servers refuse a request with a longer one
_KNOWN_FLAGS = TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID
_FLAGS = [TraceFlags(flags) for flags in range(_KNOWN_FLAGS + 1)]


class LevelTwoState(TraceState):
    """A tracestate whose keys may be all that level 2 allows: a digit in front, `@` anywhere but in front.

    `TraceState` drops such members from every state it makes, so each method that makes one is replaced.
    """

    @classmethod
    def _holding(cls, members: dict[str, str]) -> Self:
        state = cls()
        state._dict = members
        return state

    @classmethod
    def from_header(cls, header_list: Sequence[str]) -> Self:
        """Combine the headers in order; one invalid member empties the state, a repeated key keeps its first value."""
        combined = ",".join(header_list)
        pieces = [member for piece in combined.split(",") if (member := piece.strip(" \t"))]
        if len(combined) > _MOST_CHARACTERS or len(pieces) > _MOST_MEMBERS:
            return cls()
        members: dict[str, str] = {}
        for piece in pieces:
            match = _MEMBER.fullmatch(piece)
            if match is None:
                return cls()
            members.setdefault(match[1], match[2])
        return cls._holding(members)

    def add(self, key: str, value: str) -> TraceState:
        """Put a new member in front; a key that is there already changes nothing."""
        return self if key in self else self.update(key, value)

    def update(self, key: str, value: str) -> TraceState:
        """Put the member in front; of more than 32 the last goes, and an invalid member changes nothing."""
        match = _MEMBER.fullmatch(f"{key}={value}")
        if match is None:
            return self
        others = [other for other in self.items() if other[0] != match[1]]
        return self._holding(dict([(match[1], match[2]), *others][:_MOST_MEMBERS]))

    def delete(self, key: str) -> TraceState:
        """Take the member out, if it is there."""
        return self._holding({other: value for other, value in self.items() if other != key})


def read(traceparents: Sequence[str], tracestates: Sequence[str]) -> SpanContext | None:
    """The caller's span, or None where a new trace has to start.

    `traceparents` and `tracestates` are the values of all headers of that name, in order. Flags that level 2 does not
    know are dropped. A tracestate that is invalid or over 8192 characters is discarded whole; the trace goes on.

    Source: https://www.w3.org/TR/trace-context-2/, "Traceparent Header" and "Tracestate Header".
    """
    if len(traceparents) != 1:
        return None
    match = _TRACEPARENT.fullmatch(traceparents[0])
    if match is None:
        return None
    _, trace_id, span_id, flags = match.groups()
    return SpanContext(
        int(trace_id, 16),
        int(span_id, 16),
        is_remote=True,
        trace_flags=_FLAGS[int(flags, 16) & _KNOWN_FLAGS],
        trace_state=LevelTwoState.from_header(tracestates) if tracestates else None,
    )


def inbound(scope: Mapping[str, Any]) -> SpanContext | None:
    """The caller's span as the headers of an ASGI scope tell it, or None; no scope, however odd, makes it raise."""
    traceparents = _values(scope, "traceparent")
    return read(traceparents, _values(scope, "tracestate")) if traceparents else None


def _values(scope: Mapping[str, Any], name: str) -> list[str]:
    try:
        return asgi_getter.get(cast("dict[str, Any]", scope), name) or []
    # The getter reads a value that is not UTF-8 as escapes: Python deprecates unknown ones, which -W error raises.
    except (AttributeError, TypeError, ValueError, DeprecationWarning):
        return []


def rows(context: SpanContext) -> list[Header]:
    """The headers that make the receiver a child of this span: its ids and real flags; none for an invalid context.

    Source: https://www.w3.org/TR/trace-context-2/, "Mutating the traceparent Field" and the one after it.
    """
    trace_id, span_id, _, flags, state, is_valid = context
    if not is_valid:
        return []
    found = [(_PARENT, _PARENT, b"00-%032x-%016x-%02x" % (trace_id, span_id, flags & _KNOWN_FLAGS))]
    if state:
        found.append((_STATE, _STATE, state.to_header().encode()))
    return found
