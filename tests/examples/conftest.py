"""What the tests of the examples are given: what a program asks and sends to, on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from otel_genai.demo.provider import Provider
from otel_genai.demo.server import serve
from otel_genai.viewer import Receiver

from .programs import Wire


@pytest.fixture
def wire() -> Iterator[Wire]:
    receiver, provider = Receiver(), Provider()
    with serve(receiver) as collector, serve(provider) as url:
        settings = {
            "OTEL_GENAI_ENABLED": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
            "OPENAI_BASE_URL": f"{url}/v1",
            "OPENAI_API_KEY": "none",
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "none",
            "GOOGLE_GEMINI_BASE_URL": url,
            "GEMINI_API_KEY": "none",
        }
        yield Wire(receiver, provider, settings)
