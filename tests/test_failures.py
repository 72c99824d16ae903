"""Errors whose own code fails where telemetry reads them: the program gets them as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import failures, guard
from otel_genai.testing import capture


class Mute(Exception):
    """Has no text."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


class Guarded(Exception):
    """Has fields that cannot be read."""

    @property
    def status_code(self) -> int:
        raise RuntimeError

    response = code = request_id = status_code


class Falsy(Exception):
    """Is neither true nor false."""

    def __bool__(self) -> bool:
        raise RuntimeError


class Secretive(type):
    """Its classes do not even say their names."""

    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError


class Hidden(Exception, metaclass=Secretive):
    """Is of such a class."""


def drive(coroutine: Coroutine[Any, Any, object]) -> None:
    """Run it without an event loop: asyncio's would print the error."""
    coroutine.send(None)


def decorated(error: Exception) -> None:
    @genai.tool
    def search() -> None:
        raise error

    search()


def awaited(error: Exception) -> None:
    @genai.tool
    async def search() -> None:
        raise error

    drive(search())


def streamed(error: Exception) -> None:
    @genai.model_call
    def ask() -> Iterator[str]:
        yield "a"
        raise error

    list(ask())


def streamed_and_awaited(error: Exception) -> None:
    @genai.model_call
    async def ask() -> AsyncIterator[str]:
        yield "a"
        raise error

    async def read() -> None:
        async for _ in ask():
            pass

    drive(read())


def in_a_block(error: Exception) -> None:
    with genai.model_call("m"):
        raise error


def told(error: Exception) -> None:
    with genai.model_call("m") as call:
        call.fail(error)
    raise error


def as_a_cause(error: Exception) -> None:
    with genai.agent("planner"):
        try:
            raise KeyError from error
        except KeyError:
            raise error from None


WAYS = [decorated, awaited, streamed, streamed_and_awaited, in_a_block, told, as_a_cause]
KINDS = {"Mute": Mute, "Guarded": Guarded, "Falsy": Falsy, "Hidden": Hidden}


@pytest.mark.parametrize("texts", [False, True])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", KINDS)
def test_an_error_that_cannot_be_read_reaches_the_program_and_ends_its_operation(
    name: str, way: Callable[[Exception], None], texts: bool
) -> None:
    error = type.__call__(KINDS[name])
    with capture(capture_content=texts) as captured:
        _, raised = guard.attempt(way, error)
    assert raised is error
    (span,) = captured.spans
    assert (span.status, span["error.type"].rpartition(".")[2]) == ("ERROR", name)
    assert captured.events[-1].outcome == "error"  # type: ignore[attr-defined]


def test_what_can_be_read_of_such_an_error_is() -> None:
    class Answer:
        status_code = 429

    class Partly(Guarded):
        """Has an answer at least."""

        response = Answer()

    error = Partly("request_id: req-1")
    assert failures.status(error) == "429"
    assert failures.request_id_hash(error) == failures.hashed("req-1")
    assert failures.text_of(Mute()) == ""
