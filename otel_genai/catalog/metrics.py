"""Every metric."""

from __future__ import annotations

from . import (
    agents,
    containers,
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
from .rows import Metric

METRICS: tuple[Metric, ...] = (
    *requests.METRICS,
    *models.METRICS,
    *usage.METRICS,
    *exchange.METRICS,
    *agents.METRICS,
    *operations.METRICS,
    *turns.METRICS,
    *execution.METRICS,
    *loops.METRICS,
    *mcp.METRICS,
    *messages.METRICS,
    *sessions.METRICS,
    *runtime.METRICS,
    *containers.METRICS,
)
