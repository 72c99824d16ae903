"""The real client of OpenAI, answered within this process: bare, observed by us, and by the official package."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any

import httpx2
import openai

import otel_genai_openai
from otel_genai.emitters.later import MOST

from .calls import REPLY
from .rounds import Candidate, Line, Ready, Subject
from .sdk import floor, meters, observed, tracers, yardstick, yardsticks

PEERS = ("opentelemetry.instrumentation.genai.openai", "opentelemetry.instrumentation.openai_v2")
CHUNKS = 50
USAGE = REPLY["usage"]
MESSAGES: Any = [{"role": "user", "content": "why is the sky blue?"}]


def chunk(**fields: Any) -> bytes:
    about = {"id": REPLY["id"], "object": "chat.completion.chunk", "created": 1, "model": REPLY["model"]}
    return b"data: " + json.dumps({**about, **fields}).encode() + b"\n\n"


def piece(content: str | None, finish_reason: str | None = None) -> bytes:
    return chunk(choices=[{"index": 0, "delta": {"content": content}, "finish_reason": finish_reason}])


WHOLE = json.dumps({**REPLY, "created": 1}).encode()
STREAMED = b"".join(
    [piece("word ")] * (CHUNKS - 2) + [piece(None, "stop"), chunk(choices=[], usage=USAGE), b"data: [DONE]\n\n"]
)


def answer(request: httpx2.Request) -> httpx2.Response:
    if b'"stream":true' in request.content:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=STREAMED)
    return httpx2.Response(200, headers={"content-type": "application/json"}, content=WHOLE)


client = openai.OpenAI(
    base_url="http://provider.test/v1",
    api_key="none",
    http_client=httpx2.Client(transport=httpx2.MockTransport(answer)),
)


def chat_once() -> None:
    client.chat.completions.create(model="gpt-5.5", messages=MESSAGES)


def stream_once() -> None:
    for _ in client.chat.completions.create(
        model="gpt-5.5", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    ):
        pass


def peer() -> tuple[str, Ready] | None:
    """The official instrumentation, where it is installed: its name, and how it is switched on."""
    for name in PEERS:
        try:
            instrumentor = import_module(name).OpenAIInstrumentor()
        except ModuleNotFoundError:
            continue
        return name, partial(instrumented, instrumentor)
    return None


@contextmanager
def instrumented(instrumentor: Any) -> Iterator[None]:
    instrumentor.instrument(tracer_provider=tracers(), meter_provider=meters())
    try:
        yield
    finally:
        instrumentor.uninstrument()


def subject(what: str, call: Callable[[], None], microseconds: float, share: float) -> Subject:
    """`microseconds` and `share` are what it may take, the latter of the official package's time."""
    ours = partial(observed, also=otel_genai_openai.instrument)
    candidates = {
        "bare": Candidate(call),
        "ours": Candidate(call, ours),
        "floor": floor(call, also=otel_genai_openai.instrument).around(call),
        "ours, latest": Candidate(call, partial(ours, "latest")),
        "yardstick": yardstick(),
    }
    target = yardsticks(microseconds)
    lines = [
        Line(what, "ours", "yardstick", target, "bare"),
        Line("... beside its spans and measurements", "ours", "floor", None, "bare"),
        Line("... latest shape", "ours, latest", "yardstick", target, "bare"),
    ]
    official = peer()
    if official:
        candidates["official"] = Candidate(call, official[1])
    lines.append(Line("... latest shape, beside the official one", "ours, latest", "official", share, "bare"))
    return Subject(candidates, tuple(lines), least=MOST)


def chat() -> Subject:
    return subject("OpenAI chat", chat_once, 110, 0.5)


def stream() -> Subject:
    return subject(f"OpenAI stream of {CHUNKS} chunks", stream_once, 250, 0.15)


SUBJECTS = {"chat": chat, "stream": stream}
