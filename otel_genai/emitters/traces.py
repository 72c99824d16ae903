"""Operations into spans: live ones, whose context is the one that provider calls carry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Tracer

from ..bus import Header
from ..catalog.content import EXCEPTION
from ..catalog.rows import Shape, Value
from ..catalog.rows import Span as Row
from ..catalog.spans import SPANS
from ..events import Event, McpClientOperation, Operation
from ..listeners import Handler
from . import propagation
from .contents import Keeping
from .current import SPAN, span_context_in, steps
from .later import remembered
from .reader import Reader, Said
from .saying import Ending
from .span import Span
from .spans import begins
from .stories import AtOnce, Ended, Plan, Story, plan, status_of
from .traced import Traced, keep, local_server_span, surroundings
from .unsaid import Unsaid

Extra = Callable[[Event], dict[str, Value]]
"""Attributes whose names only the event knows: the captured headers."""


class Traces:
    """Subscribes to the bus: begins and ends spans, and makes operations current in OpenTelemetry's context."""

    def __init__(
        self,
        tracer: Tracer,
        shape: Shape,
        spans: Iterable[Row] = SPANS,
        extra: Extra | None = None,
        content: Keeping | None = None,
        texts: bool = False,
    ) -> None:
        self._begins = begins(tracer)
        self._current, self._attach = steps()
        self._unsaid = Unsaid()
        self._content = content if content is not None and content.classes else None
        self._extra = extra
        self._error = Reader(EXCEPTION.sources, shape) if texts else None
        self._tells_at_once = any(one is not None for one in (extra, self._content, self._error))
        self._plans = {row.event: plan(row, shape) for row in spans if shape.spans in row.shapes}

    def handler(self, event_type: type[Event], kind: str) -> Handler | None:
        """What to do about a wire name; `None` where no span is made of it."""
        found = self._plans.get(event_type)
        if found is None:
            return None
        if not issubclass(event_type, Operation):
            return lambda event: self._instant(found, event)
        step = self._start if kind == event_type.started_kind else self._end
        return partial(step, found)

    # -- spans

    def _start(self, found: Plan, operation: Any) -> None:
        if operation.trace is not None:
            return  # it stands on a span that somebody else makes
        if found.may_share and (shared := self._shared(found, operation)):
            keep(operation, shared)
            return
        context: Context = self._current()
        links: Sequence[Link] = ()
        if operation.parent is not None or operation.links or operation.new_trace or found.from_afar:
            context, links = surroundings(operation)
        name, said = found.name(operation), None
        if not self._begins.later:
            said = found.start.read(operation)
        story = Story(plan=found, event=operation)
        span = self._begins(name, context, found.kind, story, links, operation.started_ns)
        if self._content is not None and span.is_recording():
            self._content.open(operation)
        inside = Context({**context, SPAN: span})
        operation.trace = Traced(span=span, context=inside, outer=context, name=name, said=said)
        operation.attach = partial(self._attach, inside)

    def _shared(self, found: Plan, operation: Operation) -> Traced | None:
        """Where it stands on a span that somebody else has begun: the server's, or that of the tool around."""
        alone = operation.scope.operation is None  # else the server span around is that of an operation of ours
        if found.row.adopts and alone and (current := local_server_span()):
            here = otel_context.get_current()
            return Traced(span=current, context=here, outer=here, name="", ours=False)
        around = operation.tool_around if isinstance(operation, McpClientOperation) else None
        if around is not None and isinstance(traced := around.trace, Traced):
            name = found.name(operation)
            return Traced(span=traced.span, context=traced.context, outer=traced.outer, name=name, ours=False)
        return None

    def _end(self, found: Plan, operation: Any) -> None:
        if operation.trace is None:
            self._start(found, operation)
        traced = operation.trace
        if not isinstance(traced, Traced):
            return
        span, ended_ns = traced.span, operation.started_ns + (operation.duration_ns or 0)
        if not (traced.ours and isinstance(span, Span)):
            self._end_now(found, operation, traced, ended_ns)
            return
        if span.is_recording():
            traced.over = over = remembered(operation)
            span.story = ended = Ended(plan=found, event=over, began_as=traced.name)
            if self._tells_at_once:
                self._tell_at_once(operation, span, ended)
        span.end(ended_ns)
        self._unsaid.add(span)

    def _tell_at_once(self, operation: Operation, span: Span, ended: Ended) -> None:
        """What cannot be read later, for it is not kept."""
        if said := self._kept(operation):
            span.set_attributes(said)
        ended.raised = self._raised(operation)

    def _end_now(self, found: Plan, operation: Operation, traced: Traced, ended_ns: int) -> None:
        span = traced.span
        if span.is_recording():
            raised = self._raised(operation)
            ending = Ended(plan=found, event=operation, began_as=traced.name, raised=raised).ending()
            said = conclusion(found, operation, traced.said)
            tell(span, {**said, **self._kept(operation)}, ending, ended_ns)
        if traced.ours:
            span.end(ended_ns)

    def _kept(self, operation: Operation) -> dict[str, Value]:
        """Its headers and its content."""
        found = {} if self._extra is None else self._extra(operation)
        return found if self._content is None else {**found, **self._content.attributes(operation)}

    def _raised(self, operation: Operation) -> dict[str, Value] | None:
        """What it says of an error, where the texts of those may leave."""
        return self._error.of(operation) if self._error is not None and operation.outcome == "error" else None

    def _instant(self, found: Plan, event: Event) -> None:
        if event.parent is not None and isinstance(event.parent.trace, Traced) and event.parent.trace.adopted:
            return
        context, links = surroundings(event)
        began = event.at_ns - round(max(0, found.row.lasted_ms(event) or 0) * 1e6)
        over, name = remembered(event) if self._begins.later else event, found.name(event)
        span = self._begins(name, context, found.kind, AtOnce(plan=found, event=over), links, began)
        status = status_of(found, event)
        if status is not None:
            span.set_status(status)
        span.end(event.at_ns)
        if isinstance(span, Span):
            self._unsaid.add(span)

    def settle(self) -> None:
        """Have all spans that are over make what they say, as long as that is decided as it was."""
        self._unsaid.settle()

    # -- what is current

    def restore(self, operation: Operation) -> None:
        traced = operation.trace
        if isinstance(traced, Traced) and self._current() is traced.context:
            self._attach(traced.outer)

    def rows(self) -> list[Header]:
        return propagation.rows(span_context_in(self._current()))

    def trace_ids(self) -> dict[str, str]:
        span = trace.get_current_span()
        here, parent = span.get_span_context(), getattr(span, "parent", None)
        if not here.is_valid:
            return {}
        ids = {"traceId": f"{here.trace_id:032x}", "spanId": f"{here.span_id:016x}"}
        above = {"parentSpanId": f"{parent.span_id:016x}"} if parent is not None else {}
        return {**ids, **above, "traceFlags": f"{here.trace_flags:02x}"}


def tell(span: trace.Span, said: dict[str, Value], ending: Ending, ended_ns: int) -> None:
    """Tell a span at once what it says at its end."""
    if said:
        span.set_attributes(said)
    if ending.name is not None:
        span.update_name(ending.name)
    if ending.status is not None:
        span.set_status(ending.status)
    for name, attributes in ending.events:
        span.add_event(name, attributes, ended_ns)


def conclusion(found: Plan, event: Event, before: Said | None) -> dict[str, Value]:
    """What an event says at the end of its span, and what it has learned since it began."""
    attributes = found.end.of(event)
    said = found.start.read(event)
    if said != before:
        attributes.update(found.start.attributes(said))
    return attributes
