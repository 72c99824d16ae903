"""Exchanges with agents, and what agents and model calls cost, as they leave."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import costs, events, scope
from otel_genai.testing import Captured, capture

TOKENS, COST, SPENT = "gen_ai.client.token.usage", "nora.agent.cost.usd", "openclaw.cost.usd"
RATES = {
    "acme/m-1": {"input_per_1k": 1, "output_per_1k": 2, "cache_read_per_1k": 0.5},
    "acme/sound": {"input_per_1k": 1, "output_per_1k": 2, "input_audio_per_1k": 10},
}
FULL = {
    "runtime_family": "openclaw",
    "sandbox_profile": "nemoclaw",
    "source": "openclaw.gateway",
    "provider": "acme",
    "model": "m-1",
    "conversation": "main",
}
LABELS = {
    "gen_ai.operation.name": "chat",
    "gen_ai.system": "acme",
    "gen_ai.request.model": "m-1",
    "nora.agent.id": "ada",
    "nora.runtime.family": "openclaw",
    "nora.sandbox.profile": "nemoclaw",
    "nora.source": "openclaw.gateway",
}
REPLY = {"model": "m-1", "usage": {"input_tokens": 1000, "output_tokens": 500}}


@pytest.fixture(autouse=True)
def _without_the_list() -> Iterator[None]:
    """What is installed beside must not decide what a test's model costs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs, "prices_library", lambda: None)
        yield


@pytest.fixture
def priced() -> Iterator[Captured]:
    with capture(cost_model_rates=RATES, cost_per_1k_tokens=0) as everything:
        yield everything


def total(captured: Captured, metric: str) -> float:
    return sum(point.value or 0 for point in captured.points(metric))


# -- an exchange


def test_an_exchange_is_a_client_span_with_the_documented_attributes(captured: Captured) -> None:
    with genai.exchange("ada", **FULL) as exchange:
        exchange.reply(REPLY)
    span = captured.span("chat m-1")
    assert span.kind == "client"
    assert span.status == "UNSET"
    assert span.attributes == {
        **LABELS,
        "gen_ai.conversation.id": "main",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 500,
        "nora.usage.total_tokens": 1500,
        "otel_genai.cost.amount": 0.003,
        "otel_genai.cost.currency": "USD",
        "otel_genai.cost.source": "fallback",
    }


def test_its_tokens_are_split_by_type_and_never_carry_the_conversation(captured: Captured) -> None:
    genai.exchange("ada", **FULL).record(REPLY)
    points = captured.points(TOKENS)
    assert [point.attributes for point in points] == [
        {**LABELS, "gen_ai.token.type": "input"},
        {**LABELS, "gen_ai.token.type": "output"},
    ]
    assert [(point.count, point.sum) for point in points] == [(1, 1000), (1, 500)]
    (cost,) = captured.points(COST)
    assert (cost.attributes, cost.value, cost.unit) == (LABELS, 0.003, "{USD}")


def test_an_exchange_without_anything_says_only_that_it_is_a_chat(captured: Captured) -> None:
    genai.exchange().record()
    assert captured.span("chat").attributes == {"gen_ai.operation.name": "chat"}
    assert not captured.points(TOKENS)
    assert not captured.points(COST)


@pytest.mark.parametrize(
    "garbage",
    [
        {"input_tokens": "many", "output_tokens": -5},
        {"input_tokens": math.nan, "total_tokens": "x"},
        {"total_tokens": math.inf, "cost_usd": "free", "provider": 5, "model": ["m"]},
        {"cost_usd": math.nan, "started_at": "yesterday"},
    ],
)
@pytest.mark.parametrize("reply", [None, 5, "text", [], {}, {"usage": 7}, {"usage": {"total_tokens": "none"}}])
def test_garbage_neither_throws_nor_becomes_a_count(captured: Captured, garbage: Any, reply: Any) -> None:
    genai.exchange("ada").record(reply, **garbage)
    assert len(captured.spans) == 1
    assert not captured.points(TOKENS)
    assert not captured.points(COST)


def test_tokens_without_a_split_are_priced_and_in_no_histogram(captured: Captured) -> None:
    genai.exchange("ada").record({"data": {"result": {"message": {"usage": {"totalTokens": 200}}}}})
    assert captured.span("chat")["nora.usage.total_tokens"] == 200
    assert not captured.points(TOKENS)
    assert captured.points(COST)[0].value == 0.0004


