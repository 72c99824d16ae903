"""Decorators and blocks: every kind of function stays what it is, and every call of it is one operation."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import functools
import gc
import inspect
import pickle
import threading
import types
import typing
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Self

import anyio
import pytest

import otel_genai as genai
from otel_genai import guard, scope
from otel_genai.bus import bus
from otel_genai.testing import Captured

TOOL, AGENT, CALL, RUN = "openclaw.tool.execution", "openclaw.harness.run", "openclaw.model.call", "openclaw.run"


# -- every kind of function


def plain(query: str, most: int = 3) -> str:
    """Find it."""
    return query * most


async def coroutine(query: str, most: int = 3) -> str:
    """Find it."""
    await asyncio.sleep(0)
    return query * most


def generator(query: str, most: int = 3) -> Iterator[str]:
    """Find it."""
    yield query * most


async def async_generator(query: str, most: int = 3) -> AsyncIterator[str]:
    """Find it."""
    yield query * most


@types.coroutine
def awaitable_generator(query: str, most: int = 3) -> Any:
    """Find it."""
    yield
    return query * most


class Toolbox:
    """Methods of every kind, the decorator outside and inside."""

    @genai.tool
    def method(self, query: str) -> tuple[Any, str]:
        return self, query

    @genai.tool
    async def async_method(self, query: str) -> tuple[Any, str]:
        return self, query

    @genai.tool
    def stream(self, query: str) -> Iterator[Any]:
        yield self, query

    @genai.tool
    @classmethod
    def outer_class(cls, query: str) -> tuple[Any, str]:
        return cls, query

    @classmethod
    @genai.tool
    def inner_class(cls, query: str) -> tuple[Any, str]:
        return cls, query

    @genai.tool
    @staticmethod
    def outer_static(query: str) -> tuple[None, str]:
        return None, query

    @staticmethod
    @genai.tool
    def inner_static(query: str) -> tuple[None, str]:
        return None, query

    @genai.tool
    def __call__(self, query: str) -> tuple[Any, str]:
        return self, query


class Callable_:
    """An object that can be called."""

    def __call__(self, query: str) -> str:
        return query


class AsyncCallable:
    """An object whose call is a coroutine."""

    async def __call__(self, query: str) -> str:
        return query


KINDS = [plain, coroutine, generator, async_generator, awaitable_generator]


def drained(result: Any) -> Any:
    """What a call gives in the end, whichever kind of function it was."""
    if hasattr(result, "__anext__"):

        async def collect() -> list[Any]:
            return [item async for item in result]

        return asyncio.run(collect())
    if inspect.iscoroutine(result) or inspect.isawaitable(result):

        async def wait() -> Any:
            return await result

        return asyncio.run(wait())
    return list(result) if inspect.isgenerator(result) else result


@pytest.mark.parametrize("function", KINDS)
@pytest.mark.parametrize("decorate", [genai.tool, genai.tool("x"), genai.agent, genai.run("r-1"), genai.model_call])
def test_a_decorated_function_looks_as_before(function: Any, decorate: Any) -> None:
    decorated = decorate(function)
    assert inspect.signature(decorated) == inspect.signature(function)
    assert typing.get_type_hints(decorated) == typing.get_type_hints(function)
    for name in ("__name__", "__qualname__", "__doc__", "__module__", "__annotations__", "__defaults__", "__code__"):
        assert getattr(decorated, name) == getattr(function, name)
    assert decorated.__wrapped__ is function
    assert inspect.unwrap(decorated) is function
    assert inspect.getsource(decorated) == inspect.getsource(function)


@pytest.mark.parametrize("function", KINDS)
@pytest.mark.parametrize(
    "question",
    [
        inspect.isfunction,
        inspect.isroutine,
        inspect.iscoroutinefunction,
        inspect.isgeneratorfunction,
        inspect.isasyncgenfunction,
        callable,
    ],
)
def test_inspect_gives_the_same_answer_before_and_after(function: Any, question: Callable[[Any], bool]) -> None:
    assert question(genai.tool(function)) == question(function)


@pytest.mark.parametrize("function", [*KINDS, lambda query, most=3: query * most])
def test_every_kind_of_function_gives_what_it_gave_and_is_one_operation(captured: Captured, function: Any) -> None:
    expected = drained(function("a", most=2))
    assert drained(genai.tool(function)("a", most=2)) == expected
    assert len(captured.spans) == 1


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (plain, "plain"),
        (functools.partial(plain, most=1), "plain"),
        (functools.partial(functools.partial(coroutine), most=1), "coroutine"),
        (functools.partial(async_generator, most=1), "async_generator"),
        (Callable_(), "Callable_"),
        (AsyncCallable(), "AsyncCallable"),
        (len, "len"),
        (str.upper, "upper"),
        ("x".join, "join"),
        (Toolbox().method.__wrapped__, "method"),
    ],
)
def test_a_tool_is_named_after_its_function(captured: Captured, function: Any, name: str) -> None:
    drained(genai.tool(function)("a"))
    assert captured.span(TOOL)["gen_ai.tool.name"] == name


def test_a_given_name_wins(captured: Captured) -> None:
    genai.tool("search")(plain)("a")
    assert captured.span(TOOL)["gen_ai.tool.name"] == "search"


@pytest.mark.parametrize("name", ["method", "async_method", "stream", "__call__"])
def test_a_method_knows_its_object(captured: Captured, name: str) -> None:
    box = Toolbox()
    for call in (getattr(box, name), functools.partial(getattr(Toolbox, name), box)):
        result = drained(call("a"))
        assert result in ((box, "a"), [(box, "a")])
    assert [span["gen_ai.tool.name"] for span in captured.spans] == [name, name]


@pytest.mark.parametrize("name", ["outer_class", "inner_class"])
def test_a_classmethod_knows_its_class_in_both_orders(captured: Captured, name: str) -> None:
    class Own(Toolbox):
        """A class of its own."""

    assert getattr(Toolbox, name)("a") == (Toolbox, "a")
    assert getattr(Own(), name)("a") == (Own, "a")
    assert [span["gen_ai.tool.name"] for span in captured.spans] == [name, name]


@pytest.mark.parametrize("name", ["outer_class", "inner_class"])
def test_the_class_of_a_classmethod_is_none_of_its_arguments(captured: Captured, name: str) -> None:
    class Own(Toolbox):
        @classmethod
        def inner_class(cls, query: str) -> tuple[Any, str]:
            return super().inner_class(query)

    assert getattr(Own, name)("why?") == (Own, "why?")
    (execution,) = captured.events
    assert (execution.params_kind, execution.params_length) == ("string", 4)


def test_a_class_that_is_an_argument_is_one(captured: Captured) -> None:
    Toolbox.inner_static(Toolbox)
    (execution,) = captured.events
    assert execution.params_kind == "other"


@pytest.mark.parametrize("name", ["outer_static", "inner_static"])
def test_a_staticmethod_is_one_in_both_orders(captured: Captured, name: str) -> None:
    assert getattr(Toolbox, name)("a") == getattr(Toolbox(), name)("a") == (None, "a")
    assert [span["gen_ai.tool.name"] for span in captured.spans] == [name, name]


@pytest.mark.parametrize("function", [coroutine, generator, async_generator])
def test_a_function_may_return_what_another_made(captured: Captured, function: Any) -> None:
    """A plain function in the eyes of `inspect`, as many decorators leave it."""
    assert drained(genai.tool(lambda query: function(query))("a")) == drained(function("a"))
    (execution,) = captured.events
    assert execution.outcome == "completed"  # type: ignore[attr-defined]


def test_attributes_of_the_function_are_still_there_and_can_be_set() -> None:
    def function() -> None: ...

    function.schema = {"type": "object"}  # type: ignore[attr-defined]
    decorated: Any = genai.tool(function)
    assert decorated.schema == {"type": "object"}
    decorated.strict = True
    assert function.strict is True  # type: ignore[attr-defined]


@genai.tool
def at_the_top(query: str) -> str:
    return query


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_decorated_function_is_pickled_by_its_name(protocol: int) -> None:
    assert pickle.loads(pickle.dumps(at_the_top, protocol)) is at_the_top


def test_methods_are_pickled_with_their_object_or_class() -> None:
    loaded = pickle.loads(pickle.dumps(Toolbox().method))
    assert type(loaded("a")[0]) is Toolbox
    for name in ("method", "outer_class", "inner_class", "outer_static", "inner_static"):
        method = getattr(Toolbox, name)
        assert pickle.loads(pickle.dumps(method)).__qualname__ == method.__qualname__


def test_a_method_is_copied_with_its_object() -> None:
    box: Any = Toolbox()
    box.tools = [box.method]
    copied = copy.deepcopy(box)
    assert copied.tools[0].__self__ is copied
    assert copied.tools[0]("a") == (copied, "a")
    assert copy.copy(box).tools[0].__self__ is box


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("name", ["method", "outer_class", "inner_class", "outer_static", "inner_static"])
def test_a_method_of_a_class_is_its_own_copy(copied: Callable[[Any], Any], name: str) -> None:
    assert copied(getattr(Toolbox, name)) == getattr(Toolbox, name)


@pytest.mark.parametrize(("owner", "name"), [(Toolbox(), "method"), (Toolbox, "outer_class"), (Toolbox, "inner_class")])
def test_a_method_is_made_again_of_its_function_and_its_object(captured: Captured, owner: Any, name: str) -> None:
    method = getattr(owner, name)
    again = type(method)(method.__func__, method.__self__)
    assert again == method
    assert again.__func__ is method.__func__
    assert inspect.signature(again) == inspect.signature(method)
    assert again("a") == method("a")
    assert len(captured.spans) == 2


def test_a_method_can_be_referred_to_weakly(captured: Captured) -> None:
    box = Toolbox()
    reference = weakref.WeakMethod(box.method)
    method = reference()
    assert method is not None
    method("a")
    assert captured.span(TOOL)["gen_ai.tool.name"] == "method"
    del method, box
    gc.collect()
    assert reference() is None


def test_a_copy_of_a_decorated_function_is_itself() -> None:
    assert copy.copy(at_the_top) is at_the_top
    assert copy.deepcopy({"tools": [at_the_top]})["tools"][0] is at_the_top


def test_a_wrong_call_is_the_same_type_error_at_the_same_place(captured: Captured) -> None:
    for function in KINDS:
        with pytest.raises(TypeError, match="unexpected keyword argument 'qery'"):
            genai.agent(function)(qery="a")
    assert [span.status for span in captured.spans] == ["ERROR"]  # the plain one had begun


# -- errors and cancellation


class Cancelled(BaseException):
    """Shaped as trio's."""


