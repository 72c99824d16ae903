"""What observes a library's function stands in its place once, for as many as want it there."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from otel_genai.bus import bus
from otel_genai.sources.replacing import Function, Undo, Wanted, replaced


class Library:
    def ask(self) -> list[str]:
        return ["asked"]


def named(name: str, original: Function, wanted: Wanted) -> Function:
    def ask(*args: Any) -> Any:
        return [name, *original(*args)] if wanted() else original(*args)

    return ask


@pytest.fixture(autouse=True)
def listening() -> Iterator[None]:
    original, undo = Library.ask, bus.subscribe(lambda event: None)
    yield
    undo()
    assert Library.ask is original


def observe(name: str = "first") -> Undo:
    return replaced(Library, "ask", partial(named, name))


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 0, 1), (1, 1, 0)])
def test_what_is_there_twice_observes_once_until_the_last_undo(order: tuple[int, ...]) -> None:
    undo = [observe(), observe()]
    for index in order[:-1]:
        assert Library().ask() == ["first", "asked"]
        undo[index]()
    assert Library().ask() == ["first", "asked"]
    undo[order[-1]]()
    assert Library().ask() == ["asked"]


def test_what_is_there_for_another_purpose_is_another() -> None:
    undo = [observe("first"), observe("second")]
    assert Library().ask() == ["second", "first", "asked"]
    undo.pop()()
    assert Library().ask() == ["first", "asked"]
    undo.pop()()


def test_what_somebody_has_wrapped_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    undo, ours = observe(), Library.ask
    with monkeypatch.context() as patch:
        patch.setattr(Library, "ask", functools.wraps(ours)(lambda *args: ["theirs", *ours(*args)]))
        again = observe()
        assert Library().ask() == ["theirs", "first", "asked"]
    undo()
    assert Library().ask() == ["first", "asked"]
    again()


def test_what_somebody_has_taken_away_is_put_there_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    original: Callable[..., Any] = Library.ask
    undo = observe()
    with monkeypatch.context() as patch:
        patch.setattr(Library, "ask", original)
        again = observe()
        assert Library().ask() == ["first", "asked"]
        again()
    undo()