def test_what_it_is_not_told_it_takes_from_the_scope_and_the_reply(captured: Captured) -> None:
    with genai.bind(agent="ada", conversation="c-1"), genai.exchange() as exchange:
        exchange.reply({"message": {"model": "acme/m-1", "usage": {"prompt_tokens": 3, "completion_tokens": 0}}})
    span = captured.span("chat acme/m-1")
    assert span["nora.agent.id"] == "ada"
    assert span["gen_ai.conversation.id"] == "c-1"
    assert span["gen_ai.system"] == "acme"
    assert span["gen_ai.usage.output_tokens"] == 0


def test_what_happens_inside_is_the_agent_s(captured: Captured) -> None:
    with genai.exchange("ada", conversation="c-1"), genai.tool("search"):
        pass
    tool = captured.span("openclaw.tool.execution")
    assert (tool["gen_ai.agent.name"], tool["gen_ai.conversation.id"]) == ("ada", "c-1")
    assert captured.parent(tool) == captured.span("chat")


def test_one_that_is_over_lasted_from_its_start_until_it_is_told(captured: Captured) -> None:
    began = time.time() - 60
    genai.exchange("ada", started_at=began).record(REPLY)
    span = captured.span("chat m-1")
    assert span.start_ns == pytest.approx(began * 1e9, abs=1e6)
    assert (span.end_ns - span.start_ns) / 1e9 >= 60


@pytest.mark.parametrize("moment", [None, -1, 0, math.nan, math.inf, 9e12])
def test_a_start_that_cannot_be_is_now(captured: Captured, moment: float | None) -> None:
    before = time.time_ns()
    genai.exchange("ada", started_at=moment).record()
    span = captured.span("chat")
    assert span.start_ns >= before
    assert (span.end_ns - span.start_ns) < 60e9


def test_a_failed_one_is_an_error_and_its_tokens_count(captured: Captured) -> None:
    genai.exchange("ada").record(REPLY, error=TimeoutError("secret prompt"))
    span = captured.span("chat m-1")
    assert (span.status, span["error.type"]) == ("ERROR", "TimeoutError")
    assert "secret" not in repr(span.attributes)
    assert len(captured.points(TOKENS)) == 2


async def _ask(agent_id: str, model: str) -> dict[str, Any]:
    """Ask."""
    return REPLY


def test_a_decorated_function_s_arguments_and_result_are_read(captured: Captured) -> None:
    ask = genai.exchange(source="hermes-ui")(_ask)
    assert asyncio.run(ask("ada", model="m-1")) is REPLY
    span = captured.span("chat m-1")
    assert (span["nora.agent.id"], span["nora.source"]) == ("ada", "hermes-ui")
    assert span["gen_ai.usage.input_tokens"] == 1000


def test_an_unknown_field_is_told(captured: Captured) -> None:
    with pytest.raises(TypeError, match="no field 'agent'; it has"):
        genai.exchange(agent="ada")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="no field 'tokens'; it has"):
        genai.exchange("ada").record(tokens=5)


def test_nothing_happens_where_nobody_listens() -> None:
    read: list[str] = []

    class Reply:
        def __getattr__(self, name: str) -> None:
            read.append(name)

    genai.exchange("ada").record(Reply(), input_tokens=5)
    assert read == []
    with genai.exchange("ada") as exchange:
        assert scope.current().operation is None
    assert (exchange.event.started_ns, exchange.event.outcome) == (0, None)
    with capture():
        genai.exchange("ada").record(Reply())
    assert read


# -- around model calls: nothing twice


def a_call(tokens: int | None = 1000) -> None:
    with genai.model_call("m-1", provider="acme") as call:
        call.update(input_tokens=tokens)


def test_around_model_calls_it_is_a_span_and_the_calls_are_counted(priced: Captured) -> None:
    with genai.exchange("ada", **FULL) as exchange:
        a_call()
        with genai.agent("inner"):
            a_call()
        exchange.reply({"usage": {"input_tokens": 2000, "output_tokens": 0}})
    span = priced.span("chat m-1")
    assert "gen_ai.usage.input_tokens" not in span
    assert "otel_genai.cost.amount" not in span
    assert span["nora.usage.total_tokens"] == 2000
    assert [(point["gen_ai.token.type"], point.sum) for point in priced.points(TOKENS)] == [("input", 2000)]
    assert total(priced, COST) == total(priced, SPENT) == 2.0


def test_the_cost_of_a_call_is_that_of_the_exchange_around_it(priced: Captured) -> None:
    with genai.exchange("ada", **FULL):
        a_call()
    (cost,) = priced.points(COST)
    assert cost.attributes == LABELS


