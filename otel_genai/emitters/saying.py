"""What a span asks of who knows what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from opentelemetry.trace import Status

Said = dict[str, Any]
"""Attributes that may leave as they are."""


class Ending(NamedTuple):
    """What comes of a span at its end beside its attributes; `None` where that is nothing."""

    name: str | None
    status: Status | None
    events: Sequence[tuple[str, Said]]


class Story(Protocol):
    """Who knows what a span says."""

    def first(self) -> Said:
        """What it says from the beginning."""

    def last(self) -> Said:
        """What it says at its end."""

    def whole(self) -> Said:
        """Both, where nobody said anything in between."""

    def ending(self) -> Ending | None:
        """What else it says at its end."""
