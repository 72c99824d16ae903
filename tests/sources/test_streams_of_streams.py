"""A stream around a stream of the same call: each piece is counted once."""

from __future__ import annotations

from collections.abc import Iterator

import openai

import otel_genai as genai
import otel_genai_openai
from otel_genai.demo.provider import Provider
from otel_genai.demo.server import serve
from otel_genai.testing import Captured


def test_a_decorated_generator_around_the_clients_stream_counts_its_pieces_once(captured: Captured) -> None:
    undo = otel_genai_openai.instrument()
    with serve(Provider()) as url, openai.OpenAI(base_url=f"{url}/v1", api_key="none") as client:

        @genai.model_call(provider="openai")
        def ask(model: str) -> Iterator[object]:
            yield from client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": "hi"}], stream=True
            )

        pieces = len(list(ask("gpt-5.5")))
    undo()
    span = captured.span("openclaw.model.call")
    assert span["otel_genai.stream.chunks"] == pieces
