"""Messages on their way through a gateway."""

from __future__ import annotations

from dataclasses import dataclass

from .event import Event


@dataclass(eq=False, kw_only=True)
class MessageQueued(Event):
    """A message was put into a queue, to be dispatched."""

    kind = "message.queued"

    source: str | None = None
    queue_depth: int | None = None
