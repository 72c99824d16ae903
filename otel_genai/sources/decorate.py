"""How a function of each kind is called when it is decorated: it stays what it is, and each call is an operation."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import partial, partialmethod
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from .. import guard
from ..bus import bus
from ..events import Operation
from . import contents, futures, results, streams
from .wrapped import Wrapper, observed_type

if TYPE_CHECKING:
    from .observe import Block

F = TypeVar("F", bound=Callable[..., Any])
Offer = Callable[[Operation, Any, tuple[Any, ...], dict[str, Any]], None]
Make = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]

HANDS_CLASS = sys.version_info >= (3, 13)
"""Whether a classmethod gives the class to what it is around as the first argument, instead of binding it."""

BINDING: Final = "finding the class of a method"
FOLLOWING: Final = "following a future"


def observed(function: F, block: Block[Any]) -> F:
    """`function`, each of whose calls is an operation as `block` describes it."""
    return cast(F, observed_type()(function, wrapper_for(function, block)))


def check(function: Any) -> None:
    """Raise `TypeError` for what cannot be decorated, with what to decorate instead."""
    kind = type(function).__name__
    if inspect.isclass(function):
        raise TypeError(
            f"the class {function.__qualname__} cannot be decorated, for it would be no class any more: "
            "decorate one of its methods, or a function that makes it"
        )
    if isinstance(function, partialmethod):
        raise TypeError("a partialmethod cannot be decorated: decorate the function that it is made of")
    if callable(function) or isinstance(function, (classmethod, staticmethod)):
        return
    if hasattr(type(function), "__get__"):
        raise TypeError(f"a {kind} cannot be decorated: put @{kind} outside of it, that is in a line above")
    raise TypeError(f"a function was expected to decorate, not {function!r}")


def wrapper_for(function: Any, block: Block[Any]) -> Wrapper:
    """How a decorated function of this kind is called."""
    plain = underlying(function)
    make = maker(function, plain, block)
    if HANDS_CLASS and inspect.isfunction(function):
        make = without_class(make, function)
    if inspect.isasyncgenfunction(plain):
        return generating(make, block, streams.AsyncStream)
    if inspect.iscoroutinefunction(plain) or awaitable_generators(plain):
        return awaiting(make, block)
    return generating(make, block, streams.Stream) if inspect.isgeneratorfunction(plain) else calling(make, block)


def without_class(make: Make, function: Any) -> Make:
    """`make`, to which the class that a classmethod hands over is what the call is bound to, and no argument."""
    name, inside = function.__name__, inspect.unwrap(function)

    def around(owner: type) -> bool:
        found = (vars(base).get(name) for base in owner.__mro__)
        return any(isinstance(one, classmethod) and inspect.unwrap(one.__func__) is inside for one in found)

    def make_bound(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if instance is None and args and issubclass(type(args[0]), type) and guard.call(BINDING, around, args[0]):
            return make(args[0], args[1:], kwargs)
        return make(instance, args, kwargs)

    return make_bound


def awaitable_generators(function: Any) -> bool:
    """Whether it is a generator function that is awaited, by `types.coroutine`."""
    code = getattr(function, "__code__", None)
    return bool(code and code.co_flags & inspect.CO_ITERABLE_COROUTINE)


def underlying(function: Any) -> Any:
    """The function inside of a classmethod, a staticmethod, a partial or a callable object."""
    while True:
        if isinstance(function, (classmethod, staticmethod)):
            function = function.__func__
        elif isinstance(function, partial):
            function = function.func
        elif not inspect.isroutine(function) and not inspect.isclass(function):
            return type(function).__call__
        else:
            return function


def maker(function: Any, plain: Any, block: Block[Any]) -> Make:
    """How an operation is made for one call: named after the function, with what its arguments say."""
    fields = block.fields if block.name_field != "name" else {"name": name_of(function, plain), **block.fields}
    offer = offering(function, block)
    if not block.from_arguments:

        def make(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            event = block.make(fields)
            if block.given is not None:
                block.given(event, args, kwargs)
            if block.sign is not None:
                guard.call("taking a fingerprint", block.sign, event, "params_hash", (args, kwargs))
            if bus.keeping:
                offer(event, instance, args, kwargs)
            return event

        return make
    read = argument_reader(function, block.from_arguments)

    def make_reading(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        event = block.make({**read(instance, args, kwargs), **fields})
        if bus.keeping:
            offer(event, instance, args, kwargs)
        return event

    return make_reading


def offering(function: Any, block: Block[Any]) -> Offer:
    """How a call offers its arguments to who keeps them, should the operation be one whose content is kept."""
    keep = block.asks
    named = contents.binder(function)

    def offer(event: Operation, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if keep is not None:
            event.asked = partial(contents.keep_arguments, keep, named, instance, args, kwargs)

    return offer


def name_of(function: Any, plain: Any) -> str | None:
    """The function's name; for an object that can be called, the name of its class."""
    if plain is vars(type(function)).get("__call__") and not inspect.isroutine(function):
        return type(function).__name__
    return getattr(plain, "__name__", None)


