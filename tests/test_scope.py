"""For whom work is done: said once at the edge, seen by everything inside, and nowhere else."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

import otel_genai as genai
from otel_genai import scope
from otel_genai.events import ToolExecution
from otel_genai.scope import NAMES, Scope, bind, current


def test_outside_of_everything_nothing_is_known() -> None:
    assert current() == Scope()


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_bound_and_is_gone_afterwards(name: str) -> None:
    with bind(**{name: "x"}) as bound:
        assert getattr(current(), name) == "x"
        assert bound is current()
    assert getattr(current(), name) is None


def test_what_is_not_named_stays_as_it_was_outside() -> None:
    with bind(channel="slack", agent="ada"), bind(agent="eve"):
        assert (current().channel, current().agent) == ("slack", "eve")


def test_an_outer_name_can_be_taken_back() -> None:
    with bind(channel="slack"), bind(channel=None):
        assert current().channel is None


@pytest.mark.parametrize("name", ["operation", "chanel"])
def test_a_name_that_does_not_exist_is_an_error_that_says_which_there_are(name: str) -> None:
    with pytest.raises(TypeError, match=rf"no '{name}'; it takes channel, agent, session"):
        bind(**{name: "x"})


@pytest.mark.parametrize("value", [True, 1.5, b"slack", ["slack"], object()], ids=lambda value: type(value).__name__)
def test_a_value_that_is_no_id_is_an_error_that_says_what_is_expected(value: Any) -> None:
    with pytest.raises(TypeError, match=r"bind\(channel=.*\): expected a str, an int, a UUID or None"):
        bind(agent="ada", channel=value)


@pytest.mark.parametrize("value", [17, UUID(int=17)])
def test_an_id_as_a_database_has_it_is_its_text(value: Any) -> None:
    with bind(session=value):
        assert current().session == str(value)


def test_an_error_inside_passes_and_the_scope_is_left() -> None:
    with pytest.raises(ValueError, match="x"), bind(channel="slack"):
        raise ValueError("x")
    assert current() == Scope()


def test_one_bind_may_be_entered_again_also_inside_of_itself() -> None:
    slack = bind(channel="slack")
    for _ in range(2):
        with slack, bind(channel="web"), slack:
            assert current().channel == "slack"
        assert current() == Scope()


def test_one_bind_may_be_entered_by_several_tasks_at_once() -> None:
    slack = bind(channel="slack")

    async def work(turns: int) -> Scope:
        with slack:
            for _ in range(turns):
                await asyncio.sleep(0)
            assert current().channel == "slack"
        return current()

    async def main() -> list[Scope]:
        return await asyncio.gather(*(work(turns) for turns in (3, 1, 2)))

    assert asyncio.run(main()) == [Scope()] * 3


def test_a_task_inherits_the_scope_and_does_not_change_its_parents() -> None:
    async def work() -> str | None:
        with bind(session="inner"):
            await asyncio.sleep(0)
            return current().channel

    async def main() -> tuple[str | None, str | None]:
        with bind(channel="slack", session="outer"):
            return await asyncio.create_task(work()), current().session

    assert asyncio.run(main()) == ("slack", "outer")


def test_another_thread_begins_with_nothing() -> None:
    seen: list[Scope] = []
    with bind(channel="slack"):
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
    assert seen == [Scope()]


def test_a_thread_of_asyncio_inherits_the_scope() -> None:
    with bind(channel="slack"):
        assert asyncio.run(asyncio.to_thread(current)).channel == "slack"


def test_left_in_a_copy_of_its_context_nothing_stays_bound_there() -> None:
    bound, entered = bind(channel="slack"), contextvars.copy_context()
    entered.run(bound.__enter__)
    copied = entered.copy()
    copied.run(bound.__exit__, None, None, None)
    assert copied.run(current) == Scope()


def test_left_in_a_foreign_context_nothing_changes_there() -> None:
    bound, foreign = bind(channel="slack"), contextvars.Context()
    foreign.run(scope.enter, Scope(channel="web"))
    contextvars.copy_context().run(bound.__enter__)
    foreign.run(bound.__exit__, None, None, None)
    assert foreign.run(current).channel == "web"


def test_a_scope_within_an_operation_is_the_same_but_for_that() -> None:
    tool = ToolExecution(name="search")
    assert Scope(channel="web").within(tool) == Scope(channel="web", operation=tool)
    assert type(Scope().within(tool)) is Scope


def test_events_carry_the_scope_in_which_they_are_published() -> None:
    seen: list[genai.events.Event] = []
    undo = genai.subscribe(seen.append)
    with bind(channel="slack", session="s-1"):
        genai.publish(genai.events.MessageQueued(source="x"))
    undo()
    assert (seen[0].scope.channel, seen[0].scope.session) == ("slack", "s-1")


def test_left_twice_a_token_of_another_context_is_no_error() -> None:
    token = contextvars.copy_context().run(scope.enter, Scope(channel="web"))
    assert not scope.leave(token)


def test_a_bind_that_ends_while_something_else_is_current_is_undone() -> None:
    def left_open() -> Iterator[None]:
        with bind(channel="inner"):
            yield

    def work() -> Scope:
        with bind(channel="outer"):
            generator = left_open()
            next(generator)
        return current()

    assert contextvars.copy_context().run(work) == Scope()
