"""The spans that are made by us: what anybody can do to them, and read of them, is as with a span of the SDK."""

from __future__ import annotations

import gc
import json
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry import context, trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_ON,
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    SamplingResult,
    StaticSampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

import otel_genai as genai
from otel_genai import config, connection, guard
from otel_genai.emitters import span as span_module
from otel_genai.emitters.span import MOST, Span
from otel_genai.emitters.spans import Ours, Theirs, Tracers, begins
from otel_genai.emitters.unsaid import MOST_UNSAID, Unsaid
from otel_genai.providers import Providers
from otel_genai.testing import Captured

RESOURCE = Resource({"service.name": "test"})
ELSEWHERE = SpanContext(7, 8, True, TraceFlags(3), TraceState([("vendor", "1")]))
Kind = Callable[[Sampler], TracerProvider]


class Story:
    """What a span says, from its start and from its end; how often that was asked is counted."""

    def __init__(self) -> None:
        self.asked = 0

    def first(self) -> dict[str, Any]:
        self.asked += 1
        return {"from": "the start", "model": "gpt"}

    def last(self) -> dict[str, Any]:
        self.asked += 1
        return {"tokens": 3, "from": "the end"}

    def whole(self) -> dict[str, Any]:
        return {**self.first(), **self.last()}

    def ending(self) -> None:
        pass


def ours(sampler: Sampler = ALWAYS_ON) -> TracerProvider:
    return Tracers(sampler, RESOURCE)


def theirs(sampler: Sampler = ALWAYS_ON) -> TracerProvider:
    return TracerProvider(sampler, RESOURCE, shutdown_on_exit=False)


def begun(provider: TracerProvider, around: SpanContext | None = None, **how: Any) -> Any:
    """A span with the parent and the story of the test."""
    begin = begins(provider.get_tracer("test", "1", "https://schema.example/1"))
    within = context.Context() if around is None else trace.set_span_in_context(NonRecordingSpan(around))
    return begin("named", within, SpanKind.CLIENT, how.pop("story", None) or Story(), how.pop("links", ()), 5)


def kept(provider: TracerProvider) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()  # type: ignore[no-untyped-call]  # (the SDK's)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


def ended(provider: TracerProvider, do: Callable[[Any], object]) -> Any:
    """What is exported of a span that `do` was done to."""
    exporter = kept(provider)
    span = begun(provider, ELSEWHERE)
    do(span)
    if not isinstance(span, Span):
        span.set_attributes(Story().last())
    span.end(9)
    (found,) = exporter.get_finished_spans()
    return found


def read(span: Any) -> dict[str, Any]:
    """All that an exporter may read of a span, but for what differs each time."""
    events = [(one.name, dict(one.attributes or {}), one.timestamp) for one in span.events]
    for _, attributes, _ in events:
        attributes.pop("exception.stacktrace", None)
    links = [(one.context, dict(one.attributes or {})) for one in span.links]
    dropped = span.dropped_attributes, span.dropped_events, span.dropped_links
    times = span.start_time, span.end_time
    scope, status = span.instrumentation_scope, (span.status.status_code, span.status.description)
    here = span.context.trace_id, span.context.trace_flags, span.context.trace_state, span.context.is_remote
    about = span.name, span.kind, span.parent, here, span.get_span_context() == span.context
    return {
        "about": about,
        "attributes": dict(span.attributes or {}),
        "events": events,
        "links": links,
        "dropped": dropped,
        "times": times,
        "scope": scope,
        "status": status,
        "resource": span.resource,
    }


def nothing(span: Any) -> None:
    """Leaves a span as it is."""


