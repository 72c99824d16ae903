"""Decorated generators of 100 items, beside the bare ones: observed they are current at each item, and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import otel_genai as genai

from .rounds import Candidate, Line, Subject
from .sdk import observed, yardstick, yardsticks

ITEMS = 100


def numbers() -> Iterator[int]:
    yield from range(ITEMS)


async def numbers_async() -> AsyncIterator[int]:
    for number in range(ITEMS):
        yield number


tool = genai.tool(numbers)
tool_async = genai.tool(numbers_async)
model_async = genai.model_call("gpt-5.5", provider="openai")(numbers_async)


def exhausted(generator: object) -> Candidate:
    def call() -> None:
        for _ in generator():  # type: ignore[operator]
            pass

    return Candidate(call, observed)


def exhausted_async(generator: object) -> Candidate:
    async def call() -> None:
        async for _ in generator():  # type: ignore[operator]
            pass

    return Candidate(call, observed)


def generators() -> Subject:
    target = yardsticks(100)
    return Subject(
        {
            "ours": exhausted(tool),
            "bare": exhausted(numbers),
            "ours, async": exhausted_async(tool_async),
            "model, async": exhausted_async(model_async),
            "bare, async": exhausted_async(numbers_async),
            "yardstick": yardstick(),
        },
        (
            Line("async generator of 100", "ours, async", "yardstick", target, "bare, async"),
            Line("... each item", "ours, async", "bare, async", None, "bare, async", ITEMS),
            Line("... of a model, each chunk timed", "model, async", "yardstick", None, "bare, async"),
            Line("generator of 100", "ours", "yardstick", target, "bare"),
            Line("... each item", "ours", "bare", None, "bare", ITEMS),
        ),
    )


SUBJECTS = {"generators": generators}
