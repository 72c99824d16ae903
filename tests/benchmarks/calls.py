"""Decorated functions and blocks, beside the same spans and measurements made by hand; and events."""

from __future__ import annotations

from functools import partial
from typing import Any

import otel_genai as genai
from otel_genai.events import MessageQueued, ToolLoop

from .rounds import Candidate, Line, Subject
from .sdk import connected, floor, measured_by_hand, observed, our_meters, tracers, yardstick, yardsticks

REPLY: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-5.5-2026-08-01",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "An answer."}}],
    "usage": {
        "prompt_tokens": 120,
        "completion_tokens": 36,
        "total_tokens": 156,
        "prompt_tokens_details": {"cached_tokens": 100},
        "completion_tokens_details": {"reasoning_tokens": 16},
    },
}


WORDS = "The sky is blue because air scatters short waves of light more than long ones. "
QUESTION = [{"role": "system", "content": WORDS}, {"role": "user", "content": WORDS * 24}]
ANSWER = {**REPLY, "choices": [{**REPLY["choices"][0], "message": {"role": "assistant", "content": WORDS * 12}}]}


def plain(query: str = "sky") -> str:
    return query


async def plain_async(query: str = "sky") -> str:
    return query


search = genai.tool("search")(plain)
search_async = genai.tool("search")(plain_async)


def ask() -> None:
    with genai.model_call("gpt-5.5", provider="openai", api="openai-completions", transport="http") as call:
        plain()
        call.reply(REPLY)


def bare_span(sampled: bool = True) -> Candidate:
    tracer = tracers(sampled).get_tracer("bare")

    def call() -> None:
        with tracer.start_as_current_span("search"):
            plain()

    return Candidate(call)


def tool() -> Subject:
    made = floor(search)
    return Subject(
        {
            "ours": Candidate(search, observed),
            "floor": made.around(plain),
            "ours, async": Candidate(search_async, observed),
            "floor, async": made.around_async(plain_async),
        },
        (
            Line("@tool, def: sampled, metrics", "ours", "floor", 1.25),
            Line("@tool, async def: sampled, metrics", "ours, async", "floor, async", 1.25),
        ),
    )


def model_call() -> Subject:
    return Subject(
        {
            "ours": Candidate(ask, observed),
            "floor": floor(ask).around(plain),
            "ours, latest": Candidate(ask, partial(observed, "latest")),
            "floor, latest": floor(ask, "latest").around(plain),
        },
        (
            Line("model_call with a reply: sampled, metrics", "ours", "floor", 1.25),
            Line("... latest shape", "ours, latest", "floor, latest", 1.25),
        ),
    )


def tell_all() -> None:
    """A call of which 3 KB of text are handed in."""
    with genai.model_call("gpt-5.5", provider="openai", api="openai-completions", transport="http") as call:
        call.content(input_messages=QUESTION)
        plain()
        call.reply(ANSWER)


def content() -> Subject:
    on = partial(observed, capture_content=True)
    return Subject(
        {
            "ours": Candidate(tell_all, on),
            "floor": floor(tell_all, capture_content=True).around(plain),
            "off": Candidate(tell_all, observed),
            "floor, off": floor(tell_all).around(plain),
        },
        (
            Line("model_call, 3 KB of text kept", "ours", "floor"),
            Line("... the same, content off", "off", "floor, off"),
        ),
    )


def span_only() -> Subject:
    return Subject(
        {"ours": Candidate(search, partial(observed, metrics=False)), "bare span": bare_span()},
        (Line("@tool, def: span only", "ours", "bare span", 1.4),),
    )


def unsampled() -> Subject:
    on = partial(observed, sampled=False)
    return Subject(
        {
            "ours": Candidate(search, on),
            "floor": floor(search, sampled=False).around(plain),
            "ours, model": Candidate(ask, on),
            "floor, model": floor(ask, sampled=False).around(plain),
        },
        (
            Line("@tool, def: unsampled, metrics", "ours", "floor", 1.3),
            Line("model_call with a reply: unsampled, metrics", "ours, model", "floor, model", 1.3),
        ),
    )


def off() -> Subject:
    target = yardsticks(1.5)
    return Subject(
        {
            "ours": Candidate(search),
            "bare": Candidate(plain),
            "ours, async": Candidate(search_async),
            "bare, async": Candidate(plain_async),
            "yardstick": yardstick(),
        },
        (
            Line("@tool, def: not configured", "ours", "yardstick", target, "bare"),
            Line("@tool, async def: not configured", "ours, async", "yardstick", target, "bare, async"),
        ),
    )


def event() -> Subject:
    made = MessageQueued(source="dispatcher", queue_depth=3)
    return Subject(
        {
            "publish": Candidate(partial(genai.publish, made)),
            "make and publish": Candidate(lambda: genai.publish(MessageQueued(source="dispatcher", queue_depth=3))),
            "yardstick": yardstick(),
        },
        (
            Line("event, no subscriber: publish", "publish", "yardstick", yardsticks(0.3)),
            Line("event, no subscriber: make and publish", "make and publish", "yardstick"),
        ),
    )


def tell() -> None:
    """Two counters and a histogram."""
    genai.publish(ToolLoop(tool="search", detector="generic_repeat", count=12, new_count=2, duration_ns=4_000_000))


def gateway_event() -> Subject:
    return Subject(
        {
            "ours": Candidate(tell, partial(connected, "default", None, our_meters())),
            "by hand": measured_by_hand(tell),
        },
        (Line("gateway event: 2 counters, 1 histogram", "ours", "by hand", 1.3),),
    )


SUBJECTS = {
    "tool": tool,
    "model_call": model_call,
    "content": content,
    "span_only": span_only,
    "unsampled": unsampled,
    "off": off,
    "event": event,
    "gateway_event": gateway_event,
}