DEEDS: dict[str, Callable[[Any], object]] = {
    "nothing": nothing,
    "an attribute": lambda span: span.set_attribute("of the user", 1),
    "an attribute over the first": lambda span: span.set_attribute("model", "of the user"),
    "an attribute under the last": lambda span: span.set_attribute("tokens", "of the user"),
    "attributes of every kind": lambda span: span.set_attributes({"a": "x", "b": True, "c": 1.5, "d": ["x", "y"]}),
    "an attribute that is none": lambda span: span.set_attribute("odd", object),
    "too many attributes": lambda span: span.set_attributes({f"a{number}": number for number in range(MOST + 9)}),
    "an event": lambda span: span.add_event("happened", {"a": [1]}, 7),
    "too many events": lambda span: [span.add_event("happened", None, 7) for _ in range(MOST + 9)],
    "a link": lambda span: span.add_link(ELSEWHERE, {"a": 1}),
    "a link to nowhere": lambda span: span.add_link(trace.INVALID_SPAN_CONTEXT),
    "a name": lambda span: span.update_name("renamed"),
    "a status": lambda span: span.set_status(StatusCode.ERROR, "why"),
    "a status as an object": lambda span: span.set_status(Status(StatusCode.ERROR, "why")),
    "a status that is none": lambda span: span.set_status(StatusCode.UNSET),
    "a status after OK": lambda span: [span.set_status(StatusCode.OK), span.set_status(StatusCode.ERROR, "why")],
    "an exception": lambda span: span.record_exception(ValueError("why"), {"a": 1}, 7),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("deed", DEEDS)
def test_what_is_exported_is_what_the_sdk_exports_of_the_same(deed: str) -> None:
    one, other = ended(ours(), DEEDS[deed]), ended(theirs(), DEEDS[deed])
    assert isinstance(one, Span)
    assert not isinstance(other, Span)
    assert read(one) == read(other)


@pytest.mark.parametrize("deed", ["nothing", "an event", "a link", "a status"])
def test_it_is_the_same_in_json_and_by_otlp(deed: str) -> None:
    one, other = ended(ours(), DEEDS[deed]), ended(theirs(), DEEDS[deed])
    assert without_id(json.loads(one.to_json())) == without_id(json.loads(other.to_json()))
    first, second = (encode_spans([span]).resource_spans[0].scope_spans[0] for span in (one, other))
    for found in (first.spans[0], second.spans[0]):
        found.span_id = b"12345678"
        found.attributes.sort(key=lambda attribute: attribute.key)
    assert first == second


def without_id(said: dict[str, Any]) -> dict[str, Any]:
    said["context"].pop("span_id")
    return said


SAMPLERS = {
    "on": ALWAYS_ON,
    "off": ALWAYS_OFF,
    "as the parent": DEFAULT_ON,
    "half": TraceIdRatioBased(0.5),
    "as the parent, else none": ParentBased(TraceIdRatioBased(0)),
    "as the parent, else off": ParentBased(ALWAYS_OFF),
    "as the parent, else half": ParentBased(TraceIdRatioBased(0.5)),
    "as the parent, else half, as the environment says it": ParentBasedTraceIdRatio(0.5),
    "against the parent": ParentBased(ALWAYS_ON, ALWAYS_OFF, ALWAYS_ON, ALWAYS_OFF, ALWAYS_ON),
    "only recorded": StaticSampler(Decision.RECORD_ONLY),
    "as the parent, else only recorded": ParentBased(StaticSampler(Decision.RECORD_ONLY)),
    "as the parent, of which some are only recorded": ParentBased(
        ALWAYS_ON, local_parent_sampled=StaticSampler(Decision.RECORD_ONLY)
    ),
}
PARENTS = {
    "none": None,
    "sampled": SpanContext(2**63 - 1, 8, False, TraceFlags(3)),
    "sampled, with a state": ELSEWHERE,
    "not sampled": SpanContext(2**64 - 1, 8, True, TraceFlags(2)),
    "not random": SpanContext(7, 8, True, TraceFlags(1)),
}


@pytest.mark.parametrize("parent", PARENTS)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_whether_it_is_recorded_and_its_flags_are_as_the_sdk_decides(sampler: str, parent: str) -> None:
    found = []
    for provide in (ours, theirs):
        span = begun(provide(SAMPLERS[sampler]), PARENTS[parent])
        here = span.get_span_context()
        whole = parent == "none" or here.trace_id
        found.append((span.is_recording(), here.trace_flags, here.trace_state, here.is_remote, whole))
    same = found if parent != "none" or "half" not in sampler else [one[2:] for one in found]
    assert same[0] == same[1]


class Numbered(RandomIdGenerator):
    """Gives traces the ids that the test wants."""

    def __init__(self, trace_id: int) -> None:
        self.trace_id = trace_id

    def generate_trace_id(self) -> int:
        return self.trace_id


@pytest.mark.parametrize("trace_id", [2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**127 + 2**63 - 1, 2**127 + 2**63])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_which_roots_are_recorded_is_as_the_sdk_decides(sampler: str, trace_id: int) -> None:
    found = []
    for provide in (ours, theirs):
        provider = provide(SAMPLERS[sampler])
        provider.id_generator = Numbered(trace_id)
        span = begun(provider)
        here = span.get_span_context()
        found.append((span.is_recording(), here.trace_id, here.trace_flags))
    assert found[0] == found[1]


def test_what_the_sdks_own_generator_makes_is_a_span_as_the_sdk_makes_it() -> None:
    for around in (None, ELSEWHERE):
        here = begun(ours(), around).get_span_context()
        assert type(here) is SpanContext
        assert here == SpanContext(*here[:5])
        assert here.is_valid


class Unwell(RandomIdGenerator):
    """A generator of somebody, which gives out what is no id."""

    def generate_span_id(self) -> int:
        return 0

    def is_trace_id_random(self) -> bool:
        return False


def test_ids_of_somebody_elses_generator_are_taken_for_what_they_are() -> None:
    found = []
    for provide in (ours, theirs):
        provider = provide()
        provider.id_generator = Unwell()
        here = begun(provider).get_span_context()
        found.append((here.span_id, here.is_valid, here.trace_flags, here.is_remote))
    assert found[0] == found[1] == (0, False, TraceFlags(1), False)


@pytest.mark.parametrize("options", [{}, {"sample_rate": 1}, {"sample_rate": 0.999999}])
def test_the_spans_are_ours_as_we_are_configured_by_default_and_with_a_sample_rate(options: dict[str, float]) -> None:
    loaded = config.load({"enabled": True, "endpoint": "http://127.0.0.1:9", "metrics": False, **options}, environ={})
    providers = Providers.build(loaded)
    undo = connection.connect(loaded, providers.tracer_provider, None)
    with genai.tool("search"):
        span = trace.get_current_span()
    undo()
    providers.shutdown(0)
    assert isinstance(span, Span)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_samplers_of_the_sdk_let_us_make_the_spans(sampler: str) -> None:
    assert isinstance(begins(ours(SAMPLERS[sampler]).get_tracer("test")), Ours)


class Asking(Sampler):
    """A sampler that decides by what a span says."""

    def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
        attributes = args[4] if len(args) > 4 else kwargs["attributes"]
        return SamplingResult(Decision.RECORD_AND_SAMPLE if attributes["model"] == "gpt" else Decision.DROP, attributes)

    def get_description(self) -> str:
        return "Asking"


class Lowly(Asking):
    """The same, with a description that looks like nothing."""

    def get_description(self) -> str:
        return "by_model"


class Derived(Asking, TraceIdRatioBased):
    """The same, with the description of the SDK's that it is derived from."""

    get_description = TraceIdRatioBased.get_description


class Fixed(Asking, StaticSampler):
    """The same, of another one."""

    get_description = StaticSampler.get_description


ASKING = (Asking(), Lowly(), Derived(1.0), Fixed(Decision.RECORD_AND_SAMPLE))


@pytest.mark.parametrize("sampler", [*ASKING, *map(ParentBased, ASKING), ParentBased(ALWAYS_ON, Asking())])
def test_a_sampler_that_asks_what_a_span_says_is_told(sampler: Sampler) -> None:
    provider = ours(sampler)
    assert isinstance(begins(provider.get_tracer("test")), Theirs)
    span = begun(provider)
    assert span.is_recording()
    assert dict(span.attributes) == Story().first()


@pytest.mark.parametrize(
    "name",
    [
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        "OTEL_SPAN_LINK_COUNT_LIMIT",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    ],
)
def test_where_somebody_has_set_other_limits_the_sdk_makes_the_spans(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(begins(ours().get_tracer("test")), Ours)
    monkeypatch.setenv(name, "1")
    assert isinstance(begins(ours().get_tracer("test")), Theirs)


def test_a_provider_of_somebody_else_makes_its_own_spans() -> None:
    assert isinstance(begins(theirs().get_tracer("test")), Theirs)
    assert isinstance(begins(trace.NoOpTracer()), Theirs)


def test_a_provider_that_is_let_go_is_freed() -> None:
    provider = Tracers(ALWAYS_ON)
    undo = connection.connect(config.load({"enabled": True}, environ={}), provider, None)
    with genai.tool("search"):
        pass
    undo()
    provider.shutdown()
    let_go = weakref.ref(provider)
    del provider, undo
    gc.collect()
    assert let_go() is None


# -- when it says what it says


def test_what_it_says_is_made_when_it_is_read_and_only_once() -> None:
    story = Story()
    span = begun(ours(), story=story)
    span.end()
    assert story.asked == 0
    assert dict(span.attributes) == {"from": "the end", "model": "gpt", "tokens": 3}
    assert dict(span.attributes) == dict(span.attributes)
    assert story.asked == 2


def test_while_it_runs_it_says_what_it_said_first_and_what_it_was_told() -> None:
    span = begun(ours())
    span.set_attribute("of the user", 1)
    assert dict(span.attributes) == {**Story().first(), "of the user": 1}


def slow(make: Callable[..., Any]) -> Callable[..., Any]:
    def made(*args: Any, **how: Any) -> Any:
        time.sleep(0.02)
        return make(*args, **how)

    return made


@pytest.mark.parametrize("name", ["BoundedAttributes", "BoundedList"])
def test_what_threads_tell_it_first_at_the_same_time_is_all_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(number: int) -> None:
        ready.wait()
        span.add_event(f"e{number}")
        span.set_attribute(f"a{number}", number)

    monkeypatch.setattr(span_module, name, slow(getattr(span_module, name)))
    span, ready = begun(ours()), threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tell, range(4)))
    assert {f"a{number}" for number in range(4)} <= set(span.attributes)
    assert {event.name for event in span.events} == {f"e{number}" for number in range(4)}


