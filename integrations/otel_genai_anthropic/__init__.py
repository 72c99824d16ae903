"""Makes every model call of the `anthropic` library (1 and 2) an operation, without a decorator.

Messages are observed, `beta` ones too, of Anthropic's own client and of those for Bedrock and Vertex. Counting tokens
and handling batches are no model calls. The library's own span for a call is left out where ours stands for it, so
that the trace context that it sends names ours; its other spans stay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic._base_client
import anthropic._streaming
from anthropic._response import BaseAPIResponse

from otel_genai import scope
from otel_genai.events import ModelCall
from otel_genai.sources import clients
from otel_genai.sources.clients import Endpoint
from otel_genai.sources.replacing import replaced, together

from .settings import SETTINGS

MESSAGES = Endpoint("chat", "anthropic-messages")
OWN_SPAN = "start_api_call_span"
"""What begins the library's own span of a request; versions that do not trace themselves have none."""
# Where the clients of a platform are defined, and the platform; any other is told by its host.
PLATFORMS = {
    "anthropic.lib.bedrock": "aws.bedrock",
    "anthropic.lib.vertex": "gcp.vertex_ai",
    "anthropic.lib.foundry": "anthropic",
}


def instrument() -> Callable[[], None]:
    """Observe the clients of this process, also those that exist already; returns the undo."""
    observed = clients.observe(LIBRARY)
    if not hasattr(anthropic._base_client, OWN_SPAN):
        return observed
    return together(observed, replaced(anthropic._base_client, OWN_SPAN, _unless_ours))


def _unless_ours(original: Callable[..., Any], wanted: Callable[[], bool]) -> Callable[..., Any]:
    """Begin no span for a request that is a model call of ours, which has one."""

    def start(tracer: Any, base_url: Any, options: Any, *args: Any, **how: Any) -> Any:
        if wanted() and has_span(scope.current().operation) and LIBRARY.endpoint(options.url) is not None:
            return None
        return original(tracer, base_url, options, *args, **how)

    return start


def has_span(operation: object) -> bool:
    return isinstance(operation, ModelCall) and operation.attach is not None


def provider(client: Any, host: str) -> str:
    """The platform that a client is for; else whose the host is, of which any unknown one is Anthropic's."""
    for kind in type(client).__mro__:
        for place, platform in PLATFORMS.items():
            if kind.__module__.startswith(place):
                return platform
    return clients.provider_at(host, "anthropic")


LIBRARY = clients.Library(
    requests=anthropic._base_client,
    streaming=anthropic._streaming,
    raw=(BaseAPIResponse,),
    endpoints={
        "/v1/messages": MESSAGES,
        "/v1/complete": Endpoint("text_completion", "anthropic-completions"),
    },
    settings=SETTINGS,
    provider=provider,
)
