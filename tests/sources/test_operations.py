"""Operations that only the GenAI conventions name: what leaves of each, in both shapes, and what an agent counts."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler, SamplingResult

import otel_genai as genai
from otel_genai import events
from otel_genai.bus import bus
from otel_genai.catalog.rows import Shape
from otel_genai.emitters.traces import Traces
from otel_genai.testing import Captured, CapturedSpan, capture

LATEST = "gen_ai_latest_experimental"
MEMORY_OPERATIONS = (
    "create_memory_store",
    "delete_memory_store",
    "search_memory",
    "create_memory",
    "update_memory",
    "upsert_memory",
    "delete_memory",
)
WHERE: dict[str, Any] = {"provider": "openai", "server_address": "api.example.com", "server_port": 443}
WHERE_ATTRIBUTES = {
    "gen_ai.provider.name": "openai",
    "server.address": "api.example.com",
    "server.port": 443,
}
CONVERSATION = {"gen_ai.conversation.id": "c-1"}

Make = Callable[[], Any]
# How each is made, the span's name and kind, and all that the span says of one that went well.
OPERATIONS: list[tuple[Make, str, str, dict[str, Any]]] = [
    (
        lambda: genai.retrieval("handbook", model="embed-1", top_k=5, **WHERE),
        "retrieval handbook",
        "client",
        {
            **WHERE_ATTRIBUTES,
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": "handbook",
            "gen_ai.request.model": "embed-1",
            "gen_ai.retrieval.top_k": 5,
        },
    ),
    (genai.retrieval, "retrieval", "client", {"gen_ai.operation.name": "retrieval"}),
    *(
        (
            lambda operation=operation: genai.memory(operation, store="facts", record="r-1", record_count=0, **WHERE),
            operation,
            "client",
            {
                **WHERE_ATTRIBUTES,
                "gen_ai.operation.name": operation,
                "gen_ai.memory.store.id": "facts",
                "gen_ai.memory.record.id": "r-1",
                "gen_ai.memory.record.count": 0,
            },
        )
        for operation in MEMORY_OPERATIONS
    ),
    (
        lambda: genai.create_agent(
            "support", model="gpt-5.5", agent_id="asst_1", description="Helps.", version="2", **WHERE
        ),
        "create_agent support",
        "client",
        {
            **WHERE_ATTRIBUTES,
            "gen_ai.operation.name": "create_agent",
            "gen_ai.request.model": "gpt-5.5",
            "gen_ai.agent.name": "support",
            "gen_ai.agent.id": "asst_1",
            "gen_ai.agent.description": "Helps.",
            "gen_ai.agent.version": "2",
        },
    ),
    (
        lambda: genai.workflow("refund"),
        "invoke_workflow refund",
        "internal",
        {**CONVERSATION, "gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "refund"},
    ),
    (
        lambda: genai.plan("ada"),
        "plan ada",
        "internal",
        {"gen_ai.operation.name": "plan", "gen_ai.agent.name": "ada"},
    ),
    (genai.plan, "plan", "internal", {"gen_ai.operation.name": "plan"}),
]
each_operation = pytest.mark.parametrize(
    ("make", "name", "kind", "attributes"), OPERATIONS, ids=[name for _, name, _, _ in OPERATIONS]
)
each_maker = pytest.mark.parametrize(
    "make", [make for make, _, _, _ in OPERATIONS], ids=[name for _, name, _, _ in OPERATIONS]
)
each_shape = pytest.mark.parametrize("semconv", [None, LATEST], ids=["default", "latest"])
FACES: list[Callable[..., Any]] = [
    genai.retrieval("handbook"),
    genai.memory("search_memory"),
    genai.workflow,
    genai.workflow("refund"),
    genai.plan,
    genai.create_agent("support"),
    genai.embeddings("embed-1"),
]
each_face = pytest.mark.parametrize(
    "decorate", FACES, ids=["retrieval", "memory", "workflow", "named", "plan", "create", "embeddings"]
)


def only(captured: Captured) -> CapturedSpan:
    (span,) = captured.spans
    return span


# -- spans


@each_shape
@each_operation
def test_an_operation_has_the_standard_name_kind_and_attributes(
    make: Make, name: str, kind: str, attributes: dict[str, Any], semconv: str | None
) -> None:
    with capture(semconv=semconv) as captured:
        with genai.bind(conversation="c-1", session="s-1", user="u-1"), make():
            pass
        span = only(captured)
        assert (span.name, span.kind, span.status) == (name, kind, "UNSET")
        assert span.attributes == attributes


@each_shape
@each_maker
def test_an_error_is_the_class_of_it_and_nothing_of_its_message(make: Make, semconv: str | None) -> None:
    with capture(semconv=semconv) as captured:
        with pytest.raises(ValueError, match="the query"), make():
            raise ValueError("the query was: secret")
        span = only(captured)
        assert (span.status, span["error.type"]) == ("ERROR", "ValueError")
        assert "secret" not in f"{span.attributes} {span.events} {span.status_message}"


@each_maker
def test_a_cancelled_operation_is_no_error(make: Make, captured: Captured) -> None:
    async def work() -> None:
        async with make():
            await asyncio.sleep(10)

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    span = only(captured)
    assert (span.status, span["error.type"], span["otel_genai.outcome"]) == ("UNSET", "cancelled", "cancelled")


def test_a_failure_that_is_not_raised_can_be_told(captured: Captured) -> None:
    with genai.retrieval("handbook") as search:
        search.fail("index_missing")
    assert (only(captured).status, only(captured)["error.type"]) == ("ERROR", "index_missing")


def test_what_is_known_only_afterwards_is_there_too(captured: Captured) -> None:
    with genai.memory("search_memory", store="facts") as search:
        search.update(record_count=3)
    with genai.create_agent("support", provider="openai") as creation:
        creation.update(agent_id="asst_1")
    assert captured.span("search_memory")["gen_ai.memory.record.count"] == 3
    assert captured.span("create_agent support")["gen_ai.agent.id"] == "asst_1"


def test_planning_is_of_the_agent_at_work_and_holds_its_model_call(captured: Captured) -> None:
    with genai.agent("ada"), genai.plan(), genai.model_call("gpt-5.5"):
        pass
    assert captured.span("plan ada")["gen_ai.agent.name"] == "ada"
    assert captured.parent(captured.span("openclaw.model.call")) == captured.span("plan ada")


def test_a_named_planner_is_the_agent_inside(captured: Captured) -> None:
    with genai.agent("ada"), genai.plan("strategist"), genai.model_call("gpt-5.5"):
        pass
    assert captured.span("plan strategist")["gen_ai.agent.name"] == "strategist"
    assert captured.span("openclaw.model.call")["openclaw.agent"] == "strategist"


class Remembering(Sampler):
    """Samples everything, and remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: dict[str, dict[str, Any]] = {}

    def should_sample(self, parent_context: Any, trace_id: int, name: str, *rest: Any, **named: Any) -> SamplingResult:
        kind, attributes = (*rest, named.get("kind"), named.get("attributes"))[:2]
        self.shown[name] = dict(attributes or {})
        return ALWAYS_ON.should_sample(parent_context, trace_id, name, kind, attributes)

    def get_description(self) -> str:
        return "Remembering"


