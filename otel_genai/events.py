"""What can happen: one small class per event type, plain data, readable without OpenTelemetry.

`None` means "was not observed"; zero is an observation. Content (prompts, replies, tool arguments) is never a field.
A class is an event type: its wire names and its fields. Adding one is adding a class here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from . import failures
from .scope import Scope


@dataclass(eq=False, kw_only=True)
class Event:
    """A fact, at a moment, in a scope."""

    kind: ClassVar[str] = ""
    at_ns: int = field(default=0, init=False)
    """When it happened: nanoseconds since the epoch, set when it is published."""
    scope: Scope = field(default=Scope(), init=False)
    """Who it was for, read off the context when it is published."""
    parent: Operation | None = field(default=None, init=False, repr=False)
    """The operation it belongs to, where that is not simply the one that is active."""

    @classmethod
    def kinds(cls) -> tuple[str, ...]:
        """Every wire name that an event of this class can have."""
        return (cls.kind,)

    def update(self, **values: object) -> None:
        """Set fields by name; a name that the class does not have raises `TypeError`."""
        for name in values:
            if name not in self.__dataclass_fields__:
                known = ", ".join(f.name for f in fields(self) if f.init)
                raise TypeError(f"{type(self).__name__} has no field {name!r}; it has {known}")
        self.__dict__.update(values)


@dataclass(eq=False, kw_only=True)
class Operation(Event):
    """An event that takes time and may fail. Its wire name says how far it is: started, completed, error."""

    started_kind: ClassVar[str] = ""
    completed_kind: ClassVar[str] = ""
    other_kinds: ClassVar[Mapping[str, str]] = {}
    """Wire names of outcomes that have one of their own."""

    started_ns: int = field(default=0, init=False)
    """When it began: nanoseconds since the epoch."""
    duration_ns: int | None = field(default=None, init=False)
    outcome: str | None = field(default=None, init=False)
    """None while it runs; then `completed`, `error`, `cancelled`, or a word of the class (`blocked`)."""
    declared: str | None = field(default=None, init=False)
    """The outcome to end with where no exception says so."""
    error: BaseException | None = field(default=None, init=False, repr=False)
    error_type: str | None = field(default=None, init=False)
    """`error.type`: the error's class, a provider's code, `cancelled`; absent on success."""
    error_category: str | None = field(default=None, init=False)
    failure_kind: str | None = field(default=None, init=False)
    error_code: str | None = field(default=None, init=False)
    request_id_hash: str | None = field(default=None, init=False)
    links: tuple[Operation, ...] = field(default=(), init=False, repr=False)
    new_trace: bool = field(default=False, init=False)
    """Begin a trace of its own, linked to what was current."""
    trace: object = field(default=None, init=False, repr=False)
    """What the tracing emitter keeps for it; nobody else reads it."""
    attach: Callable[[], object] | None = field(default=None, init=False, repr=False)
    """Makes its span current and returns a token; set by the tracing emitter."""
    holds: int = field(default=0, init=False, repr=False)
    """How many others still have a part in it: the streams that a block has opened and may outlive it."""
    began: int = field(default=0, init=False, repr=False)
    inner: Scope = field(default=Scope(), init=False, repr=False)
    """The scope of the work inside of it, made when it begins."""

    @property
    def kind(self) -> str:  # type: ignore[override]
        outcome = self.outcome
        if outcome is None:
            return self.started_kind
        return self.other_kinds.get(outcome, self.completed_kind)

    @classmethod
    def kinds(cls) -> tuple[str, ...]:
        return (cls.started_kind, *dict.fromkeys((cls.completed_kind, *cls.other_kinds.values())))

    @property
    def duration_ms(self) -> float | None:
        return None if self.duration_ns is None else self.duration_ns / 1e6

    @property
    def duration_s(self) -> float | None:
        return None if self.duration_ns is None else self.duration_ns / 1e9

    def inside(self) -> Scope:
        """What `inner` is made of; a class says here what it tells the work inside of it."""
        return self.scope.within(self)

    def begin(self, scope: Scope) -> None:
        """Note who it is for and when it began. The bus calls it."""
        self.scope = scope
        self.inner = self.inside()
        self.began = time.perf_counter_ns()
        self.started_ns = self.at_ns = time.time_ns()

    def end(self, error: BaseException | None) -> None:
        """Note how it ended. `Exception` is an error; every other way of being thrown out is `cancelled`."""
        if self.duration_ns is None:
            self.duration_ns = time.perf_counter_ns() - self.began
        self.at_ns = self.started_ns + self.duration_ns
        if error is None:
            self.outcome = self.declared or "completed"
        elif isinstance(error, Exception):
            self._fail(error)
        else:
            self._cancel(error)

    def declare(self, reason: BaseException | str) -> None:
        """Say that it failed although nothing is raised: an error, or a bounded word for it."""
        self.declared = "error"
        if isinstance(reason, BaseException):
            self._describe(reason)
        else:
            self.error_category = self.error_type = reason

    def _describe(self, error: BaseException) -> None:
        self.error = error
        self.error_category = self.error_type = failures.category(error)
        self.failure_kind = failures.failure_kind(error)
        self.error_code = failures.status(error)
        self.request_id_hash = failures.request_id_hash(error) or self.request_id_hash

    def _fail(self, error: Exception) -> None:
        self._describe(error)
        self.outcome = "error"

    def _cancel(self, error: BaseException) -> None:
        self.error = error
        self.outcome = "cancelled"
        if not isinstance(error, GeneratorExit):
            self.error_type = "cancelled"

    def consequences(self) -> Iterable[Event]:
        """Events that follow from its end; they are published as its children."""
        return ()


@dataclass(eq=False, kw_only=True)
class Remote:
    """What a caller sent along to be continued: the inbound headers, and whether we believe them."""

    carrier: Mapping[str, Any]
    """The ASGI scope whose headers may hold `traceparent` and `tracestate`."""
    trusted: bool


@dataclass(eq=False, kw_only=True)
class HttpRequest(Operation):
    """An inbound HTTP request, from its first header to the last byte of the answer."""

    started_kind = "http.request.started"
    completed_kind = "http.request.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "http.request.error"}

    method: str = "_OTHER"
    original_method: str | None = None
    path: str = ""
    query: str | None = None
    scheme: str = "http"
    protocol_version: str | None = None
    server_address: str | None = None
    server_port: int | None = None
    client_address: str | None = None
    client_port: int | None = None
    user_agent: str | None = None
    route: str | None = None
    """The template of the route, known once the application has routed; never the raw path."""
    status_code: int | None = None
    request_bytes: int | None = None
    response_bytes: int | None = None
    body_parts: int | None = None
    """How many pieces the body of the answer was sent in."""
    first_byte_ns: int | None = None
    """From the start to the first byte of the body."""
    remote: Remote | None = field(default=None, repr=False)
    request_headers: Sequence[tuple[bytes, bytes]] = field(default=(), repr=False)
    response_headers: Sequence[tuple[bytes, bytes]] = field(default=(), repr=False)

    @property
    def first_byte_s(self) -> float | None:
        return None if self.first_byte_ns is None else self.first_byte_ns / 1e9

    @property
    def streamed(self) -> bool | None:
        """True for an answer that was sent in more than one piece."""
        return None if self.body_parts is None else self.body_parts > 1

    @property
    def adopted(self) -> bool:
        """Its span is that of another instrumentation, which may end it as soon as the last piece is handed over."""
        return not getattr(self.trace, "ours", True)

    def cut_short(self) -> None:
        """Note that the client left before the end: cancelled, and no error of ours."""
        self.declared = self.error_type = "cancelled"

    def blame_status(self) -> None:
        """Note a status of 500 and above as the error; one below is the caller's fault."""
        if self.error_type is None and self.status_code is not None and self.status_code >= 500:
            self.error_type = str(self.status_code)


