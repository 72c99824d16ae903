"""Spans of our own for the SDK's processors and exporters: what they say is made when somebody reads it, or later.

A span of the SDK takes locks and cleans what it is told each time it is told something. Ours is told once, by rows
that say nothing unclean. It is made only where the provider is one that we build, for who reads the spans of another
is not known; and only where no sampler asks what a span says before it begins, and nobody has set other limits.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, SynchronousMultiSpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Tracer as SdkTracer
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

from .span import Span, Story

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
RANDOM: Final = TraceFlags(TraceFlags.RANDOM_TRACE_ID)
ON_ENDING: Final = "_on_ending"
_FLAGS: Final = tuple(TraceFlags(flags) for flags in range(4))
_IDS: Final = TraceIdRatioBased.TRACE_ID_LIMIT
Decide = Callable[[int, TraceFlags | None], bool]
"""Whether a span of this trace, with a parent that has these flags, is sampled."""


class Tracers(TracerProvider):
    """The SDK's provider, known to be ours."""

    def __init__(self, sampler: Sampler | None = None, resource: Resource | None = None) -> None:
        self.processors: Any = SynchronousMultiSpanProcessor()  # type: ignore[no-untyped-call]  # (the SDK's)
        super().__init__(sampler, resource, False, self.processors)
        self._lets = unheeding(self.sampler) and not any(map(OTHERWISE.fullmatch, os.environ))
        self.ending: list[Callable[[Any], object]] = []
        """What processors want to do to a span that is about to end."""

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        super().add_span_processor(span_processor)
        if getattr(type(span_processor), ON_ENDING, None) is not getattr(SpanProcessor, ON_ENDING, None):
            self.ending.append(getattr(span_processor, ON_ENDING))

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
        return self._tracer.start_span(name, context, kind, story.first(), links, started_ns)


class Ours:
    """Begins spans of ours, as a tracer of the SDK does."""

    later = True

    def __init__(self, provider: Tracers, scope: InstrumentationScope) -> None:
        self.provider = provider
        self.scope = scope
        self._sampler = provider.sampler
        self._decide = decision(provider.sampler)
        self._ids = provider.id_generator

    def __call__(
        self, name: str, context: Context, kind: SpanKind, story: Story, links: Sequence[Link], started_ns: int
    ) -> trace.Span:
        around = trace.get_current_span(context).get_span_context()
        trace_id, _, _, above, state, is_valid = around
        if not is_valid:
            trace_id, state = self._ids.generate_trace_id(), NO_STATE
            above = RANDOM if self._ids.is_trace_id_random() else NO_FLAGS
        if self._decide is not None:
            sampled = recorded = self._decide(trace_id, above if is_valid else None)
        else:
            found: Any = self._sampler.should_sample(context, trace_id, name, kind, None, links)
            sampled, recorded, state = found.decision.is_sampled(), found.decision.is_recording(), found.trace_state
        here = SpanContext(trace_id, self._ids.generate_span_id(), False, _FLAGS[sampled | above & RANDOM], state)
        if not recorded:
            return NonRecordingSpan(here)
        parent = around if is_valid else None
        span = Span(self.provider, self.scope, name, here, parent, kind, links, started_ns, story)
        self.provider.processors.on_start(span, context)
        return span


def unheeding(sampler: object) -> bool:
    """Whether a sampler does not ask what a span says, and neither does any that it leaves it to."""
    if type(sampler) in FOLLOWING:
        return all(map(unheeding, vars(sampler).values()))
    return type(sampler) in UNHEEDING


def decision(sampler: Sampler) -> Decide | None:
    """How a sampler decides by the trace and the flags of the parent alone; `None` for one that is asked each time."""
    root: Any = vars(sampler).get("_root")
    follows = type(sampler) in FOLLOWING and vars(sampler) == vars(ParentBased(root))
    most = share(root if follows else sampler)
    if most is None:
        return None
    if follows:
        return lambda trace, above: trace & _IDS < most if above is None else bool(above & TraceFlags.SAMPLED)
    return lambda trace, _: trace & _IDS < most


def share(sampler: Sampler) -> int | None:
    """Below which number the ids of those traces are that a sampler takes; `None` where it decides otherwise."""
    if sampler is ALWAYS_ON or sampler is ALWAYS_OFF:
        return _IDS + 1 if sampler is ALWAYS_ON else 0
    return getattr(sampler, "bound", None) if type(sampler) is TraceIdRatioBased else None
