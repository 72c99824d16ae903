"""What a provider's answer says about its call, read off the objects of its library or off plain dicts.

A shape that is not known says nothing. What is not said stays `None`; a zero that is said is a zero.
Input tokens include cached ones and output tokens include reasoning (GenAI semantic conventions), so that what a
provider counts beside its own total is added to it, once. Whoever calls this guards it: it reads foreign objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..events import ModelCall
from . import drafts
from .fields import MOST_CLASSES, field, fields, first_word, number, word

Read = Callable[[ModelCall, Any], object]


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
STOPS = ("stop_reason", "stopReason", "finish_reason", "finishReason")
NOTHING: Mapping[str, Any] = {}
SETTLED = frozenset({"completed", "incomplete", "failed", "cancelled"})
"""The statuses of a Response that is over."""

# -- an answer


def read(call: ModelCall, reply: object) -> None:
    """Set on `call` what an answer says: tokens, id, model, finish reasons; provider and model where it knows none."""
    answer = fields(_unwrapped(reply))
    parts = list(_parts(answer))
    holder, usage = next(_usages(parts), (answer, None))
    if usage is not None:
        read_usage(call, usage)
    read_names(call, parts, usage)
    call.response_id = first_word((holder, *parts), IDS) or call.response_id
    call.finish_reasons = next(filter(None, map(finish_reasons, parts)), None) or call.finish_reasons
    if answer.get("object") == "response" and answer.get("status") == "failed":
        read_failure(call, answer.get("error"))


def _unwrapped(reply: object) -> object:
    data = field(reply, "data")
    if data is None:
        return reply
    return data if isinstance(data, Mapping) or hasattr(data, "__dict__") else reply


def _parts(answer: Any) -> Iterator[Any]:
    """The fields of an answer, and of what it may be wrapped around."""
    yield answer
    for name in WRAPPED:
        part = answer.get(name)
        if part is not None:
            yield fields(part)
            if name == "result" and (message := field(part, "message")) is not None:
                yield fields(message)


def _usages(parts: Iterable[Any]) -> Iterator[tuple[object, object]]:
    return ((part, usage) for part in parts for name in USAGES if (usage := part.get(name)))


def read_usage(call: ModelCall, usage: object) -> None:
    """Set the token counts that `usage` has."""
    said = fields(usage)
    get = said.get
    for count, aliases in _aliases(said):
        for name, within, beside in aliases:
            part = usage if within is None else get(within)
            value = None if part is None else field(part, name)
            tokens = None if value is None else number(value)
            if tokens is not None:
                setattr(call, count, tokens + sum(number(get(other)) or 0 for other in beside) if beside else tokens)
                break


_present: dict[tuple[str, ...], tuple[tuple[str, tuple[Alias, ...]], ...]] = {}


def _aliases(said: Any) -> Iterable[tuple[str, tuple[Alias, ...]]]:
    """The counts that there may be, each with the aliases to look for: of a mapping only those that it has.

    Which those are is remembered by its names, for a provider writes the same ones each time.
    """
    if type(said) is not dict and not isinstance(said, Mapping):
        return COUNTS.items()
    names = tuple(said)
    known = _present.get(names)
    if known is None:
        has = ((count, tuple(one for one in of if (one.within or one.name) in said)) for count, of in COUNTS.items())
        known = tuple((count, aliases) for count, aliases in has if aliases)
        if len(_present) < MOST_CLASSES:
            _present[names] = known
    return known


def read_names(call: ModelCall, parts: Iterable[object], usage: object = None) -> None:
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
    if isinstance(choices, (list, tuple)):
        reasons = [first_word((choice,), STOPS) for choice in choices]
        return tuple([reason for reason in reasons if reason is not None])
    if get("object") == "response":
        status = word(get("status"))
        reason = word(field(get("incomplete_details"), "reason")) or status
        return (reason,) if reason is not None and status in SETTLED else None
    stop = first_word((part,), STOPS)
    return None if stop is None else (stop,)


def read_failure(call: ModelCall, error: object) -> None:
    """The provider says inside of an answer that it failed: nothing is raised, and yet it is an error."""
    call.declare(first_word((error,), ("code", "type")) or "error")


# -- a piece of a stream


def chunk(call: ModelCall, item: Any) -> None:
    """Read a piece of a streamed answer, and add to `response_bytes` the UTF-8 length of what it makes the model say.

    Only text, reasoning and tool arguments are counted: what is around them differs from library to library.
    """
    (_readers.get(type(item)) or _reader_for(item))(call, item)
    if call.contents is not None:
        drafts.add_answer(call, item)


def _read_piece(call: ModelCall, item: Any) -> None:
    (_readers.get(type(item)) or _reader_for(item))(call, item)


_readers: dict[type, Read] = {}


def _reader_for(item: object) -> Read:
    """How an item is read. It is remembered of classes that declare their fields; of others each one is looked at."""
    declared = getattr(type(item), "__pydantic_fields__", None)
    if isinstance(item, str):
        reader: Read = add_text
    elif "choices" in declared if declared else field(item, "choices") is not None:
        reader = _words if declared else _completion
    elif "type" in declared if declared else isinstance(field(item, "type"), str):
        reader = _event
    else:
        reader = _other
    if declared and len(_readers) < MOST_CLASSES:
        _readers[type(item)] = reader
    return reader


def add_text(call: ModelCall, text: object) -> None:
    if isinstance(text, str):
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        call.response_bytes = (call.response_bytes or 0) + size


def _words(call: ModelCall, item: Any) -> None:
    """A chunk of a class that declares its fields. Most are a piece of one text, and have nothing else to say."""
    said = item.__dict__
    choices = said.get("choices")
    if choices and len(choices) == 1 and call.response_id is not None and not said.get("usage"):
        choice = getattr(choices[0], "__dict__", NOTHING)
        delta = getattr(choice.get("delta"), "__dict__", NOTHING)
        text = delta.get("content")
        if text and choice.get("finish_reason") is None and not delta.get("tool_calls"):
            add_text(call, text)
            return
    _completion(call, item)


def _completion(call: ModelCall, item: Any) -> None:
    """A chunk of a chat completion, or of a legacy completion."""
    piece = fields(item)
    for choice in piece.get("choices") or ():
        _choice(call, choice)
    usage = piece.get("usage")
    if usage:
        read_usage(call, usage)
    if call.response_id is None:
        call.response_id = word(piece.get("id"))
        read_names(call, (item,))


def _choice(call: ModelCall, choice: Any) -> None:
    said = fields(choice)
    delta = said.get("delta")
    if delta is None:
        add_text(call, said.get("text"))
    else:
        _delta(call, fields(delta))
    reason = said.get("finish_reason")
    if reason is not None:
        _ended(call, word(reason), number(said.get("index")) or 0)


def _delta(call: ModelCall, said: Any) -> None:
    get = said.get
    text = get("content")
    if text:
        add_text(call, text)
    else:
        for name in ("refusal", "reasoning_content", "reasoning"):
            add_text(call, get(name))
    if tool_calls := get("tool_calls"):
        for tool_call in tool_calls:
            add_text(call, field(field(tool_call, "function"), "arguments"))


def _ended(call: ModelCall, reason: str | None, index: int) -> None:
    """One of `choice_count` choices is over; a provider that says so twice is heard once."""
    reasons = call.finish_reasons or ()
    if reason is not None and len(reasons) < (call.choice_count or index + 1):
        call.finish_reasons = (*reasons, reason)


def _event(call: ModelCall, item: Any) -> None:
    """An event of OpenAI's Responses or of Anthropic's Messages."""
    said = fields(item)
    kind = said.get("type")
    if not isinstance(kind, str):
        return
    if kind.endswith(".delta"):
        if kind.startswith("response."):
            add_text(call, said.get("delta"))
    elif kind in EVENTS:
        EVENTS[kind](call, said)


def _opened(call: ModelCall, event: Mapping[str, Any]) -> None:
    response = event.get("response")
    call.response_id = word(field(response, "id"))
    read_names(call, (response,))


def _failed(call: ModelCall, event: Mapping[str, Any]) -> None:
    read_failure(call, event.get("error") or event)


def _block_delta(call: ModelCall, event: Mapping[str, Any]) -> None:
    delta = event.get("delta")
    add_text(call, first_word((delta,), ("text", "partial_json", "thinking")))


def _message_delta(call: ModelCall, event: Mapping[str, Any]) -> None:
    """Its counts are those so far. One without the cached tokens does not say how large the input is."""
    usage, known = event.get("usage"), call.input_tokens
    read_usage(call, usage)
    if known is not None and number(field(usage, "cache_read_input_tokens")) is None:
        call.input_tokens = known
    call.finish_reasons = finish_reasons(event.get("delta")) or call.finish_reasons


EVENTS: dict[str, Read] = {
    "response.created": _opened,
    "response.completed": lambda call, event: read(call, event.get("response")),
    "response.incomplete": lambda call, event: read(call, event.get("response")),
    "response.failed": lambda call, event: read(call, event.get("response")),
    "error": _failed,
    "message_start": lambda call, event: read(call, event.get("message")),
    "message_delta": _message_delta,
    "content_block_delta": _block_delta,
    "chunk": lambda call, event: _read_piece(call, event.get("chunk")),
}
"""What the events of a stream tell. `chunk` is that of the helpers of OpenAI's library, around a completion's chunk."""


def _other(call: ModelCall, item: object) -> None:
    """A whole answer, or one of Gemini's: each is like the whole so far, but for the text."""
    read(call, item)
    for candidate in field(item, "candidates") or ():
        for part in field(field(candidate, "content"), "parts") or ():
            add_text(call, field(part, "text"))
