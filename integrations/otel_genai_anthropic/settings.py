"""Where the body of a request of Anthropic's says what is asked of the model."""

from __future__ import annotations

from otel_genai.sources.fields import word
from otel_genai.sources.settings import Setting, Settings, several

NUMBER = (int, float)


def output_type(kind: object) -> str | None:
    return "json" if kind == "json_schema" else None


SETTINGS = Settings(
    Setting("model", "model", str, str),
    Setting("max_tokens", "max_tokens_to_sample", int, int),
    Setting("max_tokens", "max_tokens", int, int),
    Setting("temperature", "temperature", NUMBER, float),
    Setting("top_p", "top_p", NUMBER, float),
    Setting("top_k", "top_k", int, int),
    Setting("stop_sequences", "stop_sequences", (str, list, tuple), several),
    Setting("reasoning_level", "output_config", object, word, ("effort",)),
    Setting("output_type", "output_format", object, output_type, ("type",)),
    Setting("output_type", "output_config", object, output_type, ("format", "type")),
)
