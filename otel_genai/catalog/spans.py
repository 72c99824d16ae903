"""Every span: what it is called under each convention, its kind, and what it carries."""

from __future__ import annotations

from typing import Any

from .. import privacy
from ..events import (
    BackgroundWork,
    HarnessRun,
    HttpRequest,
    ModelCall,
    ModelUsage,
    Operation,
    Run,
    ToolExecution,
    WebSocketClosed,
    WebSocketFrame,
    WebSocketHandshake,
)
from . import attributes as a
from .metrics import HARNESS, USAGE
from .rows import Read, Span, SpanEvent

DEFAULT = frozenset({"default"})


def words(*parts: str) -> Read:
    """A name made of literals and `{fields}` of the event; what the event does not say is left out."""

    def name(event: Any) -> str:
        values = (getattr(event, part[1:-1]) if part.startswith("{") else part for part in parts)
        return " ".join(str(value) for value in values if value)

    return name


def http_name(request: HttpRequest) -> str:
    method = "HTTP" if request.method == "_OTHER" else request.method
    return f"{method} {request.route}" if request.route else method


def failed(operation: Operation) -> str | None:
    """The class of the error: its message may echo a prompt, so it is not for everybody."""
    return (operation.error_category or "error") if operation.outcome == "error" else None


def http_failed(request: HttpRequest) -> str | None:
    """An exception or a 5xx answer; 4xx is the caller's fault and no error of ours."""
    if request.outcome == "error":
        return request.error_category or ""
    return "" if request.status_code is not None and request.status_code >= 500 else None


def query(request: HttpRequest) -> str | None:
    return privacy.query(request.query) if request.query else None


def cut_short(operation: Operation) -> str | None:
    return "cancelled" if operation.outcome == "cancelled" else None


def several(call: ModelCall) -> int | None:
    return call.choice_count if call.choice_count != 1 else None


def frame_type(frame: WebSocketFrame) -> str | None:
    return None if frame.text is None else ("text" if frame.text else "binary")


