"""Who this work is for (channel, agent, session ...) and inside which operation, in one context variable."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token, copy_context
from functools import wraps
from inspect import iscoroutinefunction
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, ParamSpec, TypeVar

from .collector import collecting

if TYPE_CHECKING:
    from uuid import UUID

    from .events import Operation

P = ParamSpec("P")
R = TypeVar("R")


class Scope(NamedTuple):
    """The circumstances that every event carries without being told.

    `session` and `user` name people: they are for subscribers and never leave the process as they are.
    `conversation` is exported on spans (`gen_ai.conversation.id`) because the application gave it for that.
    """

    channel: str | None = None
    agent: str | None = None
    session: str | None = None
    conversation: str | None = None
    user: str | None = None
    run: str | None = None
    trigger: str | None = None
    operation: Operation | None = None

    def within(self, operation: Operation) -> Scope:
        """The same circumstances, inside of `operation`."""
        return tuple.__new__(Scope, (*self[:-1], operation))  # what `_make` does, for every operation


NAMES = tuple(name for name in Scope._fields if name != "operation")

_current: ContextVar[Scope] = ContextVar("otel_genai_scope", default=Scope())  # noqa: B039 (a named tuple is immutable)

current = _current.get
enter = _current.set
reset = _current.reset


def leave(token: Token[Scope]) -> bool:
    """Undo an `enter`. False when it was made in another context, where there is nothing of ours to undo."""
    try:
        reset(token)
    except ValueError:
        return False
    return True


def text(name: str, value: object) -> str:
    """An id as text: databases have numbers and UUIDs for it. Another object's text is not known to be an id."""
    if isinstance(value, str):
        return value
    if type(value) is int or type(value).__name__ == "UUID":
        return str(value)
    raise TypeError(f"bind({name}={value!r:.100}): expected a str, an int, a UUID or None")


class bind:
    """`with bind(channel="slack", agent="ada", session="s-1"):` say who the work inside is for.

    What is not named stays as it was outside. The names are those of `Scope`, the values text, numbers and UUIDs, or
    `None`: anything else raises `TypeError`. One `bind` may be entered again, also by several tasks at once.
    """

    __slots__ = ("_changes", "_names")

    def __init__(self, **names: str | int | UUID | None) -> None:
        unknown = sorted(names.keys() - set(NAMES))
        if unknown:
            raise TypeError(f"bind() has no {unknown[0]!r}; it takes {', '.join(NAMES)}")
        self._names = {name: value if value is None else text(name, value) for name, value in names.items()}
        self._changes: list[tuple[Token[Scope], Scope, Scope]] = []

    def __enter__(self) -> Scope:
        before = current()
        bound = before._replace(**self._names)  # type: ignore[arg-type]  # (never `operation`)
        self._changes.append((enter(bound), before, bound))
        return bound

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        here = current()
        mine = [place for place, (_, _, bound) in enumerate(self._changes) if bound is here]
        token, before, bound = self._changes.pop(mine[-1] if mine else -1)
        if collecting() and bound is not here:  # a generator that was given up: something else is current
            return
        if not leave(token) and bound is here:  # this context is a copy of the one that was entered
            enter(before)


def carried(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, to be called by a thread of a pool as a part of the work that goes on here and now.

    `executor.submit(carried(search), query)`, `executor.map(carried(search), queries)`,
    `loop.run_in_executor(None, carried(search), query)` or `Thread(target=carried(search))`: what it does is a child of
    what is current here, and all other context variables have the values that they have here. `asyncio.to_thread`,
    tasks, and the threads of anyio and trio need no help; another process cannot be helped.

    Raises:
        TypeError: for what is no function, and for an `async def`, whose work does not happen in the call.
    """
    if not callable(function):
        raise TypeError(f"carried() takes a function, not {function!r:.100}")
    if iscoroutinefunction(function):
        raise TypeError(f"carried() takes a plain function, not {function!r}: a task has its context from who makes it")
    context = copy_context()

    @wraps(function)
    def carry(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(function, *args, **kwargs)  # a context can be entered only once at a time

    return carry