@dataclass(eq=False, kw_only=True)
class WebSocketHandshake(HttpRequest):
    """A WebSocket's opening, which ends when the application accepts or rejects it."""

    started_kind = "websocket.handshake.started"
    completed_kind = "websocket.handshake.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "websocket.handshake.error"}

    subprotocol: str | None = None


@dataclass(eq=False, kw_only=True)
class WebSocketFrame(Operation):
    """What the application does about one inbound frame: from its receipt until it asks for the next."""

    started_kind = "websocket.frame.started"
    completed_kind = "websocket.frame.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "websocket.frame.error"}

    route: str | None = None
    size: int | None = None
    """Bytes of the frame's payload."""
    text: bool | None = None
    index: int = 0
    """Which of the connection's frames it is, from 0."""
    close_code: int | None = None
    """The code with which the connection was closed while this frame was at work."""

    def cut_short(self) -> None:
        """Note that the client left while it was at work: cancelled, and no error of ours."""
        self.declared = self.error_type = "cancelled"


@dataclass(eq=False, kw_only=True)
class BackgroundWork(Operation):
    """What an application did after its answer, from there on; told only where an error escaped from it."""

    started_kind = "background.work.started"
    completed_kind = "background.work.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "background.work.error"}

    route: str | None = None

    def begin(self, scope: Scope) -> None:
        super().begin(scope)
        request = self.parent
        if request is not None and request.duration_ns is not None:
            self.began = request.began + request.duration_ns
            self.started_ns = self.at_ns = request.started_ns + request.duration_ns


@dataclass(eq=False, kw_only=True)
class WebSocketClosed(Event):
    """A WebSocket is over."""

    kind = "websocket.closed"

    route: str | None = None
    code: int | None = None
    by_client: bool | None = None
    frames: int = 0


@dataclass(eq=False, kw_only=True)
class Run(Operation):
    """One turn of an agent: from what triggered it to its answer."""

    started_kind = "run.started"
    completed_kind = "run.completed"

    run_id: str | None = None
    provider: str | None = None
    model: str | None = None
    trigger: str | None = None
    blocked_by: str | None = None

    def inside(self) -> Scope:
        scope = self.scope
        return scope._replace(operation=self, run=self.run_id or scope.run, trigger=self.trigger or scope.trigger)


