"""Tokens and rates into dollars: pure, and never in the way, whatever it is given.

A model's rate is that of `COST_MODEL_RATES_JSON`, then, where it is not named there, that of the prices which
`genai-prices` brings (only where it is installed; nothing is fetched), then one rate for everything else.
The order of the look-up and the arithmetic are those of Nora's documentation, to the last branch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Final, NamedTuple

from .rates import DEFAULT_PER_1K, NUMBERS, Rate, Rates, number, warn_once

UNKNOWN_MODEL: Final = "Unknown model"
MOST: Final = 10**300
"""A count that a float can still hold."""


class Cost(NamedTuple):
    """An amount of money, unrounded, and where it comes from: `rates`, `prices`, `fallback` or `given`."""

    amount: float
    currency: str = "USD"
    source: str = "given"


class Usage(NamedTuple):
    """What was used, in tokens. Subsets are inside of their whole: cached in input, reasoning in output."""

    input: float = 0
    output: float = 0
    total: float = 0
    """Where it is not given it is input and output together."""
    cache_read: float = 0
    cache_write: float = 0
    reasoning: float = 0
    input_audio: float = 0
    output_audio: float = 0


def given(amount: object, source: str | None = None) -> Cost | None:
    """A cost that somebody knows better; `None` for what is no amount."""
    known = number(amount) if isinstance(amount, NUMBERS) else None
    return None if known is None else Cost(known, source=source or "given")


def price(
    usage: Usage,
    provider: str | None,
    model: str | None,
    *,
    rates: Rates,
    fallback: float = DEFAULT_PER_1K,
    at_ns: int = 0,
) -> Cost | None:
    """What `usage` costs, or `None` where nobody knows: nothing names the model, and `fallback` is 0.

    Args:
        usage: tokens; what is no count is 0.
        provider: where the model runs, if that is known.
        model: its id, which may name the provider too (`openai/gpt-5.5`).
        rates: what `model_rates` made of the user's.
        fallback: US dollars per 1000 tokens of any other model.
        at_ns: when the call was made, in nanoseconds since the epoch, for prices change; 0: now.
    """
    used = _counted(usage)
    provider, model = _word(provider), _word(model)
    known = model is not None and model != UNKNOWN_MODEL
    rate = look_up(rates, provider, model) if model and known else None
    source = "rates"
    if rate is None and model and known:
        rate, source = listed(provider, model, used.input, at_ns), "prices"
    amount = None if rate is None else _amount(used, rate, fallback)
    if amount is None:
        amount, source = used.total / 1000 * fallback if fallback > 0 else math.nan, "fallback"
    return Cost(amount, source=source) if math.isfinite(amount) else None


def look_up(rates: Rates, provider: str | None, model: str) -> Rate | None:
    """The rate of a model: exactly as it is named, or in lower case; never of a longer or a shorter name."""
    if not rates:
        return None
    for name in _names(provider, model):
        found = rates.get(name) or rates.get(name.lower())
        if found is not None:
            return found
    return None


def _names(provider: str | None, model: str) -> Iterator[str]:
    _, slash, rest = model.partition("/")
    if provider and not slash:
        yield f"{provider}/{model}"
    yield model
    if provider and slash:
        yield f"{provider}/{rest}"


def _amount(used: Usage, rate: Rate, fallback: float) -> float | None:
    """What the rate makes of it; `None` where the sides are priced apart and nobody told them apart."""
    cached = (used.cache_read, rate.cache_read), (used.cache_write, rate.cache_write)
    spoken = (used.input_audio, rate.input_audio)
    said = (used.reasoning, rate.reasoning), (used.output_audio, rate.output_audio)
    if (used.input > 0 or used.output > 0) and (rate.input is not None or rate.output is not None):
        other = fallback if rate.flat is None else rate.flat
        read = _side(used.input, other if rate.input is None else rate.input, *cached, spoken)
        return read + _side(used.output, other if rate.output is None else rate.output, *said)
    if rate.flat is not None or used.total == 0:
        return _side(used.total, rate.flat or 0, *cached, spoken, *said)
    return None


def _side(whole: float, rate: float, *parts: tuple[float, float | None]) -> float:
    """The price of a count, whose parts that have a rate of their own are taken out of it."""
    amount = 0.0
    for count, own in parts:
        if own is not None and count > 0:
            part = min(count, whole)
            whole -= part
            amount += part / 1000 * own
    return amount + whole / 1000 * rate


def _counted(usage: Usage) -> Usage:
    if usage.total and set(map(type, usage)) == {int} and min(usage) >= 0 and max(usage) < MOST:
        return usage  # what it nearly always is
    used = Usage(*map(_count, usage))
    return used if used.total > 0 else used._replace(total=used.input + used.output)


def _count(value: object) -> float:
    if type(value) is int:
        return value if 0 < value < MOST else 0
    return (number(value) or 0) if isinstance(value, (int, float)) else 0


def _word(value: object) -> str | None:
    return (value.strip() or None) if isinstance(value, str) else None


# -- the prices of a library


def listed(provider: str | None, model: str, input_tokens: float, at_ns: int = 0) -> Rate | None:
    """The rate of a model in the list of `genai-prices`, at that moment; `None` without the library or the model."""
    library = prices_library()
    if library is None:
        return None
    try:
        info = _model_info(id(library.get_snapshot()), provider, model)
        return None if info is None else _rate_of(info.get_prices(_moment(at_ns)), input_tokens)
    except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, OSError):  # not the list we know
        return None


@cache
def prices_library() -> Any:
    """The list, or `None` where it is not installed. It takes a moment to load, so a pipeline does so at its start."""
    try:
        return import_module("genai_prices.data_snapshot")
    except ModuleNotFoundError:
        return None
    except (ImportError, AttributeError, TypeError, ValueError, RuntimeError, OSError) as problem:
        warn_once(f"genai-prices cannot be loaded, so that its prices are not used: {problem}")
        return None


@lru_cache(maxsize=1024)
def _model_info(_snapshot: int, provider: str | None, model: str) -> Any:
    """What the list says of a model. A list that was renewed is asked again."""
    snapshot = prices_library().get_snapshot()
    for provider_id, name in _ways_to_ask(provider, model):
        try:
            return snapshot.find_provider_model(name, None, provider_id, None)[1]
        except LookupError:
            continue
    return None


def _ways_to_ask(provider: str | None, model: str) -> Iterator[tuple[str | None, str]]:
    """A provider that the list does not know is not guessed from the model: it may be one's own machine."""
    first, slash, rest = model.partition("/")
    if provider:
        yield provider, model
        yield provider.replace("_", "-"), model
    elif not slash:
        yield None, model
    if slash and first and provider in (None, first):
        yield first, rest


def _moment(at_ns: int) -> Any:
    from datetime import UTC, datetime  # late: only for this

    return datetime.fromtimestamp(at_ns / 1e9, UTC) if at_ns > 0 else datetime.now(UTC)


LISTED: Final[dict[str, str]] = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "input_audio",
    "output_audio_mtok": "output_audio",
}
"""Prices per million tokens, by their names in the list."""


def _rate_of(prices: Any, input_tokens: float) -> Rate | None:
    """The list's prices as a rate; `None` for a model that is not paid by the token."""
    found = {LISTED[name]: _dollars(price, input_tokens) for name, price in vars(prices).items() if name in LISTED}
    if "input" not in found and "output" not in found:
        return None
    return Rate(**{"input": 0.0, "output": 0.0, **found})


def _dollars(price: Any, input_tokens: float) -> float:
    """Per 1000 tokens; of a price in tiers, that of the tier which the whole input falls into."""
    for tier in reversed(getattr(price, "tiers", ())):
        if input_tokens > tier.start:
            return float(tier.price) / 1000
    return float(getattr(price, "base", price)) / 1000
