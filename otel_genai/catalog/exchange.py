"""What is said of exchanges with agents, and of what agents cost: spans and metrics."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from ..events import Event, Exchange, ModelCall, ModelUsage
from ..events.models import Priced
from . import attributes as a
from .readings import Words, failed
from .rows import Metric, On, Read, Span

EXCHANGE = (
    a.OPERATION.always("chat"),
    a.SYSTEM.of("provider"),
    a.REQUEST_MODEL.of("model"),
    a.NORA_AGENT_ID.of("agent_id"),
    a.NORA_RUNTIME_FAMILY.of("runtime_family"),
    a.NORA_SANDBOX_PROFILE.of("sandbox_profile"),
    a.NORA_SOURCE.of("source"),
)


def own(field: str) -> Read:
    """A field of an exchange, where nothing inside of it has told its own."""
    return lambda exchange: None if exchange.counted_inside else getattr(exchange, field)


def amount(event: Priced) -> float | None:
    cost = None if event.counted_inside else event.cost
    return None if cost is None else cost.amount


def of_cost(field: str) -> Read:
    """What a span says of a cost, so that each is on one span: a call's on its own, and not on that of its usage."""
    read = attrgetter(field)

    def said(event: Priced) -> Any:
        cost = None if event.counted_inside or event.parent is not None else event.cost
        return None if cost is None else read(cost)

    return said


def unpriced(event: Priced) -> int | None:
    """One, where tokens were used whose price nobody knows."""
    return 1 if event.cost is None and event.total_tokens and not event.counted_inside else None


COST = (
    a.COST_AMOUNT.of(of_cost("amount")),
    a.COST_CURRENCY.of(of_cost("currency")),
    a.COST_SOURCE.of(of_cost("source")),
)


def exchange_around(event: Event) -> Exchange | None:
    """The exchange that an event belongs to."""
    operation = event.scope.operation
    while operation is not None and not isinstance(operation, Exchange):
        operation = operation.scope.operation
    return operation


def untold(call: ModelCall) -> int | None:
    """One, where nobody says how many tokens a call has used that went well."""
    told = call.counted_inside or call.has_tokens or exchange_around(call) is not None
    return None if told or call.outcome != "completed" else 1


SPENT = (
    a.OPERATION.of("operation", "chat"),
    a.SYSTEM.of("provider"),
    a.REQUEST_MODEL.of("model"),
    a.NORA_AGENT_ID.of("scope.agent"),
    a.NORA_RUNTIME_FAMILY.of("runtime_family"),
    a.NORA_SANDBOX_PROFILE.of("sandbox_profile"),
    a.NORA_SOURCE.of("source"),
)
PRICED_MODEL = (a.PROVIDER.of("provider", "unknown"), a.MODEL.of("model", "unknown"))


def used(field: str, token: str) -> On:
    """One side of `gen_ai.client.token.usage`, of an exchange."""
    return On(Exchange, own(field), (*EXCHANGE, a.TOKEN_TYPE.always(token)))


def billed_outside(field: str) -> On:
    """One of the usage counters of the latest conventions, of an exchange."""
    model = (a.PROVIDER_NAME.of("provider", "unknown"), a.REQUEST_MODEL.of("model", "unknown"))
    sources = (a.OPERATION.always("chat"), *model, a.TOKEN_MODALITY.always("unknown"))
    return On(Exchange, own(field), sources)


METRICS: tuple[Metric, ...] = (
    Metric(
        "nora.agent.cost.usd",
        "counter",
        "{USD}",
        "What agents cost, by agent and model.",
        (On(ModelUsage, amount, SPENT), On(Exchange, amount, EXCHANGE)),
    ),
    Metric(
        "otel_genai.cost.unpriced",
        "counter",
        "{call}",
        "Calls that used tokens whose price nobody knows: they are in no cost.",
        (On(ModelUsage, unpriced, PRICED_MODEL), On(Exchange, unpriced, PRICED_MODEL)),
    ),
    Metric(
        "otel_genai.usage.untold",
        "counter",
        "{call}",
        "Model calls that went well and told no tokens: they are in no count of tokens and in no cost.",
        (On(ModelCall, untold, PRICED_MODEL, ("model.call.completed",)),),
    ),
)

SPANS: tuple[Span, ...] = (
    Span(
        Exchange,
        Words("chat", "{model}"),
        "One exchange with an agent, as whoever runs it sees it.",
        kind="client",
        start=(*EXCHANGE, a.CONVERSATION.of("conversation")),
        end=(
            a.INPUT_TOKENS.of(own("input_tokens")),
            a.OUTPUT_TOKENS.of(own("output_tokens")),
            a.NORA_TOTAL_TOKENS.of("total_tokens"),
            *COST,
            a.ERROR_TYPE.of("error_type"),
        ),
        status=failed,
    ),
)