@pytest.mark.parametrize("shape", ["default", "latest"])
@each_operation
def test_a_sampler_sees_what_is_known_at_the_start(
    make: Make, name: str, kind: str, attributes: dict[str, Any], shape: str
) -> None:
    sampler = Remembering()
    traces = Traces(TracerProvider(sampler, shutdown_on_exit=False).get_tracer("test"), Shape.named(shape))
    undo = bus.connect(traces.handler)
    try:
        with genai.bind(conversation="c-1"), make():
            assert sampler.shown == {name: attributes}
    finally:
        undo()


# -- as decorators


@each_face
def test_a_decorated_function_of_each_kind_is_one_operation(decorate: Callable[..., Any], captured: Captured) -> None:
    @decorate
    def plain(query: str) -> list[str]:
        return [query]

    @decorate
    async def coroutine(query: str) -> list[str]:
        return [query]

    @decorate
    def generator(query: str) -> Iterator[str]:
        yield query

    @decorate
    async def async_generator(query: str) -> AsyncIterator[str]:
        yield query

    async def asynchronous() -> list[list[str]]:
        return [await coroutine("a"), [item async for item in async_generator("a")]]

    assert [plain("a"), list(generator("a")), *asyncio.run(asynchronous())] == [["a"]] * 4
    assert [event.outcome for event in operations(captured)] == ["completed"] * 4
    assert {type(event) for event in operations(captured)} == {type(operations(captured)[0])}