def raises(error: BaseException) -> None:
    raise error


async def coroutine_raises(error: BaseException) -> None:
    raise error


def generator_raises(error: BaseException) -> Iterator[None]:
    raise error
    yield


async def async_generator_raises(error: BaseException) -> AsyncIterator[None]:
    raise error
    yield


@pytest.mark.parametrize("function", [raises, coroutine_raises, generator_raises, async_generator_raises])
@pytest.mark.parametrize(
    ("kind", "status", "outcome"),
    [
        (ValueError, "ERROR", "error"),
        (asyncio.CancelledError, "UNSET", "cancelled"),
        (KeyboardInterrupt, "UNSET", "cancelled"),
        (SystemExit, "UNSET", "cancelled"),
        (Cancelled, "UNSET", "cancelled"),
    ],
)
def test_what_is_raised_is_the_same_object_and_its_traceback_ends_in_the_users_code(
    captured: Captured, function: Any, kind: type[BaseException], status: str, outcome: str
) -> None:
    error = kind("x")
    assert by_hand(lambda: genai.tool(function)(error)) is error
    assert [*trace_of(error)][-1] == function.__name__
    assert captured.span(TOOL).status == status
    assert captured.events[0].outcome == outcome  # type: ignore[attr-defined]


def by_hand(function: Any) -> BaseException | None:
    """The error of a call, without a loop that would treat some of them in its own way."""
    try:
        result = function()
        if inspect.iscoroutine(result):
            result.send(None)
        elif inspect.isgenerator(result):
            next(result)
        elif result is not None:
            result.__anext__().send(None)
    except BaseException as error:  # noqa: BLE001 (whichever it is)
        return error
    return None


