"""Model calls, and what they use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal
from operator import attrgetter
from typing import ClassVar

from .. import config, costs, guard
from ..scope import Scope
from .agents import Settings, agent_at_work
from .event import Event, Operation


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
    def has_tokens(self) -> bool:
        """Whether any are known."""
        return self.input_tokens is not None or self.output_tokens is not None

    @property
    def total_tokens(self) -> int | None:
        return (self.input_tokens or 0) + (self.output_tokens or 0) if self.has_tokens else None


@dataclass(eq=False, kw_only=True)
class Priced(Tokens, Event):
    """What was used of which model; what that costs is reckoned when it is first asked for."""

    provider: str | None = None
    model: str | None = None
    response_model: str | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    cost_usd: float | Decimal | None = None
    """What it cost, where somebody knows: then nothing is reckoned."""
    cost_source: str | None = None
    """Who knows, in a bounded word; by default `given`."""
    counted_inside: bool = field(default=False, init=False, repr=False)
    """Something inside of it has told its own tokens and cost."""
    reckoned: costs.Cost | None = field(default=None, init=False, repr=False)
    """What `cost` has found."""

    @property
    def cost(self) -> costs.Cost | None:
        """What it costs by the rates in force; `None` where no tokens are known, or nobody knows their price."""
        if self.reckoned is None:
            self.reckoned = guard.call("reckoning a cost", self._reckon)
        return self.reckoned

    def _reckon(self) -> costs.Cost | None:
        known = None if self.cost_usd is None else costs.given(self.cost_usd, self.cost_source)
        if known is not None or self.total_tokens is None:
            return known
        now, model = config.active(), self.model or self.response_model
        rates, fallback = now.cost_model_rates, now.cost_per_1k_tokens
        return costs.price(self.usage, self.provider, model, rates=rates, fallback=fallback, at_ns=self.at_ns)

    @property
    def usage(self) -> costs.Usage:
        """The tokens as they are paid for."""
        return costs.Usage(
            self.input_tokens or 0,
            self.output_tokens or 0,
            self.total_tokens or 0,
            self.cache_read_tokens or 0,
            self.cache_write_tokens or 0,
            self.reasoning_tokens or 0,
            self.input_audio_tokens or 0,
            self.output_audio_tokens or 0,
        )

    def tell_those_around(self) -> None:
        """Let what this is inside of know that its tokens and cost are told, so that nobody does so again."""
        around = self.scope.operation
        while around is not None:
            if isinstance(around, Priced):
                around.counted_inside = True
            around = around.scope.operation


@dataclass(eq=False, kw_only=True)
class AgentOrigin:
    """What an agent runs in, and where that was seen."""

    runtime_family: str | None = None
    """What runs the agent: `openclaw`, `hermes`."""
    sandbox_profile: str | None = None
    """`standard`, `nemoclaw`."""
    source: str | None = None
    """Where it was seen: `openclaw.gateway`, `hermes-ui`."""


@dataclass(eq=False, kw_only=True)
class ModelUsage(Priced, Event):
    """What a model call, or a whole turn, used. It alone feeds the token and cost metrics, once per provider call."""

    kind = "model.usage"

    operation: str | None = None
    server_address: str | None = None
    server_port: int | None = None
    duration_ms: float | None = None
    """Of the turn, where it stands for one."""
    context_limit: int | None = None
    context_used: int | None = None
    runtime_family: str | None = field(default=None, init=False, repr=False)
    """These three of the exchange that it belongs to."""
    sandbox_profile: str | None = field(default=None, init=False, repr=False)
    source: str | None = field(default=None, init=False, repr=False)

    @property
    def heard(self) -> bool:
        """Whether any of it was sound."""
        return bool(self.input_audio_tokens or self.output_audio_tokens)

    def published(self) -> None:
        around = self.scope.operation
        while around is not None and not isinstance(around, AgentOrigin):
            around = around.scope.operation
        if around is not None:
            self.runtime_family, self.sandbox_profile = around.runtime_family, around.sandbox_profile
            self.source = around.source
        if self.parent is None and (self.has_tokens or self.cost_usd is not None):
            self.tell_those_around()  # a model call has done so for its own


@dataclass(eq=False, kw_only=True)
class ModelCall(Settings, Priced, Operation):
    """One call of a model, retries included, until its answer has been received whole."""

    started_kind = "model.call.started"
    completed_kind = "model.call.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "model.call.error"}
    follows = ModelUsage

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
    finish_reasons: tuple[str, ...] | None = None
    server_address: str | None = None
    server_port: int | None = None
    top_k: int | None = None
    reasoning_level: str | None = None
    """How hard it was asked to think: `low`, `high` ..., in the provider's words."""
    previous_response_id: str | None = None
    """The provider's id of the answer that this one goes on from."""
    prompt_name: str | None = None
    """Name of the prompt template that was used, and the version of it."""
    prompt_version: str | None = None
    compacted: bool | None = None
    """True where the conversation was shortened for it by the provider."""
    dimensions: int | None = None
    """Of an embedding: how many numbers it was asked to have."""
    encoding_formats: tuple[str, ...] | None = None
    """Of embeddings: how they were asked to be written."""
    deadline_ms: float | None = None
    """How long it may be silent, in milliseconds, before its session counts as stalled; never exported."""
    agent_step: int | None = field(default=None, init=False)
    """Which turn of its agent's loop it is, beginning with 1; those that run side by side are one turn."""
    adopted: bool = field(default=False, repr=False)
    """A provider's own call has been recognised as this one, so the next is another."""
    apart: tuple[ModelUsage, ...] = field(default=(), init=False, repr=False)
    """What it had used itself when another call began inside of it."""

    @property
    def operation_name(self) -> str:
        return self.operation or operation_of(self.api)

    @property
    def time_to_first_chunk_ms(self) -> float | None:
        return None if self.first_chunk_ns is None else self.first_chunk_ns / 1e6

    @property
    def time_to_first_chunk_s(self) -> float | None:
        return None if self.first_chunk_ns is None else self.first_chunk_ns / 1e9

    def begin(self, scope: Scope) -> None:
        super().begin(scope)
        around = scope.operation
        if around is None:
            return
        while around is not None:
            if isinstance(around, ModelCall):
                around.set_apart()
            around = around.scope.operation
        agent = None if self.operation == "embeddings" else agent_at_work(self)
        self.agent_step = None if agent is None else agent.next_step()

    def end(self, error: BaseException | None) -> None:
        super().end(error)
        self.reckoned = None  # it was reckoned before all of it was known
        if self.scope.operation is None:
            return
        if not self.counted_inside and self.has_tokens:
            self.tell_those_around()
        agent = None if self.operation == "embeddings" else agent_at_work(self)
        if agent is None:
            return
        if self.counted_inside:
            for usage in self.apart:
                agent.called(usage.input_tokens, usage.output_tokens, self.finish_reasons)
        else:
            agent.called(self.input_tokens, self.output_tokens, self.finish_reasons)

    def set_apart(self) -> None:
        """What it has used before another call begins inside of it is its own, whatever that one tells."""
        if self.has_tokens and not self.counted_inside:
            self.reckoned = None
            self.apart = (self.used(),)

    def consequences(self) -> Iterable[Event]:
        if self.counted_inside:
            return map(copy, self.apart)
        return (self.used(),) if self.has_tokens else ()

    def used(self) -> ModelUsage:
        """What it has used so far, as the event that tells so."""
        cost = self.cost
        usage = ModelUsage.__new__(ModelUsage)  # forty fields that are not set have their defaults on the class
        usage.__dict__.update(zip(BILLED, _billed(self), strict=True))
        usage.__dict__.update(model=self.model or self.response_model, operation=self.operation_name, reckoned=cost)
        if cost is not None:
            usage.cost_usd, usage.cost_source = cost.amount, cost.source
        return usage


COUNTED = (*Tokens.__dataclass_fields__, "input_audio_tokens", "output_audio_tokens")
"""All that tokens are counted by."""
BILLED = (*COUNTED, "provider", "response_model", "server_address", "server_port")
"""What the usage of a call says as the call does."""
_billed = attrgetter(*BILLED)


def operation_of(api: str | None) -> str:
    """The GenAI operation of a provider's API id; `openai-completions` is what OpenAI's chat completions are called."""
    name = (api or "").strip().lower()
    if name == "openai-completions" or "chat" in name:
        return "chat"
    if name == "completions" or name.endswith("-completions"):
        return "text_completion"
    if name == "generate_content" or "generative-ai" in name:
        return "generate_content"
    return "chat"