def test_nobody_can_change_it_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    span = begun(ours())
    span.end(9)
    before = read(span)
    with caplog.at_level(logging.WARNING):
        for deed in ("an attribute", "an event", "a link", "a name", "a status", "an exception"):
            DEEDS[deed](span)
        span.end(10)
    assert read(span) == before
    assert len(caplog.records) == 7


def test_a_story_that_fails_costs_its_attributes_and_no_more() -> None:
    class Broken(Story):
        def whole(self) -> dict[str, Any]:
            raise ValueError("broken")

    provider = ours()
    exporter = kept(provider)
    with guard.strict(False):
        span = begun(provider, story=Broken())
        span.end()
        (found,) = exporter.get_finished_spans()
        assert dict(found.attributes or {}) == {}
    assert found.name == "named"


class Hearing(SpanProcessor):
    """Notes what a processor is told, and changes a span where it may."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def on_start(self, span: Any, parent_context: context.Context | None = None) -> None:
        span.set_attribute("tenant", "t-1")
        self.heard.append(("start", dict(span.attributes)))

    def _on_ending(self, span: Any) -> None:
        self.heard.append(("ending", span.name))

    def on_end(self, span: Any) -> None:
        self.heard.append(("end", dict(span.attributes)))


def test_processors_are_told_and_read_all_there_is_at_the_time() -> None:
    found = []
    for provide in (ours, theirs):
        provider, hearing = provide(), Hearing()
        provider.add_span_processor(hearing)
        span = begun(provider)
        if not isinstance(span, Span):
            span.set_attributes(Story().last())
        span.end()
        found.append(hearing.heard)
    assert found[0] == found[1]
    assert [what for what, _ in found[0]] == ["start", "ending", "end"]


class Queueing(BatchSpanProcessor):
    """A queue of somebody who wants to know of spans that begin, too."""

    def on_start(self, span: Any, parent_context: context.Context | None = None) -> None:
        span.set_attribute("within", len(parent_context or ()))


def test_only_processors_that_do_something_to_a_span_that_begins_are_told_of_it() -> None:
    exporter = InMemorySpanExporter()  # type: ignore[no-untyped-call]  # (the SDK's)
    silent = SpanProcessor(), SimpleSpanProcessor(exporter), BatchSpanProcessor(exporter)
    telling = Hearing(), Queueing(exporter)
    provider = Tracers(ALWAYS_ON)
    for processor in (*silent, *telling):
        provider.add_span_processor(processor)
    span = begun(provider, ELSEWHERE)
    assert (span.attributes["tenant"], span.attributes["within"]) == ("t-1", 1)
    assert provider.starting == [one.on_start for one in telling]
    assert provider.ending == [telling[0]._on_ending]
    provider.shutdown()


def replace(span: Any) -> None:
    span._attributes = {name: "***" for name in span.attributes if name != "from"}


def take_all(span: Any) -> None:
    span._attributes = None


def rename(span: Any) -> None:
    span._name = f"{span._name}, renamed"


def clear(span: Any) -> None:
    span._status = Status(StatusCode.UNSET) if span._status.description else Status(StatusCode.OK)


class Scrubbing(SpanProcessor):
    """Does something to spans that are over, as a processor of the SDK's spans can."""

    def __init__(self, scrub: Callable[[Any], object]) -> None:
        self.on_end = scrub  # type: ignore[method-assign]  # (what the test wants)


