"""Every span."""

from __future__ import annotations

from .rows import Span
from .themes import THEMES

SPANS: tuple[Span, ...] = tuple(span for theme in THEMES for span in theme.SPANS)
