"""`@agent`, `@tool`, `@model_call`, `@run`: as decorators for every kind of function, and as `with` blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

from .. import guard, scope
from ..bus import Entry, bus
from ..events import HarnessRun, ModelCall, Operation, Run, ToolExecution
from . import decorate, replies, results

F = TypeVar("F", bound=Callable[..., Any])
S = TypeVar("S")
O = TypeVar("O", bound=Operation)  # noqa: E741 (an operation)


class Block(Generic[O]):
    """An operation that is still to happen: enter it with `with` or `async with`, or decorate a function with it.

    As a block it is one operation, whose event is `event`; entered again it is another one, also while several tasks
    are inside of it, each of which gets its own from `as`. As a decorator it makes a new one for each call.
    """

    name_field: ClassVar[str] = "name"
    """Which field the block's name is, and the name of a decorated function where none is given."""
    from_arguments: ClassVar[tuple[str, ...]] = ()
    """Fields that are read off the arguments of a decorated call."""
    on_item: ClassVar[staticmethod[[Any, Any], object] | None] = None
    """Reads what an item of a followed stream says."""
    answered: ClassVar[staticmethod[[Any, Any], object] | None] = None
    """Reads what the result of a decorated call says."""
    sign: ClassVar[staticmethod[[Any, str, Any], object] | None] = None
    """Takes the fingerprint of a decorated call's arguments and of its result, while somebody looks for loops."""

    def __init__(self, event_type: type[O], name: str | None, new_trace: bool, fields: Mapping[str, Any]) -> None:
        event_type.check(fields)
        self._type = event_type
        self._new_trace = new_trace
        self.fields = {field: value for field, value in fields.items() if value is not None}
        if name is not None:
            self.fields[self.name_field] = name
        self._entries: dict[Operation, Entry] = {}
        self._used = False
        self.event = self.make(self.fields)

    def make(self, fields: Mapping[str, Any]) -> O:
        """A new operation with these fields."""
        event = self._type(**fields)
        if self._new_trace:
            event.new_trace = True
        return event

    def update(self, **fields: Any) -> None:
        """Set fields of the event, for what is only known while it runs. An unknown one raises `TypeError`."""
        self.event.update(**fields)

    def fail(self, reason: BaseException | str) -> None:
        """Say that it failed although nothing is raised: an error, or a bounded word for it (`"rate_limit"`)."""
        self.event.declare(reason)

    def __enter__(self) -> Self:
        entered = copy(self) if self._entries else self
        if self._used:
            entered.event = self.make(self.fields)
        self._used = True
        if bus.listening:
            bus.start(entered.event)
            self._entries[entered.event] = bus.enter(entered.event)
        return entered

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if not self._entries:
            return
        event = scope.current().operation
        if event not in self._entries:  # not left in the order, or not in the context, in which it was entered
            event = next(reversed(self._entries))
        bus.leave(event, self._entries.pop(event))
        bus.finish(event, error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: F) -> F:
        """Decorate: every call of `function` becomes an operation. Its signature, types and kind stay what they are."""
        if not callable(function) and not isinstance(function, (classmethod, staticmethod)):
            raise TypeError(f"a function was expected to decorate, not {function!r}")
        return decorate.observed(function, self)


class ModelCallBlock(Block[ModelCall]):
    """A model call: give it the reply, and it reads tokens, model, finish reason and id off it."""

    name_field = "model"
    from_arguments = ("model", "provider")
    on_item = staticmethod(replies.chunk)
    answered = staticmethod(replies.read)

    def reply(self, reply: Any) -> None:
        """Read a provider's answer: an object of its library or a plain dict. An unknown shape is ignored."""
        guard.call("reading a reply", replies.read, self.event, reply)

    def stream(self, stream: S) -> S:
        """Follow a stream of the provider: iterate what this returns; the call lasts until the stream is over."""
        if not bus.listening:
            return stream
        self.event.holds += 1
        followed: S | None = results.follow(self.event, stream, self.on_item)
        if followed is None:
            self.event.holds -= 1
        return stream if followed is None else followed


class ToolBlock(Block[ToolExecution]):
    """A tool's execution."""

    def blocked(self, reason: str) -> None:
        """Say that the tool was not allowed to run, and why, in a bounded word (`"policy"`)."""
        self.event.declared = "blocked"
        self.event.denied_reason = reason


