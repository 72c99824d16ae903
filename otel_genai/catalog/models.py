"""What is said of model calls and what they use: spans and metrics."""

from __future__ import annotations

from ..events import ModelCall, ModelUsage
from . import attributes as a
from .buckets import CONTEXT_BUCKETS, GENAI_SECONDS, GENAI_TOKENS, UP_TO_AN_HOUR
from .exchange import COST, amount, billed_outside, used
from .operations import CLIENT_DURATION
from .readings import CUT_SHORT, DEFAULT, LATEST, failed, words
from .rows import Metric, On, Read, Span, SpanEvent


def several(call: ModelCall) -> int | None:
    return call.choice_count if call.choice_count != 1 else None


CALL = (
    a.PROVIDER.of("provider", "unknown"),
    a.MODEL.of("model", "unknown"),
    a.API.of("api", "unknown"),
    a.TRANSPORT.of("transport", "unknown"),
    a.ERROR_CATEGORY.of("error_category"),
    a.FAILURE_KIND.of("failure_kind"),
)
GENAI_CALL = (
    a.OPERATION.of("operation_name"),
    a.PROVIDER_NAME.of("provider", "unknown"),
    a.REQUEST_MODEL.of("model", "unknown"),
    a.ERROR_TYPE.of("error_type"),
)
GENAI_CLIENT = (
    a.OPERATION.of("operation_name"),
    a.PROVIDER_NAME.of("provider", "unknown"),
    a.REQUEST_MODEL.of("model"),
    a.RESPONSE_MODEL.of("response_model"),
    a.SERVER_ADDRESS.of("server_address"),
    a.SERVER_PORT.of("server_port"),
)
GENAI_CLIENT_DONE = (*GENAI_CLIENT, a.ERROR_TYPE.of("error_type"))
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
CALL_ENDED = ("model.call.completed", "model.call.error")
CALL_START = (
    a.OPERATION.of("operation_name"),
    a.SYSTEM.of("provider"),
    a.REQUEST_MODEL.of("model"),
    a.PROVIDER.of("provider"),
    a.MODEL.of("model"),
    a.CHANNEL.of("scope.channel"),
    a.API.of("api"),
    a.TRANSPORT.of("transport"),
    a.SERVER_ADDRESS.of("server_address"),
    a.SERVER_PORT.of("server_port"),
    a.CONVERSATION.of("scope.conversation"),
    a.AGENT_NAME.of("scope.agent"),
    a.REQUEST_STREAM.of(lambda call: call.stream or None),
    a.TEMPERATURE.of("temperature"),
    a.TOP_P.of("top_p"),
    a.MAX_TOKENS.of("max_tokens"),
    a.SEED.of("seed"),
    a.CHOICE_COUNT.of(several),
    a.DIMENSIONS.of("dimensions"),
    a.ENCODING_FORMATS.of("encoding_formats"),
)
CALL_USAGE = (
    a.INPUT_TOKENS.of("input_tokens"),
    a.OUTPUT_TOKENS.of("output_tokens"),
    a.CACHE_READ_TOKENS.of("cache_read_tokens"),
    a.CACHE_WRITE_TOKENS.of("cache_write_tokens"),
    a.REASONING_TOKENS.of("reasoning_tokens"),
)
CALL_END = (
    *CALL_USAGE,
    *COST,
    a.RESPONSE_MODEL.of("response_model"),
    a.RESPONSE_ID.of("response_id"),
    a.FINISH_REASONS.of("finish_reasons"),
    a.TIME_TO_FIRST_CHUNK.of("time_to_first_chunk_s"),
    a.REQUEST_BYTES.of("request_bytes"),
    a.RESPONSE_BYTES.of("response_bytes"),
    a.FIRST_BYTE_MS.of("time_to_first_chunk_ms"),
    a.CHUNKS.of("chunks"),
    a.ERROR_TYPE.of("error_type"),
    a.ERROR_CATEGORY.of("error_category"),
    a.FAILURE_KIND.of("failure_kind"),
    a.REQUEST_ID_HASH.of("request_id_hash"),
    CUT_SHORT,
)


def streamed(field: str) -> Read:
    """A field of a model call, only where its answer came as a stream."""
    return lambda call: getattr(call, field) if call.stream else None


def inference(field: str) -> Read:
    """A field of a model call, only where it was inference: embeddings have metrics of their own."""
    return lambda call: getattr(call, field) if call.operation_name != "embeddings" else None


def other_operation(call: ModelCall) -> float | None:
    return call.duration_s if call.operation_name == "embeddings" else None


def time_per_chunk(call: ModelCall) -> float | None:
    """Seconds between two pieces of a stream, after the first."""
    if not call.stream or call.first_chunk_ns is None or not call.chunks or call.chunks < 2:
        return None
    last = call.last_chunk_ns or call.first_chunk_ns
    return (last - call.first_chunk_ns) / 1e9 / (call.chunks - 1)


