"""What is said of messages on their way: spans and metrics."""

from __future__ import annotations

from ..events import MessageQueued
from . import attributes as a
from .rows import Metric, On

MESSAGE = (a.CHANNEL.of("scope.channel", "unknown"), a.SOURCE.of("source", "unknown"))


METRICS: tuple[Metric, ...] = (
    Metric(
        "openclaw.message.queued",
        "counter",
        "1",
        "Messages put into a queue.",
        (On(MessageQueued, 1, MESSAGE),),
    ),
    Metric(
        "openclaw.queue.depth",
        "histogram",
        "1",
        "How many were waiting.",
        (On(MessageQueued, "queue_depth", MESSAGE),),
    ),
)
