"""Events into spans and measurements, in each shape, through the face."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import config, connection
from otel_genai.testing import Captured, capture

REPLY = {
    "id": "resp-1",
    "model": "gpt-5.5-2026",
    "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 30},
        "completion_tokens_details": {"reasoning_tokens": 8},
    },
}


def work() -> None:
    """One agent with one tool and one model call."""
    with genai.bind(channel="slack", conversation="c-1"), genai.run("run-1", trigger="user"), genai.agent("planner"):
        with genai.tool("search"):
            pass
        with genai.model_call("gpt-5.5", provider="openai", api="openai-responses") as call:
            call.reply(REPLY)


def names(captured: Captured) -> dict[str, str | None]:
    """Each span's name with that of its parent."""
    return {span.name: parent.name if (parent := captured.parent(span)) else None for span in captured.spans}


def test_the_default_shape_has_the_documented_names_and_nesting(captured: Captured) -> None:
    work()
    assert names(captured) == {
        "openclaw.run": None,
        "openclaw.harness.run": "openclaw.run",
        "openclaw.tool.execution": "openclaw.harness.run",
        "openclaw.model.call": "openclaw.harness.run",
        "openclaw.model.usage": "openclaw.model.call",
    }


def test_the_latest_shape_has_the_standard_names() -> None:
    with capture(semconv="gen_ai_latest_experimental") as captured:
        work()
        assert names(captured) == {
            "openclaw.run": None,
            "invoke_agent planner": "openclaw.run",
            "execute_tool search": "invoke_agent planner",
            "chat gpt-5.5": "invoke_agent planner",
        }
        assert captured.span("chat gpt-5.5")["gen_ai.provider.name"] == "openai"
        assert "gen_ai.system" not in captured.span("chat gpt-5.5")
        assert captured.points("gen_ai.client.inference.duration")
        assert not captured.points("gen_ai.client.token.usage")


def test_dup_is_the_latest_shape_with_the_metrics_of_both() -> None:
    with capture(semconv="gen_ai_latest_experimental/dup") as captured:
        work()
        assert captured.span("chat gpt-5.5").kind == "client"
        assert captured.points("gen_ai.client.inference.duration")
        assert captured.points("gen_ai.client.token.usage")
        assert sum(point.count or 0 for point in captured.points("gen_ai.client.operation.duration")) == 1


def test_dup_has_what_only_the_latest_conventions_read() -> None:
    with capture(semconv="gen_ai_latest_experimental/dup") as captured:
        with genai.retrieval("docs"):
            pass
        work()
        operations = {point["gen_ai.operation.name"] for point in captured.points("gen_ai.client.operation.duration")}
        assert operations == {"retrieval", "chat"}


def test_a_model_call_says_what_it_used(captured: Captured) -> None:
    work()
    span = captured.span("openclaw.model.call")
    wanted = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-5.5",
        "gen_ai.response.model": "gpt-5.5-2026",
        "gen_ai.response.id": "resp-1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.cache_read.input_tokens": 30,
        "gen_ai.usage.reasoning.output_tokens": 8,
        "gen_ai.conversation.id": "c-1",
        "openclaw.agent": "planner",
        "openclaw.api": "openai-responses",
        "openclaw.channel": "slack",
    }
    assert {name: span.get(name) for name in wanted} == wanted
    assert (span.kind, span.status) == ("client", "UNSET")


def test_tokens_are_counted_once_per_kind_and_unknown_ones_not_at_all(captured: Captured) -> None:
    work()
    tokens = {point["openclaw.token"]: point.value for point in captured.points("openclaw.tokens")}
    assert tokens == {"input": 70, "output": 50, "cache_read": 30, "prompt": 100, "total": 150}
    usage = {point["gen_ai.token.type"]: point.sum for point in captured.points("gen_ai.client.token.usage")}
    assert usage == {"input": 100, "output": 50}


def test_one_bad_amount_leaves_all_that_else_was_used(captured: Captured) -> None:
    for number in range(20):
        odd: Any = "8k" if number == 7 else 8000
        genai.publish(genai.events.ModelUsage(provider="p", model="m", input_tokens=1, cost_usd=0.5, context_limit=odd))
    (limits,), (cost,) = captured.points("openclaw.context.tokens"), captured.points("openclaw.cost.usd")
    assert (limits.count, limits.sum, cost.value) == (19, 19 * 8000, 10)


def test_a_zero_that_the_provider_says_is_an_observation(captured: Captured) -> None:
    with genai.model_call("m", provider="p") as call:
        call.reply({"usage": {"input_tokens": 0, "output_tokens": 0}})
    usage = {
        point["gen_ai.token.type"]: (point.count, point.sum) for point in captured.points("gen_ai.client.token.usage")
    }
    assert usage == {"input": (1, 0), "output": (1, 0)}


def test_an_error_is_on_span_and_metrics_by_its_class_and_never_by_its_message(captured: Captured) -> None:
    with pytest.raises(TimeoutError), genai.model_call("m", provider="p"):
        raise TimeoutError("the prompt was: tell me a secret")
    span = captured.span("openclaw.model.call")
    assert (span.status, span.status_message) == ("ERROR", "TimeoutError")
    assert (span["error.type"], span["openclaw.errorCategory"], span["openclaw.failureKind"]) == (
        "TimeoutError",
        "TimeoutError",
        "timeout",
    )
    (point,) = captured.points("gen_ai.client.operation.duration")
    assert point["error.type"] == "TimeoutError"
    assert "secret" not in repr(captured.spans) + repr(captured.metrics())


