"""What is said of tokens, and of what they cost: counted once per provider call."""

from __future__ import annotations

from operator import attrgetter, not_

from ..events import ModelUsage
from . import attributes as a
from .buckets import CONTEXT_BUCKETS, GENAI_TOKENS
from .exchange import COST, amount, billed_outside, used
from .readings import DEFAULT, LATEST
from .rows import Metric, On, Only, Read, Span

USAGE = (
    a.CHANNEL.of("scope.channel", "unknown"),
    a.AGENT.of("scope.agent", "unknown"),
    a.PROVIDER.of("provider", "unknown"),
    a.MODEL.of("model", "unknown"),
)
GENAI_USAGE = (
    a.OPERATION.of("operation", "chat"),
    a.PROVIDER_NAME.of("provider", "unknown"),
    a.REQUEST_MODEL.of("model", "unknown"),
)
GENAI_BILLED = (
    *GENAI_USAGE,
    a.RESPONSE_MODEL.of("response_model"),
    a.SERVER_ADDRESS.of("server_address"),
    a.SERVER_PORT.of("server_port"),
)
CALL_USAGE = (
    a.INPUT_TOKENS.of("input_tokens"),
    a.OUTPUT_TOKENS.of("output_tokens"),
    a.CACHE_READ_TOKENS.of("cache_read_tokens"),
    a.CACHE_WRITE_TOKENS.of("cache_write_tokens"),
    a.REASONING_TOKENS.of("reasoning_tokens"),
)


def counted(token: str, field: str) -> On:
    """One bucket of `openclaw.tokens`."""
    return On(ModelUsage, field, (*USAGE, a.TOKEN.always(token)))


INFERENCE = Only("operation", lambda name: name != "embeddings")
SILENT, HEARD = Only("heard", not_), Only("heard", bool)


def without(part: str, whole: str) -> Read:
    """Tokens without those whose modality is known; a part that is larger than the whole is no part."""

    def rest(usage: ModelUsage) -> int | None:
        total, known = getattr(usage, whole), getattr(usage, part)
        return total if total is None or not known else (total - min(known, total)) or None

    return rest


def known(part: str, whole: str) -> Read:
    """Tokens whose modality is known."""

    def some(usage: ModelUsage) -> int | None:
        total: int | None = getattr(usage, whole)
        return None if total is None else min(getattr(usage, part) or 0, total) or None

    return some


def billed(name: str, field: str, doc: str, audio: str | None = None) -> Metric:
    """One of the usage counters of the latest conventions; `audio` is the field of those tokens that are sound."""
    unknown, sound = ((*GENAI_BILLED, a.TOKEN_MODALITY.always(said)) for said in ("unknown", "audio"))
    if audio is None:
        ons: tuple[On, ...] = (On(ModelUsage, field, unknown, only=(INFERENCE,)),)
    else:
        ons = (
            On(ModelUsage, field, unknown, only=(INFERENCE, SILENT)),
            On(ModelUsage, without(audio, field), unknown, only=(INFERENCE, HEARD)),
            On(ModelUsage, known(audio, field), sound, only=(INFERENCE, HEARD)),
        )
    return Metric(name, "counter", "{token}", doc, (*ons, billed_outside(field)), shapes=LATEST)


METRICS: tuple[Metric, ...] = (
    Metric(
        "openclaw.tokens",
        "counter",
        "1",
        "Tokens by kind; `prompt` and `total` overlap the others, so never sum over the label.",
        (
            counted("input", "uncached_tokens"),
            counted("output", "output_tokens"),
            counted("cache_read", "cache_read_tokens"),
            counted("cache_write", "cache_write_tokens"),
            counted("prompt", "input_tokens"),
            counted("total", "total_tokens"),
        ),
    ),
    Metric(
        "gen_ai.client.token.usage",
        "histogram",
        "{token}",
        "Tokens of a call, input (cached included) and output.",
        (
            On(ModelUsage, "input_tokens", (*GENAI_USAGE, a.TOKEN_TYPE.always("input"))),
            On(ModelUsage, "output_tokens", (*GENAI_USAGE, a.TOKEN_TYPE.always("output"))),
            used("input_tokens", "input"),
            used("output_tokens", "output"),
        ),
        GENAI_TOKENS,
        DEFAULT,
    ),
    Metric(
        "openclaw.cost.usd",
        "counter",
        "1",
        "What model calls cost, in US dollars.",
        (On(ModelUsage, amount, USAGE),),
    ),
    Metric(
        "openclaw.context.tokens",
        "histogram",
        "1",
        "The size of the context window, and how much of it is used.",
        (
            On(ModelUsage, "context_limit", (*USAGE, a.CONTEXT.always("limit"))),
            On(ModelUsage, "context_used", (*USAGE, a.CONTEXT.always("used"))),
        ),
        CONTEXT_BUCKETS,
    ),
    billed(
        "gen_ai.client.inference.usage.input_tokens",
        "input_tokens",
        "Tokens read, cached ones included.",
        "input_audio_tokens",
    ),
    billed("gen_ai.client.inference.usage.output_tokens", "output_tokens", "Tokens written.", "output_audio_tokens"),
    billed("gen_ai.client.inference.usage.cache_read.input_tokens", "cache_read_tokens", "Tokens read from a cache."),
    billed("gen_ai.client.inference.usage.cache_write.input_tokens", "cache_write_tokens", "Tokens written to one."),
    billed("gen_ai.client.inference.usage.reasoning.output_tokens", "reasoning_tokens", "Tokens spent on reasoning."),
)

SPANS: tuple[Span, ...] = (
    Span(
        ModelUsage,
        "openclaw.model.usage",
        "What a model call used; under the latest conventions the call's own span says it.",
        start=(
            *USAGE,
            a.OPERATION.of("operation", "chat"),
            a.SYSTEM.of("provider"),
            a.REQUEST_MODEL.of("model"),
            a.TOKENS_INPUT.of("uncached_tokens"),
            a.TOKENS_OUTPUT.of("output_tokens"),
            a.TOKENS_CACHE_READ.of("cache_read_tokens"),
            a.TOKENS_CACHE_WRITE.of("cache_write_tokens"),
            a.TOKENS_TOTAL.of("total_tokens"),
            *CALL_USAGE,
            *COST,
        ),
        lasted_ms=attrgetter("duration_ms"),
        shapes=DEFAULT,
    ),
)
