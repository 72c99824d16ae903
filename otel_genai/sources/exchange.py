"""`exchange`: one exchange with an agent, as a decorator, as a `with` block, or told when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, overload

from .. import guard
from ..bus import bus
from ..events import Exchange, ModelCall
from ..events.models import COUNTED
from . import late, replies
from .fields import field, number
from .observe import Block, made

F = TypeVar("F", bound=Callable[..., Any])

TOTALS = ("total_tokens", "totalTokens", "tokens", "totalTokenCount", "total_token_count")
SAID = ("model", "provider", "response_model", *COUNTED)
"""What an exchange takes over from a reply."""


def read(exchange: Exchange, reply: object) -> None:
    """Set on `exchange` what a runtime's reply says of tokens, model and provider."""
    call = ModelCall(model=exchange.model, provider=exchange.provider)
    replies.read(call, reply)
    exchange.update(**{name: value for name in SAID if (value := getattr(call, name)) is not None})
    if call.declared is not None and call.error_type is not None:
        exchange.declare(call.error_type)
    total = next((tokens for usage in usages(reply) for name in TOTALS if (tokens := number(field(usage, name)))), None)
    exchange.total_tokens = total or exchange.total_tokens


def usages(reply: object) -> Iterator[object]:
    """Where a reply may say what was used."""
    for root in (field(reply, "data"), reply):
        for holder in (root, *(field(root, name) for name in ("message", "response", "result"))):
            for part in (holder, field(holder, "message")):
                yield from filter(None, (field(part, name) for name in replies.USAGES))


class ExchangeBlock(Block[Exchange]):
    """An exchange with an agent: give it the runtime's reply, and it reads tokens, model and provider off it."""

    name_field = "agent_id"
    from_arguments = ("model", "provider", "agent_id", "conversation")
    answered = staticmethod(read)

    def reply(self, reply: Any) -> None:
        """Read the runtime's reply: an object or a plain dict. An unknown shape is ignored."""
        if not late.unheard(self.event, "reply", self._used):
            guard.call("reading a reply", read, self.event, reply)

    def record(self, reply: Any = None, *, error: BaseException | None = None, **fields: Any) -> None:
        """Tell an exchange that is over; it lasted from `started_at` until now.

        Args:
            reply: the runtime's reply, as in `reply(...)`.
            error: what it failed with, if it did.
            fields: what is known beside it: `input_tokens`, `output_tokens`, `total_tokens`, `cost_usd` ...

        Raises:
            TypeError: for a field that an exchange does not have.
        """
        Exchange.check(fields)
        if not bus.listening:
            return
        event = self.make({**self.fields, **{name: value for name, value in fields.items() if value is not None}})
        if reply is not None:
            guard.call("reading a reply", read, event, reply)
        bus.start(event)
        bus.finish(event, error)


@overload
def exchange(function: F, /) -> F: ...
@overload
def exchange(
    agent_id: str | None = None,
    /,
    *,
    conversation: str | None = None,
    runtime_family: str | None = None,
    sandbox_profile: str | None = None,
    source: str | None = None,
    provider: str | None = None,
    model: str | None = None,
    started_at: float | None = None,
    new_trace: bool = False,
) -> ExchangeBlock: ...
def exchange(first: Any = None, /, *, new_trace: bool = False, **fields: Any) -> Any:
    """Observe an exchange with an agent that something else runs: `with exchange("ada", model="gpt-5.5") as one:`.

    In the block, hand the runtime's reply to `one.reply(...)`; a decorated function's result is read. Of an exchange
    that is over, `exchange("ada", started_at=began).record(reply)` tells all at once.

    Its tokens and its cost count only where nothing inside of it has told its own: around model calls that are
    observed it is a span, and the calls are counted.

    Args:
        first: the agent's id; by default the agent of `bind(...)`.
        conversation: the session; on spans only.
        runtime_family: what runs the agent: `openclaw`, `hermes`.
        sandbox_profile: `standard`, `nemoclaw`.
        source: where the exchange was seen: `openclaw.gateway`, `hermes-ui`.
        provider: the provider of the model; read off the reply where it is not given.
        model: the model; read off the reply where it is not given.
        started_at: when it began, in seconds since the epoch (`time.time()`), where that has been.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that an exchange does not have.
    """
    return made(ExchangeBlock, Exchange, first, new_trace, fields)
