"""A local OTLP receiver, so that what a program exports can be seen without a backend."""

from .decode import Point, Span, SpanEvent
from .receiver import Receiver

__all__ = ["Point", "Receiver", "Span", "SpanEvent"]
