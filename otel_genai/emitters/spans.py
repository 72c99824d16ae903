"""Spans of our own for the SDK's processors and exporters: what they say is made when somebody reads it, or later.

A span of the SDK takes locks and cleans what it is told each time it is told something. Ours is told once, by rows
that say nothing unclean. It is made only where the provider is one that we build, for who reads the spans of another
is not known; and only where no sampler asks what a span says before it begins, and nobody has set other limits.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from random import getrandbits
from typing import Any, Final, NamedTuple, Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, SynchronousMultiSpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Tracer as SdkTracer
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    StaticSampler,
    TraceIdRatioBased,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags, Tracer, TraceState

from .current import SPAN, span_context_in
from .saying import Story
from .span import Span

UNHEEDING: Final = (StaticSampler, TraceIdRatioBased)
"""Those of the SDK's samplers that do not ask what a span says; one that is derived from them may."""
FOLLOWING: Final = (ParentBased, ParentBasedTraceIdRatio)
"""Those that leave it to others, by the parent."""
OTHERWISE: Final = re.compile(
    r"OTEL_((SPAN_|EVENT_|LINK_)?ATTRIBUTE_(COUNT|VALUE_LENGTH)|SPAN_(EVENT|LINK)_COUNT)_LIMIT"
    r"|OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"
)
"""Variables that want something of the SDK's spans that ours do not do."""
OURS: Final = "_otel_genai_begins"
"""Where a tracer has what begins its spans. That holds the provider, and so the tracer: nobody else may hold it."""
NO_FLAGS: Final = TraceFlags(TraceFlags.DEFAULT)
NO_STATE: Final = TraceState()
SAMPLED: Final = TraceFlags.SAMPLED
RANDOM: Final = TraceFlags(TraceFlags.RANDOM_TRACE_ID)
ON_START: Final = "on_start"
ON_ENDING: Final = "_on_ending"
NOTHING: Final = frozenset(
    told
    for kind in (SpanProcessor, SimpleSpanProcessor, BatchSpanProcessor)
    for name in (ON_START, ON_ENDING)
    if (told := getattr(kind, name, None)) is not None
)
"""What processors do there that do nothing."""
_FLAGS: Final = tuple(TraceFlags(flags) for flags in range(4))
_IDS: Final = TraceIdRatioBased.TRACE_ID_LIMIT
Identity = tuple[int, int, bool, TraceFlags, TraceState, bool]
"""All that a `SpanContext` is made of: the ids of the trace and the span, whether it is remote, ..., and is valid."""
Decided = tuple[int, int, TraceState]
"""Whether a span is sampled and whether it is recorded, and its state."""


class Tracers(TracerProvider):
    """The SDK's provider, known to be ours."""

    def __init__(self, sampler: Sampler | None = None, resource: Resource | None = None) -> None:
        self.processors: Any = SynchronousMultiSpanProcessor()  # type: ignore[no-untyped-call]  # (the SDK's)
        super().__init__(sampler, resource, False, self.processors)
        self._lets = unheeding(self.sampler) and not any(map(OTHERWISE.fullmatch, os.environ))
        self.starting: list[Callable[..., object]] = []
        """What processors do to a span that begins."""
        self.ending: list[Callable[..., object]] = []
        """What they do to one that is about to end."""

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        super().add_span_processor(span_processor)
        self.starting += doing(span_processor, ON_START)
        self.ending += doing(span_processor, ON_ENDING)

    def get_tracer(
        self, name: str, version: str | None = None, schema_url: str | None = None, attributes: Any = None
    ) -> Tracer:
        tracer = super().get_tracer(name, version, schema_url, attributes)
        if self._lets and type(tracer) is SdkTracer:
            vars(tracer)[OURS] = Ours(self, InstrumentationScope(name, version, schema_url, attributes))
        return tracer


class Begins(Protocol):
    """Begins a span that has this story."""

    later: bool
    """Whether it asks what is said only when somebody reads it."""

    def __call__(
        self, name: str, context: Context, kind: SpanKind, story: Story, links: Sequence[Link], started_ns: int
    ) -> trace.Span: ...


def begins(tracer: Tracer) -> Begins:
    """What begins the spans of a tracer."""
    ours = getattr(tracer, OURS, None)
    return ours if isinstance(ours, Ours) else Theirs(tracer)


class Theirs:
    """Begins spans of the SDK, or of whoever made the provider, which say at once what they say."""

    later = False

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def __call__(
        self, name: str, context: Context, kind: SpanKind, story: Story, links: Sequence[Link], started_ns: int
    ) -> trace.Span:
        span = self._tracer.start_span(name, context, kind, story.first(), links, started_ns)
        return span if span.is_recording() else unsampled(span, context)


