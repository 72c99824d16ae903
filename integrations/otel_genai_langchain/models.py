"""What LangChain says of a model call: what is asked of the model before it begins, and the answer when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otel_genai.events import ModelCall
from otel_genai.sources import replies, transcripts
from otel_genai.sources.fields import field, first_word, word
from otel_genai.sources.settings import Setting, Settings, several

NUMBER = (int, float)
SETTINGS = Settings(
    Setting("model", "ls_model_name", str, str),
    Setting("model", "deployment_name", str, str),
    Setting("model", "model_id", str, str),
    Setting("model", "model_name", str, str),
    Setting("model", "model", str, str),
    Setting("temperature", "temperature", NUMBER, float),
    Setting("top_p", "top_p", NUMBER, float),
    Setting("top_k", "top_k", int, int),
    Setting("max_tokens", "max_tokens", int, int),
    Setting("max_tokens", "max_output_tokens", int, int),
    Setting("max_tokens", "max_completion_tokens", int, int),
    Setting("seed", "seed", int, int),
    Setting("choice_count", "n", int, int),
    Setting("frequency_penalty", "frequency_penalty", NUMBER, float),
    Setting("presence_penalty", "presence_penalty", NUMBER, float),
    Setting("stop_sequences", "stop", (str, list, tuple), several),
    Setting("reasoning_level", "reasoning_effort", str, str),
)
# LangChain's words, where those of the GenAI conventions are others.
PROVIDERS = {
    "amazon_bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "mistralai": "mistral_ai",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
OWN_IDS = ("lc_run-", "run-")
"""How the ids of messages begin that LangChain makes itself."""


def call_for(operation: str, metadata: Mapping[str, Any], params: Mapping[str, Any]) -> ModelCall:
    """The call that is begun. Whose it is stays open: the request below knows it better, where that is observed."""
    asked = SETTINGS({**metadata, **params})
    return ModelCall(operation=operation, **asked)


def provider(metadata: Mapping[str, Any]) -> str | None:
    """The value of `gen_ai.provider.name`, as far as LangChain knows it."""
    said = word(metadata.get("ls_provider"))
    return None if said is None else PROVIDERS.get(said, said)


def answered(call: ModelCall, result: Any) -> None:
    """Read LangChain's `LLMResult`, unless the provider's own answer has been read."""
    if call.input_tokens is not None and call.finish_reasons is not None:
        return
    reply = reply_of(result)
    if call.counted_inside or call.input_tokens is not None:
        del reply["usage"]
    replies.read(call, reply)
    transcripts.answered(call, reply)


def reply_of(result: Any) -> dict[str, Any]:
    """The result in the shape of a chat completion."""
    made = [one for several in result.generations for one in several]
    messages = [message for one in made if (message := field(one, "message")) is not None]
    notes = [field(message, "response_metadata") or {} for message in messages]
    output = result.llm_output or {}
    usage = next((usage for message in messages if (usage := field(message, "usage_metadata"))), None)
    own_id = first_word(messages, ("id",)) or ""
    return {
        "choices": [choice_of(one) for one in made],
        "usage": usage or field(output, "token_usage") or field(output, "usage"),
        "id": first_word(notes, ("id", "response_id")) or ("" if own_id.startswith(OWN_IDS) else own_id),
        "model": first_word((*notes, output), ("model_name", "model", "model_id")),
    }


def choice_of(generation: Any) -> dict[str, Any]:
    message = field(generation, "message")
    notes = [part for part in (field(message, "response_metadata"), field(generation, "generation_info")) if part]
    reason = first_word(notes, ("finish_reason", "stop_reason", "done_reason"))
    said = {"text": field(generation, "text")} if message is None else {"message": message}
    return {**said, "finish_reason": reason}