@dataclass(eq=False, kw_only=True)
class HarnessRun(Operation):
    """An agent at work (the reference system calls what runs it a harness)."""

    started_kind = "harness.run.started"
    completed_kind = "harness.run.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "harness.run.error"}

    name: str | None = None
    plugin: str | None = None
    provider: str | None = None
    model: str | None = None
    description: str | None = None
    phase: str | None = None
    """Where it failed: `prepare`, `start`, `send`, `resolve`, `cleanup`."""
    result_classification: str | None = None
    yield_detected: bool | None = None
    items_started: int | None = None
    items_completed: int | None = None
    items_active: int | None = None
    cleanup_failed: bool | None = None

    def inside(self) -> Scope:
        return self.scope._replace(operation=self, agent=self.name or self.scope.agent)


@dataclass(eq=False, kw_only=True)
class Tokens:
    """Tokens as a provider bills them. Subsets are inside of their whole: cached in input, reasoning in output."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None

    @property
    def uncached_tokens(self) -> int | None:
        """Input that was neither read from a cache nor written to one."""
        if self.input_tokens is None:
            return None
        return max(0, self.input_tokens - (self.cache_read_tokens or 0) - (self.cache_write_tokens or 0))

    @property
    def total_tokens(self) -> int | None:
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0)


@dataclass(eq=False, kw_only=True)
class ModelCall(Tokens, Operation):
    """One call of a model, retries included, until its answer has been received whole."""

    started_kind = "model.call.started"
    completed_kind = "model.call.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "model.call.error"}

    provider: str | None = None
    model: str | None = None
    operation: str | None = None
    """`chat`, `text_completion`, `generate_content`, `embeddings`; derived from `api` where it is absent."""
    api: str | None = None
    """The provider's API, as `openai-responses` or `openai-completions`."""
    transport: str | None = None
    stream: bool | None = None
    request_bytes: int | None = None
    response_bytes: int | None = None
    first_chunk_ns: int | None = None
    """From the start to the first piece of the answer."""
    last_chunk_ns: int | None = None
    chunks: int | None = None
    response_id: str | None = None
    response_model: str | None = None
    finish_reasons: tuple[str, ...] | None = None
    server_address: str | None = None
    server_port: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    choice_count: int | None = None
    adopted: bool = field(default=False, repr=False)
    """A provider's own call has been recognised as this one, so the next is another."""

    @property
    def operation_name(self) -> str:
        return self.operation or operation_of(self.api)

    @property
    def time_to_first_chunk_ms(self) -> float | None:
        return None if self.first_chunk_ns is None else self.first_chunk_ns / 1e6

    @property
    def time_to_first_chunk_s(self) -> float | None:
        return None if self.first_chunk_ns is None else self.first_chunk_ns / 1e9

    def consequences(self) -> Iterable[Event]:
        if self.input_tokens is None and self.output_tokens is None:
            return ()
        return (
            ModelUsage(
                input_tokens=self.input_tokens,
                output_tokens=self.output_tokens,
                cache_read_tokens=self.cache_read_tokens,
                cache_write_tokens=self.cache_write_tokens,
                reasoning_tokens=self.reasoning_tokens,
                provider=self.provider,
                model=self.model or self.response_model,
                operation=self.operation_name,
            ),
        )


def operation_of(api: str | None) -> str:
    """The GenAI operation of a provider's API id, as the reference system maps it."""
    name = (api or "").strip().lower()
    if name == "completions" or name.endswith("-completions"):
        return "text_completion"
    if name == "generate_content" or "generative-ai" in name:
        return "generate_content"
    return "chat"


@dataclass(eq=False, kw_only=True)
class ModelUsage(Tokens, Event):
    """What a model call, or a whole turn, used. It alone feeds the token and cost metrics, once per provider call."""

    kind = "model.usage"

    provider: str | None = None
    model: str | None = None
    operation: str | None = None
    duration_ms: float | None = None
    """Of the turn, where it stands for one."""
    context_limit: int | None = None
    context_used: int | None = None


@dataclass(eq=False, kw_only=True)
class ToolExecution(Operation):
    """One execution of a tool. The parameters themselves are never here, only their kind and length."""

    started_kind = "tool.execution.started"
    completed_kind = "tool.execution.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {
        "error": "tool.execution.error",
        "blocked": "tool.execution.blocked",
    }

    name: str | None = None
    source: str = "core"
    """`core`, `plugin`, `channel`, `mcp`."""
    owner: str | None = None
    call_id: str | None = None
    description: str | None = None
    type: str | None = None
    """`function`, `extension`, `datastore`."""
    params_kind: str | None = None
    params_length: int | None = None
    denied_reason: str | None = None


@dataclass(eq=False, kw_only=True)
class MessageQueued(Event):
    """A message was put into a queue, to be dispatched."""

    kind = "message.queued"

    source: str | None = None
    queue_depth: int | None = None


@dataclass(eq=False, kw_only=True)
class TelemetryFailed(Event):
    """Something of ours failed and was swallowed."""

    kind = "telemetry.failed"

    place: str = ""
    error_category: str = ""
