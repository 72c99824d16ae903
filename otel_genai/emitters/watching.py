"""Whose spans are followed: those of our provider, and those of the global one, which may be ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

from .. import guard, locks

Undo = Callable[[], object]


class Relay(SpanProcessor):
    """Stands on a provider, which lets go of no processor, and hands on to whoever wants its spans at the time."""

    def __init__(self) -> None:
        self._wanting: tuple[SpanProcessor, ...] = ()

    def hand_to(self, processor: SpanProcessor) -> Undo:
        """Hand spans to `processor` until the undo is called; once, however often it is asked for."""
        if processor in self._wanting:
            return lambda: None
        self._wanting += (processor,)
        return lambda: self._without(processor)

    def _without(self, processor: SpanProcessor) -> None:
        self._wanting = tuple(one for one in self._wanting if one is not processor)

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        for one in self._wanting:
            one.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        for one in self._wanting:
            one.on_end(span)


_relays: WeakKeyDictionary[Any, Relay] = WeakKeyDictionary()
_former: WeakKeyDictionary[Any, None] = WeakKeyDictionary()
"""Providers of ours that were made the global one: OpenTelemetry keeps them for as long as the process lives."""
_placing = locks.lock()


def watch(provider: Any, processor: SpanProcessor) -> Undo:
    """Have `processor` told of the spans of a provider; returns the undo."""
    add = getattr(provider, "add_span_processor", None)
    if add is None:
        guard.logger.warning("spans of others are not adopted: %s takes no span processor", type(provider).__name__)
        return lambda: None
    with _placing:
        relay = _relays.get(provider)
        if relay is None:
            _relays[provider] = relay = Relay()
            add(relay)
        return relay.hand_to(processor)


def adopt_globally(adoption: SpanProcessor, own: Any, exporting: SpanProcessor | None) -> list[Undo]:
    """Watch the spans of libraries that ask OpenTelemetry for the global provider.

    Where none is installed `own` becomes it, so that their spans are exported by us. One that is there already exports
    them as before; if that was ours, before `configure` was called again, `exporting` takes them, too.
    """
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        made = own or TracerProvider(shutdown_on_exit=False)
        _former[made] = None
        trace.set_tracer_provider(made)
    current = trace.get_tracer_provider()
    undo = [watch(current, adoption)]
    if current in _former and current is not own and exporting is not None:
        undo.append(watch(current, exporting))
    return undo