@each_face
def test_a_decorated_function_that_raises_is_an_error(decorate: Callable[..., Any], captured: Captured) -> None:
    @decorate
    async def failing() -> None:
        raise TimeoutError("late")

    with pytest.raises(TimeoutError, match="late"):
        asyncio.run(failing())
    assert only(captured)["error.type"] == "TimeoutError"


def operations(captured: Captured) -> list[events.Operation]:
    return [event for event in captured.events if isinstance(event, events.Operation)]


def test_a_workflow_is_named_after_its_function_and_the_others_are_not(captured: Captured) -> None:
    @genai.workflow
    @genai.retrieval
    @genai.plan
    @genai.create_agent
    def refund() -> None: ...

    refund()
    assert {span.name for span in captured.spans} == {"invoke_workflow refund", "retrieval", "plan", "create_agent"}


def test_a_decorated_making_of_an_agent_reads_its_arguments(captured: Captured) -> None:
    @genai.create_agent("support", provider="openai")
    def create(model: str, instructions: str) -> str:
        return instructions

    create("gpt-5.5", "Be kind.")
    assert only(captured)["gen_ai.request.model"] == "gpt-5.5"
    assert "Be kind." not in str(only(captured))


@pytest.mark.parametrize("face", [genai.retrieval, genai.workflow, genai.plan, genai.create_agent, genai.embeddings])
def test_a_field_that_it_does_not_have_is_a_type_error(face: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="has no field 'query'"):
        face("name", query="secret")


def test_a_memory_operation_must_be_named() -> None:
    with pytest.raises(TypeError, match="takes what is done"):
        genai.memory(lambda: None)  # type: ignore[arg-type]


# -- embeddings


def test_embeddings_are_a_model_call_of_the_default_shape(captured: Captured) -> None:
    with genai.embeddings("embed-1", provider="openai", dimensions=256, encoding_formats=["float"]) as call:
        call.reply({"object": "list", "model": "embed-1-2026", "usage": {"prompt_tokens": 8, "total_tokens": 8}})
    span = captured.span("openclaw.model.call")
    assert (span.kind, span["gen_ai.operation.name"], span["gen_ai.system"]) == ("client", "embeddings", "openai")
    assert (span["gen_ai.usage.input_tokens"], span["gen_ai.response.model"]) == (8, "embed-1-2026")
    (duration,) = captured.points("gen_ai.client.operation.duration")
    assert (duration.count, duration["gen_ai.operation.name"]) == (1, "embeddings")


def test_embeddings_of_the_latest_shape_are_no_inference() -> None:
    with capture(semconv=LATEST) as captured:
        with genai.embeddings("embed-1", provider="openai", dimensions=256, encoding_formats=["float"], api="x"):
            pass
        span = captured.span("embeddings embed-1")
        assert (span.kind, span["gen_ai.provider.name"]) == ("client", "openai")
        assert "gen_ai.system" not in span
        assert span["gen_ai.embeddings.dimension.count"] == 256
        assert span["gen_ai.request.encoding_formats"] == ("float",)
        (duration,) = captured.points("gen_ai.client.operation.duration")
        assert duration["gen_ai.operation.name"] == "embeddings"
        assert not captured.points("gen_ai.client.inference.duration")


def test_a_decorated_embedding_reads_model_and_answer(captured: Captured) -> None:
    @genai.embeddings(provider="openai")
    def embed(texts: Sequence[str], model: str) -> dict[str, Any]:
        return {"model": model, "usage": {"prompt_tokens": len(texts)}}

    embed(["secret"], model="embed-1")
    span = captured.span("openclaw.model.call")
    assert (span["gen_ai.request.model"], span["gen_ai.usage.input_tokens"]) == ("embed-1", 1)
    assert "secret" not in str(captured.spans)


@pytest.mark.parametrize("formats", ["float", ["float"], ("float",)])
def test_one_encoding_may_be_given_as_it_is(formats: str | Sequence[str], captured: Captured) -> None:
    with genai.embeddings("embed-1", encoding_formats=formats):
        pass
    assert only(captured)["gen_ai.request.encoding_formats"] == ("float",)


