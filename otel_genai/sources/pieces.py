"""What the pieces of a streamed answer say about its call, read off the objects of its library or off plain dicts.

Whoever calls this guards it: it reads foreign objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter_ns
from typing import Any

from ..events import ModelCall
from . import drafts
from .fields import MOST_CLASSES, field, fields, first_word, number, several, word
from .replies import finish_reasons, read, read_failure, read_names, read_usage
from .streams import note_chunk

Read = Callable[[ModelCall, Any], object]


def chunk(call: ModelCall, item: Any) -> None:
    """Read a piece of a streamed answer, and add to `response_bytes` the UTF-8 length of what it makes the model say.

    Only text, reasoning and tool arguments are counted: what is around them differs from library to library.
    """
    _read_piece(call, item)
    if call.contents is not None:
        drafts.add_answer(call, item)


def piece(call: ModelCall, item: Any) -> None:
    """The same, and count it, for a stream that nobody else counts."""
    chunks = call.chunks
    if chunks:
        call.chunks, call.last_chunk_ns = chunks + 1, perf_counter_ns() - call.began
    else:
        note_chunk(call)
    chunk(call, item)


def more(call: Any, item: Any) -> None:
    """The same of a stream that has begun and keeps no content, for a piece of a class that `is_plain`."""
    call.chunks, call.last_chunk_ns = call.chunks + 1, perf_counter_ns() - call.began
    _words(call, item)


def is_plain(kind: type) -> bool:
    """Whether most of the pieces of this class say one more bit of one text, as far as it is known."""
    return _readers.get(kind) is _words


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


_utf8 = str.encode


def _words(call: ModelCall, item: Any) -> None:
    """A chunk of a class that declares its fields. Most say one more bit of one text, and nothing else."""
    try:
        said = item.__dict__  # to ask pydantic for an attribute takes three times as long
        (choice,) = said["choices"]
        told = choice.__dict__
        delta = told["delta"].__dict__
        size = len(_utf8(delta["content"]))
        plain = said["usage"] is None and told["finish_reason"] is None and delta["tool_calls"] is None
    except (AttributeError, LookupError, TypeError, ValueError):  # it has other fields, or several choices, or none
        plain, size = False, 0
    if plain and size and call.response_id is not None:
        call.response_bytes = (call.response_bytes or 0) + size
    else:
        _completion(call, item)


def _completion(call: ModelCall, item: Any) -> None:
    """A chunk of a chat completion, or of a legacy completion; Groq's has its usage apart."""
    piece = fields(item)
    for choice in several(piece.get("choices")):
        _choice(call, choice)
    usage = piece.get("usage")
    if not usage and (apart := piece.get("x_groq")) is not None:
        usage = field(apart, "usage")
    if usage:
        read_usage(call, usage)
    if call.response_id is None:
        call.response_id = word(piece.get("id"))
        read_names(call, [piece])


def _choice(call: ModelCall, choice: Any) -> None:
    """One choice of a chunk; Moonshot's has the usage where it ends."""
    said = fields(choice)
    delta = said.get("delta")
    if delta is None:
        add_text(call, said.get("text"))
    else:
        _delta(call, fields(delta))
    reason = said.get("finish_reason")
    if reason is not None:
        _ended(call, word(reason), number(said.get("index")) or 0)
        if usage := said.get("usage"):
            read_usage(call, usage)


def _delta(call: ModelCall, said: Any) -> None:
    get = said.get
    text = get("content")
    if text:
        add_text(call, text)
    else:
        for name in ("refusal", "reasoning_content", "reasoning"):
            add_text(call, get(name))
    if tool_calls := get("tool_calls"):
        for tool_call in several(tool_calls):
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
    read_names(call, [fields(response)])


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
    for candidate in several(field(item, "candidates")):
        for part in several(field(field(candidate, "content"), "parts")):
            add_text(call, field(part, "text"))
