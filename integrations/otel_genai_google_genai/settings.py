"""Where the arguments of a request say what is asked of the model, and of whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from otel_genai.sources.clients import DEFAULT_PORTS, MOST_SERVERS
from otel_genai.sources.fields import field, fields, word
from otel_genai.sources.settings import Setting, Settings, several

NUMBER = (int, float)
MODALITIES = {"AUDIO": "speech", "IMAGE": "image", "TEXT": "text"}
GIVEN = ("contents", "batch_contents", "content")


class Request(NamedTuple):
    """A kind of request: its operation, and the API that it belongs to at Google and at Vertex AI."""

    operation: str
    api: str
    vertex_api: str
    stream: bool = False


CONTENT = Request("generate_content", "google-generative-ai", "google-vertex")
STREAM = CONTENT._replace(stream=True)
EMBEDDINGS = Request("embeddings", "google-embeddings", "google-vertex-embeddings")


def facts(request: Request, models: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What is known before the request is sent, by the fields of the call."""
    client, config = models._api_client, asked.get("config")
    vertex = bool(client.vertexai)
    url = field(field(config, "http_options"), "base_url") or field(client._http_options, "base_url")
    return {
        "operation": request.operation,
        "api": request.vertex_api if vertex else request.api,
        "provider": "gcp.vertex_ai" if vertex else "gcp.gemini",
        "transport": "sse" if request.stream else "http",
        "stream": request.stream,
        "model": str(asked["model"]).rpartition("models/")[2],  # what is before it says where the model is
        **server_at(str(url)),
        **SETTINGS(fields(config)),
    }


def said(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a request, where what is to be embedded has the name that it has everywhere else."""
    given = next((found for name in GIVEN if (found := asked.get(name)) is not None), None)
    return {**asked, "contents": given}


@lru_cache(MOST_SERVERS)
def server_at(url: str) -> Mapping[str, Any]:
    parts = urlsplit(url)
    return {"server_address": parts.hostname, "server_port": parts.port or DEFAULT_PORTS.get(parts.scheme)}


def output_type(mime_type: str) -> str | None:
    kind, _, name = mime_type.partition("/")
    return "json" if name == "json" else "text" if kind == "text" else None


def modality(wanted: Sequence[object]) -> str | None:
    """What is asked for beside text, if it is anything."""
    kinds = {MODALITIES.get((word(kind) or "").upper()) for kind in wanted}
    return next((kind for kind in MODALITIES.values() if kind in kinds), None)


SETTINGS = Settings(
    Setting("temperature", "temperature", NUMBER, float),
    Setting("top_p", "top_p", NUMBER, float),
    Setting("top_k", "top_k", NUMBER, int),
    Setting("max_tokens", "max_output_tokens", int, int),
    Setting("seed", "seed", int, int),
    Setting("choice_count", "candidate_count", int, int),
    Setting("frequency_penalty", "frequency_penalty", NUMBER, float),
    Setting("presence_penalty", "presence_penalty", NUMBER, float),
    Setting("stop_sequences", "stop_sequences", (str, list, tuple), several),
    Setting("reasoning_level", "thinking_config", object, word, ("thinking_level",)),
    Setting("dimensions", "output_dimensionality", int, int),
    Setting("output_type", "response_modalities", (list, tuple), modality),
    Setting("output_type", "response_mime_type", str, output_type),
)
