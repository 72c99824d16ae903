"""OpenTelemetry's context in single steps, where it is kept as it is by default: in one context variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext

SPAN: Final = next(iter(trace.set_span_in_context(trace.INVALID_SPAN, Context())))
"""Where a context has its span: what is read and put there directly needs none of four calls."""


def span_context_in(context: Context) -> trace.SpanContext:
    """That of the span in a context, or the one that is not valid."""
    span = context.get(SPAN)
    return span.get_span_context() if isinstance(span, trace.Span) else trace.INVALID_SPAN_CONTEXT


def steps() -> tuple[Callable[[], Context], Callable[[Context], object]]:
    """What gives the current context, and what makes another one current."""
    kept: Any = getattr(otel_context, "_RUNTIME_CONTEXT", None)
    variable = getattr(kept, "_current_context", None) if type(kept) is ContextVarsRuntimeContext else None
    return (otel_context.get_current, otel_context.attach) if variable is None else (variable.get, variable.set)