def test_calls_that_say_nothing_leave_the_counting_to_the_exchange(priced: Captured) -> None:
    with genai.exchange("ada", **FULL) as exchange:
        a_call(None)
        exchange.reply(REPLY)
    assert priced.span("chat m-1")["gen_ai.usage.input_tokens"] == 1000
    assert total(priced, COST) == 2.0
    assert not priced.points(SPENT)


def test_an_exchange_inside_of_another_is_counted_once(priced: Captured) -> None:
    with genai.exchange("outer", **FULL) as outer:
        genai.exchange("inner", provider="acme").record(REPLY)
        outer.reply(REPLY)
    (cost,) = priced.points(COST)
    assert (cost["nora.agent.id"], cost.value) == ("inner", 2.0)


def test_usage_that_is_published_inside_is_counted_and_the_exchange_is_not(priced: Captured) -> None:
    with genai.exchange("ada", **FULL) as exchange:
        genai.publish(events.ModelUsage(provider="acme", model="m-1", input_tokens=1000))
        exchange.reply(REPLY)
    assert "gen_ai.usage.input_tokens" not in priced.span("chat m-1")
    assert [(point["gen_ai.token.type"], point.sum) for point in priced.points(TOKENS)] == [("input", 1000)]
    assert total(priced, COST) == total(priced, SPENT) == 1.0


def test_usage_that_says_nothing_of_tokens_leaves_the_counting_to_the_exchange(priced: Captured) -> None:
    with genai.exchange("ada", **FULL) as exchange:
        genai.publish(events.ModelUsage(provider="acme", model="m-1", context_limit=1000))
        exchange.reply(REPLY)
    assert total(priced, COST) == 2.0


def test_tokens_of_sound_have_their_own_rate(priced: Captured) -> None:
    usage = {"prompt_tokens": 1000, "prompt_tokens_details": {"audio_tokens": 400}, "completion_tokens": 0}
    with genai.model_call("sound", provider="acme") as call:
        call.reply({"usage": usage})
    genai.exchange("ada", provider="acme", model="sound").record({"usage": usage})
    assert [point.value for point in priced.points(SPENT)] == [0.6 * 1 + 0.4 * 10]
    assert total(priced, COST) == 2 * (0.6 * 1 + 0.4 * 10)


def test_the_next_exchange_of_the_same_block_counts_again(priced: Captured) -> None:
    block = genai.exchange("ada", **FULL)
    with block:
        a_call()
    with block:
        block.reply(REPLY)
    assert total(priced, COST) == 1.0 + 2.0


# -- what model calls cost


def test_a_model_call_costs_what_the_rates_say(priced: Captured) -> None:
    with genai.bind(channel="slack", agent="ada"), genai.model_call("m-1", provider="acme") as call:
        call.reply({"usage": {"prompt_tokens": 1000, "prompt_tokens_details": {"cached_tokens": 400}}})
    (spent,) = priced.points(SPENT)
    assert spent.value == pytest.approx(0.4 * 0.5 + 0.6 * 1)
    assert spent.attributes == {
        "openclaw.channel": "slack",
        "openclaw.agent": "ada",
        "openclaw.provider": "acme",
        "openclaw.model": "m-1",
    }
    (cost,) = priced.points(COST)
    assert cost["nora.agent.id"] == "ada"
    assert "nora.source" not in cost.attributes


@pytest.mark.parametrize(
    ("semconv", "name"), [(None, "openclaw.model.call"), ("gen_ai_latest_experimental", "chat m-1")]
)
def test_the_call_s_span_alone_says_amount_currency_and_source(semconv: str | None, name: str) -> None:
    with capture(cost_model_rates=RATES, semconv=semconv) as captured:
        a_call()
    span = captured.span(name)
    assert span["otel_genai.cost.amount"] == 1.0
    assert span["otel_genai.cost.currency"] == "USD"
    assert span["otel_genai.cost.source"] == "rates"
    assert sum("otel_genai.cost.amount" in span for span in captured.spans) == 1


