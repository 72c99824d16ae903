"""Spans that others have made, as their libraries recorded them and by hand, told as if they were ours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode, Tracer

import otel_genai as genai
from otel_genai import config
from otel_genai.emitters.adoption import MOST_RUNNING
from otel_genai.emitters.foreign_spans import CleanedSpans
from otel_genai.emitters.watching import Relay, watch
from otel_genai.events import Event, HarnessRun, MemoryOperation, ModelCall, ModelUsage, Retrieval, ToolExecution
from otel_genai.testing import Captured, capture

RECORDED = Path(__file__).parent.parent / "data" / "adoption"
LIBRARIES = sorted(path.stem for path in RECORDED.glob("*.json"))
CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5.5",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
REPLY = {"model": "gpt-5.5", "usage": {"prompt_tokens": 100, "completion_tokens": 20}}
SAID = ("be brief", "why is the sky blue?", "An answer to", "found blue", "finds")


@pytest.fixture
def adopting() -> Iterator[Captured]:
    with capture(adopt=True) as captured:
        yield captured


def tracer(captured: Captured, name: str = "another.library") -> Tracer:
    return captured.tracer_provider.get_tracer(name)


def told(captured: Captured, kind: type[Event]) -> list[Any]:
    return [event for event in captured.events if type(event) is kind]


def tokens(captured: Captured) -> dict[str, float | None]:
    found = {point["openclaw.token"]: point.value for point in captured.points("openclaw.tokens")}
    return {kind: found[kind] for kind in ("input", "output") if kind in found}


def replay(name: str, provider: TracerProvider) -> list[Mapping[str, Any]]:
    """Make the spans again that a library has made: each begins with what it began with, and children end first."""
    spans: list[Mapping[str, Any]] = json.loads((RECORDED / f"{name}.json").read_text())["spans"]
    below: dict[str | None, list[Mapping[str, Any]]] = {}
    for span in spans:
        below.setdefault(span["parent"], []).append(span)
    for span in below[None]:
        _again(span, below, provider)
    return spans


def _again(span: Mapping[str, Any], below: Mapping[str | None, list[Mapping[str, Any]]], provider: Any) -> None:
    library = provider.get_tracer(span["scope"], span["scope_version"])
    first = {name: span["attributes"][name] for name in span["at_start"]}
    with library.start_as_current_span(span["name"], kind=trace.SpanKind[span["kind"]], attributes=first) as live:
        for child in below.get(span["span"], []):
            _again(child, below, provider)
        live.set_attributes(span["attributes"])
        for event in span["events"]:
            live.add_event(event["name"], event["attributes"])
        live.set_status(Status(StatusCode[span["status"]], span["description"]))


# -- what is told of it


@pytest.mark.parametrize(
    ("library", "models", "usage"),
    [
        ("genai-openai", ["gpt-5.5", "gpt-5.5", "text-embedding-3-small", "gpt-5.5-pro", "gpt-5.5"], (70, 59)),
        ("openllmetry-openai", ["gpt-5.5", "gpt-5.5", "text-embedding-3-small", "gpt-5.5-pro", "gpt-5.5"], (70, 59)),
        ("openinference-openai", ["gpt-5.5", "gpt-5.5", "text-embedding-3-small", "gpt-5.5-pro", "gpt-5.5"], (70, 59)),
        ("pydantic-ai", ["test", "test"], (116, 15)),
        ("pydantic-ai-over-genai-openai", ["gpt-5.5"], (24, 17)),
        ("anthropic", ["claude-sonnet-4-5"], (3, 9)),
    ],
)
def test_every_recorded_call_is_told_once(
    adopting: Captured, library: str, models: list[str], usage: tuple[int, int]
) -> None:
    replay(library, adopting.tracer_provider)
    calls, used = told(adopting, ModelCall), told(adopting, ModelUsage)
    assert [call.model for call in calls] == models
    assert (sum(one.input_tokens or 0 for one in used), sum(one.output_tokens or 0 for one in used)) == usage
    assert all(call.provider and call.response_id for call in calls if "openinference" not in library and call.stream)


@pytest.mark.parametrize("library", LIBRARIES)
def test_no_span_is_made_for_what_has_one(adopting: Captured, library: str) -> None:
    made = replay(library, adopting.tracer_provider)
    assert sorted(span.name for span in adopting.spans) == sorted(span["name"] for span in made)


def test_an_agent_of_another_library_has_its_calls_and_tools(adopting: Captured) -> None:
    replay("pydantic-ai", adopting.tracer_provider)
    (agent,), (tool,) = told(adopting, HarnessRun), told(adopting, ToolExecution)
    assert (agent.name, agent.inference_calls, agent.tool_calls) == ("planner", 2, 1)
    assert (agent.input_tokens, agent.output_tokens) == (116, 15)
    assert (tool.name, tool.scope.agent, tool.scope.operation) == ("search", "planner", agent)
    (duration,) = adopting.points("openclaw.harness.duration_ms")
    assert duration["openclaw.harness.id"] == "planner"


def test_a_call_has_the_times_of_its_span(adopting: Captured) -> None:
    began = 1_700_000_000_000_000_000
    span = tracer(adopting).start_span("chat", attributes=CHAT, start_time=began)
    span.add_event("First Token Stream Event", timestamp=began + 5_000_000)
    span.end(began + 80_000_000)
    (call,) = told(adopting, ModelCall)
    assert (call.started_ns, call.duration_ms, call.first_chunk_ns) == (began, 80.0, 5_000_000)
    (point,) = adopting.points("openclaw.model_call.duration_ms")
    assert (point.count, point.sum) == (1, 80.0)


def test_a_call_is_for_whom_its_surroundings_say(adopting: Captured) -> None:
    with genai.bind(channel="slack", session="s-1"):
        tracer(adopting).start_span("chat", attributes={**CHAT, "gen_ai.conversation.id": "c-1"}).end()
    (usage,) = told(adopting, ModelUsage)
    assert (usage.scope.channel, usage.scope.session, usage.scope.conversation) == ("slack", "s-1", "c-1")


def test_a_session_that_only_the_span_names_is_known(adopting: Captured) -> None:
    tracer(adopting).start_span("chat", attributes={**CHAT, "session.id": "s-2"}).end()
    (call,) = told(adopting, ModelCall)
    assert call.scope.session == "s-2"


def test_what_a_call_costs_is_reckoned_by_our_rates() -> None:
    rates = {"gpt-5.5": {"input_per_1k": 1.0, "output_per_1k": 10.0}}
    with capture(adopt=True, cost_model_rates=rates) as captured:
        tracer(captured).start_span("chat", attributes=CHAT).end()
        (point,) = captured.points("openclaw.cost.usd")
        assert point.value == pytest.approx(0.1 + 0.2)


FORMER: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"gen_ai.system": "OpenAI", "gen_ai.usage.prompt_tokens": 7, "gen_ai.usage.completion_tokens": 3},
        {"provider": "openai", "input_tokens": 7, "output_tokens": 3, "operation": "chat"},
    ),
    (
        {"llm.request.type": "completion", "gen_ai.request.model": "m", "gen_ai.completion.0.finish_reason": "stop"},
        {"operation": "text_completion", "model": "m", "finish_reasons": ("stop",)},
    ),
    (
        {"openinference.span.kind": "EMBEDDING", "embedding.model_name": "e", "llm.token_count.prompt": 2},
        {"operation": "embeddings", "model": "e", "input_tokens": 2, "output_tokens": None},
    ),
    (
        {**CHAT, "gen_ai.usage.input_tokens": 5, "gen_ai.usage.cache_read_input_tokens": 90},
        {"input_tokens": 95, "cache_read_tokens": 90},
    ),
    ({**CHAT, "gen_ai.usage.input_tokens": 0}, {"input_tokens": 0}),
    ({**CHAT, "gen_ai.usage.input_tokens": "many", "gen_ai.request.temperature": True}, {"input_tokens": None}),
]


@pytest.mark.parametrize(("said", "fields"), FORMER)
def test_former_and_foreign_names_are_read(adopting: Captured, said: dict[str, Any], fields: dict[str, Any]) -> None:
    tracer(adopting).start_span("call", attributes=said).end()
    (call,) = told(adopting, ModelCall)
    assert {name: getattr(call, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("said", "kind", "name"),
    [
        (TOOL, ToolExecution, "search"),
        ({"openinference.span.kind": "TOOL"}, ToolExecution, "made"),
        ({"traceloop.span.kind": "tool", "traceloop.entity.name": "look"}, ToolExecution, "look"),
        ({"openinference.span.kind": "AGENT", "agent.name": "ada"}, HarnessRun, "ada"),
        ({"gen_ai.operation.name": "retrieval"}, Retrieval, None),
        ({"gen_ai.operation.name": "search_memory"}, MemoryOperation, None),
    ],
)
def test_what_is_no_model_call_is_told_too(
    adopting: Captured, said: dict[str, str], kind: type[Event], name: str | None
) -> None:
    tracer(adopting).start_span("made", attributes=said).end()
    (operation,) = told(adopting, kind)
    assert getattr(operation, "name", None) == name


@pytest.mark.parametrize("said", [{}, {"openinference.span.kind": "CHAIN"}, {"gen_ai.operation.name": "dance"}])
def test_what_is_nothing_that_we_know_is_not_told(adopting: Captured, said: dict[str, str]) -> None:
    tracer(adopting).start_span("made", attributes=said).end()
    assert adopting.events == []


def test_a_failure_is_told_by_its_type_and_a_cancellation_is_none(adopting: Captured) -> None:
    with pytest.raises(TimeoutError), tracer(adopting).start_as_current_span("chat", attributes=CHAT):
        raise TimeoutError("what was asked")
    span = tracer(adopting).start_span("chat", attributes={**CHAT, "error.type": "asyncio.CancelledError"})
    span.set_status(StatusCode.ERROR)
    span.end()
    failed, cancelled = told(adopting, ModelCall)
    assert (failed.outcome, failed.error_type) == ("error", "TimeoutError")
    assert (cancelled.outcome, cancelled.error_type) == ("cancelled", "cancelled")


def test_without_the_option_nothing_is_adopted(captured: Captured) -> None:
    tracer(captured).start_span("chat", attributes=CHAT).end()
    assert captured.events == []


def test_spans_that_never_end_are_forgotten_at_last(adopting: Captured) -> None:
    library = tracer(adopting)
    spans = [library.start_span("chat", attributes=CHAT) for _ in range(MOST_RUNNING + 1)]
    spans[0].end()
    assert told(adopting, ModelCall) == []
    spans[-1].end()
    assert len(told(adopting, ModelCall)) == 1


# -- once, however many layers see it


def test_the_model_that_was_asked_for_is_known_from_whichever_layer_says_so() -> None:
    answered = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-5.5-2026-04-23",
        "llm.token_count.prompt": 1000,
    }
    rates = {"openai/gpt-5.5": {"input_per_1k": 1, "output_per_1k": 1}}
    with capture(adopt=True, cost_model_rates=rates) as captured:
        with tracer(captured, "official").start_as_current_span("chat", attributes=CHAT):
            tracer(captured, "inference").start_span("Chat", attributes=answered).end()
        (call,), (used,) = told(captured, ModelCall), told(captured, ModelUsage)
    assert (call.model, call.response_model) == ("gpt-5.5", "gpt-5.5-2026-04-23")
    assert (used.cost_usd, used.cost_source) == (1.0, "rates")


def test_of_layers_of_others_the_innermost_counts(adopting: Captured) -> None:
    library = tracer(adopting)
    with library.start_as_current_span("outer", attributes=CHAT), library.start_as_current_span("POST"):
        library.start_span("inner", attributes={**CHAT, "gen_ai.usage.output_tokens": 21}).end()
    (call,) = told(adopting, ModelCall)
    assert (call.output_tokens, tokens(adopting)) == (21, {"input": 100, "output": 21})


def test_an_outer_span_that_ends_first_is_the_one_that_counts(adopting: Captured) -> None:
    outer = tracer(adopting).start_span("outer", attributes=CHAT)
    inner = tracer(adopting).start_span("inner", trace.set_span_in_context(outer), attributes=CHAT)
    outer.end()
    inner.end()
    assert tokens(adopting) == {"input": 100, "output": 20}


@pytest.mark.parametrize("between", [TOOL, AGENT])
def test_a_tool_or_an_agent_in_between_makes_two_calls(adopting: Captured, between: dict[str, str]) -> None:
    library = tracer(adopting)
    with (
        library.start_as_current_span("outer", attributes=CHAT),
        library.start_as_current_span("work", attributes=between),
    ):
        library.start_span("inner", attributes=CHAT).end()
    assert len(told(adopting, ModelCall)) == 2


def test_an_embedding_inside_of_a_chat_is_a_call_of_its_own(adopting: Captured) -> None:
    library = tracer(adopting)
    with library.start_as_current_span("chat", attributes=CHAT):
        library.start_span("embeddings", attributes={**CHAT, "gen_ai.operation.name": "embeddings"}).end()
    assert [call.operation for call in told(adopting, ModelCall)] == ["embeddings", "chat"]


def test_a_span_that_says_only_late_what_it_is_counts_no_second_time(adopting: Captured) -> None:
    library = tracer(adopting)
    with library.start_as_current_span("outer") as outer:
        with library.start_as_current_span("inner") as inner:
            inner.set_attributes(CHAT)
        outer.set_attributes(CHAT)
    assert len(told(adopting, ModelCall)) == 1


def test_a_call_of_ours_inside_of_theirs_counts(adopting: Captured) -> None:
    theirs = tracer(adopting).start_as_current_span("chat", attributes=CHAT)
    with theirs, genai.model_call("gpt-5.5", provider="openai") as call:
        call.reply(REPLY)
    assert told(adopting, ModelCall) == [call.event]
    assert tokens(adopting) == {"input": 100, "output": 20}


def test_a_call_of_ours_around_theirs_counts_and_learns_what_it_does_not_know(adopting: Captured) -> None:
    with genai.model_call("gpt-5.5") as call:
        tracer(adopting).start_span("chat", attributes=CHAT).end()
    assert told(adopting, ModelCall) == [call.event]
    assert (call.event.provider, call.event.output_tokens) == ("openai", 20)
    assert tokens(adopting) == {"input": 100, "output": 20}


def test_a_second_call_of_theirs_in_a_block_of_ours_is_another(adopting: Captured) -> None:
    with genai.model_call("gpt-5.5"):
        for _ in range(2):
            with tracer(adopting).start_as_current_span("outer", attributes=CHAT):
                tracer(adopting).start_span("inner", attributes=CHAT).end()
    assert tokens(adopting) == {"input": 200, "output": 40}


@pytest.mark.parametrize("sampled", [1.0, 0.0])
def test_our_spans_need_not_be_recorded_for_that(sampled: float) -> None:
    theirs = TracerProvider(shutdown_on_exit=False)
    with capture(adopt=True, sample_rate=sampled) as captured:
        with genai.model_call("gpt-5.5", provider="openai") as call:
            theirs.get_tracer("another").start_span("chat", attributes=CHAT).end()
            call.reply(REPLY)
        assert tokens(captured) == {"input": 100, "output": 20}
    theirs.shutdown()


def test_our_tool_inside_of_theirs_of_the_same_name_is_told_once(adopting: Captured) -> None:
    with tracer(adopting).start_as_current_span("execute_tool search", attributes=TOOL), genai.tool("search"):
        pass
    with tracer(adopting).start_as_current_span("execute_tool search", attributes=TOOL), genai.tool("other"):
        pass
    assert [tool.name for tool in told(adopting, ToolExecution)] == ["search", "other", "search"]


def test_what_is_ours_inside_of_their_agent_is_that_agents(adopting: Captured) -> None:
    theirs = tracer(adopting).start_as_current_span("invoke_agent planner", attributes=AGENT)
    with theirs, genai.model_call("gpt-5.5", provider="openai") as call:
        call.reply(REPLY)
    (agent,) = told(adopting, HarnessRun)
    assert (agent.inference_calls, agent.input_tokens, call.event.scope.agent) == (1, 100, "planner")


def test_work_that_only_has_the_context_of_a_call_of_ours_is_its_own(adopting: Captured) -> None:
    from contextvars import copy_context

    with genai.model_call("gpt-5.5", provider="openai") as call:
        call.reply(REPLY)
        left = copy_context()
    later = tracer(adopting)
    left.run(lambda: later.start_span("chat", attributes=CHAT).end())
    assert len(told(adopting, ModelCall)) == 2


# -- providers


def test_a_provider_is_watched_once_and_let_go_again() -> None:
    provider, seen = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()  # type: ignore[no-untyped-call]
    processor = SimpleSpanProcessor(seen)
    for _ in range(3):
        undo = [watch(provider, processor), watch(provider, processor)]
        provider.get_tracer("one").start_span("watched").end()
        for step in undo:
            step()
        provider.get_tracer("one").start_span("not watched").end()
    assert [span.name for span in seen.get_finished_spans()] == ["watched"] * 3
    assert sum(isinstance(one, Relay) for one in provider._active_span_processor._span_processors) == 1
    provider.shutdown()


# -- what leaves of it


class Kept(SpanExporter):
    """Keeps what it is given, as it is."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Any) -> Any:
        self.spans += spans

    def shutdown(self) -> None:
        """There is nothing to stop."""