# -- metrics


CLIENTS: list[tuple[Make, dict[str, Any]]] = [
    (
        lambda: genai.retrieval("handbook", model="m", **WHERE),
        {"gen_ai.operation.name": "retrieval", "gen_ai.request.model": "m", **WHERE_ATTRIBUTES},
    ),
    (lambda: genai.retrieval("handbook"), {"gen_ai.operation.name": "retrieval"}),
    (
        lambda: genai.memory("upsert_memory", store="facts", record="r-1", **WHERE),
        {"gen_ai.operation.name": "upsert_memory", **WHERE_ATTRIBUTES},
    ),
    (
        lambda: genai.create_agent("support", model="m", agent_id="asst_1", **WHERE),
        {"gen_ai.operation.name": "create_agent", "gen_ai.request.model": "m", **WHERE_ATTRIBUTES},
    ),
]


@pytest.mark.parametrize(("make", "attributes"), CLIENTS)
def test_client_operations_have_a_duration_in_the_latest_shape(make: Make, attributes: dict[str, Any]) -> None:
    with capture(semconv=LATEST) as captured:
        with genai.bind(conversation="c-1", session="s-1"), make():
            pass
        with pytest.raises(ValueError, match="no"), genai.bind(conversation="c-1"), make():
            raise ValueError("no")
        points = captured.points("gen_ai.client.operation.duration")
        assert [point.attributes for point in points] == [attributes, {**attributes, "error.type": "ValueError"}]
        assert [(point.count, point.unit, point.bounds[0], len(point.bounds)) for point in points] == [
            (1, "s", 0.01, 14)
        ] * 2


def test_a_workflow_has_a_duration_in_the_latest_shape() -> None:
    with capture(semconv=LATEST) as captured:
        with genai.bind(conversation="c-1"), genai.workflow("refund"):
            pass
        with pytest.raises(KeyError), genai.workflow("refund"):
            raise KeyError("x")
        points = captured.points("gen_ai.invoke_workflow.duration")
        workflow = {"gen_ai.workflow.name": "refund"}
        assert [point.attributes for point in points] == [workflow, {**workflow, "error.type": "KeyError"}]
        assert points[0].bounds == (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)


@each_maker
def test_the_default_shape_has_no_metric_of_them(make: Make, captured: Captured) -> None:
    with make():
        pass
    assert captured.metrics() == {}


# -- what an agent counts


def counts(captured: Captured, of: str) -> dict[str, float | None]:
    """The sum of a count, by agent."""
    return {point["gen_ai.agent.name"]: point.sum for point in captured.points(f"gen_ai.invoke_agent.{of}_calls")}


def call_and_run(calls: int, tools: int) -> None:
    for _ in range(calls):
        with genai.model_call("gpt-5.5"):
            pass
    for _ in range(tools):
        with genai.tool("search"):
            pass


def test_agents_in_agents_count_only_their_own_calls() -> None:
    with capture(semconv=LATEST) as captured:
        with genai.agent("outer"):
            call_and_run(2, 1)
            with genai.tool("delegate"), genai.agent("inner"):
                call_and_run(3, 4)
            call_and_run(1, 0)
        assert counts(captured, "inference") == {"inner": 3, "outer": 3}
        assert counts(captured, "tool") == {"inner": 4, "outer": 2}


def test_calls_inside_of_other_operations_are_the_agents_too() -> None:
    with capture(semconv=LATEST) as captured:
        with genai.agent("ada"), genai.workflow("refund"), genai.plan(), genai.tool("search"):
            call_and_run(1, 1)
        assert (counts(captured, "inference"), counts(captured, "tool")) == ({"ada": 1}, {"ada": 2})


def test_failed_and_cancelled_calls_count_blocked_tools_and_embeddings_do_not() -> None:
    with capture(semconv=LATEST) as captured:
        with genai.agent("ada"):
            for block in (genai.model_call("gpt-5.5"), genai.tool("search"), genai.embeddings("embed-1")):
                for error in (ValueError, asyncio.CancelledError):
                    with pytest.raises(error), block:
                        raise error
            with genai.tool("rm") as execution:
                execution.blocked("policy")
        assert (counts(captured, "inference"), counts(captured, "tool")) == ({"ada": 2}, {"ada": 2})


