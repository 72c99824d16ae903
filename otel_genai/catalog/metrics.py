"""Every metric."""

from __future__ import annotations

from . import agents, exchange, execution, loops, messages, models, operations, requests, runtime, sessions, turns
from .rows import Metric

METRICS: tuple[Metric, ...] = (
    *requests.METRICS,
    *models.METRICS,
    *exchange.METRICS,
    *agents.METRICS,
    *operations.METRICS,
    *turns.METRICS,
    *execution.METRICS,
    *loops.METRICS,
    *messages.METRICS,
    *sessions.METRICS,
    *runtime.METRICS,
)
