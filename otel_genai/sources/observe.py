"""`@tool` and `@model_call`: as decorators for every kind of function, and as `with` blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

from .. import guard, scope
from ..bus import Entry, bus
from ..events import ModelCall, Operation, ToolExecution
from . import contents, decorate, drafts, late, pieces, replies, results, transcripts
from .params import read_params, summarise

F = TypeVar("F", bound=Callable[..., Any])
S = TypeVar("S")
O = TypeVar("O", bound=Operation)  # noqa: E741 (an operation)
ErrorIf = Callable[[Any], bool | str | BaseException | None]
"""Says of what a call returned whether that is a failure, and which one: an error, or a bounded word for it."""


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
    asks: ClassVar[staticmethod[[Any, dict[str, Any]], object] | None] = None
    """Keeps what a decorated call was given, where its content is kept."""
    says: ClassVar[staticmethod[[Any, Any], object] | None] = None
    """Keeps what it returned."""
    given: ClassVar[staticmethod[[Any, tuple[Any, ...], dict[str, Any]], object] | None] = None
    """Reads what the arguments of a decorated call are, and must not fail."""

    def __init__(
        self,
        event_type: type[O],
        name: str | None,
        new_trace: bool,
        fields: Mapping[str, Any],
        error_if: ErrorIf | None = None,
    ) -> None:
        event_type.check(fields)
        if error_if is not None and not callable(error_if):
            raise TypeError(f"error_if={error_if!r}: expected a callable on what the function returns")
        self.error_if = error_if
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
        late.over(self.event, "update")

    def fail(self, reason: BaseException | str) -> None:
        """Say that it failed although nothing is raised: an error, or a bounded word for it (`"rate_limit"`)."""
        if not late.over(self.event, "fail"):
            self.event.declare(reason)

    def content(self, **content: Any) -> None:
        """Hand in content by its class: `input_messages`, `output_messages`, `system_prompt`, `tool_inputs` ...

        It leaves only where `capture_content` switches its class on; else nothing is done with it. Messages may have
        the shape of any provider. Another name raises `TypeError`.
        """
        event = self.event if self._used else self.running()
        contents.keep(event, content)
        late.over(event, "content")

    def running(self) -> O:
        """The operation that goes on: of a decorated function's call, the innermost of its kind around us."""
        if self._used:
            return self.event
        around = scope.current().operation
        while around is not None and not isinstance(around, self._type):
            around = around.scope.operation
        return self.make(self.fields) if around is None else around

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
        decorate.check(function)
        return decorate.observed(function, self)


class ModelCallBlock(Block[ModelCall]):
    """A model call: give it the reply, and it reads tokens, model, finish reason and id off it."""

    name_field = "model"
    from_arguments = ("model", "provider")
    on_item = staticmethod(pieces.chunk)
    answered = staticmethod(replies.read)
    asks = staticmethod(contents.asked_of_model)
    says = staticmethod(transcripts.answered)

    def reply(self, reply: Any) -> None:
        """Read a provider's answer: an object of its library or a plain dict. An unknown shape is ignored."""
        if not late.unheard(self.event, "reply", self._used):
            guard.call("reading a reply", replies.read, self.event, reply)
            transcripts.answered(self.event, reply)

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

    given = staticmethod(read_params)
    asks = staticmethod(contents.tool_inputs)
    says = staticmethod(contents.tool_outputs)
    on_item = staticmethod(drafts.add_item)

    def params(self, params: Any) -> None:
        """Say what the tool is given: only of what kind it is, and the length of a list or a text, are kept."""
        summarise(self.event, params)
        late.over(self.event, "params")

    def blocked(self, reason: str) -> None:
        """Say that the tool was not allowed to run, and why, in a bounded word (`"policy"`)."""
        self.event.declared = "blocked"
        self.event.denied_reason = reason
        late.over(self.event, "blocked")


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
    deadline_ms: float | None = None,
    error_if: ErrorIf | None = None,
    new_trace: bool = False,
) -> ToolBlock: ...
def tool(first: Any = None, /, *, error_if: Any = None, new_trace: bool = False, **fields: Any) -> Any:
    """Observe a tool: `@tool`, `@tool("search")` or `with tool("search") as execution:`.

    Of a decorated function's arguments only their kind is kept: a single one that is given by position is the tool's
    parameters (`object`, `array` and `string` with their length, `number` ...), anything else is an `object`. A block
    is told by `execution.params(arguments)`.

    Args:
        first: the tool's name; by default the name of the decorated function.
        source: where the tool comes from: `core`, `plugin`, `channel` or `mcp`.
        owner: the plugin or channel that it belongs to.
        type: `function`, `extension` or `datastore`.
        call_id: the id that the model gave this call; on spans only.
        description: what the tool is for; on spans only.
        params_hash: what tells equal arguments from others, for who looks for loops (`fingerprint`).
        deadline_ms: milliseconds that it may take before its session counts as stalled.
        error_if: whether what a decorated function returned is a failure: `error_if=lambda result: "error" in result`.
            True says that it is, a bounded word or an error says which. Streams are not asked about.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that a tool does not have, or an `error_if` that cannot be called.
    """
    return made(ToolBlock, ToolExecution, first, new_trace, fields, error_if)


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
    choice_count: int | None = None,
    top_k: int | None = None,
    stop_sequences: str | Sequence[str] | None = None,
    frequency_penalty: float | None = None,
    presence_penalty: float | None = None,
    reasoning_level: str | None = None,
    output_type: str | None = None,
    previous_response_id: str | None = None,
    prompt_name: str | None = None,
    prompt_version: str | None = None,
    server_address: str | None = None,
    server_port: int | None = None,
    deadline_ms: float | None = None,
    error_if: ErrorIf | None = None,
    new_trace: bool = False,
) -> ModelCallBlock: ...
def model_call(first: Any = None, /, *, error_if: Any = None, new_trace: bool = False, **fields: Any) -> Any:
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
        temperature, top_p, max_tokens, seed, choice_count, top_k, stop_sequences, frequency_penalty, presence_penalty:
            what was asked for; on spans only, as all that follow up to the prompt.
        reasoning_level: how hard it was asked to think, in the provider's words: `low`, `high` ...
        output_type: what the answer is to be: `text`, `json`, `image`, `speech`.
        previous_response_id: the provider's id of the answer that this one goes on from.
        prompt_name, prompt_version: the prompt template that was used.
        server_address, server_port: who is asked; read off the request where they are not given.
        deadline_ms: milliseconds that it may be silent before its session counts as stalled.
        error_if: whether what a decorated function returned is a failure, as in `tool`.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that a model call does not have.
    """
    return made(ModelCallBlock, ModelCall, first, new_trace, fields, error_if)


def made(
    block: type[Block[Any]],
    event_type: type[Operation],
    first: Any,
    new_trace: bool,
    fields: Any,
    error_if: ErrorIf | None = None,
) -> Any:
    """A block of `event_type`, or, for the bare decorator, the decorated function."""
    if first is None or isinstance(first, str):
        return block(event_type, first, new_trace, fields, error_if)
    return block(event_type, None, new_trace, fields, error_if)(first)
