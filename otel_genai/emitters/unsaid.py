"""Spans that are over and have not made yet what they say."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import Final
from weakref import ref

from .span import Span

MOST_UNSAID: Final = 2048
"""Spans that wait to be read: as many as the SDK's queue holds."""


class Unsaid:
    """Those of one tracer: whoever exports them reads them soon.

    What may leave is decided by what is configured now, so that they are settled before that changes.
    """

    def __init__(self) -> None:
        self._spans: deque[ref[Span]] = deque()
        """Not held: one that nobody holds has been exported, or is read by nobody."""

    def add(self, span: Span) -> None:
        self._spans.append(ref(span))
        if len(self._spans) > MOST_UNSAID:
            self._make_room()

    def _make_room(self) -> None:
        """Let go of those that have been read, and settle the first ones that are too many."""
        spans = self._spans
        with suppress(IndexError):  # another thread takes them, too
            while (first := spans[0]()) is None or first.settled or len(spans) > MOST_UNSAID:
                settle(spans.popleft())

    def settle(self) -> None:
        with suppress(IndexError):
            while True:
                settle(self._spans.popleft())


def settle(span: ref[Span]) -> None:
    if (found := span()) is not None:
        found.settle()
