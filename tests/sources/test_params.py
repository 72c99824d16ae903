"""What a tool was given is known by its kind and its length, and a result may be a failure that nobody raised."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, UserDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import guard
from otel_genai.testing import Captured

TOOL = "openclaw.tool.execution"
KIND, LENGTH = "openclaw.tool.params.kind", "openclaw.tool.params.length"


class Text(str):
    __slots__ = ()


class Broken:
    @property
    def __class__(self) -> Any:
        raise RuntimeError("not now")


@dataclass
class Query:
    words: str = "a secret"


@genai.tool
def take(*args: Any, **kwargs: Any) -> None: ...


def summary(captured: Captured) -> tuple[Any, Any]:
    attributes = captured.span(TOOL).attributes
    return attributes.get(KIND), attributes.get(LENGTH)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"query": "a secret"}, ("object", None)),
        (OrderedDict(query=1), ("object", None)),
        (UserDict(query=1), ("object", None)),
        (Query(), ("object", None)),
        (["a secret", "b"], ("array", 2)),
        ((), ("array", 0)),
        (range(3), ("array", 3)),
        (deque([1]), ("array", 1)),
        ("a secret", ("string", 8)),
        (Text("four"), ("string", 4)),
        (True, ("boolean", None)),
        (3, ("number", None)),
        (0.5, ("number", None)),
        (None, ("null", None)),
        (b"a secret", ("other", None)),
        (object(), ("other", None)),
    ],
)
def test_the_only_argument_by_position_is_the_parameters(captured: Captured, params: Any, expected: Any) -> None:
    take(params)
    assert summary(captured) == expected
    assert "a secret" not in str(captured.span(TOOL).attributes)


@pytest.mark.parametrize("call", [lambda: take(query="x"), lambda: take("x", "y"), lambda: take("x", y=1), take])
def test_what_is_given_otherwise_is_an_object(captured: Captured, call: Callable[[], None]) -> None:
    call()
    assert summary(captured) == ("object", None)


class Library:
    @genai.tool
    def method(self, params: Any) -> None: ...

    @genai.tool
    @classmethod
    def of_class(cls, params: Any) -> None: ...

    @genai.tool
    async def later(self, params: Any) -> None: ...

    @genai.tool
    def steps(self, params: Any) -> Iterator[Any]:
        yield params


@pytest.mark.parametrize(
    "call",
    [
        lambda: Library().method([1, 2]),
        lambda: Library.method(Library(), [1, 2]),
        lambda: Library.of_class([1, 2]),
        lambda: asyncio.run(Library().later([1, 2])),
        lambda: list(Library().steps([1, 2])),
    ],
    ids=["method", "method-of-the-class", "classmethod", "coroutine", "generator"],
)
def test_the_object_of_a_method_is_no_parameter(captured: Captured, call: Callable[[], object]) -> None:
    call()
    assert summary(captured) == ("array", 2)


def test_what_cannot_be_told_is_other(captured: Captured) -> None:
    with guard.strict(False):
        take(Broken())
    assert summary(captured) == ("other", None)


def test_the_kind_is_on_metrics_and_the_length_is_not(captured: Captured) -> None:
    take("four")
    (point,) = captured.points("openclaw.tool.execution.duration_ms")
    assert point.attributes[KIND] == "string"
    assert LENGTH not in point.attributes


def test_a_block_is_told_what_the_tool_is_given(captured: Captured) -> None:
    with genai.tool("search") as execution:
        execution.params(["x"])
    assert summary(captured) == ("array", 1)


def test_a_block_that_is_told_nothing_says_nothing(captured: Captured) -> None:
    with genai.tool("search"):
        pass
    assert summary(captured) == (None, None)


# -- results that are failures


def error_of(call: Callable[[], object], captured: Captured) -> tuple[str, Any, Any]:
    call()
    (span,) = captured.spans
    return span.status, span.attributes.get("openclaw.errorCategory"), span.attributes.get("error.type")


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (True, ("ERROR", "returned_error", "returned_error")),
        ("rate_limit", ("ERROR", "rate_limit", "rate_limit")),
        (TimeoutError("late"), ("ERROR", "TimeoutError", "TimeoutError")),
        (False, ("UNSET", None, None)),
        (None, ("UNSET", None, None)),
        ("", ("UNSET", None, None)),
    ],
)
@pytest.mark.parametrize("decorator", [genai.tool, genai.agent, genai.harness, genai.run, genai.model_call])
def test_a_result_may_be_found_to_be_a_failure(
    captured: Captured, decorator: Any, verdict: Any, expected: tuple[str, Any, Any]
) -> None:
    @decorator(error_if=lambda result: verdict if result == "bad" else None)
    def plain() -> str:
        return "bad"

    assert error_of(plain, captured) == expected


def test_the_result_of_a_coroutine_is_judged_too_and_stays_what_it_is(captured: Captured) -> None:
    @genai.tool(error_if=lambda result: "error" in result)
    async def search() -> dict[str, str]:
        return {"error": "no such page"}

    assert asyncio.run(search()) == {"error": "no such page"}
    assert captured.span(TOOL).status == "ERROR"


def test_what_the_function_said_itself_is_not_judged_again(captured: Captured) -> None:
    @genai.model_call(error_if=lambda reply: True)
    def ask() -> dict[str, Any]:
        return {"object": "response", "status": "failed", "error": {"code": "server_error"}}

    assert error_of(ask, captured)[1:] == ("server_error", "server_error")


def test_a_predicate_that_fails_disturbs_nobody(captured: Captured) -> None:
    @genai.tool(error_if=lambda result: result["error"])
    def search() -> dict[str, str]:
        return {}

    with guard.strict(False):
        assert error_of(search, captured) == ("UNSET", None, None)
    assert guard.counts()["judging a result", "KeyError"] >= 1


def test_streams_are_not_judged(captured: Captured) -> None:
    @genai.tool(error_if=lambda result: True)
    def search() -> Iterator[int]:
        yield 1

    assert list(search()) == [1]
    assert captured.span(TOOL).status == "UNSET"


def test_what_cannot_be_called_is_no_predicate() -> None:
    with pytest.raises(TypeError, match="error_if='oops': expected a callable"):
        genai.tool("search", error_if="oops")  # type: ignore[call-overload]
