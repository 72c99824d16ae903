"""Every span."""

from __future__ import annotations

from . import agents, exchange, execution, loops, messages, models, operations, requests, runtime, sessions, turns
from .rows import Span

SPANS: tuple[Span, ...] = (
    *requests.SPANS,
    *models.SPANS,
    *exchange.SPANS,
    *agents.SPANS,
    *operations.SPANS,
    *turns.SPANS,
    *execution.SPANS,
    *loops.SPANS,
    *messages.SPANS,
    *sessions.SPANS,
    *runtime.SPANS,
)
