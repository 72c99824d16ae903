"""Tokens and rates into dollars: the documented look-up and arithmetic, and what we add to it."""

from __future__ import annotations

import json
import logging
import math
import sys
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_genai import config, costs, options, rates
from otel_genai.costs import Cost, Usage, price
from otel_genai.rates import Rate, model_rates

RATES = model_rates(
    {
        "openai/gpt-5.5": {"input_per_1k": 0.002, "output_per_1k": 0.008},
        "claude-sonnet-4-5": {"input_per_1k": 0.003, "output_per_1k": 0.015},
        "flat-model": {"per_1k": 0.004},
        "Acme/Mixed": {"promptPer1k": 1, "totalPer1k": 2},
        "input-only": {"inputPer1k": 1},
        "free": {"per_1k": 0},
        "slash/inner/deep": {"per_1k": 7},
        "cached": {
            "input_per_1k": 10,
            "output_per_1k": 20,
            "cache_read_per_1k": 1,
            "cacheWritePer1k": 12,
            "reasoning_per_1k": 30,
            "input_audio_per_1k": 50,
        },
        "cached-flat": {"per_1k": 10, "cache_read_per_1k": 1, "reasoning_per_1k": 30},
    }
)
READ, WRITTEN = Usage(1000, 0), Usage(1000, 1000)