def answered(**said: Any) -> None:
    with genai.model_call("gpt-5.5") as call:
        call.update(**said)


def test_an_agent_used_what_its_own_calls_used_and_stopped_as_the_last_one_did() -> None:
    with capture(semconv=LATEST) as captured:
        with genai.agent("outer"):
            answered(input_tokens=10, output_tokens=4, finish_reasons=("tool_call",))
            with genai.agent("inner"):
                answered(input_tokens=100)
            with genai.embeddings("embed-1") as call:
                call.update(input_tokens=1000)
            answered(input_tokens=1, output_tokens=2, finish_reasons=("stop",))
        outer, inner = captured.span("invoke_agent outer"), captured.span("invoke_agent inner")
        assert (outer["gen_ai.usage.input_tokens"], outer["gen_ai.usage.output_tokens"]) == (11, 6)
        assert outer["gen_ai.response.finish_reasons"] == ("stop",)
        assert inner["gen_ai.usage.input_tokens"] == 100
        assert "gen_ai.usage.output_tokens" not in inner


def test_what_an_agent_is_told_of_its_usage_is_not_added_to() -> None:
    with capture(semconv=LATEST) as captured:
        with genai.agent("ada") as agent:
            answered(input_tokens=10, output_tokens=4, finish_reasons=("stop",))
            agent.update(input_tokens=7, finish_reasons=("length",))
        span = captured.span("invoke_agent ada")
        assert (span["gen_ai.usage.input_tokens"], span["gen_ai.response.finish_reasons"]) == (7, ("length",))
        assert "gen_ai.usage.output_tokens" not in span


def test_what_an_agent_is_asked_for_is_on_its_span_from_the_start() -> None:
    asked: dict[str, Any] = {"temperature": 0, "choice_count": 2, "seed": 3, "stop_sequences": "END", "max_tokens": 9}
    with capture(semconv=LATEST) as captured:
        with genai.agent("ada", data_source="handbook", output_type="json", **asked):
            pass
        span = captured.span("invoke_agent ada")
        assert (span["gen_ai.data_source.id"], span["gen_ai.output.type"]) == ("handbook", "json")
        assert span["gen_ai.request.stop_sequences"] == ("END",)
        assert type(span["gen_ai.request.temperature"]) is float
        assert [span[f"gen_ai.request.{name}"] for name in ("choice.count", "seed", "max_tokens")] == [2, 3, 9]


BILLED = "gen_ai.client.inference.usage."


def test_the_counters_of_inference_say_who_answered_and_where() -> None:
    with capture(semconv=LATEST) as captured:
        with genai.model_call("gpt-5.5", provider="openai", server_address="api.example.com", server_port=443) as call:
            call.update(input_tokens=10, output_tokens=4, response_model="gpt-5.5-2026")
        (point,) = captured.points(f"{BILLED}input_tokens")
        assert point.value == 10
        assert point.attributes == {
            **WHERE_ATTRIBUTES,
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-5.5",
            "gen_ai.response.model": "gpt-5.5-2026",
            "gen_ai.token.modality": "unknown",
        }


def test_embeddings_are_not_counted_as_inference() -> None:
    with capture(semconv=LATEST) as captured:
        with genai.embeddings("embed-1", provider="openai") as call:
            call.update(input_tokens=10)
        assert not [name for name in captured.metrics() if name.startswith("gen_ai.client.inference")]
        assert captured.points("gen_ai.client.operation.duration")[0]["gen_ai.operation.name"] == "embeddings"


@pytest.mark.parametrize(
    ("audio", "counted"),
    [(None, {"unknown": 10}), (0, {"unknown": 10}), (4, {"audio": 4, "unknown": 6}), (12, {"audio": 10})],
)
def test_tokens_of_sound_are_counted_apart_and_never_twice(audio: int | None, counted: dict[str, int]) -> None:
    with capture(semconv=LATEST) as captured:
        answered(input_tokens=10, output_tokens=1, input_audio_tokens=audio)
        points = captured.points(f"{BILLED}input_tokens")
        assert {point["gen_ai.token.modality"]: point.value for point in points} == counted