CUT_SHORT = a.CALL_OUTCOME.of(cut_short)
HTTP_START = (
    a.HTTP_METHOD.of("method"),
    a.HTTP_METHOD_ORIGINAL.of("original_method"),
    a.URL_PATH.of("path"),
    a.URL_QUERY.of(query),
    a.URL_SCHEME.of("scheme"),
    a.SERVER_ADDRESS.of("server_address"),
    a.SERVER_PORT.of("server_port"),
    a.CLIENT_ADDRESS.of("client_address"),
    a.CLIENT_PORT.of("client_port"),
    a.PROTOCOL_VERSION.of("protocol_version"),
    a.USER_AGENT.of("user_agent"),
)
HTTP_END = (
    a.HTTP_ROUTE.of("route"),
    a.HTTP_STATUS.of("status_code"),
    a.HTTP_REQUEST_SIZE.of("request_bytes"),
    a.HTTP_RESPONSE_SIZE.of("response_bytes"),
    a.ERROR_TYPE.of("error_type"),
    a.TIME_TO_FIRST_BYTE.of("first_byte_s"),
    a.STREAMED.of("streamed"),
    CUT_SHORT,
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
    a.CONVERSATION.of("scope.conversation"),
    a.AGENT_NAME.of("scope.agent"),
    a.REQUEST_STREAM.of(lambda call: call.stream or None),
    a.TEMPERATURE.of("temperature"),
    a.TOP_P.of("top_p"),
    a.MAX_TOKENS.of("max_tokens"),
    a.SEED.of("seed"),
    a.CHOICE_COUNT.of(several),
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

SPANS: tuple[Span, ...] = (
    Span(
        HttpRequest,
        http_name,
        "An inbound HTTP request, to the last byte of its answer.",
        kind="server",
        start=HTTP_START,
        end=HTTP_END,
        status=http_failed,
        adopts=True,
    ),
    Span(
        BackgroundWork,
        words("background", "{route}"),
        "An error that escaped from what was done after the answer; it starts where the answer ended.",
        end=(a.HTTP_ROUTE.of("route"), a.ERROR_TYPE.of("error_type")),
        status=failed,
    ),
    Span(
        WebSocketHandshake,
        http_name,
        "A WebSocket's opening, until the application accepts or rejects it.",
        kind="server",
        start=(*HTTP_START, a.PROTOCOL_NAME.always("websocket")),
        end=(*HTTP_END, a.SUBPROTOCOL.of("subprotocol")),
        status=http_failed,
        adopts=True,
    ),
    Span(
        WebSocketFrame,
        words("websocket.frame", "{route}"),
        "What was done about one inbound frame; a trace of its own, linked to the handshake.",
        kind="server",
        start=(
            a.PROTOCOL_NAME.always("websocket"),
            a.HTTP_ROUTE.of("route"),
            a.FRAME_SIZE.of("size"),
            a.FRAME_TYPE.of(frame_type),
            a.FRAME_INDEX.of("index"),
        ),
        end=(a.ERROR_TYPE.of("error_type"), a.CLOSE_CODE.of("close_code"), CUT_SHORT),
        status=failed,
    ),
    Span(
        WebSocketClosed,
        words("websocket.close", "{route}"),
        "A WebSocket is over; it stands in the trace of its handshake.",
        start=(
            a.PROTOCOL_NAME.always("websocket"),
            a.HTTP_ROUTE.of("route"),
            a.CLOSE_CODE.of("code"),
            a.CLOSED_BY_CLIENT.of("by_client"),
            a.FRAMES.of("frames"),
        ),
    ),
    Span(
        Run,
        "openclaw.run",
        "One turn of an agent, from what set it off to its answer.",
        start=(
            a.PROVIDER.of("provider"),
            a.MODEL.of("model"),
            a.CHANNEL.of("scope.channel"),
            a.TRIGGER.of("trigger"),
            a.CONVERSATION.of("scope.conversation"),
        ),
        end=(
            a.OUTCOME.of("outcome"),
            a.BLOCKED_BY.of("blocked_by"),
            a.ERROR_CATEGORY.of("error_category"),
            a.ERROR_TYPE.of("error_type"),
        ),
        status=failed,
    ),
    Span(
        HarnessRun,
        "openclaw.harness.run",
        "An agent at work.",
        latest=words("invoke_agent", "{name}"),
        start=(
            a.OPERATION.always("invoke_agent"),
            a.AGENT_NAME.of("name"),
            a.AGENT_DESCRIPTION.of("description"),
            a.CONVERSATION.of("scope.conversation"),
            a.REQUEST_MODEL.of("model"),
        ),
        end=(
            *HARNESS,
            a.HARNESS_CLASSIFICATION.of("result_classification"),
            a.HARNESS_YIELD.of("yield_detected"),
            a.HARNESS_ITEMS_STARTED.of("items_started"),
            a.HARNESS_ITEMS_COMPLETED.of("items_completed"),
            a.HARNESS_ITEMS_ACTIVE.of("items_active"),
            a.HARNESS_CLEANUP_FAILED.of("cleanup_failed"),
            a.ERROR_TYPE.of("error_type"),
        ),
        status=failed,
    ),
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
        ),
        shapes=DEFAULT,
    ),
    Span(
        ToolExecution,
        "openclaw.tool.execution",
        "One execution of a tool.",
        latest=words("execute_tool", "{name}"),
        start=(
            a.OPERATION.always("execute_tool"),
            a.TOOL_NAME.of("name", "tool"),
            a.TOOL_TYPE.of("type"),
            a.AGENT_NAME.of("scope.agent"),
            a.CONVERSATION.of("scope.conversation"),
            a.CLAW_TOOL_NAME.of("name", "tool"),
            a.TOOL_SOURCE.of("source"),
            a.TOOL_OWNER.of("owner"),
            a.CHANNEL.of("scope.channel"),
            a.TOOL_DESCRIPTION.of("description"),
            a.TOOL_CALL_ID.of("call_id"),
            a.TOOL_PARAMS_KIND.of("params_kind"),
            a.TOOL_PARAMS_LENGTH.of("params_length"),
        ),
        end=(
            a.ERROR_CATEGORY.of("error_category"),
            a.ERROR_CODE.of("error_code"),
            a.ERROR_TYPE.of("error_type"),
            a.OUTCOME.of(lambda tool: tool.outcome if tool.outcome in {"blocked", "cancelled"} else None),
            a.DENIED_REASON.of("denied_reason"),
        ),
        status=failed,
    ),
)
