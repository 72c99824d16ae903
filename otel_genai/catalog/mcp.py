"""What is said of the Model Context Protocol: spans and metrics, by the names of the GenAI conventions.

Source: https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md
"""

from __future__ import annotations

from ..events import McpClientOperation, McpClientSession, McpServerOperation, McpServerSession
from ..events.mcp import McpOperation
from . import attributes as a
from .buckets import MCP_SECONDS
from .readings import CUT_SHORT, Words, failed
from .rows import Metric, On, Read, Span


def calls_a_tool(operation: McpOperation) -> str | None:
    return "execute_tool" if operation.method == "tools/call" else None


def unless_enriching(read: Read) -> Read:
    """What is left out where the span is that of a tool of ours, which says itself how it ended."""
    return lambda operation: None if operation.tool_around is not None else read(operation)


def error_type(operation: McpOperation) -> str | None:
    return operation.error_type


EXCHANGE = (
    a.MCP_PROTOCOL_VERSION.of("protocol_version"),
    a.NETWORK_TRANSPORT.of("transport"),
    a.PROTOCOL_NAME.of("protocol_name"),
    a.PROTOCOL_VERSION.of("http_version"),
)
OPERATION = (
    a.MCP_METHOD.of("method"),
    a.OPERATION.of(calls_a_tool),
    a.TOOL_NAME.of("tool"),
    a.PROMPT_NAME.of("prompt"),
    *EXCHANGE,
)
SERVER = (a.SERVER_ADDRESS.of("server_address"), a.SERVER_PORT.of("server_port"))
CLIENT = (a.CLIENT_ADDRESS.of("client_address"), a.CLIENT_PORT.of("client_port"))
ENDED = (a.ERROR_TYPE.of("error_type"), a.RPC_STATUS.of("response_code"))
ON_SPANS = (
    a.MCP_SESSION_ID.of("session_id"),
    a.MCP_RESOURCE.of("resource"),
    a.JSONRPC_REQUEST_ID.of("request_id"),
)
NAME = Words("{method}", "{tool}", "{prompt}")

METRICS: tuple[Metric, ...] = (
    Metric(
        "mcp.client.operation.duration",
        "histogram",
        "s",
        "How long a message took at who sent it, until it was answered.",
        (On(McpClientOperation, "duration_s", (*OPERATION, *SERVER, *ENDED)),),
        MCP_SECONDS,
    ),
    Metric(
        "mcp.server.operation.duration",
        "histogram",
        "s",
        "How long a message took at who received it.",
        (On(McpServerOperation, "duration_s", (*OPERATION, *ENDED)),),
        MCP_SECONDS,
    ),
    Metric(
        "mcp.client.session.duration",
        "histogram",
        "s",
        "How long a session lasted, at the client.",
        (On(McpClientSession, "duration_s", (*EXCHANGE, *SERVER, a.ERROR_TYPE.of("error_type"))),),
        MCP_SECONDS,
    ),
    Metric(
        "mcp.server.session.duration",
        "histogram",
        "s",
        "How long a session lasted, at the server.",
        (On(McpServerSession, "duration_s", (*EXCHANGE, a.ERROR_TYPE.of("error_type"))),),
        MCP_SECONDS,
    ),
)

SPANS: tuple[Span, ...] = (
    Span(
        McpClientOperation,
        NAME,
        "A request or notification, sent; within `execute_tool` of the same tool it is said on the span of that.",
        kind="client",
        start=(*OPERATION, *ON_SPANS, *SERVER),
        end=(
            a.ERROR_TYPE.of(unless_enriching(error_type)),
            a.RPC_STATUS.of("response_code"),
            CUT_SHORT,
        ),
        status=unless_enriching(failed),
    ),
    Span(
        McpServerOperation,
        NAME,
        "A request or notification, received; in the trace of who sent it, where that is trusted.",
        kind="server",
        start=(*OPERATION, *ON_SPANS, *CLIENT),
        end=(*ENDED, CUT_SHORT),
        status=failed,
    ),
)
