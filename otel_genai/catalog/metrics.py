"""Every metric."""

from __future__ import annotations

from .rows import Metric
from .themes import THEMES

METRICS: tuple[Metric, ...] = tuple(metric for theme in THEMES for metric in theme.METRICS)
