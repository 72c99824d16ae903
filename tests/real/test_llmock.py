"""The real clients against a provider double that is not ours: `llmock` answers as OpenAI, Anthropic and Gemini."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import anthropic
import openai
import pytest
from google import genai as google

import otel_genai as genai
from otel_genai.testing import Captured

pytestmark = pytest.mark.real

LLMOCK = shutil.which("llmock", path=str(Path(sys.executable).parent))
QUESTION = [{"role": "user", "content": "why is the sky blue?"}]


@pytest.fixture(scope="module")
def llmock() -> Iterator[str]:
    """The double's URL, from when it answers until the module's tests are over."""
    if LLMOCK is None:
        pytest.skip("llmock is not installed: make test-real does that")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    command = [LLMOCK, "serve", "--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            await_answer(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def await_answer(url: str) -> None:
    for _ in range(200):
        try:
            asked(url)
            return
        except URLError:
            time.sleep(0.1)
    raise AssertionError("llmock did not start")


def asked(url: str) -> list[dict[str, object]]:
    with urlopen(f"{url}/_llmock/requests", timeout=5) as response:
        return list(json.load(response)["requests"])


@pytest.fixture(autouse=True)
def _instrumented() -> Iterator[None]:
    undo = genai.instrument("openai", "anthropic", "google-genai")
    yield
    undo()


def test_a_chat_completion_is_one_call_with_the_tokens_of_its_answer(llmock: str, captured: Captured) -> None:
    with openai.OpenAI(base_url=f"{llmock}/v1", api_key="none") as client:
        reply = client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    span = captured.span("openclaw.model.call")
    assert reply.usage is not None
    assert span["gen_ai.usage.output_tokens"] == reply.usage.completion_tokens > 0
    assert span["gen_ai.response.id"] == reply.id
    assert span["gen_ai.response.finish_reasons"] == ("stop",)
    assert (span["server.address"], span["openclaw.model_call.request_bytes"] > 0) == ("127.0.0.1", True)


def test_a_stream_is_timed_to_its_end(llmock: str, captured: Captured) -> None:
    async def read() -> int:
        async with openai.AsyncOpenAI(base_url=f"{llmock}/v1", api_key="none") as client:
            stream = await client.responses.create(model="gpt-4o", input="hi", stream=True)
            return len([event async for event in stream])

    pieces = asyncio.run(read())
    span = captured.span("openclaw.model.call")
    assert span["otel_genai.stream.chunks"] == pieces > 2
    assert span["gen_ai.usage.output_tokens"] > 0
    assert captured.points("openclaw.model_call.time_to_first_byte_ms")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_message_of_anthropics_client_is_one_call(llmock: str, captured: Captured, streamed: bool) -> None:
    asked: Any = {"model": "claude-opus-4-6", "max_tokens": 64, "messages": QUESTION}
    with anthropic.Anthropic(base_url=f"{llmock}/anthropic", api_key="none") as client:
        if streamed:
            with client.messages.stream(**asked) as stream:
                reply = stream.get_final_message()
        else:
            reply = client.messages.create(**asked)
    span = captured.span("openclaw.model.call")
    assert span["gen_ai.usage.output_tokens"] == reply.usage.output_tokens > 0
    assert (span["gen_ai.response.id"], span["gen_ai.system"]) == (reply.id, "anthropic")
    assert span["gen_ai.response.finish_reasons"] == (reply.stop_reason,)


def test_anthropics_client_in_a_block_is_the_blocks_call(llmock: str, captured: Captured) -> None:
    client = anthropic.Anthropic(base_url=f"{llmock}/anthropic", api_key="none")
    with client, genai.model_call("claude-opus-4-6", provider="anthropic") as call:
        call.reply(client.messages.create(model="claude-opus-4-6", max_tokens=9, messages=QUESTION))
    span = captured.span("openclaw.model.call")
    assert span["gen_ai.response.finish_reasons"] == ("max_tokens",)
    assert span["gen_ai.usage.output_tokens"] > 0
    assert "gen_ai.usage.cache_read.input_tokens" not in span


@pytest.mark.parametrize("streamed", [False, True])
def test_content_of_googles_client_is_one_call(llmock: str, captured: Captured, streamed: bool) -> None:
    asked: Any = {"model": "gemini-2.5-flash", "contents": "why is the sky blue?"}
    options: Any = {"base_url": f"{llmock}/gemini", "api_version": "v1beta"}
    with google.Client(api_key="none", http_options=options) as client:
        if streamed:
            *_, reply = client.models.generate_content_stream(**asked)
        else:
            reply = client.models.generate_content(**asked)
    span = captured.span("openclaw.model.call")
    assert reply.usage_metadata
    assert span["gen_ai.usage.output_tokens"] == reply.usage_metadata.candidates_token_count
    assert (span["gen_ai.response.finish_reasons"], span["gen_ai.system"]) == (("STOP",), "gcp.gemini")


def test_the_double_saw_each_call_once(llmock: str, captured: Captured) -> None:
    before = len(asked(llmock))
    with openai.OpenAI(base_url=f"{llmock}/v1", api_key="none") as client:
        client.embeddings.create(model="text-embedding-3-small", input="hi")
    assert len(asked(llmock)) == before + 1
    assert captured.span("openclaw.model.call")["gen_ai.operation.name"] == "embeddings"