def test_an_agent_that_called_nothing_counts_zero() -> None:
    with capture(semconv=LATEST) as captured:
        with genai.agent("ada"):
            pass
        (point,) = captured.points("gen_ai.invoke_agent.tool_calls")
        assert (point.count, point.sum, point.unit) == (1, 0, "{tool_call}")
        assert point.bounds == (1, 2, 4, 8, 16, 32, 64, 128)
        assert point.attributes == {"gen_ai.agent.name": "ada"}
        assert captured.points("gen_ai.invoke_agent.inference_calls")[0].unit == "{inference_call}"


def test_each_piece_of_work_of_a_decorated_agent_counts_anew(captured: Captured) -> None:
    @genai.agent
    def ada(calls: int) -> None:
        call_and_run(calls, calls)

    ada(2)
    ada(3)
    runs = [event for event in captured.events if isinstance(event, events.HarnessRun)]
    assert [(run.inference_calls, run.tool_calls) for run in runs] == [(2, 2), (3, 3)]


def test_agents_side_by_side_do_not_count_for_each_other() -> None:
    async def work(name: str, calls: int) -> None:
        async with genai.agent(name):
            for _ in range(calls):
                async with genai.model_call("gpt-5.5"):
                    await asyncio.sleep(0)

    async def main() -> None:
        async with genai.agent("outer"):
            await asyncio.gather(work("a", 2), work("b", 5))

    with capture(semconv=LATEST) as captured:
        asyncio.run(main())
        assert counts(captured, "inference") == {"a": 2, "b": 5, "outer": 0}


def test_an_agent_that_yields_counts_what_it_does_between_its_items() -> None:
    @genai.agent
    def ada() -> Iterator[int]:
        for item in range(3):
            call_and_run(1, 0)
            yield item

    with capture(semconv=LATEST) as captured:
        for _ in ada():
            call_and_run(0, 1)
        assert (counts(captured, "inference"), counts(captured, "tool")) == ({"ada": 3}, {"ada": 0})


def test_calls_of_an_agents_threads_are_counted() -> None:
    with capture(semconv=LATEST) as captured, ThreadPoolExecutor(4) as pool:
        with genai.agent("ada"):
            for _ in range(4):
                pool.submit(contextvars.copy_context().run, call_and_run, 0, 50)
            pool.shutdown()
        assert counts(captured, "tool") == {"ada": 200}


def test_the_counts_are_of_the_latest_shape_only(captured: Captured) -> None:
    with genai.agent("ada"):
        call_and_run(1, 1)
    assert not [name for name in captured.metrics() if name.startswith("gen_ai.invoke_agent")]


# -- judgements


@pytest.mark.parametrize("score", [0, 1, 0.5])
def test_a_score_is_a_number_with_a_fraction(score: float, captured: Captured) -> None:
    genai.publish(events.EvaluationResult(name="relevance", score=score))
    value = only(captured)["gen_ai.evaluation.score.value"]
    assert (value, type(value)) == (score, float)


@each_shape
def test_a_judgement_stands_below_what_was_judged_also_when_that_is_over(semconv: str | None) -> None:
    with capture(semconv=semconv) as captured:
        with genai.model_call("gpt-5.5") as call:
            pass
        genai.publish(events.EvaluationResult(name="relevance", score=0.5, label="pass", response_id="r"), call.event)
        span = captured.span("evaluation relevance")
        assert (span.kind, span.parent_id, span.start_ns) == ("internal", captured.spans[0].span_id, span.end_ns)
        assert span.attributes == {
            "gen_ai.evaluation.name": "relevance",
            "gen_ai.evaluation.score.value": 0.5,
            "gen_ai.evaluation.score.label": "pass",
            "gen_ai.response.id": "r",
        }


def test_a_judgement_is_below_what_is_current_where_nothing_is_named(captured: Captured) -> None:
    with genai.agent("ada"):
        genai.publish(events.EvaluationResult(name="safety", error_type="timeout"))
    span = captured.span("evaluation safety")
    assert captured.parent(span) == captured.span("openclaw.harness.run")
    assert span.attributes == {"gen_ai.evaluation.name": "safety", "error.type": "timeout"}
    assert "evaluation.result" in [event.kind for event in captured.events]