def trace_of(error: BaseException | None) -> Iterator[str]:
    link = error.__traceback__ if error else None
    while link:
        yield link.tb_frame.f_code.co_name
        link = link.tb_next


def test_a_cancelled_task_is_cancelled_and_no_error(captured: Captured) -> None:
    @genai.model_call("m")
    async def slow() -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(slow(), 0.01)

    asyncio.run(main())
    assert captured.span(CALL).status == "UNSET"
    assert captured.span(CALL)["error.type"] == "cancelled"


def test_a_cancel_scope_of_anyio_is_told_apart_from_an_error(captured: Captured) -> None:
    @genai.tool
    async def slow() -> None:
        await anyio.sleep(60)

    async def main() -> bool:
        with anyio.move_on_after(0.01) as cancelled:
            await slow()
        return cancelled.cancelled_caught

    assert anyio.run(main)
    assert captured.span(TOOL)["openclaw.outcome"] == "cancelled"


def test_a_task_that_is_cancelled_before_it_begins_is_no_operation_and_warns_of_nothing(captured: Captured) -> None:
    async def main() -> None:
        task = asyncio.create_task(genai.tool(coroutine)("a"))
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(main())
    gc.collect()
    assert captured.spans == []


def test_a_coroutine_that_is_never_awaited_says_so_once_by_its_own_name(captured: Captured) -> None:
    with pytest.warns(RuntimeWarning, match="coroutine 'coroutine' was never awaited") as warned:
        genai.tool(coroutine)("a")
    assert len(warned) == 1
    assert captured.spans == []


