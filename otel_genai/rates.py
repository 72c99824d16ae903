"""What models cost, as the user writes it: rates by model, in the format that Nora documents, and one for the rest."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from numbers import Real
from typing import Any, Final, NamedTuple

DEFAULT_PER_1K: Final = 0.002
LONGEST_KEY: Final = 256
NUMBERS: Final = (int, float, Decimal, Real)
"""What an amount of money may be."""
WRITTEN: Final = (*NUMBERS, str)

_log = logging.getLogger("otel_genai")


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
            warn_once(f"the rate of the model {str(key)[:LONGEST_KEY]!r} is left out: {EXPECTED_ENTRY}")
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
        if value is not None and number(value) is None:
            warn_once(f"the rate {kind} of the model {model[:LONGEST_KEY]!r} is no number, 0 or more: it counts as 0")
    return Rate(**{kind: None if value is None else number(value) or 0.0 for kind, value in values.items()})


def per_1k(value: object) -> float:
    """The rate of everything else, as an argument or a file gives it; `ValueError` for what is none."""
    found = None if isinstance(value, bool) else number(value)
    if found is None:
        raise ValueError("US dollars per 1000 tokens, 0 or more")
    return found


def per_1k_or_nothing(value: object) -> float:
    """The same as its variable gives it: what is no number, or a negative one, is 0, as Nora documents it."""
    found = number(value)
    if found is None:
        warn_once(f"COST_PER_1K_TOKENS={str(value)[:LONGEST_KEY]!r} is no number, 0 or more: it counts as 0")
    return found or 0.0


def number(value: object) -> float | None:
    """A finite number that is not negative, of any kind, also out of a text."""
    if not isinstance(value, WRITTEN):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and found >= 0 else None


@cache
def warn_once(message: str) -> None:
    _log.warning(message)