def leaving(library: str, **options: Any) -> list[ReadableSpan]:
    """What our exporters would send of a library's spans."""
    kept, loaded = Kept(), config.load({"enabled": True, **options}, environ={})
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(CleanedSpans(kept, loaded.capture_content)))
    with capture(**options):
        replay(library, provider)
    provider.shutdown()
    return kept.spans


def written(spans: list[ReadableSpan]) -> str:
    return json.dumps([json.loads(span.to_json()) for span in spans], ensure_ascii=False)


@pytest.mark.parametrize("library", LIBRARIES)
def test_nothing_that_was_said_leaves_unless_it_may(library: str) -> None:
    everything = written(leaving(library))
    assert [said for said in SAID if said in everything] == []
    assert "gen_ai.usage.input_tokens" in everything or "llm.token_count.prompt" in everything


@pytest.mark.parametrize("library", [name for name in LIBRARIES if name != "anthropic"])
def test_all_of_it_may_leave(library: str) -> None:
    everything = written(leaving(library, capture_content=True))
    recorded = (RECORDED / f"{library}.json").read_text()
    assert [said for said in SAID if said in recorded and said not in everything] == []


LETS_OUT = {
    "input_messages": {"why is the sky blue?"},
    "output_messages": {"An answer to"},
    "system_prompt": {"be brief"},
    "tool_inputs": {"why is the sky blue?"},
    "tool_outputs": set[str](),
    "tool_definitions": {"finds"},
}
ANSWERED_BY_TOOL = {**LETS_OUT, "output_messages": {"found blue"}, "tool_inputs": set(), "tool_outputs": {"found blue"}}
"""The same, where a tool was called, and the answer was what it gave back."""