def test_a_coroutine_keeps_its_name_for_the_debugger(captured: Captured) -> None:
    made = genai.tool(coroutine)("a")
    assert (made.__name__, made.__qualname__) == ("coroutine", "coroutine")
    made.close()


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
def test_an_error_lets_go_of_the_users_frames(captured: Captured, kind: str) -> None:
    class Held:
        """Something that a frame of the user holds."""

    freed: list[bool] = []

    @genai.tool
    def broken() -> None:
        held = Held()
        weakref.finalize(held, freed.append, True)
        raise ValueError

    @genai.tool
    async def abroken() -> None:
        broken()

    gc.disable()
    try:
        with suppress(ValueError):
            broken() if kind == "plain" else abroken().send(None)
        assert freed == [True]
    finally:
        gc.enable()


# -- nesting


def names(captured: Captured, parent: Any) -> list[str]:
    return [span["gen_ai.tool.name"] for span in captured.spans if span.parent_id == (parent and parent.span_id)]


def test_decorators_may_be_stacked(captured: Captured) -> None:
    @genai.agent("outer")
    @genai.tool("inner")
    async def both() -> str:
        return "x"

    assert asyncio.run(both()) == "x"
    assert captured.parent(captured.span(TOOL)) == captured.span(AGENT)


def test_a_generator_may_be_decorated_twice(captured: Captured) -> None:
    twice = genai.agent(genai.tool(generator))
    assert list(twice("a", 1)) == ["a"]
    assert captured.parent(captured.span(TOOL)) == captured.span(AGENT)