@pytest.mark.parametrize("scrub", [replace, take_all])
@pytest.mark.parametrize("told", [nothing, DEEDS["an attribute"]])
def test_a_processor_can_scrub_what_a_span_says_when_it_is_over(
    scrub: Callable[[Any], object], told: Callable[[Any], object]
) -> None:
    found = []
    for provide in (ours, theirs):
        provider = provide()
        provider.add_span_processor(Scrubbing(scrub))
        found.append(read(ended(provider, told)))
    assert found[0] == found[1]
    assert set(found[0]["attributes"].values()) <= {"***"}


def test_a_processor_can_replace_what_a_span_says_when_it_begins() -> None:
    class Early(SpanProcessor):
        def on_start(self, span: Any, parent_context: context.Context | None = None) -> None:
            span._attributes = BoundedAttributes(MOST, {"model": "***"}, immutable=False)

    found = []
    for provide in (ours, theirs):
        provider = provide()
        provider.add_span_processor(Early())
        found.append(read(ended(provider, DEEDS["an attribute"])))
    assert found[0] == found[1]
    assert found[0]["attributes"] == {"model": "***", "of the user": 1, **Story().last()}


@pytest.mark.parametrize("scrub", [rename, clear])
def test_a_processor_can_change_what_a_span_is_called_and_how_it_ended(scrub: Callable[[Any], object]) -> None:
    found = []
    for provide in (ours, theirs):
        provider = provide()
        provider.add_span_processor(Scrubbing(scrub))
        undo = connection.connect(config.load({"enabled": True}, environ={}), provider, None)
        exporter = kept(provider)
        a_day()
        undo()
        found.append([told(span) for span in exporter.get_finished_spans()])
    assert found[0] == found[1]


