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
        spans = self._spans
        spans.append(ref(span))
        try:
            while (first := spans[0]()) is None or first.settled or len(spans) > MOST_UNSAID:
                settle(spans.popleft())
        except IndexError:  # another thread takes them, too
            pass

    def settle(self) -> None:
        with suppress(IndexError):
            while True:
                settle(self._spans.popleft())


def settle(span: ref[Span]) -> None:
    if (found := span()) is not None:
        found.settle()