def test_recursion_nests(captured: Captured) -> None:
    @genai.tool
    def down(level: int) -> int:
        return down(level - 1) + 1 if level else 0

    assert down(3) == 3
    depth, span = 0, captured.spans[0]
    while (above := captured.parent(span)) is not None:
        depth, span = depth + 1, above
    assert depth == 3


def test_calls_that_run_at_once_in_tasks_keep_to_themselves(captured: Captured) -> None:
    @genai.tool
    async def leaf(name: str) -> None:
        await asyncio.sleep(0)

    @genai.agent
    async def branch(name: str) -> str | None:
        for _ in range(3):
            await asyncio.sleep(0)
            await leaf(name)
        return scope.current().agent

    async def main() -> list[str | None]:
        async with genai.run("r-1"):
            return await asyncio.gather(*(branch(str(number)) for number in range(5)))

    assert asyncio.run(main()) == ["branch"] * 5
    (run,) = (span for span in captured.spans if span.name == RUN)
    branches = [span for span in captured.spans if span.name == AGENT]
    assert [span.parent_id for span in branches] == [run.span_id] * 5
    assert [len(names(captured, one)) for one in branches] == [3] * 5


def test_calls_that_run_at_once_in_threads_keep_to_themselves(captured: Captured) -> None:
    together = threading.Barrier(4)

    @genai.agent
    def branch(name: str) -> None:
        together.wait(5)
        genai.tool(name)(plain)("a")
        together.wait(5)

    with genai.run("r-1"), ThreadPoolExecutor(4) as pool:
        work = [pool.submit(contextvars.copy_context().run, branch, str(number)) for number in range(4)]
        for one in work:
            one.result()
    assert sorted(len(names(captured, one)) for one in captured.spans if one.name == AGENT) == [1] * 4
    assert {span.trace_id for span in captured.spans} == {captured.span(RUN).trace_id}


def test_a_new_trace_is_a_root_that_links_to_the_caller(captured: Captured) -> None:
    background = genai.agent("background", new_trace=True)(plain)
    with genai.run("r-1"):
        background("a")
        genai.tool("after")(plain)("a")
    run, job = captured.span(RUN), captured.span(AGENT)
    assert (job.parent_id, job.links) == (None, [run.span_id])
    assert job.trace_id != run.trace_id
    assert captured.parent(captured.span(TOOL)) == run


def test_what_a_run_and_an_agent_say_is_known_inside(captured: Captured) -> None:
    with genai.run("r-1", trigger="cron"), genai.agent("planner"):
        inside = scope.current()
    assert (inside.run, inside.trigger, inside.agent) == ("r-1", "cron", "planner")


# -- blocks


@pytest.mark.parametrize(
    ("block", "name"),
    [(genai.tool("x"), TOOL), (genai.agent("x"), AGENT), (genai.model_call("x"), CALL), (genai.run("x"), RUN)],
)
def test_a_block_is_an_operation_in_both_kinds_of_with(captured: Captured, block: Any, name: str) -> None:
    async def main() -> None:
        async with block as entered:
            assert entered is block

    with block as entered:
        assert entered is block
    asyncio.run(main())
    assert [span.name for span in captured.spans] == [name, name]


def test_a_block_entered_again_is_another_operation(captured: Captured) -> None:
    block = genai.model_call("m")
    for tokens in (1, None):
        with block as call:
            call.update(input_tokens=tokens)
    assert [span.get("gen_ai.usage.input_tokens") for span in captured.spans if span.name == CALL] == [1, None]


def test_a_block_entered_inside_of_itself_is_another_operation(captured: Captured) -> None:
    block = genai.tool("x")
    with block, block:
        assert genai.headers()
    inner, outer = captured.spans
    assert inner.parent_id == outer.span_id
    assert genai.headers() == {}