@pytest.mark.parametrize("let_out", LETS_OUT)
@pytest.mark.parametrize("library", ["genai-openai", "openllmetry-openai", "openinference-openai", "pydantic-ai"])
def test_each_class_of_content_stands_for_itself(library: str, let_out: str) -> None:
    everything = written(leaving(library, capture_content={let_out: True}))
    everything = everything.replace("An answer to: why is the sky blue?", "An answer to")
    wanted = (ANSWERED_BY_TOOL if library == "pydantic-ai" else LETS_OUT)[let_out]
    assert {said for said in SAID if said in everything} == wanted


def test_secrets_are_masked_on_every_attribute_and_our_own_spans_are_left_alone() -> None:
    kept = Kept()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(CleanedSpans(kept, config.Config().capture_content)))
    secret = "sk-proj-" + "a1B2" * 8
    for scope in ("another", "otel_genai"):
        provider.get_tracer(scope).start_span("made", attributes={"note": f"key {secret}", "many": [secret]}).end()
    provider.shutdown()
    theirs, ours = (span.to_json() for span in kept.spans)
    assert (secret in theirs, secret in ours) == (False, True)


def test_the_text_of_an_error_stays_here_and_its_type_leaves() -> None:
    kept = Kept()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(CleanedSpans(kept, config.Config().capture_content)))
    with pytest.raises(ValueError, match="what"), provider.get_tracer("another").start_as_current_span("made"):
        raise ValueError("what was asked")
    provider.shutdown()
    (span,) = kept.spans
    assert "what was asked" not in span.to_json()
    assert dict(span.events[0].attributes or {})["exception.type"] == "ValueError"
    assert span.status.status_code is StatusCode.ERROR


def test_where_the_users_redaction_fails_the_text_does_not_leave() -> None:
    def fails(text: str) -> str:
        raise RuntimeError(text)

    kept = Kept()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(CleanedSpans(kept, config.Config().capture_content)))
    with capture(redact=fails) as captured, genai_not_strict():
        provider.get_tracer("another").start_span("made", attributes={"note": "hello", "count": 3}).end()
        captured.metrics()  # where it is counted that this failed, which fails once more
    provider.shutdown()
    assert dict(kept.spans[0].attributes or {}) == {"count": 3}


def genai_not_strict() -> Any:
    from otel_genai import guard

    return guard.strict(False)
