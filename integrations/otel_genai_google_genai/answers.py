"""What Google's answers say beside what every provider's do."""

from __future__ import annotations

import json
from typing import Any

from otel_genai.events import ModelCall
from otel_genai.sources import answers, pieces
from otel_genai.sources.fields import field, number, several, word

SOUND = {"input_audio_tokens": "prompt_tokens_details", "output_audio_tokens": "candidates_tokens_details"}


def read(call: ModelCall, reply: Any) -> None:
    """Read a whole answer, also one whose user has asked for it as it was sent."""
    body = field(field(reply, "sdk_http_response"), "body")
    answers.read(call, json.loads(body) if body else reply)
    read_more(call, reply)
    if call.input_tokens is None:
        call.input_tokens = embedded(reply)


def chunk(call: ModelCall, item: Any) -> None:
    """Read a piece of a streamed answer."""
    pieces.chunk(call, item)
    read_more(call, item)


def read_more(call: ModelCall, reply: Any) -> None:
    """Tokens of sound, and why a prompt was not answered at all."""
    usage = field(reply, "usage_metadata")
    for name, details in SOUND.items():
        for part in several(field(usage, details)):
            if word(field(part, "modality")) == "AUDIO":
                setattr(call, name, number(field(part, "token_count")))
    blocked = word(field(field(reply, "prompt_feedback"), "block_reason"))
    if blocked is not None and call.finish_reasons is None:
        call.finish_reasons = (blocked,)


def embedded(reply: Any) -> int | None:
    """The tokens that embeddings were made of, which Vertex AI counts for each."""
    counts = [number(field(field(one, "statistics"), "token_count")) for one in several(field(reply, "embeddings"))]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