class Ours:
    """Begins spans of ours, as a tracer of the SDK does."""

    later = True

    def __init__(self, provider: Tracers, scope: InstrumentationScope) -> None:
        self.provider = provider
        self.scope = scope
        self._sampler = provider.sampler
        self._share, self._follows = decision(provider.sampler)
        self._ids = ids_of(provider.id_generator)

    def __call__(
        self, name: str, context: Context, kind: SpanKind, story: Story, links: Sequence[Link], started_ns: int
    ) -> trace.Span:
        ids, above = self._ids, context.get(SPAN)
        parent = above.get_span_context() if above is not None and isinstance(above, trace.Span) else None
        if parent is not None and parent.is_valid:
            trace_id, _, _, flags, state, _ = parent
        else:
            parent, trace_id, flags, state = None, ids.trace_id(), ids.flags, NO_STATE
        if self._share is None:
            sampled, recorded, state = self._asked(context, trace_id, name, kind, links)
        elif parent is None or not self._follows:
            sampled = recorded = trace_id & _IDS < self._share
        else:
            sampled = recorded = flags & SAMPLED
        here = ids.context((trace_id, ids.span_id(), False, _FLAGS[sampled | flags & RANDOM], state, True))
        if not recorded:
            return unsampled(NonRecordingSpan(here), context)
        span = Span(
            _tracer=self,
            _called=name,
            _context=here,
            _parent=parent,
            _kind=kind,
            _links=links,
            _start_time=started_ns,
            story=story,
        )
        for start in self.provider.starting:
            start(span, parent_context=context)
        return span

    def _asked(self, context: Context, trace_id: int, name: str, kind: SpanKind, links: Sequence[Link]) -> Decided:
        found: Any = self._sampler.should_sample(context, trace_id, name, kind, None, links)
        state = NO_STATE if found.trace_state is None else found.trace_state
        return found.decision.is_sampled(), found.decision.is_recording(), state


class Ids(NamedTuple):
    """How traces and spans get their ids."""

    trace_id: Callable[[], int]
    span_id: Callable[[], int]
    flags: TraceFlags
    """Those of a root."""
    context: Callable[[Identity], SpanContext]
    """Makes that of a span with these ids."""


def ids_of(generator: IdGenerator) -> Ids:
    """What the SDK's own makes is as good as valid (it draws again what comes once in 2**64), and made in one step."""
    if type(generator) is RandomIdGenerator:
        return Ids(partial(getrandbits, 128), partial(getrandbits, 64), RANDOM, partial(tuple.__new__, SpanContext))
    flags = RANDOM if generator.is_trace_id_random() else NO_FLAGS
    return Ids(generator.generate_trace_id, generator.generate_span_id, flags, lambda said: SpanContext(*said[:5]))


def unsampled(span: trace.Span, context: Context) -> trace.Span:
    """A root that is not recorded says so by flags of `00`; below a caller the flags are as he sent them."""
    found = span.get_span_context()
    if found.trace_flags.sampled or span_context_in(context).is_valid:
        return span
    return NonRecordingSpan(SpanContext(found.trace_id, found.span_id, False, TraceFlags(0), found.trace_state))


def doing(processor: SpanProcessor, name: str) -> list[Callable[..., object]]:
    """What a processor does when it is told that, where it does anything."""
    told = getattr(processor, name, None)
    return [] if told is None or getattr(told, "__func__", None) in NOTHING else [told]


def unheeding(sampler: object) -> bool:
    """Whether a sampler does not ask what a span says, and neither does any that it leaves it to."""
    if type(sampler) in FOLLOWING:
        return all(map(unheeding, vars(sampler).values()))
    return type(sampler) in UNHEEDING


def decision(sampler: Sampler) -> tuple[int | None, bool]:
    """How a sampler decides by the trace and the flags of the parent alone: its share, and whether it heeds a parent.

    The share is `None` for one that is asked each time.
    """
    root: Any = vars(sampler).get("_root")
    follows = type(sampler) in FOLLOWING and vars(sampler) == vars(ParentBased(root))
    return share(root if follows else sampler), follows


def share(sampler: Sampler) -> int | None:
    """Below which number the ids of those traces are that a sampler takes; `None` where it decides otherwise."""
    if sampler is ALWAYS_ON or sampler is ALWAYS_OFF:
        return _IDS + 1 if sampler is ALWAYS_ON else 0
    return getattr(sampler, "bound", None) if type(sampler) is TraceIdRatioBased else None
