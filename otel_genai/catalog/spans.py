"""Every span."""

from __future__ import annotations

from . import agents, models, requests
from .rows import Span

SPANS: tuple[Span, ...] = (*requests.SPANS, *models.SPANS, *agents.SPANS)