# -- through the house


@pytest.fixture
def unread() -> Iterator[Tracers]:
    """Our telemetry is on, with a provider whose spans nobody reads before the test does."""
    provider = Tracers(ALWAYS_ON)
    loaded = config.load({"enabled": True, "redact": lambda text: text.replace("ada", "***")}, environ={})
    undo = connection.connect(loaded, provider, None)
    yield provider
    undo()


class Queue(SpanProcessor):
    """Keeps spans without reading them."""

    def __init__(self) -> None:
        self.spans: list[Any] = []

    def on_end(self, span: Any) -> None:
        self.spans.append(span)


def test_what_may_leave_is_decided_by_what_was_configured_when_it_happened() -> None:
    provider, queue = Tracers(ALWAYS_ON), Queue()
    provider.add_span_processor(queue)
    loaded = config.load({"enabled": True, "redact": lambda text: text.replace("ada", "***")}, environ={})
    undo = connection.connect(loaded, provider, None)
    with genai.tool("ask ada"):
        pass
    undo()
    (span,) = queue.spans
    assert span.attributes["gen_ai.tool.name"] == "ask ***"


def test_what_happens_to_an_operation_after_its_end_is_not_told(unread: Tracers) -> None:
    queue = Queue()
    unread.add_span_processor(queue)
    with genai.model_call(provider="openai", model="gpt-5.5") as call:
        pass
    call.update(model="another", input_tokens=7)
    (span,) = queue.spans
    assert span.attributes["gen_ai.request.model"] == "gpt-5.5"
    assert "gen_ai.usage.input_tokens" not in span.attributes