@pytest.fixture(autouse=True)
def _without_the_list(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The list of prices is for the tests that ask for it."""
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    monkeypatch.setitem(sys.modules, "genai_prices.data_snapshot", None)
    forget()
    yield
    forget()


def forget() -> None:
    costs.prices_library.cache_clear()
    costs._model_info.cache_clear()
    rates.warn_once.cache_clear()


@pytest.fixture
def the_list(monkeypatch: pytest.MonkeyPatch, _without_the_list: None) -> Any:
    monkeypatch.undo()
    return pytest.importorskip("genai_prices")


def dollars(usage: Usage, provider: Any, model: Any, fallback: float = 0.5) -> float | None:
    cost = price(usage, provider, model, rates=RATES, fallback=fallback)
    return None if cost is None else cost.amount


# -- the look-up


@pytest.mark.parametrize(
    ("provider", "model", "named"),
    [
        ("openai", "gpt-5.5", True),
        (None, "openai/gpt-5.5", True),
        ("openai", "openai/gpt-5.5", True),
        ("openrouter", "openai/gpt-5.5", True),
        ("openai", "proxy/gpt-5.5", True),  # provider/ and the model without its first segment
        ("slash", "any/inner/deep", True),
        ("OpenAI", "GPT-5.5", True),  # in lower case
        ("acme", "mixed", True),
        ("Acme", "Mixed", True),
        (" openai ", " gpt-5.5 ", True),
        (None, "gpt-5.5", False),
        ("azure", "gpt-5.5", False),
        ("openai", "gpt-5.5-2026-01-01", False),  # never the beginning of a name
        ("openai", "gpt-5", False),
        ("anthropic", "claude-sonnet-4-5", True),
        ("anthropic", "claude-sonnet-4-5-20250929", False),
        ("openai", "", False),
        ("openai", None, False),
        (None, "Unknown model", False),
        (None, "ACME/MIXED", True),
    ],
)
def test_a_rate_is_found_by_its_exact_names_and_by_no_other(provider: Any, model: Any, named: bool) -> None:
    cost = price(WRITTEN, provider, model, rates=RATES)
    assert cost is not None
    assert cost.source == ("rates" if named else "fallback")


def test_the_provider_s_own_rate_comes_before_that_of_the_bare_model() -> None:
    rates = model_rates(
        {"m": {"per_1k": 1}, "acme/m": {"per_1k": 2}, "acme/x": {"per_1k": 3}, "other/x": {"per_1k": 4}}
    )
    assert costs.look_up(rates, "acme", "m") == Rate(flat=2)
    assert costs.look_up(rates, "other", "m") == Rate(flat=1)
    assert costs.look_up(rates, "acme", "other/x") == Rate(flat=4)  # the model as it is given comes first


def test_a_model_that_is_called_unknown_is_not_looked_up() -> None:
    rates = model_rates({"Unknown model": {"per_1k": 9}})
    assert price(READ, None, "Unknown model", rates=rates, fallback=1) == Cost(1.0, source="fallback")


# -- the arithmetic


@pytest.mark.parametrize(
    ("model", "usage", "amount"),
    [
        ("openai/gpt-5.5", Usage(100_000, 50_000), 0.6),
        ("openai/gpt-5.5", Usage(1000, 0), 0.002),
        ("openai/gpt-5.5", Usage(1000, 0, total=9000), 0.002),  # counted in neither side: costs nothing
        ("openai/gpt-5.5", Usage(total=1000), 0.5),  # split rates and no split: the fallback
        ("flat-model", Usage(500, 500), 0.004),
        ("flat-model", Usage(500, 500, total=2000), 0.008),
        ("flat-model", Usage(total=1000), 0.004),
        ("Acme/Mixed", Usage(1000, 1000), 1 + 2),  # the missing side by the flat rate
        ("Acme/Mixed", Usage(total=1000), 2),
        ("input-only", Usage(1000, 1000), 1 + 0.5),  # the missing side by the fallback
        ("nobody", Usage(1500, 500), 1.0),
        ("nobody", Usage(total=1000), 0.5),
        ("free", Usage(1000, 1000), 0.0),
        ("flat-model", Usage(), 0.0),
        ("nobody", Usage(), 0.0),
    ],
)
def test_what_tokens_cost(model: str, usage: Usage, amount: float) -> None:
    assert dollars(usage, None, model) == pytest.approx(amount)


@pytest.mark.parametrize(
    ("model", "usage", "amount"),
    [
        ("cached", Usage(1000, 0, cache_read=400), 0.4 * 1 + 0.6 * 10),
        ("cached", Usage(1000, 0, cache_read=400, cache_write=100), 0.4 * 1 + 0.1 * 12 + 0.5 * 10),
        ("cached", Usage(1000, 1000, reasoning=250), 10 + 0.25 * 30 + 0.75 * 20),
        ("cached", Usage(1000, 0, input_audio=1000), 50),
        ("cached", Usage(1000, 0, cache_read=9000, cache_write=9000), 1),  # more than there is is not paid
        ("cached-flat", Usage(1000, 1000, cache_read=1000, reasoning=500), 1 + 0.5 * 30 + 0.5 * 10),
        ("claude-sonnet-4-5", Usage(1000, 0, cache_read=400), 0.003),  # no rate of their own: as any other input
    ],
)
def test_a_subset_with_its_own_rate_is_taken_out_of_its_whole(model: str, usage: Usage, amount: float) -> None:
    assert dollars(usage, None, model) == pytest.approx(amount)


def test_the_cost_is_not_rounded() -> None:
    assert price(Usage(150, 50), None, None, rates={}) == Cost(0.0004, "USD", "fallback")


def test_what_nobody_can_price_is_not_free() -> None:
    assert price(READ, None, "nobody", rates=RATES, fallback=0) is None
    assert price(READ, None, "free", rates=RATES, fallback=0) == Cost(0.0, source="rates")
    assert price(Usage(total=10), None, "openai/gpt-5.5", rates=RATES, fallback=0) is None


COUNTS = st.one_of(st.integers(), st.floats(), st.none(), st.text(), st.booleans(), st.lists(st.integers()))
VALUES = st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.booleans())
NAMES = st.one_of(st.none(), st.text(), st.sampled_from(["m", "a/m", "A/M", "/", "a/", "/m"]), st.integers())
ENTRIES = st.dictionaries(st.sampled_from([name for names in rates.ALIASES.values() for name in names]), VALUES)


@given(st.tuples(*[COUNTS] * 8), NAMES, NAMES, st.dictionaries(st.text() | st.just("a/m"), ENTRIES | VALUES))
def test_whatever_it_is_given_it_never_throws_and_is_never_negative(
    counts: Any, provider: Any, model: Any, entries: Any
) -> None:
    cost = price(Usage(*counts), provider, model, rates=model_rates(entries))
    assert cost is None or (math.isfinite(cost.amount) and cost.amount >= 0)


@given(st.integers(0, 10**9), *[st.integers(0, 10**9)] * 3)
def test_nothing_is_paid_twice(whole: int, cached: int, written: int, audio: int) -> None:
    usage = Usage(whole, 0, cache_read=cached, cache_write=written, input_audio=audio)
    rate = Rate(input=1, cache_read=1, cache_write=1, input_audio=1)
    assert price(usage, None, "m", rates={"m": rate}) == Cost(pytest.approx(whole / 1000), source="rates")


# -- what the user wrote


@pytest.mark.parametrize("kind", rates.ALIASES)
def test_every_alias_of_a_rate_is_read_and_the_first_one_counts(kind: str) -> None:
    for name in rates.ALIASES[kind]:
        other = {} if kind == "flat" else {"per_1k": 0}
        assert getattr(model_rates({"m": {**other, name: 3}})["m"], kind) == 3
    every = {name: place for place, name in enumerate(rates.ALIASES[kind], start=1)}
    assert getattr(model_rates({"m": {"per_1k": 1, **every}})["m"], kind) == 1
    first, *others = rates.ALIASES[kind]
    if others:
        assert getattr(model_rates({"m": {"per_1k": 0, **every, first: None}})["m"], kind) == 2


@pytest.mark.parametrize(
    ("value", "rate"), [(None, None), (0, 0), ("0.5", 0.5), ("free", 0), (-1, 0), (1e999, 0), ([], 0), (True, 1)]
)
def test_the_value_of_a_rate_is_a_number_or_nothing_or_zero(value: object, rate: float | None) -> None:
    assert model_rates({"m": {"input_per_1k": value, "per_1k": 9}})["m"].input == rate


@pytest.mark.parametrize("entry", [{}, {"other": 1}, {"per_1k": None}, 5, None, [1], {"cache_read_per_1k": 1}])
def test_an_entry_without_a_rate_is_left_out_and_the_others_stay(entry: object, caplog: Any) -> None:
    assert set(model_rates({"m": entry, "good": {"per_1k": 1}, "  ": {"per_1k": 1}})) == {"good"}
    assert "'m' is left out" in caplog.text


def test_names_are_trimmed_and_kept_as_written_and_in_lower_case() -> None:
    assert set(model_rates({" OpenAI/GPT ": {"per_1k": 1}})) == {"OpenAI/GPT", "openai/gpt"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"m": {"per_1k": 1}', "line 1 column 20"),
        ("[]", "a JSON object"),
        ("5", "a JSON object"),
        ('{"m": NaN}', "NaN"),
        ("[" * 100_000, "a JSON object"),
    ],
)
def test_bad_json_names_the_place(text: str, place: str) -> None:
    with pytest.raises(ValueError, match=place):
        model_rates(text)


def test_a_bad_variable_is_told_once_and_the_fallback_prices_the_call(caplog: pytest.LogCaptureFixture) -> None:
    options._warn_once.cache_clear()
    environ = {"COST_MODEL_RATES_JSON": '{"m" 1}', "COST_PER_1K_TOKENS": "0.01"}
    with caplog.at_level(logging.WARNING, "otel_genai"):
        loaded, _ = config.load({}, environ=environ), config.load({}, environ=environ)
    (message,) = [record.message for record in caplog.records]
    assert message.startswith("COST_MODEL_RATES_JSON=")
    assert "column 6" in message
    cost = price(Usage(2000), None, "m", rates=loaded.cost_model_rates, fallback=loaded.cost_per_1k_tokens)
    assert cost == Cost(0.02, source="fallback")


@pytest.mark.parametrize(
    ("text", "rate"), [("", 0.002), ("0", 0), ("0.01", 0.01), ("free", 0), ("-1", 0), (" 1e-3 ", 0.001), ("inf", 0)]
)
def test_the_variable_of_the_fallback_is_read_as_documented(text: str, rate: float) -> None:
    assert config.load({}, environ={"COST_PER_1K_TOKENS": text}).cost_per_1k_tokens == rate


def test_a_rate_may_be_a_decimal_as_an_amount_may() -> None:
    assert model_rates({"m": {"per_1k": Decimal("0.5")}})["m"] == Rate(flat=0.5)


def test_rates_from_the_environment_are_in_force_in_both_spellings() -> None:
    environ = {"COST_MODEL_RATES_JSON": json.dumps({"Acme/M": {"per_1k": 1}})}
    assert set(config.load({}, environ=environ).cost_model_rates) == {"Acme/M", "acme/m"}


@pytest.mark.parametrize("amount", [0.25, Decimal("0.25"), Fraction(1, 4)])
def test_an_amount_may_be_what_money_is_counted_in(amount: Any) -> None:
    known = costs.given(amount)
    assert known == Cost(0.25)
    assert type(known.amount) is float


@pytest.mark.parametrize("amount", ["5", None, -1, math.nan, math.inf, Decimal("-1"), Decimal("sNaN"), 1j, [], {}])
def test_what_is_no_amount_is_not_taken_for_one(amount: Any) -> None:
    assert costs.given(amount) is None


# -- the prices of a library


USED = Usage(10_000, 2000, cache_read=4000)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o"),
        ("azure.ai.openai", "gpt-4o"),
        ("anthropic", "claude-sonnet-4-5"),
        ("gcp.gemini", "gemini-2.5-pro"),
        ("mistral_ai", "mistral-large"),
        (None, "gpt-4o"),
    ],
)
@pytest.mark.parametrize("tokens", [10_000, 400_000])
def test_a_model_that_no_rate_names_costs_what_the_list_says(
    the_list: Any, provider: str | None, model: str, tokens: int
) -> None:
    used = the_list.Usage(input_tokens=tokens, output_tokens=2000, cache_read_tokens=4000)
    expected = the_list.calc_price(used, model, provider_id=provider).total_price
    cost = price(USED._replace(input=tokens), provider, model, rates={})
    assert cost == Cost(pytest.approx(float(expected)), source="prices")


def test_every_model_of_the_list_costs_the_same_as_there(the_list: Any) -> None:
    used = the_list.Usage(input_tokens=10_000, output_tokens=2000, cache_read_tokens=4000)
    compared = 0
    for provider in the_list.data_snapshot.get_snapshot().providers:
        for model in provider.models[:40]:
            rate = costs.listed(provider.id, model.id, USED.input)
            if rate is None or {"requests_kcount"} & vars(model.get_prices(costs._moment(0))).keys():
                continue
            expected = float(the_list.calc_price(used, model.id, provider_id=provider.id).total_price)
            assert costs._amount(USED._replace(total=12_000), rate, 0) == pytest.approx(expected), model.id
            compared += 1
    assert compared > 100


@pytest.mark.parametrize(
    ("provider", "model"),
    [("x_ai", "grok-4"), (None, "anthropic/claude-sonnet-4-5"), ("anthropic", "anthropic/claude-sonnet-4-5")],
)
def test_a_provider_s_other_spellings_are_understood(the_list: Any, provider: str | None, model: str) -> None:
    cost = price(USED, provider, model, rates={})
    assert cost is not None
    assert cost.source == "prices"


@pytest.mark.parametrize(("provider", "model"), [("my-own-machine", "gpt-4o"), ("openai", "nobody"), (None, "nobody")])
def test_what_the_list_does_not_name_is_priced_by_the_fallback(the_list: Any, provider: str, model: str) -> None:
    assert price(READ, provider, model, rates={}, fallback=1) == Cost(1.0, source="fallback")


def test_the_user_s_rates_come_before_the_list(the_list: Any) -> None:
    assert price(READ, "openai", "gpt-4o", rates=model_rates({"gpt-4o": {"per_1k": 1}})) == Cost(1.0, source="rates")


def test_the_price_is_that_of_the_call_s_day(the_list: Any) -> None:
    models = [m for p in the_list.data_snapshot.get_snapshot().providers if p.id == "openai" for m in p.models]
    changed = next(m for m in models if isinstance(m.prices, list) and hasattr(m.prices[-1].constraint, "start_date"))
    before = costs.listed("openai", changed.id, 0, at_ns=10**18)  # 2001
    assert before != costs.listed("openai", changed.id, 0)


def test_nothing_is_fetched(the_list: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a connection was opened"))
    assert price(READ, "openai", "gpt-4o", rates={}) is not None


def test_a_list_that_cannot_be_read_prices_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise AttributeError("another version")

    monkeypatch.setitem(sys.modules, "genai_prices", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "genai_prices.data_snapshot", SimpleNamespace(get_snapshot=broken))
    forget()
    assert price(READ, "openai", "gpt-4o", rates={}, fallback=1) == Cost(1.0, source="fallback")
