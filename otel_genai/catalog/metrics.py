"""Every metric: its definition, its documentation and its wiring in one row."""

from __future__ import annotations

from ..events import (
    HarnessRun,
    HttpRequest,
    MessageQueued,
    ModelCall,
    ModelUsage,
    Run,
    TelemetryFailed,
    ToolExecution,
)
from . import attributes as a
from .rows import Metric, On, Read

DEFAULT_BUCKETS = (0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000)
UP_TO_AN_HOUR = (
    *DEFAULT_BUCKETS,
    *(15000, 20000, 30000, 45000, 60000, 120000, 180000, 240000, 300000, 600000, 900000, 1800000, 3600000),
)
CONTEXT_BUCKETS = (*DEFAULT_BUCKETS, 16000, 32000, 64000, 128000, 200000, 400000, 1000000, 2000000)
GENAI_SECONDS = tuple(0.01 * 2**n for n in range(14))
GENAI_TOKENS = tuple(4**n for n in range(14))
AGENT_SECONDS = tuple(0.1 * 2**n for n in range(13))
HTTP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

DEFAULT = frozenset({"default"})
LATEST = frozenset({"latest"})

# -- HTTP
HTTP_BASE = (a.HTTP_METHOD.of("method"), a.URL_SCHEME.of("scheme"))
HTTP_DONE = (
    *HTTP_BASE,
    a.HTTP_ROUTE.of("route"),
    a.HTTP_STATUS.of("status_code"),
    a.PROTOCOL_VERSION.of("protocol_version"),
    a.ERROR_TYPE.of("error_type"),
)

# -- models
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
RUN = (
    a.OUTCOME.of("outcome"),
    a.PROVIDER.of("provider", "unknown"),
    a.MODEL.of("model", "unknown"),
    a.CHANNEL.of("scope.channel"),
    a.BLOCKED_BY.of("blocked_by"),
)

# -- agents and tools
HARNESS = (
    a.HARNESS_ID.of("name", "unknown"),
    a.HARNESS_PLUGIN.of("plugin", "unknown"),
    a.OUTCOME.of("outcome"),
    a.PROVIDER.of("provider", "unknown"),
    a.MODEL.of("model", "unknown"),
    a.CHANNEL.of("scope.channel"),
    a.HARNESS_PHASE.of("phase"),
    a.ERROR_CATEGORY.of("error_category"),
)
AGENT = (a.AGENT_NAME.of("name"), a.REQUEST_MODEL.of("model"), a.ERROR_TYPE.of("error_type"))
TOOL = (
    a.CLAW_TOOL_NAME.of("name", "tool"),
    a.TOOL_NAME.of("name", "tool"),
    a.TOOL_SOURCE.of("source", "core"),
    a.TOOL_OWNER.of("owner"),
    a.TOOL_PARAMS_KIND.of("params_kind"),
)
GENAI_TOOL = (
    a.TOOL_NAME.of("name", "tool"),
    a.TOOL_TYPE.of("type"),
    a.AGENT_NAME.of("scope.agent"),
    a.ERROR_TYPE.of("error_type"),
)
MESSAGE = (a.CHANNEL.of("scope.channel", "unknown"), a.SOURCE.of("source", "unknown"))

CALL_ENDED = ("model.call.completed", "model.call.error")
TOOL_ENDED = ("tool.execution.completed", "tool.execution.error")


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
    return Metric(name, "counter", "{token}", doc, (On(ModelUsage, field, sources),), shapes=LATEST)


METRICS: tuple[Metric, ...] = (
    Metric(
        "http.server.request.duration",
        "histogram",
        "s",
        "How long a request took, to the last byte of its answer.",
        (On(HttpRequest, "duration_s", HTTP_DONE),),
        HTTP_SECONDS,
    ),
    Metric(
        "http.server.active_requests",
        "up_down_counter",
        "{request}",
        "Requests that are being answered.",
        (
            On(HttpRequest, 1, HTTP_BASE, ("http.request.started",)),
            On(HttpRequest, -1, HTTP_BASE, ("http.request.completed", "http.request.error")),
        ),
    ),
    Metric(
        "http.server.request.body.size",
        "histogram",
        "By",
        "Bytes of a request's body.",
        (On(HttpRequest, "request_bytes", HTTP_DONE),),
    ),
    Metric(
        "http.server.response.body.size",
        "histogram",
        "By",
        "Bytes of a response's body.",
        (On(HttpRequest, "response_bytes", HTTP_DONE),),
    ),
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
        ),
        GENAI_TOKENS,
        DEFAULT,
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
        "openclaw.run.duration_ms",
        "histogram",
        "ms",
        "How long a turn took.",
        (On(Run, "duration_ms", RUN), On(ModelUsage, "duration_ms", USAGE)),
        UP_TO_AN_HOUR,
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
        (On(ModelCall, other_operation, GENAI_CLIENT_DONE, CALL_ENDED),),
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
    Metric(
        "openclaw.harness.duration_ms",
        "histogram",
        "ms",
        "How long an agent worked.",
        (On(HarnessRun, "duration_ms", HARNESS),),
        UP_TO_AN_HOUR,
    ),
    Metric(
        "gen_ai.invoke_agent.duration",
        "histogram",
        "s",
        "How long an agent worked.",
        (On(HarnessRun, "duration_s", AGENT),),
        AGENT_SECONDS,
        LATEST,
    ),
    Metric(
        "openclaw.tool.execution.duration_ms",
        "histogram",
        "ms",
        "How long a tool ran.",
        (On(ToolExecution, "duration_ms", (*TOOL, a.ERROR_CATEGORY.of("error_category")), TOOL_ENDED),),
        UP_TO_AN_HOUR,
    ),
    Metric(
        "gen_ai.execute_tool.duration",
        "histogram",
        "s",
        "How long a tool ran.",
        (On(ToolExecution, "duration_s", GENAI_TOOL, TOOL_ENDED),),
        GENAI_SECONDS,
        LATEST,
    ),
    Metric(
        "openclaw.tool.execution.blocked",
        "counter",
        "1",
        "Tools that were not allowed to run.",
        (On(ToolExecution, 1, (*TOOL, a.DENIED_REASON.of("denied_reason", "other")), ("tool.execution.blocked",)),),
    ),
    Metric(
        "openclaw.message.queued",
        "counter",
        "1",
        "Messages put into a queue.",
        (On(MessageQueued, 1, MESSAGE),),
    ),
    Metric(
        "openclaw.queue.depth",
        "histogram",
        "1",
        "How many were waiting.",
        (On(MessageQueued, "queue_depth", MESSAGE),),
    ),
    Metric(
        "otel_genai.telemetry.failures",
        "counter",
        "{failure}",
        "Failures of telemetry itself, swallowed so that the program did not notice.",
        (On(TelemetryFailed, 1, (a.PLACE.of("place"), a.ERROR_TYPE.of("error_category"))),),
    ),
)
