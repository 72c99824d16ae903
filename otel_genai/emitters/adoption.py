"""Spans that other libraries make of their model calls, tools and agents, told on the bus as our own operations are.

A provider call that several layers see is counted once: where one of ours is in the line it is that one, else the
innermost. "In the line" ends at what is another piece of work: a tool or an agent between two model calls makes two
calls of them. The same holds for tools and agents of one name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from weakref import WeakSet

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import NonRecordingSpan, StatusCode

from .. import guard, scope
from ..bus import bus
from ..catalog import foreign
from ..catalog.attributes import REQUEST_MODEL
from ..catalog.exchange import COST
from ..catalog.rows import Shape
from ..events import Event, ModelCall, Operation
from ..listeners import Handler
from ..scope import Scope
from .foreign_spans import remark
from .layers import Key, Seen, around, is_adopted, key_of, known, mark, nearest_around, same_around
from .reader import Reader
from .traced import Traced

Undo = Callable[[], object]

MOST_RUNNING: Final = 10_000
"""Spans that are followed at once; of more, those that began first are taken for forgotten."""
ADOPTING: Final = "adopting a span"
CANCELLED: Final = ("CancelledError", "GeneratorExit")


class Adoption(SpanProcessor):
    """Follows every span of the providers that it watches, and tells of the GenAI ones of others when they end."""

    def __init__(self, shape: Shape) -> None:
        self.on = False
        """Whether anybody wants to know. A provider keeps its processors, so they are switched off instead."""
        self._cost = Reader(COST, shape)
        self._running: dict[int, Seen] = {}
        self._told: WeakSet[Operation] = WeakSet()
        """Calls of ours that are those of a span of others, which has told them what they did not know."""

    def switch_on(self) -> Undo:
        """Follow spans until the undo is called."""
        self.on = True
        return self._switch_off

    def _switch_off(self) -> None:
        self.on = False
        self._running.clear()

    # -- what the SDK calls

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        if self.on:
            guard.call(ADOPTING, self._begin, span)

    def on_end(self, span: ReadableSpan) -> None:
        if self.on:
            guard.call(ADOPTING, self._end, span)

    def _begin(self, span: Any) -> None:
        parent = self._running.get(span.parent.span_id) if span.parent is not None else None
        self._running[span.context.span_id] = Seen(span, parent)
        if len(self._running) > MOST_RUNNING:
            guard.attempt(lambda: self._running.pop(next(iter(self._running)), None))

    def _end(self, span: ReadableSpan) -> None:
        seen = self._running.pop(span.context.span_id, None) if span.context is not None else None
        if seen is None or seen.ours or not bus.listening:
            return
        key = seen.end(span)
        if key is not None and key not in seen.inside:
            self._tell(seen, key)

    # -- what the bus calls

    def handler(self, event_type: type[Event], kind: str) -> Handler | None:
        """Operations of ours are asked for when they begin: a span of others around is not counted then."""
        known = issubclass(event_type, Operation) and event_type in foreign.FIELDS
        return self._ours_began if known and kind == getattr(event_type, "started_kind", None) else None

    def _ours_began(self, event: Event) -> None:
        assert isinstance(event, Operation)
        here = self._running.get(trace.get_current_span().get_span_context().span_id)
        if here is None or is_adopted(event):
            return
        mark(around(event.scope.operation, here), key_of(event))
        nearest = nearest_around(event.scope.operation, here)
        if isinstance(nearest, Seen):
            event.scope = within(event.scope, operation_of(nearest))
            event.inner = event.inside()

    # -- telling

    def _tell(self, seen: Seen, key: Key) -> None:
        same = same_around(seen, key)
        ours = next((one for one in same if isinstance(one, Operation)), None)
        if ours is not None and self._is_same(ours):
            mark(around(seen.around, seen.parent), key)
            tell_what_is_missing(ours, seen)
        elif ours is not None:
            seen.scope = seen.scope._replace(operation=ours.scope.operation)  # it is beside that call, and not in it
            self._publish(seen, key, [])
        elif not any(isinstance(one, Seen) and one.counted for one in same):
            # else the outer span has ended first, as that of a stream may
            self._publish(seen, key, [one for one in same if isinstance(one, Seen)])

    def _is_same(self, ours: Operation) -> bool:
        """Whether what a span inside of `ours` tells of is `ours`: the next call in a block made by hand is another."""
        if not isinstance(ours, ModelCall):
            return True
        if ours in self._told:
            return False
        if not ours.adopted:
            self._told.add(ours)
            ours.adopted = True
        return True

    def _publish(self, seen: Seen, key: Key, layers: list[Seen]) -> None:
        seen.counted = True
        mark(around(seen.around, seen.parent), key)
        span, early = seen.span, seen.operation
        operation = operation_of(seen)
        if early is not None:  # it was asked for before all of it was said
            operation.__dict__.update(told_by(seen))
        for layer in layers:
            learn(operation, seen, layer)
        declare(operation, span)
        token = scope.enter(operation.scope)
        try:
            bus.start(operation)
            operation.started_ns = span.start_time
            operation.duration_ns = max(0, span.end_time - span.start_time)
            bus.finish(operation)
        finally:
            scope.reset(token)
        if isinstance(operation, ModelCall):
            remark(span, self._cost.of(operation))


def told_by(seen: Seen) -> dict[str, Any]:
    """What a span of others says, by our fields."""
    said, span = seen.said, seen.span
    operation = foreign.operation_of(said)
    if operation is None:
        return {}
    found = foreign.fields_of(foreign.OPERATIONS[operation], operation, said, span.name)
    came = next((event.timestamp for event in span.events if event.name in foreign.FIRST_TOKEN), None)
    if came is not None and foreign.OPERATIONS[operation] is ModelCall:
        found.setdefault("first_chunk_ns", max(0, came - span.start_time))
        found.setdefault("stream", True)
    return found


def declare(operation: Operation, span: ReadableSpan) -> None:
    """Say how it ended. A cancelled call is no failure, whatever the status says."""
    if span.status.status_code is not StatusCode.ERROR:
        return
    raised = (event.attributes or {} for event in reversed(span.events) if event.name == "exception")
    said = [span.attributes or {}, *raised]
    error = next((str(one[name]) for one in said for name in foreign.ERROR_TYPE if one.get(name)), "error")
    if error.endswith(CANCELLED):
        operation.declared, operation.error_type = "cancelled", "cancelled"
    else:
        operation.declare(error)


def operation_of(seen: Seen) -> Operation:
    """What a span of others is told as; made as soon as something inside of it asks for it."""
    if seen.operation is None:
        key = seen.known()
        assert key is not None
        operation = key[0](**told_by(seen))
        adopt(operation, seen.span)
        operation.begin(scope_of(seen))
        seen.operation = operation
    return seen.operation


def scope_of(seen: Seen) -> Scope:
    """Who a span is for: what it began in, inside of those of others that are around it."""
    said = foreign.read(foreign.SCOPE, seen.said)
    here = seen.scope._replace(**{name: value for name, value in said.items() if getattr(seen.scope, name) is None})
    nearest = next((one for one in around(seen.around, seen.parent) if known(one) not in (None, seen.known())), None)
    return within(here, operation_of(nearest)) if isinstance(nearest, Seen) else here


def within(here: Scope, outer: Operation) -> Scope:
    """The same circumstances, inside of what a span of others tells of."""
    inner = outer.inner
    return here._replace(
        operation=outer,
        agent=inner.agent,
        session=here.session or inner.session,
        conversation=here.conversation or inner.conversation,
    )


def adopt(operation: Operation, span: Any) -> None:
    """Have it stand on a span that is there already, so that no other is made."""
    stands_for = NonRecordingSpan(span.get_span_context())
    context = trace.set_span_in_context(stands_for, Context())
    operation.trace = Traced(span=stands_for, context=context, outer=context, name="", ours=False, adopted=True)


def learn(operation: Operation, seen: Seen, layer: Seen) -> None:
    """A call learns from a span around it, which sees the same, what its own does not say: which model was asked for.

    The innermost span may know only which one has answered, and rates are by the name that was asked for, of whom.
    """
    if not isinstance(operation, ModelCall):
        return
    asked = layer.said.get(REQUEST_MODEL.name)
    operation.provider = operation.provider or told_by(layer).get("provider")
    if isinstance(asked, str) and REQUEST_MODEL.name not in seen.said:
        operation.response_model = operation.response_model or operation.model
        operation.model = asked


def tell_what_is_missing(ours: Operation, seen: Seen) -> None:
    """A call of ours around learns from the span of others what nobody has told it."""
    if isinstance(ours, ModelCall) and ours.outcome is None:
        for name, value in told_by(seen).items():
            if getattr(ours, name) is None:
                setattr(ours, name, value)