def test_a_cancelled_call_is_counted_apart_and_is_no_error(captured: Captured) -> None:
    with pytest.raises(asyncio.CancelledError), genai.model_call("m", provider="p"):
        raise asyncio.CancelledError
    span = captured.span("openclaw.model.call")
    assert (span.status, span["error.type"], span["otel_genai.outcome"]) == ("UNSET", "cancelled", "cancelled")
    (point,) = captured.points("gen_ai.client.operation.duration")
    assert point["error.type"] == "cancelled"


def test_the_providers_request_id_leaves_only_as_a_hash(captured: Captured) -> None:
    class ProviderError(Exception):
        request_id = "req_secret_1"
        status_code = 500

    with pytest.raises(ProviderError), genai.model_call("m", provider="p"):
        raise ProviderError("boom")
    span = captured.span("openclaw.model.call")
    assert span["openclaw.provider.request_id_hash"].startswith("sha256:")
    assert len(span["openclaw.provider.request_id_hash"]) == len("sha256:") + 12
    assert "req_secret_1" not in repr(span.attributes) + repr(span.events)


def test_without_sampling_the_metrics_are_complete() -> None:
    with capture(sample_rate=0.0) as captured:
        work()
        assert captured.spans == []
        assert captured.points("gen_ai.client.token.usage")
        assert captured.points("openclaw.harness.duration_ms")


def test_a_blocked_tool_is_counted_and_is_no_error(captured: Captured) -> None:
    with genai.tool("exec") as tool:
        tool.blocked("policy")
    span = captured.span("openclaw.tool.execution")
    assert (span.status, span["openclaw.outcome"], span["openclaw.deniedReason"]) == ("UNSET", "blocked", "policy")
    (point,) = captured.points("openclaw.tool.execution.blocked")
    assert point.value == 1
    assert captured.points("openclaw.tool.execution.duration_ms") == []


def test_a_namespace_is_used_everywhere() -> None:
    with capture(namespace="acme") as captured:
        work()
        assert captured.span("acme.run")["acme.outcome"] == "completed"
        assert captured.points("acme.tokens")
        assert not [name for name in captured.metrics() if name.startswith("openclaw.")]


def test_a_hostile_model_name_is_bounded_on_metrics_and_whole_on_the_span(captured: Captured) -> None:
    with genai.model_call("a model with spaces", provider="openai"):
        pass
    assert captured.span("openclaw.model.call")["gen_ai.request.model"] == "a model with spaces"
    (point,) = captured.points("gen_ai.client.operation.duration")
    assert point["gen_ai.request.model"] == "unknown"


def test_a_million_characters_become_four_thousand(captured: Captured) -> None:
    with genai.tool("t", description="x" * 1_000_000):
        pass
    assert len(captured.span("openclaw.tool.execution")["gen_ai.tool.description"]) < 5000


def test_events_that_are_facts_feed_metrics_too(captured: Captured) -> None:
    with genai.bind(channel="telegram"):
        genai.publish(genai.events.MessageQueued(source="dispatcher", queue_depth=3))
    (point,) = captured.points("openclaw.queue.depth")
    assert (point.sum, point["openclaw.channel"], point["openclaw.source"]) == (3, "telegram", "dispatcher")


def test_a_users_own_span_inside_of_an_agent_keeps_the_tree_whole(captured: Captured) -> None:
    tracer = captured.tracer_provider.get_tracer("mine")
    with genai.agent("a"), tracer.start_as_current_span("my own step"), genai.tool("t"):
        pass
    assert names(captured) == {
        "openclaw.harness.run": None,
        "my own step": "openclaw.harness.run",
        "openclaw.tool.execution": "my own step",
    }


def test_an_unsampled_root_says_so_to_the_provider() -> None:
    with capture(sample_rate=0.0), genai.agent("a"), genai.model_call("m", provider="p"):
        assert genai.headers()["traceparent"].endswith("-00")


def test_a_provider_that_is_connected_again_goes_on_counting(captured: Captured) -> None:
    loaded = config.load({"enabled": True}, environ={})
    genai.publish(genai.events.MessageQueued(source="a"))
    undo = connection.connect(loaded, None, captured.meter_provider)
    genai.publish(genai.events.MessageQueued(source="a"))
    undo()
    (point,) = captured.points("openclaw.message.queued")
    assert point.value == 3  # once, and twice while two emitters were connected


def test_ten_thousand_models_are_two_thousand_series_and_nothing_is_lost(captured: Captured) -> None:
    for number in range(10_000):
        genai.publish(genai.events.ModelUsage(provider="p", model=f"m-{number}", input_tokens=1))
    for metric in ("openclaw.tokens", "gen_ai.client.token.usage"):
        points = captured.points(metric)
        assert len(points) == 2001
        assert sum(point.value or point.sum or 0 for point in points) % 10_000 == 0
        assert [point for point in points if point.attributes == {"otel.metric.overflow": True}]
