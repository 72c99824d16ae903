"""Makes every model call of the `openai` library (1, 2 and 3) an operation, without a decorator.

Chat completions, Responses (`beta` ones and compactions too), embeddings and completions are observed, by `openai` and
by whoever speaks its language.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai._base_client
import openai._streaming
from openai._legacy_response import LegacyAPIResponse
from openai._response import BaseAPIResponse
from openai.lib.azure import BaseAzureClient

from otel_genai.sources import clients
from otel_genai.sources.clients import Endpoint

from .settings import SETTINGS


def instrument() -> Callable[[], None]:
    """Observe the clients of this process, also those that exist already; returns the undo."""
    return clients.observe(LIBRARY)


def provider(client: Any, host: str) -> str:
    """Azure's, where it is Azure's client; else by the host, of which any unknown one speaks OpenAI's language."""
    return "azure.ai.openai" if isinstance(client, BaseAzureClient) else clients.provider_at(host, "openai")


RESPONSES = Endpoint("chat", "openai-responses")
LIBRARY = clients.Library(
    requests=openai._base_client,
    streaming=openai._streaming,
    raw=(LegacyAPIResponse, BaseAPIResponse),
    endpoints={
        "/chat/completions": Endpoint("chat", "openai-completions"),
        "/responses": RESPONSES,
        "/responses/compact": RESPONSES,
        "/completions": Endpoint("text_completion", "openai-legacy-completions"),
        "/embeddings": Endpoint("embeddings", "openai-embeddings"),
    },
    settings=SETTINGS,
    provider=provider,
)
