"""The SDK as a service runs it, but that nothing is sent; and what a call makes of it, to be made again by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from opentelemetry import trace
from opentelemetry.metrics import CallbackOptions
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from otel_genai import config, connection
from otel_genai.emitters.delivery import Delivery, QuietQueue, QuietSpans
from otel_genai.emitters.meters import Meters
from otel_genai.emitters.spans import Tracers
from otel_genai.sources import outbound

from .rounds import Candidate

Attributes = dict[str, Any]


class Nowhere(SpanExporter):
    """Reads what every exporter reads, and sends it nowhere."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            dict(span.attributes or {})
        return SpanExportResult.SUCCESS


@cache
def tracers(sampled: bool = True) -> TracerProvider:
    """The SDK's own: for what is made by hand, and for the peers."""
    provider = TracerProvider(ALWAYS_ON if sampled else ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    return provider


@cache
def our_tracers(sampled: bool = True) -> TracerProvider:
    """The provider that `configure` makes, with its queue."""
    provider, delivery = Tracers(None if sampled else ALWAYS_OFF), Delivery("traces", "nowhere")
    provider.add_span_processor(QuietQueue(QuietSpans(Nowhere, delivery), delivery, None))
    return provider


@cache
def meters() -> MeterProvider:
    """The SDK's own: for what is made by hand, and for the peers."""
    return MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)


@cache
def our_meters() -> MeterProvider:
    """The provider that `configure` makes."""
    return Meters([InMemoryMetricReader()])


@contextmanager
def observed(
    shape: str = "default",
    *,
    sampled: bool = True,
    metrics: bool = True,
    also: Callable[[], Any] | None = None,
    **options: Any,
) -> Iterator[None]:
    """Our telemetry is on, and what `also` switches on (it returns its undo)."""
    with connected(shape, our_tracers(sampled), our_meters() if metrics else None, also, options):
        yield


