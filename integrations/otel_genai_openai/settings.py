"""Where the body of a request of OpenAI's says what is asked of the model."""

from __future__ import annotations

from collections.abc import Sequence

from otel_genai.sources.fields import word
from otel_genai.sources.settings import Setting, Settings, several

NUMBER = (int, float)
OUTPUT_TYPES = {"text": "text", "json_object": "json", "json_schema": "json"}


def output_type(kind: object) -> str | None:
    return OUTPUT_TYPES.get(word(kind) or "")


def spoken(modalities: Sequence[object]) -> str | None:
    return "speech" if "audio" in modalities else None


SETTINGS = Settings(
    Setting("model", "model", str, str),
    Setting("temperature", "temperature", NUMBER, float),
    Setting("top_p", "top_p", NUMBER, float),
    Setting("max_tokens", "max_output_tokens", int, int),
    Setting("max_tokens", "max_tokens", int, int),
    Setting("max_tokens", "max_completion_tokens", int, int),
    Setting("seed", "seed", int, int),
    Setting("choice_count", "n", int, int),
    Setting("top_k", "top_k", int, int),
    Setting("frequency_penalty", "frequency_penalty", NUMBER, float),
    Setting("presence_penalty", "presence_penalty", NUMBER, float),
    Setting("stop_sequences", "stop", (str, list, tuple), several),
    Setting("reasoning_level", "reasoning_effort", str, str),
    Setting("reasoning_level", "reasoning", object, word, ("effort",)),
    Setting("previous_response_id", "previous_response_id", str, str),
    Setting("prompt_name", "prompt", object, word, ("id",)),
    Setting("prompt_version", "prompt", object, word, ("version",)),
    Setting("dimensions", "dimensions", int, int),
    Setting("encoding_formats", "encoding_format", str, several),
    Setting("output_type", "text", object, output_type, ("format", "type")),
    Setting("output_type", "response_format", object, output_type, ("type",)),
    Setting("output_type", "modalities", (list, tuple), spoken),
)