def test_one_block_may_be_shared_by_tasks(captured: Captured) -> None:
    shared = genai.model_call("m")

    async def work(number: int) -> None:
        async with shared as call:
            for _ in range(5 - number):
                await asyncio.sleep(0)
            call.update(input_tokens=number)
        assert (genai.headers(), scope.current()) == ({}, scope.Scope())

    async def main() -> None:
        await asyncio.gather(*(work(number) for number in range(5)))

    asyncio.run(main())
    calls = [span for span in captured.spans if span.name == CALL]
    assert sorted(span["gen_ai.usage.input_tokens"] for span in calls) == [0, 1, 2, 3, 4]
    assert {span.parent_id for span in calls} == {None}


def test_an_error_in_a_block_passes_and_is_told(captured: Captured) -> None:
    error = LookupError("secret")
    with pytest.raises(LookupError) as raised, genai.tool("x"):
        raise error
    assert raised.value is error
    assert (captured.span(TOOL).status, captured.span(TOOL).status_message) == ("ERROR", "LookupError")


def test_a_failure_that_is_not_raised_can_be_told(captured: Captured) -> None:
    with genai.model_call("m") as call:
        call.fail("rate_limit")
    assert (captured.span(CALL).status, captured.span(CALL)["error.type"]) == ("ERROR", "rate_limit")


def test_an_error_that_was_caught_can_be_told(captured: Captured) -> None:
    with genai.tool("x") as execution:
        execution.fail(TimeoutError("secret"))
    assert captured.span(TOOL)["error.type"] == "TimeoutError"
    assert "secret" not in str(captured.spans)


def test_a_tool_that_was_not_allowed_to_run_is_blocked(captured: Captured) -> None:
    with genai.tool("rm") as execution:
        execution.blocked("policy")
    span = captured.span(TOOL)
    assert (span.status, span["openclaw.outcome"]) == ("UNSET", "blocked")
    assert "policy" in span.values()
    assert [event.kind for event in captured.events] == ["tool.execution.blocked"]


def test_an_unknown_field_is_an_error_that_says_which_there_are() -> None:
    with genai.model_call("m") as call, pytest.raises(TypeError, match=r"no field 'tokens'; it has .*input_tokens"):
        call.update(tokens=3)


@pytest.mark.parametrize("face", [genai.tool, genai.agent, genai.model_call, genai.run])
@pytest.mark.parametrize("value", [1, None])
def test_a_decorator_with_an_unknown_field_is_an_error_that_says_which_there_are(face: Any, value: Any) -> None:
    with pytest.raises(TypeError, match=r"has no field 'nmae'; it has .*(name|model)"):
        face("x", nmae=value)


@pytest.mark.parametrize("face", [genai.tool, genai.agent, genai.model_call, genai.run])
@pytest.mark.parametrize("thing", [42, ["search"]])
def test_what_is_no_function_cannot_be_decorated(face: Any, thing: Any) -> None:
    with pytest.raises(TypeError, match="a function was expected to decorate"):
        face(thing)
    with pytest.raises(TypeError, match="a function was expected to decorate"):
        face("x")(thing)


@pytest.mark.parametrize(
    ("thing", "instead"),
    [
        (Toolbox, "decorate one of its methods, or a function that makes it"),
        (property(lambda self: 1), "put @property outside of it"),
        (functools.cached_property(lambda self: 1), "put @cached_property outside of it"),
        (functools.singledispatchmethod(lambda self, query: 1), "put @singledispatchmethod outside of it"),
        (functools.partialmethod(lambda self, query: 1, "a"), "decorate the function that it is made of"),
    ],
)
@pytest.mark.parametrize("face", [genai.tool, genai.agent("planner"), genai.exchange])
def test_what_would_break_when_decorated_is_refused_with_what_to_do_instead(
    face: Any, thing: Any, instead: str
) -> None:
    with pytest.raises(TypeError, match=instead):
        face(thing)


def test_a_property_of_a_decorated_method_is_observed(captured: Captured) -> None:
    class Shelf:
        @property
        @genai.tool
        def books(self) -> int:
            return 3

    assert Shelf().books == 3
    assert captured.span(TOOL)["gen_ai.tool.name"] == "books"


