"""What is said of model calls: spans and metrics."""

from __future__ import annotations

from collections.abc import Iterable
from operator import not_

from ..events import ModelCall
from . import attributes as a
from .buckets import GENAI_SECONDS, GENAI_TOKENS, UP_TO_AN_HOUR
from .exchange import COST
from .operations import CLIENT_DURATION
from .readings import CUT_SHORT, DEFAULT, LATEST, Words, failed, fraction
from .rows import Metric, On, Only, Read, Span, SpanEvent
from .usage import CALL_USAGE


def several(choices: int) -> int | None:
    return choices if choices != 1 else None


def stops(asked: str | Iterable[str]) -> tuple[str, ...]:
    return (asked,) if isinstance(asked, str) else tuple(asked)


def conversation(call: ModelCall) -> str | None:
    """Embeddings are made of texts, and not of a conversation."""
    return call.scope.conversation if call.operation_name != "embeddings" else None


def streamed(field: str) -> Read:
    """A field of a model call, only where its answer came as a stream."""
    return lambda call: getattr(call, field) if call.stream else None


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
CALL_ENDED = ("model.call.completed", "model.call.error")
SETTINGS = (
    a.OUTPUT_TYPE.of("output_type"),
    a.CHOICE_COUNT.of("choice_count", fit=several),
    a.SEED.of("seed"),
    a.TEMPERATURE.of("temperature", fit=fraction),
    a.TOP_P.of("top_p", fit=fraction),
    a.MAX_TOKENS.of("max_tokens"),
    a.STOP_SEQUENCES.of("stop_sequences", fit=stops),
    a.FREQUENCY_PENALTY.of("frequency_penalty", fit=fraction),
    a.PRESENCE_PENALTY.of("presence_penalty", fit=fraction),
)
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
    a.AGENT.of("scope.agent"),
    a.CONVERSATION.of(conversation),
    a.REQUEST_STREAM.of("stream", fit=lambda streams: streams or None),
    *SETTINGS,
    a.TOP_K.of("top_k"),
    a.REASONING_LEVEL.of("reasoning_level"),
    a.PREVIOUS_RESPONSE_ID.of("previous_response_id"),
    a.PROMPT_NAME.of("prompt_name"),
    a.PROMPT_VERSION.of("prompt_version"),
    a.DIMENSIONS.of("dimensions"),
    a.ENCODING_FORMATS.of("encoding_formats"),
    a.AGENT_STEP.of("agent_step"),
)
CALL_END = (
    *CALL_USAGE,
    a.INPUT_AUDIO_TOKENS.of("input_audio_tokens"),
    a.OUTPUT_AUDIO_TOKENS.of("output_audio_tokens"),
    *COST,
    a.CONVERSATION_COMPACTED.of("compacted"),
    a.RESPONSE_MODEL.of("response_model"),
    a.RESPONSE_ID.of("response_id"),
    a.FINISH_REASONS.of("finish_reasons"),
    a.TIME_TO_FIRST_CHUNK.of(streamed("time_to_first_chunk_s")),
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


INFERENCE = Only("operation_name", lambda name: name != "embeddings")
"""Embeddings have metrics of their own."""
OTHER = Only("operation_name", lambda name: name == "embeddings")
STREAMED = Only("stream", bool)
TOLD_HERE = Only("counted_inside", not_)
"""Unless a call inside of this one has told them."""


def time_per_chunk(call: ModelCall) -> float | None:
    """Seconds between two pieces of a stream, after the first."""
    if call.first_chunk_ns is None or not call.chunks or call.chunks < 2:
        return None
    last = call.last_chunk_ns or call.first_chunk_ns
    return (last - call.first_chunk_ns) / 1e9 / (call.chunks - 1)


METRICS: tuple[Metric, ...] = (
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
        (On(ModelCall, "duration_s", GENAI_CLIENT_DONE, CALL_ENDED, (OTHER,)), *CLIENT_DURATION),
        GENAI_SECONDS,
        LATEST,
    ),
    Metric(
        "gen_ai.client.inference.duration",
        "histogram",
        "s",
        "How long an inference took.",
        (On(ModelCall, "duration_s", GENAI_CLIENT_DONE, CALL_ENDED, (INFERENCE,)),),
        GENAI_SECONDS,
        LATEST,
    ),
    Metric(
        "gen_ai.client.inference.time_to_first_chunk",
        "histogram",
        "s",
        "How long the first piece of a streamed answer took.",
        (On(ModelCall, "time_to_first_chunk_s", GENAI_CLIENT, CALL_ENDED, (STREAMED,)),),
        GENAI_SECONDS,
        LATEST,
    ),
    Metric(
        "gen_ai.client.inference.time_per_output_chunk",
        "histogram",
        "s",
        "Time between the pieces of a streamed answer.",
        (On(ModelCall, time_per_chunk, GENAI_CLIENT, CALL_ENDED, (STREAMED,)),),
        GENAI_SECONDS,
        LATEST,
    ),
    Metric(
        "gen_ai.client.inference.operation.input_tokens",
        "histogram",
        "{token}",
        "Tokens read by an inference, cached ones included.",
        (On(ModelCall, "input_tokens", GENAI_CLIENT, CALL_ENDED, (INFERENCE, TOLD_HERE)),),
        GENAI_TOKENS,
        LATEST,
    ),
    Metric(
        "gen_ai.client.inference.operation.output_tokens",
        "histogram",
        "{token}",
        "Tokens written by an inference.",
        (On(ModelCall, "output_tokens", GENAI_CLIENT, CALL_ENDED, (INFERENCE, TOLD_HERE)),),
        GENAI_TOKENS,
        LATEST,
    ),
)

SPANS: tuple[Span, ...] = (
    Span(
        ModelCall,
        "openclaw.model.call",
        "One call of a model, retries included, until its answer was whole.",
        latest=Words("{operation_name}", "{model}"),
        kind="client",
        start=CALL_START,
        end=CALL_END,
        moments=(SpanEvent("openclaw.provider.request", (a.UPSTREAM_REQUEST_ID_HASH.of("request_id_hash"),)),),
        status=failed,
    ),
)