def counted(token: str, field: str) -> On:
    """One bucket of `openclaw.tokens`."""
    return On(ModelUsage, field, (*USAGE, a.TOKEN.always(token)))


def billed(name: str, field: str, doc: str) -> Metric:
    """One of the usage counters of the latest conventions."""
    sources = (*GENAI_USAGE, a.TOKEN_MODALITY.always("unknown"))
    on = (On(ModelUsage, field, sources), billed_outside(field))
    return Metric(name, "counter", "{token}", doc, on, shapes=LATEST)


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
    Metric(
        "openclaw.model_call.duration_ms",
        "histogram",
        "ms",
        "How long a model call took, until its answer was whole.",
        (On(ModelCall, "duration_ms", CALL, CALL_ENDED),),
        UP_TO_AN_HOUR,
    ),
    Metric(
        "openclaw.model_call.request_bytes",
        "histogram",
        "By",
        "Bytes of the payload sent to the provider.",
        (On(ModelCall, "request_bytes", CALL, CALL_ENDED),),
    ),
    Metric(
        "openclaw.model_call.response_bytes",
        "histogram",
        "By",
        "Bytes of the provider's answer.",
        (On(ModelCall, "response_bytes", CALL, CALL_ENDED),),
    ),
    Metric(
        "openclaw.model_call.time_to_first_byte_ms",
        "histogram",
        "ms",
        "How long the first piece of the answer took.",
        (On(ModelCall, "time_to_first_chunk_ms", CALL, CALL_ENDED),),
        UP_TO_AN_HOUR,
    ),
    Metric(
        "gen_ai.client.operation.duration",
        "histogram",
        "s",
        "How long a model call took.",
        (On(ModelCall, "duration_s", GENAI_CALL, CALL_ENDED),),
        GENAI_SECONDS,
        DEFAULT,
    ),
    Metric(
        "gen_ai.client.operation.duration",
        "histogram",
        "s",
        "How long a client operation took that is not inference.",
        (On(ModelCall, other_operation, GENAI_CLIENT_DONE, CALL_ENDED), *CLIENT_DURATION),
        GENAI_SECONDS,
        LATEST,
    ),
    Metric(
        "gen_ai.client.inference.duration",
        "histogram",
        "s",
        "How long an inference took.",
        (On(ModelCall, inference("duration_s"), GENAI_CLIENT_DONE, CALL_ENDED),),
        GENAI_SECONDS,
        LATEST,
    ),
    Metric(
        "gen_ai.client.inference.time_to_first_chunk",
        "histogram",
        "s",
        "How long the first piece of a streamed answer took.",
        (On(ModelCall, streamed("time_to_first_chunk_s"), GENAI_CLIENT, CALL_ENDED),),
        GENAI_SECONDS,
        LATEST,
    ),
    Metric(
        "gen_ai.client.inference.time_per_output_chunk",
        "histogram",
        "s",
        "Time between the pieces of a streamed answer.",
        (On(ModelCall, time_per_chunk, GENAI_CLIENT, CALL_ENDED),),
        GENAI_SECONDS,
        LATEST,
    ),
    Metric(
        "gen_ai.client.inference.operation.input_tokens",
        "histogram",
        "{token}",
        "Tokens read by an inference, cached ones included.",
        (On(ModelCall, inference("input_tokens"), GENAI_CLIENT, CALL_ENDED),),
        GENAI_TOKENS,
        LATEST,
    ),
    Metric(
        "gen_ai.client.inference.operation.output_tokens",
        "histogram",
        "{token}",
        "Tokens written by an inference.",
        (On(ModelCall, inference("output_tokens"), GENAI_CLIENT, CALL_ENDED),),
        GENAI_TOKENS,
        LATEST,
    ),
    billed("gen_ai.client.inference.usage.input_tokens", "input_tokens", "Tokens read, cached ones included."),
    billed("gen_ai.client.inference.usage.output_tokens", "output_tokens", "Tokens written."),
    billed("gen_ai.client.inference.usage.cache_read.input_tokens", "cache_read_tokens", "Tokens read from a cache."),
    billed("gen_ai.client.inference.usage.cache_write.input_tokens", "cache_write_tokens", "Tokens written to one."),
    billed("gen_ai.client.inference.usage.reasoning.output_tokens", "reasoning_tokens", "Tokens spent on reasoning."),
)

SPANS: tuple[Span, ...] = (
    Span(
        ModelCall,
        "openclaw.model.call",
        "One call of a model, retries included, until its answer was whole.",
        latest=words("{operation_name}", "{model}"),
        kind="client",
        start=CALL_START,
        end=CALL_END,
        moments=(SpanEvent("openclaw.provider.request", (a.UPSTREAM_REQUEST_ID_HASH.of("request_id_hash"),)),),
        status=failed,
    ),
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
        shapes=DEFAULT,
    ),
)