def test_spans_that_nobody_reads_are_settled_when_there_are_too_many(unread: Tracers) -> None:
    queue = Queue()
    unread.add_span_processor(queue)
    for _ in range(MOST_UNSAID + 3):
        with genai.tool("search"):
            pass
    assert [span.settled for span in queue.spans] == [True] * 3 + [False] * MOST_UNSAID


def test_spans_that_were_read_make_room_for_others(unread: Tracers) -> None:
    waiting, spans = Unsaid(), [begun(unread) for _ in range(MOST_UNSAID + 1)]
    for span in spans:
        span.end()
    for span in spans[:-1]:
        waiting.add(span)
        span.settle()
    waiting.add(spans[-1])
    assert len(waiting._spans) == 1
    assert not spans[-1].settled


def test_a_span_that_was_exported_is_let_go_with_what_it_says(unread: Tracers) -> None:
    queue = Queue()
    unread.add_span_processor(queue)
    for name in ("one", "other"):
        with genai.tool(name):
            pass
    exported = [(weakref.ref(span), dict(span.attributes)["gen_ai.tool.name"]) for span in queue.spans]
    queue.spans.clear()
    assert [(span(), name) for span, name in exported] == [(None, "one"), (None, "other")]


def test_a_span_that_nobody_reads_is_let_go(unread: Tracers) -> None:
    ended: list[weakref.ref[Any]] = []
    for _ in range(3):
        with genai.tool("search"):
            ended.append(weakref.ref(trace.get_current_span()))
    assert [span() for span in ended] == [None] * 3


