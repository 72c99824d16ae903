"""What a provider's answer says about its call, read off the objects of its library or off plain dicts.

A shape that is not known says nothing. What is not said stays `None`; a zero that is said is a zero.
Input tokens include cached ones and output tokens include reasoning (GenAI semantic conventions), so that what a
provider counts beside its own total is added to it, once. Whoever calls this guards it: it reads foreign objects.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from ..events import ModelCall
from .fields import Remembered, field, fields, first_word, number, word


class Alias(NamedTuple):
    """A name of a count, inside of `within` where that is given, and the names of what it leaves out."""

    name: str
    within: str | None = None
    beside: tuple[str, ...] = ()


READ = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
WRITTEN = ("completion_tokens_details", "output_tokens_details", "output_token_details")

# The first alias that is there wins. OpenAI, Gemini and LangChain count cached tokens inside of the input,
# Anthropic and Bedrock count them beside it; Gemini counts thoughts beside the output.
COUNTS: dict[str, tuple[Alias, ...]] = {
    "input_tokens": (
        Alias("input_tokens", beside=("cache_read_input_tokens", "cache_creation_input_tokens")),
        Alias("prompt_tokens"),
        Alias("inputTokens", beside=("cacheReadInputTokens", "cacheWriteInputTokens")),
        Alias("promptTokens"),
        Alias("prompt_token_count", beside=("tool_use_prompt_token_count",)),
        Alias("promptTokenCount", beside=("toolUsePromptTokenCount",)),
    ),
    "output_tokens": (
        Alias("output_tokens"),
        Alias("completion_tokens"),
        Alias("outputTokens"),
        Alias("completionTokens"),
        Alias("candidates_token_count", beside=("thoughts_token_count",)),
        Alias("candidatesTokenCount", beside=("thoughtsTokenCount",)),
        Alias("thoughts_token_count"),  # it has thought until there was no room to answer
        Alias("thoughtsTokenCount"),
    ),
    "cache_read_tokens": (
        *(Alias("cached_tokens", at) for at in READ),
        Alias("cache_read_input_tokens"),
        Alias("cacheReadInputTokens"),
        Alias("cached_content_token_count"),
        Alias("cachedContentTokenCount"),
        Alias("prompt_cache_hit_tokens"),
        Alias("cachedInputTokens"),
        Alias("cache_read", "input_token_details"),
    ),
    "cache_write_tokens": (
        *(Alias("cache_write_tokens", at) for at in READ),
        Alias("cache_creation_input_tokens"),
        Alias("cacheWriteInputTokens"),
        Alias("cache_creation", "input_token_details"),
    ),
    "reasoning_tokens": (
        *(Alias("reasoning_tokens", at) for at in WRITTEN),
        Alias("thinking_tokens", "output_tokens_details"),
        Alias("thoughts_token_count"),
        Alias("thoughtsTokenCount"),
        Alias("reasoningTokens"),
        Alias("reasoning", "output_token_details"),
    ),
    "input_audio_tokens": (*(Alias("audio_tokens", at) for at in READ), Alias("audio", "input_token_details")),
    "output_audio_tokens": (*(Alias("audio_tokens", at) for at in WRITTEN), Alias("audio", "output_token_details")),
}
WRAPPED = ("message", "response", "result", "metadata")
USAGES = ("usage", "usage_metadata", "usageMetadata")
MODELS = ("model", "model_version", "modelVersion")
IDS = ("id", "response_id", "responseId")
STOPS = ("finish_reason", "finishReason", "stop_reason", "stopReason")
SEVERAL = (list, tuple)
SETTLED = frozenset({"completed", "incomplete", "failed", "cancelled"})
"""The statuses of a Response that is over."""


def read(call: ModelCall, reply: object) -> None:
    """Set on `call` what an answer says: tokens, id, model, finish reasons; provider and model where it knows none."""
    answer = fields(reply)
    if type(answer) is not dict or not _read_completion(call, answer):  # to ask an object may take its time
        _read_any(call, answer)


COMPLETION = ("model", "id", "choices", "status", "error", "data", *WRAPPED)
PLAIN = [str, str, list, *[type(None)] * (len(COMPLETION) - 3)]
"""Of which types these are where a completion says all that is asked for."""


def _read_completion(call: ModelCall, answer: dict[str, Any]) -> bool:
    """Read a completion of one choice, as most answers are, in a few steps; says whether it was a plain one."""
    said: list[Any] = [*map(answer.get, COMPLETION)]
    if [*map(type, said)] != PLAIN or len(said[2]) != 1:
        return False
    model, response_id, (choice,), *_ = said
    usage, reason = answer.get("usage"), fields(choice).get("finish_reason")
    if not (type(reason) is str and reason and usage and model and response_id and call.provider):
        return False
    read_usage(call, usage)
    if not call.model:
        call.model = model
    call.response_model, call.response_id, call.finish_reasons = model, response_id, (reason,)
    return True


def _read_any(call: ModelCall, said: Any) -> None:
    parts = _parts(said)
    answer = parts[0]
    first, usage = _usage_in(parts)
    if usage is not None:
        read_usage(call, usage)
    read_names(call, parts, usage)
    call.response_id = first_word(first, IDS) or call.response_id
    for part in parts:
        if reasons := finish_reasons(part):
            call.finish_reasons = reasons
            break
    error = answer.get("error") or said.get("error")
    if _is_failure(error) or (answer.get("object") == "response" and answer.get("status") == "failed"):
        read_failure(call, error)


def _parts(said: Any) -> list[Any]:
    """The fields of an answer, without what a library has wrapped around it, and of what it may be wrapped around."""
    data = said.get("data")
    answer = said if data is None or not (isinstance(data, Mapping) or hasattr(data, "__dict__")) else fields(data)
    parts = [answer]
    for name in WRAPPED:
        part = answer.get(name)
        if part is not None:
            parts.append(fields(part))
            if name == "result" and (message := field(part, "message")) is not None:
                parts.append(fields(message))
    return parts


def _usage_in(parts: list[Any]) -> tuple[list[Any], object]:
    """The parts once more, with the one in front that has a usage, and the usage."""
    for part in parts:
        for name in USAGES:
            usage = part.get(name)
            if usage:
                return [part, *parts], usage
    return parts, None


def read_usage(call: ModelCall, usage: object) -> None:
    """Set the token counts that `usage` has."""
    said, told = fields(usage), call.__dict__
    for inside, places in _places[tuple(said)] if isinstance(said, dict) else _places_of(said):
        part = said if inside is None else fields(said.get(inside))
        for count, name, beside in places:
            value = part.get(name)
            if value is not None:
                tokens = value if type(value) is int and value >= 0 else number(value)
                if tokens is not None:
                    told[count] = tokens + _sum(said, beside) if beside else tokens


def _sum(said: Any, names: tuple[str, ...]) -> int:
    return sum(number(said.get(name)) or 0 for name in names)


Places = tuple[tuple[str | None, tuple[tuple[str, str, tuple[str, ...]], ...]], ...]
"""Of one part of a usage after the other: which counts it may have, by which names, beside which others."""


def _arranged(names: Collection[str]) -> Places:
    """The aliases for which there is something, those of one part together; of a count the first one last: it wins."""
    found = [(count, one) for count, of in COUNTS.items() for one in reversed(of) if (one.within or one.name) in names]
    if len({count for count, _ in found}) == len(found):  # each has but one: their order does not matter
        found.sort(key=lambda each: each[1].within or "")
    parts = groupby(found, key=lambda each: each[1].within)
    return tuple((inside, tuple((count, one.name, one.beside) for count, one in each)) for inside, each in parts)


EVERYWHERE = _arranged([one.within or one.name for of in COUNTS.values() for one in of])
_places: Remembered[tuple[str, ...], Places] = Remembered(_arranged)
"""Where to look for counts, by the names that a usage has: a provider writes the same ones each time."""


def _places_of(said: Any) -> Places:
    """The same of what is no dict: a mapping may know its names in any case, and an object may have all of them."""
    return _arranged(said) if isinstance(said, Mapping) else EVERYWHERE


def read_names(call: ModelCall, parts: list[Any], usage: object = None) -> None:
    model = first_word((*parts, usage), MODELS)
    if model is not None:
        call.response_model = model
        call.model = call.model or model
    if call.provider is None:
        prefix, slash, _ = (call.model or "").partition("/")
        call.provider = first_word(parts, ("provider",)) or (prefix if slash and prefix else None)


def finish_reasons(part: object) -> tuple[str, ...] | None:
    """Why each generation ended, in the provider's words; a Response that is complete says no more than that."""
    get = fields(part).get
    choices = get("choices") or get("candidates")
    if isinstance(choices, SEVERAL):
        return tuple(filter(None, map(_stop, choices)))
    if get("object") == "response":
        status = word(get("status"))
        reason = word(field(get("incomplete_details"), "reason")) or status
        return (reason,) if reason is not None and status in SETTLED else None
    stop = _stop(part)
    return None if stop is None else (stop,)


def _stop(part: object) -> str | None:
    return first_word((part,), STOPS)


def _is_failure(error: object) -> bool:
    """Whether an answer's `error` says that it failed: an object may have anything by that name, such as a method."""
    if isinstance(error, (str, Mapping, BaseException)):
        return bool(error)
    get = fields(error).get
    return any(word(get(name)) or number(get(name)) for name in ("code", "type", "message"))


def read_failure(call: ModelCall, error: object) -> None:
    """The provider says inside of an answer that it failed: nothing is raised, and yet it is an error."""
    get = fields(error).get
    call.declare(_code(get("code")) or word(get("type")) or "error")


def _code(code: object) -> str | None:
    """A code is a word, or the status that an answer would have had; other numbers are anything."""
    return str(code) if type(code) is int and 400 <= code <= 599 else word(code)