def argument_reader(function: Any, wanted: tuple[str, ...]) -> Make:
    """Reads the `wanted` arguments of a call, where they are strings, by keyword, position or default."""
    signature = guard.call("reading a signature", inspect.signature, getattr(function, "__func__", function))
    parameters = dict(signature.parameters) if signature else {}
    skip_self = not hasattr(function, "__self__")
    places = [(name, list(parameters).index(name), parameters[name].default) for name in wanted if name in parameters]

    def read(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, str]:
        shift = 1 if instance is not None and skip_self else 0
        found = {name: kwargs[name] for name in wanted if name in kwargs}
        for name, place, default in places:
            at = place - shift
            found.setdefault(name, args[at] if 0 <= at < len(args) else default)
        return {name: value for name, value in found.items() if isinstance(value, str)}

    return read


def calling(make: Make, block: Block[Any]) -> Wrapper:
    def call(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not bus.listening:
            return wrapped(*args, **kwargs)
        event = make(instance, args, kwargs)
        bus.start(event)
        entry = bus.enter(event)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            bus.leave(event, entry)
            bus.finish(event, error)
            raise
        bus.leave(event, entry)
        return settle(event, result, block)

    return call


def awaiting(make: Make, block: Block[Any]) -> Wrapper:
    def call(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        coroutine = wrapped(*args, **kwargs)
        return observed_coroutine(make(instance, args, kwargs), coroutine, block) if bus.listening else coroutine

    return call


class Awaited:
    """A coroutine on its way into another: should that never run, then only that one complains about it."""

    __slots__ = ("coroutine",)

    def __init__(self, coroutine: Any) -> None:
        self.coroutine = coroutine

    def __del__(self) -> None:
        self.coroutine.close()


def observed_coroutine(event: Operation, coroutine: Any, block: Block[Any]) -> Any:
    """A coroutine in place of `coroutine`, by the same name."""
    outer: Any = awaited(event, Awaited(coroutine), block)
    outer.__name__, outer.__qualname__ = coroutine.__name__, coroutine.__qualname__
    return outer


async def awaited(event: Operation, inner: Awaited, block: Block[Any]) -> Any:
    """A coroutine, awaited inside of an operation that begins with it, unless it has begun already."""
    if not event.began:
        bus.start(event)
    entry = bus.enter(event)
    try:
        result = await inner.coroutine
    except BaseException as error:
        bus.leave(event, entry)
        bus.finish(event, error)
        raise
    bus.leave(event, entry)
    return settle(event, result, block)


def generating(make: Make, block: Block[Any], stream: type[streams.Steps]) -> Wrapper:
    def call(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        generator = wrapped(*args, **kwargs)
        return stream(make(instance, args, kwargs), generator, block.on_item) if bus.listening else generator

    return call


def settle(event: Operation, result: Any, block: Block[Any]) -> Any:
    """End a call that returned, or follow what it returned until that is over."""
    if type(result) not in results.NEVER_STREAMS:
        if type(result) is CoroutineType:
            return observed_coroutine(event, result, block)
        followed = results.follow(event, result, block.on_item)
        if followed is not None:
            return followed
        if hasattr(type(result), "add_done_callback") and guard.call(FOLLOWING, await_end, event, result, block):
            return result
    conclude(event, result, block)
    return result


def await_end(event: Operation, result: Any, block: Block[Any]) -> bool:
    """Have the call end when the task or future that it returned does; False for what only looks like one."""
    return futures.follow(event, result, lambda value: conclude(event, value, block))


def conclude(event: Operation, result: Any, block: Block[Any]) -> None:
    """Read what a call gave in the end, and end it."""
    if block.answered is not None:
        guard.call("reading a result", block.answered, event, result)
    if event.contents is not None and block.says is not None:
        guard.call(contents.KEEPING, block.says, event, result)
    if block.error_if is not None and event.declared is None:
        judge(event, guard.call("judging a result", block.error_if, result))
    if block.sign is not None:
        guard.call("taking a fingerprint", block.sign, event, "result_hash", result)
    bus.finish(event)


def judge(event: Operation, failure: Any) -> None:
    """Say that a call failed though it returned, where its result was found to be a failure."""
    if failure:
        event.declare(failure if isinstance(failure, (str, BaseException)) else "returned_error")