def test_threads_that_read_one_span_at_once_read_the_same(unread: Tracers) -> None:
    queue, found = Queue(), []
    unread.add_span_processor(queue)
    for _ in range(200):
        with genai.tool("search"):
            pass

    def read_all() -> None:
        found.append([dict(span.attributes) for span in queue.spans])

    threads = [threading.Thread(target=read_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1] == found[2] == found[3]
    assert found[0][0]["gen_ai.tool.name"] == "search"


def test_a_call_leaves_nothing_for_the_garbage_collector(captured: Captured) -> None:
    def once() -> None:
        with genai.agent("planner"), genai.model_call(provider="openai", model="gpt-5.5") as call:
            call.update(input_tokens=3, output_tokens=1)

    once()
    while gc.collect():  # what one collection frees may leave cycles to the next
        pass
    gc.disable()
    try:
        for _ in range(32):
            once()
        assert captured.points("openclaw.tokens")  # what waited is written
        assert gc.collect() == 0
    finally:
        gc.enable()


def a_day() -> None:
    """Something of everything: errors, what is learned late, what the user adds, and events without an operation."""
    with genai.bind(channel="web", agent="ada"), genai.agent("planner"):
        with genai.model_call(provider="openai", model="gpt-5.5") as call:
            call.update(response_model="gpt-5.5-2026", input_tokens=3, output_tokens=1, finish_reasons=("stop",))
            trace.get_current_span().set_attribute("of.the.user", 1)
            trace.get_current_span().set_attribute("gen_ai.usage.input_tokens", 99)
        with suppress(ValueError), genai.tool("search") as tool:
            trace.get_current_span().add_event("half way", {"of": "it"})
            tool.update(name="search again")
            raise ValueError("broken")
        with genai.embeddings(provider="openai", model="small"):
            pass
    genai.publish(genai.events.SkillUsed(name="summary"))


@pytest.mark.parametrize("semconv", [None, "gen_ai_latest_experimental"])
def test_a_provider_of_somebody_else_gets_the_same_spans(semconv: str | None) -> None:
    found = []
    for provide in (ours, theirs):
        provider = provide()
        exporter = kept(provider)
        loaded = config.load({"enabled": True, "semconv": semconv}, environ={})
        undo = connection.connect(loaded, provider, None)
        a_day()
        undo()
        found.append([told(span) for span in exporter.get_finished_spans()])
    assert found[0] == found[1]
    assert len(found[0]) == (5 if semconv else 6)


def rewritten() -> None:
    span = trace.get_current_span()
    span.update_name("of the user")
    span.set_status(StatusCode.ERROR, "of the user")
    span.add_event("of the user")


def in_order() -> None:
    trace.get_current_span().set_status(StatusCode.OK)


def much() -> None:
    for number in range(MOST):
        trace.get_current_span().add_event(f"of the user {number}")


class Refused(Exception):
    """What a provider raises, with the id of the request."""

    request_id = "req_123"


@pytest.mark.parametrize("user", [nothing, rewritten, in_order, much])
@pytest.mark.parametrize("later", [{}, {"model": "gpt-5.5-pro"}])
@pytest.mark.parametrize("error", [None, Refused("no such model")])
@pytest.mark.parametrize("capture_content", [False, True])
def test_what_comes_of_a_span_at_its_end_is_the_same_where_it_is_made_later(
    user: Callable[..., object], later: dict[str, str], error: Exception | None, capture_content: bool
) -> None:
    found = []
    options = {"enabled": True, "semconv": "gen_ai_latest_experimental", "capture_content": capture_content}
    for provide in (ours, theirs):
        provider = provide()
        exporter = kept(provider)
        undo = connection.connect(config.load(options, environ={}), provider, None)
        with suppress(Refused), genai.model_call(provider="openai", model="gpt-5.5") as call:
            user(trace.get_current_span()) if user is nothing else user()
            call.update(**later)
            if error is not None:
                raise error
        undo()
        (span,) = exporter.get_finished_spans()
        assert {event.timestamp for event in span.events if "user" not in event.name} <= {span.end_time}
        found.append(told(span))
    assert found[0] == found[1]
    assert ("exception" in [name for name, _ in found[0]["events"]]) == (capture_content and error is not None)


def test_before_its_end_a_span_is_called_what_it_began_as_and_has_not_failed(unread: Tracers) -> None:
    with suppress(ValueError), genai.tool("search") as tool:
        span: Any = trace.get_current_span()
        before = span.name, span.status, span.events
        tool.update(name="another")
        assert (span.name, span.status, span.events) == before
        raise ValueError("broken")
    assert before[1].status_code is StatusCode.UNSET
    assert (span.name, span.status.status_code) != (before[0], before[1].status_code)


def test_a_span_that_somebody_else_ends_says_nothing_of_the_end_of_its_operation(unread: Tracers) -> None:
    with suppress(ValueError), genai.tool("search"):
        span: Any = trace.get_current_span()
        span.end(9)
        raise ValueError("broken")
    assert (span.end_time, span.status.status_code) == (9, StatusCode.UNSET)


def told(span: Any) -> dict[str, Any]:
    """What a span tells of what happened: neither ids nor times."""
    everything = read(span)
    times = everything.pop("times")
    assert times[0] <= times[1]
    everything["about"] = span.name, span.kind, span.parent is None
    everything["events"] = [event[:2] for event in everything["events"]]
    return everything
