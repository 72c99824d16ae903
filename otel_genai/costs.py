"""Tokens and rates into dollars: pure, and never in the way, whatever it is given.

Rates come from `COST_MODEL_RATES_JSON`, then, for a model that is not named there, from the prices that the library
`genai-prices` brings (only where it is installed; nothing is fetched), then from one rate for everything else.
The format, the order of the look-up and the arithmetic are those of Nora's documentation, to the last branch.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Final, NamedTuple

DEFAULT_PER_1K: Final = 0.002
UNKNOWN_MODEL: Final = "Unknown model"
LONGEST_KEY: Final = 256
MOST: Final = 10**300
"""A count that a float can still hold."""

_log = logging.getLogger("otel_genai")


@dataclass(frozen=True, slots=True)
class Cost:
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


class Rate(NamedTuple):
    """What a model costs: US dollars per 1000 tokens; `None` where that is not given."""

    input: float | None = None
    output: float | None = None
    flat: float | None = None
    """For every token, where the sides are not priced apart."""
    cache_read: float | None = None
    cache_write: float | None = None
    reasoning: float | None = None
    input_audio: float | None = None
    output_audio: float | None = None


Rates = Mapping[str, Rate]
"""Rates by model id or `provider/model`, as written and in lower case."""

ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "input": ("input_per_1k", "inputPer1k", "prompt_per_1k", "promptPer1k"),
    "output": ("output_per_1k", "outputPer1k", "completion_per_1k", "completionPer1k"),
    "flat": ("per_1k", "per1k", "total_per_1k", "totalPer1k"),
    "cache_read": ("cache_read_per_1k", "cacheReadPer1k"),
    "cache_write": ("cache_write_per_1k", "cacheWritePer1k"),
    "reasoning": ("reasoning_per_1k", "reasoningPer1k"),
    "input_audio": ("input_audio_per_1k", "inputAudioPer1k"),
    "output_audio": ("output_audio_per_1k", "outputAudioPer1k"),
}

# -- what the user wrote


def model_rates(value: object) -> dict[str, Rate]:
    """Rates out of a mapping, or out of JSON. An entry that is none is left out, with a warning.

    Raises `ValueError`, with what was expected and where, for what is no JSON object.
    """
    entries = _object(value) if isinstance(value, str) else value
    if not isinstance(entries, Mapping):
        raise ValueError(EXPECTED)
    found: dict[str, Rate] = {}
    for key, entry in entries.items():
        if isinstance(entry, Rate):
            rate: Rate | None = entry
        else:
            rate = _rate(str(key), entry) if isinstance(entry, Mapping) else None
        name = str(key).strip()
        if rate is None or not name:
            _warn_once(f"the rate of the model {str(key)[:LONGEST_KEY]!r} is left out: {EXPECTED_ENTRY}")
        else:
            found[name] = found[name.lower()] = rate
    return found


EXPECTED: Final = 'a JSON object as {"provider/model": {"input_per_1k": 0.002, "output_per_1k": 0.008}}'
EXPECTED_ENTRY: Final = "an object with input_per_1k, output_per_1k or per_1k was expected"


def _object(text: str) -> object:
    import json  # late: few programs have rates

    try:
        return json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as problem:
        place = f"{problem.msg} at line {problem.lineno} column {problem.colno}"
        raise ValueError(f"{EXPECTED}, but: {place}") from None
    except RecursionError:
        raise ValueError(f"{EXPECTED}, but it is nested too deeply") from None


def _no_number(word: str) -> float:
    raise ValueError(f"{EXPECTED}, but {word} is no number of JSON")


def _rate(model: str, entry: Mapping[str, Any]) -> Rate | None:
    values = {
        kind: next((entry[name] for name in names if entry.get(name) is not None), None)
        for kind, names in ALIASES.items()
    }
    if values["input"] is None and values["output"] is None and values["flat"] is None:
        return None
    for kind, value in values.items():
        if value is not None and _number(value) is None:
            _warn_once(f"the rate {kind} of the model {model[:LONGEST_KEY]!r} is no number, 0 or more: it counts as 0")
    return Rate(**{kind: None if value is None else _number(value) or 0.0 for kind, value in values.items()})


def per_1k(value: object) -> float:
    """The rate of everything else, as an argument or a file gives it; `ValueError` for what is none."""
    found = None if isinstance(value, bool) else _number(value)
    if found is None:
        raise ValueError("US dollars per 1000 tokens, 0 or more")
    return found


def per_1k_or_nothing(value: object) -> float:
    """The same as its variable gives it: what is no number, or a negative one, is 0, as Nora documents it."""
    found = _number(value)
    if found is None:
        _warn_once(f"COST_PER_1K_TOKENS={str(value)[:LONGEST_KEY]!r} is no number, 0 or more: it counts as 0")
    return found or 0.0


def _number(value: object) -> float | None:
    """A finite number that is not negative, also out of a text."""
    if not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and found >= 0 else None


@cache
def _warn_once(message: str) -> None:
    _log.warning(message)


# -- what it costs


def given(amount: object, source: str | None = None) -> Cost | None:
    """A cost that somebody knows better; `None` for what is no amount."""
    known = _number(amount) if isinstance(amount, (int, float)) else None
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
    return (_number(value) or 0) if isinstance(value, (int, float)) else 0


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
        _warn_once(f"genai-prices cannot be loaded, so that its prices are not used: {problem}")
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
