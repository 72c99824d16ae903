"""What is found out about classes and names is remembered, within bounds, and says the same each time."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from otel_genai.sources import fields
from otel_genai.sources.fields import Remembered
from otel_genai.sources.settings import Setting, Settings


def test_what_is_found_out_is_remembered_of_no_more_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "MOST_CLASSES", 2)
    asked: list[int] = []
    squares = Remembered(lambda number: asked.append(number) or number**2)
    assert [squares[number] for number in (1, 2, 3) * 2] == [1, 4, 9] * 2
    assert asked == [1, 2, 3, 3]
    assert list(squares) == [1, 2]


SETTINGS = Settings(
    Setting("max_tokens", "max_output_tokens", int, int),
    Setting("max_tokens", "max_tokens", int, int),
    Setting("reasoning_level", "reasoning", object, str, ("effort",)),
)


def test_the_later_row_rules_in_whatever_order_a_body_has_them() -> None:
    body: dict[str, Any] = {"max_output_tokens": 1, "max_tokens": 2, "reasoning": {"effort": "low"}, "input": "why?"}
    for names in permutations(body):
        assert SETTINGS({name: body[name] for name in names}) == {"max_tokens": 2, "reasoning_level": "low"}


def test_a_body_with_the_same_names_may_say_something_else() -> None:
    bodies: list[dict[str, Any]] = [{"max_tokens": 1}, {"max_tokens": True}, {"max_tokens": "2"}, {"max_tokens": 3}]
    assert [SETTINGS(body) for body in bodies] == [{"max_tokens": 1}, {}, {}, {"max_tokens": 3}]


def test_of_the_names_in_bodies_only_those_are_remembered_that_say_something() -> None:
    SETTINGS({"max_tokens": 1})
    before = len(SETTINGS._at)
    for number in range(10):
        SETTINGS({f"name-{number}": number, "max_tokens": 1})
    assert len(SETTINGS._at) == before