def test_a_call_is_priced_once(priced: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    prices: list[Any] = []
    price = costs.price
    monkeypatch.setattr(costs, "price", lambda *args, **kwargs: prices.append(args) or price(*args, **kwargs))
    a_call()
    assert len(prices) == 1
    assert len(priced.points(SPENT)) == 1


def test_what_nobody_can_price_is_counted_and_in_no_cost(priced: Captured) -> None:
    with genai.model_call("m-9", provider="acme") as call:
        call.update(input_tokens=10)
    genai.exchange("ada", provider="acme", model="m-9").record(REPLY)
    assert not priced.points(COST)
    assert not priced.points(SPENT)
    (unpriced,) = priced.points("otel_genai.cost.unpriced")
    assert (unpriced.value, unpriced["openclaw.model"]) == (2, "m-9")
    assert not any("otel_genai.cost.amount" in span for span in priced.spans)


def test_a_call_that_goes_well_and_tells_no_tokens_is_counted_as_such(priced: Captured) -> None:
    with genai.model_call("gpt-5.5", provider="openai"):
        pass
    with genai.model_call("gpt-5.5", provider="openai") as told:
        told.reply({"usage": {"prompt_tokens": 0, "completion_tokens": 0}})
    with suppress(TimeoutError), genai.model_call("gpt-5.5", provider="openai"):
        raise TimeoutError
    (untold,) = priced.points("otel_genai.usage.untold")
    assert (untold.value, untold["openclaw.model"]) == (1, "gpt-5.5")


def test_where_the_exchange_around_tells_the_tokens_a_call_need_not(priced: Captured) -> None:
    with genai.exchange(agent_id="ada", model="gpt-5.5") as exchange:
        with genai.model_call("gpt-5.5", provider="openai"):
            pass
        exchange.update(input_tokens=3, output_tokens=1)
    assert priced.points("otel_genai.usage.untold") == []


def test_what_a_call_has_used_before_another_begins_inside_of_it_is_its_own(priced: Captured) -> None:
    with genai.agent("ada") as agent, genai.model_call("router", provider="local") as outer:
        outer.reply({"usage": {"prompt_tokens": 10, "completion_tokens": 1}})
        with genai.model_call("gpt-5.5", provider="openai") as inner:
            inner.reply({"usage": {"prompt_tokens": 20, "completion_tokens": 2}})
    told = {event.model: event.input_tokens for event in priced.events if isinstance(event, genai.events.ModelUsage)}
    assert told == {"router": 10, "gpt-5.5": 20}
    assert agent.event.input_tokens == 30


def test_a_model_that_is_free_costs_zero_and_is_not_unpriced() -> None:
    with capture(cost_model_rates={"m-1": {"per_1k": 0}}) as captured:
        a_call()
    assert [point.value for point in captured.points(SPENT)] == [0]
    assert not captured.points("otel_genai.cost.unpriced")


def test_a_cost_that_somebody_knows_is_kept(priced: Captured) -> None:
    genai.publish(events.ModelUsage(provider="acme", model="m-1", input_tokens=5, cost_usd=0.25))
    with genai.model_call("m-1", provider="acme") as call:
        call.update(input_tokens=5, cost_usd=Decimal("0.5"), cost_source="provider")
    assert total(priced, SPENT) == total(priced, COST) == 0.75
    sources = [span["otel_genai.cost.source"] for span in priced.spans if "otel_genai.cost.source" in span]
    assert sources == ["given", "provider"]


def test_usage_that_is_published_without_a_cost_is_priced(priced: Captured) -> None:
    genai.publish(events.ModelUsage(provider="acme", model="m-1", input_tokens=1000))
    assert total(priced, SPENT) == 1.0


def test_a_subscriber_reads_the_cost_off_the_event(priced: Captured) -> None:
    a_call()
    usage = next(event for event in priced.events if isinstance(event, events.ModelUsage))
    assert usage.cost == costs.Cost(1.0, "USD", "rates")
    assert (usage.cost_usd, usage.cost_source) == (1.0, "rates")


def test_a_cost_that_was_asked_for_too_early_is_reckoned_again(priced: Captured) -> None:
    with genai.model_call("m-1", provider="acme") as call:
        assert call.event.cost is None
        call.update(input_tokens=1000)
    assert call.event.cost == costs.Cost(1.0, "USD", "rates")


def test_an_answer_s_model_is_priced_where_the_request_names_none(priced: Captured) -> None:
    with genai.model_call(provider="acme") as call:
        call.update(response_model="m-1", input_tokens=1000)
    assert total(priced, SPENT) == 1.0


def test_under_the_latest_conventions_its_tokens_are_in_the_usage_counters() -> None:
    with capture(semconv="gen_ai_latest_experimental") as captured:
        genai.exchange("ada", **FULL).record(REPLY)
    (read,) = captured.points("gen_ai.client.inference.usage.input_tokens")
    assert (read.value, read["gen_ai.provider.name"]) == (1000, "acme")
    assert captured.span("chat m-1")["gen_ai.provider.name"] == "acme"


def test_a_namespace_replaces_the_prefix_of_agents() -> None:
    with capture(agent_namespace="acme") as captured:
        genai.exchange("ada").record(REPLY)
    assert captured.points("acme.agent.cost.usd")[0]["acme.agent.id"] == "ada"
