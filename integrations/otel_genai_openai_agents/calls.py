"""What the SDK's spans say of model calls: of chat completions, and of OpenAI's Responses."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from otel_genai.events import ModelCall
from otel_genai.sources import clients, replies, transcripts
from otel_genai.sources.settings import Setting, Settings

SETTINGS = Settings(
    Setting("temperature", "temperature", (int, float), float),
    Setting("top_p", "top_p", (int, float), float),
    Setting("max_tokens", "max_tokens", int, int),
    Setting("frequency_penalty", "frequency_penalty", (int, float), float),
    Setting("presence_penalty", "presence_penalty", (int, float), float),
)


def of_generation(said: Any) -> ModelCall:
    """The call that a generation begins. Whose it is the request below knows better, where that is observed."""
    return ModelCall(operation="chat", model=said.model, **SETTINGS(said.model_config or {}))


def read_generation(call: ModelCall, said: Any) -> None:
    """Read a chat completion, unless the provider's own answer has been read."""
    host = urlsplit(str((said.model_config or {}).get("base_url") or "")).hostname
    if call.provider is None and host is not None:
        call.provider = clients.provider_at(host, "openai")
    if call.api is None:
        choices = [{"message": message} for message in said.output or ()]
        read(call, said, {"choices": choices, "usage": said.usage})


def read_response(call: ModelCall, said: Any) -> None:
    """Read a Response, unless the provider's own answer has been read."""
    call.provider = call.provider or "openai"
    if call.api is None and said.response is not None:
        call.api = "openai-responses"
        call.model = call.model or said.response.model
        read(call, said, said.response)


def read(call: ModelCall, said: Any, reply: Any) -> None:
    transcripts.asked(call, {"messages": said.input})
    if not call.counted_inside:
        replies.read(call, reply)
    transcripts.answered(call, reply)