@contextmanager
def connected(
    shape: str,
    tracer_provider: Any,
    meter_provider: Any,
    also: Callable[[], Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Iterator[None]:
    """Our telemetry is on, with these providers."""
    semconv = {"default": None, "latest": "gen_ai_latest_experimental"}[shape]
    loaded = config.load({"enabled": True, "semconv": semconv, **(options or {})}, environ={})
    before = config.activate(loaded)
    undo = [connection.connect(loaded, tracer_provider, meter_provider), outbound.install()]
    if also:
        undo.append(also())
    try:
        yield
    finally:
        for step in reversed(undo):
            step()
        config.activate(before)


# -- the floor


@dataclass
class Spans(SpanProcessor):
    """Notes each span as it was when it began, and as it was when it ended."""

    begun: list[tuple[ReadableSpan, Attributes]] = field(default_factory=list)

    def on_start(self, span: Any, parent_context: object = None) -> None:
        self.begun.append((span, dict(span.attributes or {})))


@dataclass(eq=False)
class Measurements:
    """A meter that notes what is recorded on its instruments: which, how much, and with which attributes."""

    made: list[tuple[str, str, dict[str, Any], Any, Attributes]] = field(default_factory=list)
    observables: list[tuple[str, str, dict[str, Any], Any]] = field(default_factory=list)

    def get_meter(self, *_: object) -> Measurements:
        return self

    def __getattr__(self, create: str) -> Any:
        def instrument(name: str, unit: str, _: str, **advice: Any) -> Noted:
            about = {"unit": unit, **advice}
            return Noted(lambda amount, attributes, _: self.made.append((create, name, about, amount, attributes)))

        def observable(name: str, callbacks: Any, unit: str, _: str) -> None:
            self.observables.append((create.replace("observable_", ""), name, {"unit": unit}, callbacks))

        return observable if "observable" in create else instrument

    def observe(self) -> None:
        """Note the sums that are only read at an export, too: by hand each is an addition."""
        for create, name, about, callbacks in self.observables:
            for seen in (seen for callback in callbacks for seen in callback(CallbackOptions())):
                self.made.append((create, name, about, seen.value, seen.attributes))


class Noted:
    """An instrument of `Measurements`."""

    def __init__(self, note: Callable[[Any, Attributes, object], object]) -> None:
        self.add = self.record = note


@dataclass
class Floor:
    """What one observed call makes, made again by hand: the spans, and then the measurements."""

    tracer: trace.Tracer
    outer: tuple[str, trace.SpanKind, Attributes, Attributes]
    inner: list[tuple[str, trace.SpanKind, Attributes]]
    measurements: list[tuple[Attributes, list[tuple[Callable[..., object], Any]]]]

    def around(self, function: Callable[[], Any]) -> Candidate:
        """The floor of observing `function`, which may be a coroutine function."""

        def call() -> None:
            name, kind, start, end = self.outer
            with self.tracer.start_as_current_span(name, kind=kind, attributes={**start}) as span:
                function()
                if end:
                    span.set_attributes({**end})
                for name, kind, start in self.inner:
                    self.tracer.start_span(name, kind=kind, attributes={**start}).end()
            for attributes, records in self.measurements:
                own = {**attributes}
                for record, amount in records:
                    record(amount, own)

        return Candidate(call)

    def around_async(self, function: Callable[[], Any]) -> Candidate:
        async def call() -> None:
            name, kind, start, end = self.outer
            with self.tracer.start_as_current_span(name, kind=kind, attributes={**start}) as span:
                await function()
                if end:
                    span.set_attributes({**end})
                for name, kind, start in self.inner:
                    self.tracer.start_span(name, kind=kind, attributes={**start}).end()
            for attributes, records in self.measurements:
                own = {**attributes}
                for record, amount in records:
                    record(amount, own)

        return Candidate(call)


def measured_by_hand(call: Callable[[], Any]) -> Candidate:
    """Watch what our emitters measure of one call that makes no span, and have the same made by hand."""
    measurements = Measurements()
    with connected("default", None, measurements):
        call()
        measurements.observe()
    groups = grouped(measurements)

    def by_hand() -> None:
        for attributes, records in groups:
            own = {**attributes}
            for record, amount in records:
                record(amount, own)

    return Candidate(by_hand)


def floor(
    call: Callable[[], Any],
    shape: str = "default",
    *,
    sampled: bool = True,
    also: Callable[[], Any] | None = None,
    **options: Any,
) -> Floor:
    """Watch what our emitters make of one call, and have the same made by hand."""
    spans, measurements = Spans(), Measurements()
    provider = TracerProvider(ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(spans)
    with connected(shape, provider, measurements, also, options):
        call()
        measurements.observe()
    (outer, start), *inner = spans.begun
    end = {name: value for name, value in (outer.attributes or {}).items() if start.get(name) != value}
    return Floor(
        tracers(sampled).get_tracer("floor"),
        (outer.name, outer.kind, start, end),
        [(span.name, span.kind, dict(span.attributes or {})) for span, _ in inner],
        grouped(measurements),
    )


def grouped(measurements: Measurements) -> list[tuple[Attributes, list[tuple[Callable[..., object], Any]]]]:
    """The measurements, each set of attributes once with all that was recorded with it."""
    meter = meters().get_meter("floor")
    groups: dict[Any, tuple[Attributes, list[tuple[Callable[..., object], Any]]]] = {}
    for create, name, about, amount, attributes in measurements.made:
        instrument = getattr(meter, create)(name, **about)
        record = getattr(instrument, "record", None) or instrument.add
        groups.setdefault(frozenset(attributes.items()), (attributes, []))[1].append((record, amount))
    return list(groups.values())


# -- the yardstick

YARDSTICK_US = 44.6
"""What the yardstick took where the targets in microseconds were set, and the peers measured."""


def yardsticks(microseconds: float) -> float:
    """A target in microseconds, as a ratio that holds on other machines."""
    return microseconds / YARDSTICK_US


@cache
def yardstick() -> Candidate:
    """A span with 8 attributes and two measurements, made by hand."""
    tracer, meter = tracers().get_tracer("yardstick"), meters().get_meter("yardstick")
    seconds, tokens = meter.create_histogram("yardstick.seconds"), meter.create_histogram("yardstick.tokens")

    def call() -> None:
        attributes = {"a": "chat", "b": "openai", "c": "gpt-5.5", "d": "api.openai.com"}
        with tracer.start_as_current_span("yardstick", attributes=attributes) as span:
            span.set_attributes({"e": "resp_1", "f": "stop", "g": 120, "h": 36})
        seconds.record(0.2, attributes)
        tokens.record(120, attributes)

    return Candidate(call)
