"""What a request of the `openai` library says about its model call, and whose call it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from openai.lib.azure import BaseAzureClient

from otel_genai import scope
from otel_genai.events import ModelCall


class Endpoint(NamedTuple):
    operation: str
    api: str


ENDPOINTS = {
    "/chat/completions": Endpoint("chat", "openai-completions"),
    "/responses": Endpoint("chat", "openai-responses"),
    "/completions": Endpoint("text_completion", "openai-legacy-completions"),
    "/embeddings": Endpoint("embeddings", "openai-embeddings"),
}
# How a host ends, and the value of `gen_ai.provider.name` for it; any other host speaks OpenAI's language.
HOSTS = {
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "api.anthropic.com": "anthropic",
    "api.cohere.ai": "cohere",
    "api.cohere.com": "cohere",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "models.inference.ai.azure.com": "azure.ai.inference",
    "openai.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
}
# A field of the call, where the body may have it, and what it is there.
ASKED: tuple[tuple[str, tuple[str, ...], type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    ("model", ("model",), str, str),
    ("temperature", ("temperature",), (int, float), float),
    ("top_p", ("top_p",), (int, float), float),
    ("max_tokens", ("max_completion_tokens", "max_tokens", "max_output_tokens"), int, int),
    ("seed", ("seed",), int, int),
    ("choice_count", ("n",), int, int),
)
DEFAULT_PORTS = {"https": 443, "http": 80}
IDENTITY = ("operation", "provider", "model")
"""What two descriptions of the same call agree about, as far as they say it."""


def call_for(client: Any, options: Any) -> tuple[ModelCall, bool] | None:
    """The call that a request is, and whether it is ours to begin and end; `None` for a request of another kind.

    A call that is running already and may be this one, made by hand around the request, is this one, once.
    """
    endpoint = ENDPOINTS.get(options.url)
    if endpoint is None or options.method.lower() != "post":
        return None
    known = facts(client, endpoint, options.json_data)
    running = scope.current().operation
    if isinstance(running, ModelCall) and may_be(running, known):
        adopt(running, known)
        return running, False
    return ModelCall(**known, adopted=True), True


def facts(client: Any, endpoint: Endpoint, body: object) -> dict[str, Any]:
    """What is known before the request is sent, by the fields of the call."""
    url = client.base_url
    host, port = url.host, url.port
    asked = body if isinstance(body, Mapping) else {}
    stream = asked.get("stream") is True
    return {
        "operation": endpoint.operation,
        "provider": "azure.ai.openai" if isinstance(client, BaseAzureClient) else provider_at(host),
        "api": endpoint.api,
        "transport": "sse" if stream else "http",
        "stream": stream,
        "server_address": host or None,
        "server_port": port or DEFAULT_PORTS.get(url.scheme),
        **settings(asked),
    }


def settings(body: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the model that a body has, each where it is of the right type."""
    found: dict[str, Any] = {}
    for field, names, kind, convert in ASKED:
        for name in names:
            value = body.get(name)
            if value is not None and isinstance(value, kind) and not isinstance(value, bool):
                found[field] = convert(value)
                break
    return found


@lru_cache(maxsize=256)
def provider_at(host: str) -> str:
    """Whose API is at this host."""
    if host.startswith("bedrock"):
        return "aws.bedrock"
    return next((provider for end, provider in HOSTS.items() if host.endswith(end)), "openai")


def may_be(running: ModelCall, known: Mapping[str, Any]) -> bool:
    """Whether a call that runs already is this one: it is not another request's, and says nothing else."""
    if running.adopted or running.outcome is not None:
        return False
    return all(getattr(running, name) in (None, known.get(name)) for name in IDENTITY)


def adopt(running: ModelCall, known: Mapping[str, Any]) -> None:
    """Tell a call that was made by hand what it does not know."""
    running.adopted = True
    for name, value in known.items():
        if getattr(running, name) is None:
            setattr(running, name, value)
