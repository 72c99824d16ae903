"""Makes a run's operation current where LangChain does the run's work, so that what happens there is inside of it.

Callbacks cannot do that alone: the one that tells of an end is often called in a task of its own, where nothing can be
undone. What LangChain runs for its users it runs in contexts that it makes itself; models and retrievers it does not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any
from uuid import UUID

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.language_models.llms import BaseLLM
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import config as runnables
from langchain_core.tools import BaseTool

from otel_genai import guard, locks
from otel_genai.bus import Entry, bus
from otel_genai.events import Operation
from otel_genai.sources.replacing import Function, Undo, Wanted, replaced, together

from . import runs

Observed = Callable[[Function, Wanted], Function]
ENTERING = "making a run current"


def hold() -> Undo:
    """Make runs current from now on, and as long as anybody holds this; returns the undo."""
    global _holders, _undo
    with _holding:
        _holders += 1
        if _holders == 1:
            _undo = _observe()
    return _release


def _release() -> None:
    global _holders
    with _holding:
        _holders -= 1
        if _holders == 0:
            _undo()


_holding = locks.reentrant()
_holders = 0
_undo: Undo = together()


def _observe() -> Undo:
    models = BaseChatModel, BaseLLM
    places: tuple[tuple[Any, str, Observed], ...] = (
        *((module, "_set_config_context", _configured) for module in _modules()),
        (BaseChatModel, "_generate_with_cache", _generate),
        (BaseChatModel, "_agenerate_with_cache", _agenerate),
        (BaseLLM, "_generate_helper", _generate),
        (BaseLLM, "_agenerate_helper", _agenerate),
        *((model, "stream", _stream) for model in models),
        *((model, "astream", _astream) for model in models),
        *((model, "agenerate", _acall) for model in models),
        (BaseRetriever, "invoke", _call),
        (BaseRetriever, "ainvoke", _acall),
        (BaseTool, "arun", _acall),
    )
    return together(*(replaced(*place) for place in places if place[1] in vars(place[0])))


def _modules() -> list[Any]:
    """LangGraph has its own, where it is installed."""
    try:
        from langgraph._internal import _runnable  # late: it is another library, which need not be there
    except ImportError:
        return [runnables]
    return [runnables, _runnable]


# -- contexts that LangChain makes for what it runs


def _configured(original: Function, wanted: Wanted) -> Function:
    """In place of what fills such a context, which is then thrown away: nothing is to be undone."""

    def configured(config: Any, *args: Any, **kwargs: Any) -> Any:
        token = original(config, *args, **kwargs)
        if wanted():
            guard.call(ENTERING, _enter_parent, config)
        return token

    return configured


def _enter_parent(config: Any) -> None:
    run = runs.find(getattr(config.get("callbacks"), "parent_run_id", None))
    operation = None if run is None else run.operation
    if operation is not None and operation.outcome is None and not runs.is_inside(operation):
        bus.enter(operation)


# -- a model asked for a whole answer


def _generate(original: Function, wanted: Wanted) -> Function:
    def generate(*args: Any, **kwargs: Any) -> Any:
        called = guard.call(ENTERING, _called, args, kwargs) if wanted() else None
        if called is None:
            return original(*args, **kwargs)
        with Place() as place:
            place.take(*called)
            return original(*args, **kwargs)

    return generate


def _agenerate(original: Function, wanted: Wanted) -> Function:
    async def generate(*args: Any, **kwargs: Any) -> Any:
        called = guard.call(ENTERING, _called, args, kwargs) if wanted() else None
        if called is None:
            return await original(*args, **kwargs)
        with Place() as place:
            place.take(*called)
            return await original(*args, **kwargs)

    return generate


def _called(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[UUID, Operation] | None:
    """The run, and the operation that it is; of several that one request is for, the first."""
    managers = kwargs.get("run_manager") or kwargs.get("run_managers") or (args[3] if len(args) > 3 else None)
    manager = managers[0] if isinstance(managers, list) and managers else managers
    run_id = getattr(manager, "run_id", None)
    run = runs.find(run_id)
    return None if run_id is None or run is None or run.operation is None else (run_id, run.operation)


# -- where only the callback of its beginning knows which run it is


class Place:
    """A stretch in which one run may begin, which is then current up to its end."""

    __slots__ = ("_entered", "_run_id", "_token")

    def __enter__(self) -> Place:
        self._entered: tuple[Operation, Entry] | None = None
        self._token: Token[Place | None] = _place.set(self)
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        with suppress(ValueError):  # the garbage collector ends a step in whichever context it is
            _place.reset(self._token)
        if self._entered is None:
            return
        bus.leave(*self._entered)
        if error is not None:
            runs.end(self._run_id, error)  # LangChain does not always tell, as where a task is cancelled

    def take(self, run_id: UUID, operation: Operation) -> None:
        _place.set(None)  # what begins inside of it is no longer what the place is for
        self._run_id = run_id
        self._entered = operation, bus.enter(operation)


_place: ContextVar[Place | None] = ContextVar("otel_genai_langchain_place", default=None)


def enter(run_id: UUID, operation: Operation | None) -> None:
    """A run has begun: make it current if it has a place to be so."""
    place = _place.get()
    if place is not None and operation is not None:
        place.take(run_id, operation)


def _call(original: Function, wanted: Wanted) -> Function:
    def call(*args: Any, **kwargs: Any) -> Any:
        if not wanted():
            return original(*args, **kwargs)
        with Place():
            return original(*args, **kwargs)

    return call


def _acall(original: Function, wanted: Wanted) -> Function:
    async def call(*args: Any, **kwargs: Any) -> Any:
        if not wanted():
            return await original(*args, **kwargs)
        with Place():
            return await original(*args, **kwargs)

    return call


def _stream(original: Function, wanted: Wanted) -> Function:
    def stream(*args: Any, **kwargs: Any) -> Iterator[Any]:
        made = original(*args, **kwargs)
        if not wanted():
            yield from made
            return
        try:
            while (item := _step(made)) is not made:
                yield item
        finally:
            made.close()

    return stream


def _step(made: Any) -> Any:
    """The next item; at the end `made` itself, which is none of them."""
    with Place():
        return next(made, made)


def _astream(original: Function, wanted: Wanted) -> Function:
    async def stream(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        made = original(*args, **kwargs)
        try:
            while (item := await _astep(made, wanted())) is not made:
                yield item
        finally:
            await made.aclose()

    return stream


async def _astep(made: Any, wanted: bool) -> Any:
    if not wanted:
        return await anext(made, made)
    with Place():
        return await anext(made, made)