# -- model calls


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        (("gpt-5.5", []), {}, "gpt-5.5"),
        ((), {"model": "gpt-5.5", "messages": []}, "gpt-5.5"),
        (([],), {}, None),
        ((), {"messages": []}, "default"),
    ],
)
def test_the_model_is_read_off_the_call(captured: Captured, args: Any, kwargs: Any, expected: str | None) -> None:
    @genai.model_call(provider="openai")
    def ask(model: Any = "default", messages: Any = None) -> None: ...

    ask(*args, **kwargs)
    assert captured.span(CALL).get("gen_ai.request.model") == expected


def test_the_model_is_read_off_a_method_too_and_a_given_one_wins(captured: Captured) -> None:
    class Client:
        """Calls a model in every way."""

        @genai.model_call
        def ask(self, model: str) -> None: ...

        @genai.model_call
        @classmethod
        def outer(cls, model: str) -> None: ...

        @classmethod
        @genai.model_call
        def inner(cls, model: str) -> None: ...

        @staticmethod
        @genai.model_call
        def static(model: str) -> None: ...

        @genai.model_call("given")
        def fixed(self, model: str) -> None: ...

    client = Client()
    for call in (client.ask, client.outer, client.inner, client.static, client.fixed):
        call("a")
    Client.ask(client, "b")
    functools.partial(client.ask, model="c")()
    assert [span["gen_ai.request.model"] for span in captured.spans] == [*"aaaa", "given", "b", "c"]


def test_what_a_decorated_call_returns_is_read_and_handed_on(captured: Captured) -> None:
    answer = {"id": "r-1", "model": "m-1", "usage": {"prompt_tokens": 3, "completion_tokens": 0}}

    @genai.model_call("m", provider="openai")
    async def ask() -> dict[str, Any]:
        return answer

    assert asyncio.run(ask()) is answer
    span = captured.span(CALL)
    assert (span["gen_ai.usage.input_tokens"], span["gen_ai.usage.output_tokens"]) == (3, 0)


def test_an_answer_that_cannot_be_read_is_handed_on_all_the_same(captured: Captured) -> None:
    class Hostile:
        """Raises at whatever is asked of it."""

        __slots__ = ()

        def __getattr__(self, name: str) -> Any:
            raise LookupError(name)

    answer = Hostile()
    with guard.strict(False):
        assert genai.model_call("m")(lambda: answer)() is answer
        with genai.model_call("m") as call:
            call.reply(answer)
            assert call.stream(answer) is answer
    assert [span.status for span in captured.spans] == ["UNSET", "UNSET"]


# -- not configured


@pytest.fixture
def _off() -> Iterator[None]:
    assert not bus.listening
    yield
    assert not bus.listening


@pytest.mark.usefixtures("_off")
@pytest.mark.parametrize("function", KINDS)
def test_when_off_the_very_objects_of_the_function_come_back(function: Any) -> None:
    made: list[Any] = []

    def keeping(*args: Any) -> Any:
        made.append(function(*args))
        return made[-1]

    decorated = genai.tool(function)("a")
    kept = genai.tool(keeping)("a")
    assert kept is made[0]
    assert type(decorated) is type(kept)
    for one in (decorated, kept):
        close = getattr(one, "close", None)
        if close:
            close()


USED = {"usage": {"input_tokens": 10, "output_tokens": 2}}


@pytest.mark.parametrize(
    ("face", "tell"),
    [
        (genai.model_call, lambda block: block.reply(USED)),
        (genai.exchange, lambda block: block.reply(USED)),
        (genai.model_call, lambda block: block.update(input_tokens=3)),
        (genai.agent, lambda block: block.fail("rate_limit")),
        (genai.tool, lambda block: block.params({})),
        (genai.tool, lambda block: block.blocked("policy")),
        (genai.agent, lambda block: block.content(input_messages="hi")),
    ],
)
def test_what_is_told_after_the_end_is_said_once_per_place_and_not_recorded(
    captured: Captured, caplog: pytest.LogCaptureFixture, face: Any, tell: Any
) -> None:
    with face("x") as block:
        pass
    for _ in range(2):
        tell(block)
    (record,) = caplog.records
    assert "is over: nothing of it is recorded" in record.getMessage()
    assert record.pathname == __file__
    assert f"{__file__}:{record.lineno}" in record.getMessage()
    assert not captured.points("openclaw.tokens")
    assert [event.outcome for event in captured.events] == ["completed"]


