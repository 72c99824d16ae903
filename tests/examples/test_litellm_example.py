"""The example program as its users run it: a process of its own, the real library, a receiver on the wire."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from otel_genai.demo.provider import Provider
from otel_genai.demo.server import serve
from otel_genai.viewer import Receiver

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def run(collector: str, provider: str) -> str:
    environment = {
        **os.environ,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "OTEL_GENAI_ENABLED": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "OTEL_SERVICE_NAME": "chat",
        "OPENAI_BASE_URL": f"{provider}/v1",
        "OPENAI_API_KEY": "none",
    }
    command = [sys.executable, "litellm_chat.py", "why?"]
    return subprocess.run(command, cwd=EXAMPLES, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(find_spec("litellm") is None, reason="litellm needs openai 2: make test-majors")
def test_a_chat_and_a_stream_are_two_calls_with_their_tokens() -> None:
    receiver, provider = Receiver(), Provider()
    with serve(receiver) as collector, serve(provider) as url:
        assert run(collector, url) == "An answer to: why?\n" * 2
    plain, streamed = (span for span in receiver.spans if span.name == "openclaw.model.call")
    for span, seen in zip((plain, streamed), provider.seen, strict=True):
        assert span.attributes["gen_ai.usage.input_tokens"] == plain.attributes["gen_ai.usage.input_tokens"] > 0
        assert span.attributes["gen_ai.conversation.id"] == "c-1"
        assert seen.headers["traceparent"].startswith(f"00-{span.trace_id}-{span.span_id}-")
    assert streamed.attributes["gen_ai.request.stream"] is True
