"""Operations into spans: live ones, whose context is the one that provider calls carry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, Tracer

from .. import privacy
from ..catalog.content import EXCEPTION
from ..catalog.readings import Words
from ..catalog.rows import Read, Shape, Value
from ..catalog.rows import Span as Row
from ..catalog.spans import SPANS
from ..events import Event, McpClientOperation, Operation
from ..listeners import Handler
from . import propagation
from .contents import Keeping
from .current import SPAN, span_context_in, steps
from .later import remembered
from .reader import Reader, Said
from .span import Span
from .spans import begins
from .traced import FROM_AFAR, Traced, keep, local_server_span, surroundings
from .unsaid import Unsaid

KINDS = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT, "server": SpanKind.SERVER}
NAMES_REMEMBERED = 1024
"""Per row."""
Extra = Callable[[Event], dict[str, Value]]
"""Attributes whose names only the event knows: the captured headers."""


class Story(SimpleNamespace):
    """What the span of an event says."""

    plan: Plan
    event: Event

    def first(self) -> dict[str, Value]:
        return self.plan.start.of(self.event)

    def last(self) -> dict[str, Value]:
        return self.plan.end.of(self.event)

    def whole(self) -> dict[str, Value]:
        plan, event = self.plan, self.event
        return {**plan.start.of(event), **plan.end.of(event)} if plan.whole is None else plan.whole.of(event)


class AtOnce(Story):
    """That of an event that takes no time."""

    def first(self) -> dict[str, Value]:
        return self.whole()


@dataclass(frozen=True, slots=True)
class Plan:
    """A row of the catalog, resolved for one shape."""

    row: Row
    name: Callable[[Event], str]
    kind: SpanKind
    start: Reader
    end: Reader
    whole: Reader | None
    """Both in one, where none of their names is the same."""
    moments: tuple[tuple[str, Read, Reader], ...]
    """Of each its name, what it is known by, and what it says."""
    may_share: bool
    """Whether it may stand on a span that somebody else has begun."""
    from_afar: bool
    """Whether another process may have asked for it."""


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
        self._extra = extra
        self._content = content
        self._error = Reader(EXCEPTION.sources, shape) if texts else None
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
        if isinstance(traced, Traced):
            if traced.span.is_recording():
                self._describe(found, operation, traced)
            if traced.ours:
                self._over(traced.span, operation.started_ns + (operation.duration_ns or 0))

    def _describe(self, found: Plan, operation: Operation, traced: Traced) -> None:
        span = traced.span
        self._say(found, operation, traced)
        name = found.name(operation)
        if name != traced.name:
            span.update_name(name)
        message = found.row.status(operation)
        if message is not None:
            span.set_status(Status(StatusCode.ERROR, privacy.text(message) or None))
        for moment, known_by, reader in found.moments:
            if known_by(operation) is not None:
                span.add_event(moment, reader.of(operation))
        if self._error is not None and operation.outcome == "error" and (values := self._error.of(operation)):
            span.add_event(EXCEPTION.name, values)

    def _say(self, found: Plan, operation: Operation, traced: Traced) -> None:
        """What it says at its end, and what was kept of it, which is at hand only now."""
        span = traced.span
        now: dict[str, Value] = {}
        if isinstance(span, Span) and traced.ours:
            traced.over = over = remembered(operation)
            span.story = Story(plan=found, event=over)
        else:
            now = conclusion(found, operation, traced.said)
        if self._extra is not None:
            now.update(self._extra(operation))
        if self._content is not None:
            now.update(self._content.attributes(operation))
        if now:
            span.set_attributes(now)

    def _over(self, span: trace.Span, ended_ns: int) -> None:
        span.end(ended_ns)
        if isinstance(span, Span):
            self._unsaid.add(span)

    def _instant(self, found: Plan, event: Event) -> None:
        if event.parent is not None and isinstance(event.parent.trace, Traced) and event.parent.trace.adopted:
            return
        context, links = surroundings(event)
        began = event.at_ns - round(max(0, found.row.lasted_ms(event) or 0) * 1e6)
        over, name = remembered(event) if self._begins.later else event, found.name(event)
        span = self._begins(name, context, found.kind, AtOnce(plan=found, event=over), links, began)
        message = found.row.status(event)
        if message is not None:
            span.set_status(Status(StatusCode.ERROR, privacy.text(message) or None))
        self._over(span, event.at_ns)

    def settle(self) -> None:
        """Have all spans that are over make what they say, as long as that is decided as it was."""
        self._unsaid.settle()

    # -- what is current

    def restore(self, operation: Operation) -> None:
        traced = operation.trace
        if isinstance(traced, Traced) and self._current() is traced.context:
            self._attach(traced.outer)

    def headers(self) -> dict[str, str]:
        return propagation.write(span_context_in(self._current()))

    def trace_ids(self) -> dict[str, str]:
        span = trace.get_current_span()
        here, parent = span.get_span_context(), getattr(span, "parent", None)
        if not here.is_valid:
            return {}
        ids = {"traceId": f"{here.trace_id:032x}", "spanId": f"{here.span_id:016x}"}
        above = {"parentSpanId": f"{parent.span_id:016x}"} if parent is not None else {}
        return {**ids, **above, "traceFlags": f"{here.trace_flags:02x}"}


def conclusion(found: Plan, event: Event, before: Said | None) -> dict[str, Value]:
    """What an event says at the end of its span, and what it has learned since it began."""
    attributes = found.end.of(event)
    said = found.start.read(event)
    if said != before:
        attributes.update(found.start.attributes(said))
    return attributes


def plan(row: Row, shape: Shape) -> Plan:
    """Resolve a row's names once, for one shape."""
    name, names = row.name_in(shape), [source.attribute.name_in(shape) for source in (*row.start, *row.end)]
    return Plan(
        row,
        naming(name) if callable(name) else lambda _: name,
        KINDS[row.kind_in(shape)],
        Reader(row.start, shape),
        Reader(row.end, shape),
        Reader((*row.start, *row.end), shape) if len(set(names)) == len(names) else None,
        tuple((shape.name(one.name), one.sources[0].read, Reader(one.sources, shape)) for one in row.moments),
        row.adopts or issubclass(row.event, McpClientOperation),
        issubclass(row.event, FROM_AFAR),
    )


def naming(name: Read) -> Callable[[Event], str]:
    """What reads a name off an event, as it may leave; what was made is remembered, for names are few."""
    read, make = (name.read, name.of) if isinstance(name, Words) else (name, str)
    made = lru_cache(NAMES_REMEMBERED)(lambda said: privacy.text(make(said)) or "")

    def named(event: Event) -> str:
        said = read(event)
        try:
            return made(said)
        except TypeError:  # a value that cannot be remembered, such as a list
            return made.__wrapped__(said)

    return named
