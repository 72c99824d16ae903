"""What is kept of an operation that is traced, and where its span begins."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind

from ..events import Event, HttpRequest, McpServerOperation, Operation, Remote
from . import propagation
from .reader import Said

FROM_AFAR = (HttpRequest, McpServerOperation)
"""What another process may have asked for."""


class Traced(SimpleNamespace):
    """What is kept for a running operation, made in one step: its span, and the context that makes it current."""

    span: trace.Span
    context: Context
    outer: Context
    name: str
    """The one that the span has begun with."""
    said: Said | None = None
    """What stands on the span already, of what the event said when it began."""
    over: Event | None = None
    """The event as it was at its end, for whoever writes it down later."""
    ours: bool = True
    """False for a span that somebody else began and will end."""
    adopted: bool = False
    """True for a span that somebody else makes whole: it is not added to, and no span of ours is made below it."""


def keep(operation: Operation, traced: Traced) -> None:
    """Leave on an operation what its end, and whoever makes it current, will need."""
    operation.trace = traced
    operation.attach = partial(otel_context.attach, traced.context)


def surroundings(event: Event) -> tuple[Context, list[Link]]:
    """In which context a span begins, and what it is linked to."""
    if event.parent is not None and isinstance(traced := event.parent.trace, Traced):
        return traced.context, []
    context = otel_context.get_current()
    if not isinstance(event, Operation) or not (event.links or event.new_trace or isinstance(event, FROM_AFAR)):
        return context, []
    links = [Link(traced.span.get_span_context()) for op in event.links if isinstance(traced := op.trace, Traced)]
    if event.new_trace:
        return without_span(context), links or linked(trace.get_current_span(context).get_span_context())
    if isinstance(event, HttpRequest) and event.remote is not None:
        return inbound(event.remote, context)
    if isinstance(event, McpServerOperation) and event.remote is not None:
        return message(event, event.remote, context)
    return context, links


def inbound(remote: Remote, context: Context) -> tuple[Context, list[Link]]:
    """The caller's trace, continued where it is trusted and linked to where it is not."""
    caller = propagation.inbound(remote.carrier) if remote.carrier else None
    around = trace.get_current_span(context)
    if around is not trace.INVALID_SPAN and not around.is_recording():
        context = without_span(context)  # the server was started inside of a span that is over
    if caller is None:
        return context, []
    if remote.trusted:
        return trace.set_span_in_context(NonRecordingSpan(caller), context), []
    return context, linked(caller)


def message(operation: Operation, remote: Remote, context: Context) -> tuple[Context, list[Link]]:
    """The same for a message within a request: who sent it is its parent, and it is linked to the request."""
    around = trace.get_current_span(context)
    if operation.scope.operation is None and not around.is_recording():
        context = without_span(context)  # a session that was opened inside of a span that is over
    caller = propagation.inbound(remote.carrier)
    if caller is None:
        return context, []
    if not remote.trusted:
        return context, linked(caller)
    request = local_server_span()
    links = [] if request is None else linked(request.get_span_context())
    return trace.set_span_in_context(NonRecordingSpan(caller), context), links


def linked(span_context: SpanContext) -> list[Link]:
    return [Link(span_context)] if span_context.is_valid else []


def without_span(context: Context) -> Context:
    """The same context with no span in it, so that what begins in it is a root."""
    return trace.set_span_in_context(trace.INVALID_SPAN, context)


def local_server_span() -> trace.Span | None:
    """The server span of this request, where another instrumentation has begun one outside of us."""
    span = trace.get_current_span()
    return span if getattr(span, "kind", None) is SpanKind.SERVER and span.is_recording() else None
