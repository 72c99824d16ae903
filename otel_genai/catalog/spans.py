"""Every span."""

from __future__ import annotations

from . import (
    agents,
    exchange,
    execution,
    loops,
    mcp,
    messages,
    models,
    operations,
    requests,
    runtime,
    sessions,
    turns,
    usage,
)
from .rows import Span

SPANS: tuple[Span, ...] = (
    *requests.SPANS,
    *models.SPANS,
    *usage.SPANS,
    *exchange.SPANS,
    *agents.SPANS,
    *operations.SPANS,
    *turns.SPANS,
    *execution.SPANS,
    *loops.SPANS,
    *mcp.SPANS,
    *messages.SPANS,
    *sessions.SPANS,
    *runtime.SPANS,
)