# -- the face


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(
    name: str | None = None,
    /,
    *,
    source: str | None = None,
    owner: str | None = None,
    type: str | None = None,
    call_id: str | None = None,
    description: str | None = None,
    params_hash: str | None = None,
    new_trace: bool = False,
) -> ToolBlock: ...
def tool(first: Any = None, /, *, new_trace: bool = False, **fields: Any) -> Any:
    """Observe a tool: `@tool`, `@tool("search")` or `with tool("search") as execution:`.

    Args:
        first: the tool's name; by default the name of the decorated function.
        source: where the tool comes from: `core`, `plugin`, `channel` or `mcp`.
        owner: the plugin or channel that it belongs to.
        type: `function`, `extension` or `datastore`.
        call_id: the id that the model gave this call; on spans only.
        description: what the tool is for; on spans only.
        params_hash: what tells equal arguments from others, for who looks for loops (`fingerprint`).
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that a tool does not have.
    """
    return made(ToolBlock, ToolExecution, first, new_trace, fields)


@overload
def agent(function: F, /) -> F: ...
@overload
def agent(
    name: str | None = None,
    /,
    *,
    plugin: str | None = None,
    provider: str | None = None,
    model: str | None = None,
    description: str | None = None,
    new_trace: bool = False,
) -> Block[HarnessRun]: ...
def agent(first: Any = None, /, *, new_trace: bool = False, **fields: Any) -> Any:
    """Observe an agent at work: `@agent`, `@agent("planner")` or `with agent("planner"):`.

    What happens inside carries the agent's name.

    Args:
        first: the agent's name; by default the name of the decorated function.
        plugin: the plugin that brought the agent.
        provider: the provider of its model.
        model: its model, where it has only one.
        description: what the agent is for; on spans only.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that an agent does not have.
    """
    return made(Block, HarnessRun, first, new_trace, fields)


@overload
def run(function: F, /) -> F: ...
@overload
def run(
    run_id: str | None = None,
    /,
    *,
    trigger: str | None = None,
    provider: str | None = None,
    model: str | None = None,
    new_trace: bool = False,
) -> Block[Run]: ...
def run(first: Any = None, /, *, new_trace: bool = False, **fields: Any) -> Any:
    """Observe one turn, from what set it off to its answer: `@run`, or `with run("run-1", trigger="user"):`.

    Args:
        first: the id of the turn; it is never exported.
        trigger: what set it off: `user`, `heartbeat`, `cron` ...
        provider: the provider of its model.
        model: its model, where it has only one.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that a run does not have.
    """
    return made(RunBlock, Run, first, new_trace, fields)


@overload
def model_call(function: F, /) -> F: ...
@overload
def model_call(
    model: str | None = None,
    /,
    *,
    provider: str | None = None,
    operation: str | None = None,
    api: str | None = None,
    transport: str | None = None,
    stream: bool | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_tokens: int | None = None,
    seed: int | None = None,
    server_address: str | None = None,
    server_port: int | None = None,
    new_trace: bool = False,
) -> ModelCallBlock: ...
def model_call(first: Any = None, /, *, new_trace: bool = False, **fields: Any) -> Any:
    """Observe a model call: `@model_call(provider="openai")`, or `with model_call("gpt-5.5") as call:`.

    Requests that are sent inside of it carry its `traceparent`. A decorated function's `model` and `provider`
    arguments are read, and so is what it returns; in a block, hand the answer to `call.reply(...)`.

    Args:
        first: the model that is asked for.
        provider: `openai`, `anthropic`, `gcp.gemini` ... (values of `gen_ai.provider.name`).
        operation: `chat`, `text_completion`, `generate_content`, `embeddings`; by default what `api` implies.
        api: the provider's API, as `openai-responses`.
        transport: how it is reached: `http`, `sse`, `websocket`.
        stream: whether the answer was asked for as a stream.
        temperature, top_p, max_tokens, seed: what was asked for.
        server_address, server_port: who is asked; read off the request where they are not given.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that a model call does not have.
    """
    return made(ModelCallBlock, ModelCall, first, new_trace, fields)


class RunBlock(Block[Run]):
    """A turn."""

    name_field = "run_id"


def made(block: type[Block[Any]], event_type: type[Operation], first: Any, new_trace: bool, fields: Any) -> Any:
    """A block of `event_type`, or, for the bare decorator, the decorated function."""
    if first is None or isinstance(first, str):
        return block(event_type, first, new_trace, fields)
    return block(event_type, None, new_trace, fields)(first)