@pytest.mark.parametrize(
    "tell",
    [
        lambda: genai.model_call("m").reply(USED),
        lambda: genai.exchange("ada").reply(USED),
    ],
)
def test_a_reply_to_a_block_that_was_never_entered_is_said(
    captured: Captured, caplog: pytest.LogCaptureFixture, tell: Any
) -> None:
    tell()
    assert "was never entered: nothing of it is recorded" in caplog.text
    assert captured.events == []


def test_a_reply_is_heard_as_long_as_a_stream_of_its_block_goes_on(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    with genai.model_call("m") as call:
        stream = call.stream(iter("ab"))
    call.reply(USED)
    assert "".join(stream) == "ab"
    assert captured.span(CALL)["gen_ai.usage.input_tokens"] == 10
    assert caplog.records == []


@pytest.mark.usefixtures("_off")
def test_when_off_nothing_is_current_and_nothing_is_kept() -> None:
    block, stream = genai.model_call("m"), iter("abc")
    with block as call:
        assert (genai.headers(), scope.current()) == ({}, scope.Scope())
        assert call.stream(stream) is stream
        call.update(input_tokens=3)
        call.fail("rate_limit")
        call.reply({})
    with block as call:
        assert call.event.input_tokens is None
    assert call.event.began == 0


@pytest.mark.usefixtures("_off")
def test_when_off_errors_pass_as_they_are() -> None:
    error = LookupError()
    with pytest.raises(LookupError) as raised, genai.tool("x"):
        raise error
    assert raised.value is error


def test_switched_on_while_a_block_is_open_nothing_breaks() -> None:
    told: list[Any] = []
    block = genai.tool("x")
    with block:
        undo = genai.subscribe(told.append)
    with block:
        undo()
    assert [event.kind for event in told] == ["tool.execution.completed"]
    assert scope.current() == scope.Scope()


def test_subclasses_may_override_and_call_their_parents(captured: Captured) -> None:
    class Own(Toolbox):
        """Overrides a decorated method by a decorated method."""

        @genai.tool
        def method(self, query: str) -> tuple[Self, str]:
            return super().method(query + "!")

    own = Own()
    assert own.method("a") == (own, "a!")
    assert len(captured.spans) == 2


def test_the_tokens_of_a_call_inside_of_a_call_are_counted_once(captured: Captured) -> None:
    with genai.agent("planner"), genai.model_call("gpt-5.5", provider="openai") as outer:
        with genai.model_call("gpt-5.5", provider="openai") as inner:
            inner.reply({"usage": {"input_tokens": 10, "output_tokens": 2}})
        outer.reply({"usage": {"input_tokens": 10, "output_tokens": 2}})
    totals = [point for point in captured.points("openclaw.tokens") if point["openclaw.token"] == "total"]
    assert [point.value for point in totals] == [12]
    assert len([span for span in captured.spans if "otel_genai.cost.amount" in span and span.kind == "client"]) == 1


def test_usage_that_is_published_inside_of_a_call_counts_instead_of_its_reply(captured: Captured) -> None:
    with genai.model_call("gpt-5.5", provider="openai") as call:
        genai.publish(genai.events.ModelUsage(provider="openai", model="gpt-5.5", input_tokens=7, output_tokens=1))
        call.reply({"usage": {"input_tokens": 10, "output_tokens": 2}})
    totals = [point for point in captured.points("openclaw.tokens") if point["openclaw.token"] == "total"]
    assert [point.value for point in totals] == [8]
