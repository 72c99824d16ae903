"""Every metric."""

from __future__ import annotations

from . import agents, messages, models, requests, runtime
from .rows import Metric

METRICS: tuple[Metric, ...] = (
    *requests.METRICS,
    *models.METRICS,
    *agents.METRICS,
    *messages.METRICS,
    *runtime.METRICS,
)
