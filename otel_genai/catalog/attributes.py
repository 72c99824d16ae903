"""Every attribute name, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .rows import Attribute, Value


@dataclass(frozen=True)
class Template(Attribute):
    """An attribute whose values the application's author wrote, `/items/{id}`: few by their nature, braces and all."""

    def label(self, value: Any) -> Value:
        return self.value(value)


# -- standard: errors, HTTP, network
ERROR_TYPE = Attribute("error.type", "Class of the error, a provider's code, or `cancelled`.", fallback="_OTHER")
HTTP_METHOD = Attribute("http.request.method", "Method of the request; `_OTHER` for one that is not known.")
HTTP_METHOD_ORIGINAL = Attribute("http.request.method_original", "The method as it was sent.", label_allowed=False)
HTTP_ROUTE = Template("http.route", "Template of the route that served the request.")
HTTP_STATUS = Attribute("http.response.status_code", "Status of the response.")
HTTP_REQUEST_SIZE = Attribute("http.request.body.size", "Bytes of the request's body.")
HTTP_RESPONSE_SIZE = Attribute("http.response.body.size", "Bytes of the response's body.")
URL_PATH = Attribute("url.path", "Path of the request.", label_allowed=False)
URL_QUERY = Attribute("url.query", "Query string of the request, without known secrets.", label_allowed=False)
URL_SCHEME = Attribute("url.scheme", "`http` or `https`, `ws` or `wss`.")
SERVER_ADDRESS = Attribute("server.address", "Host that was asked: for a request of ours the provider's.")
SERVER_PORT = Attribute("server.port", "Port that was asked.")
CLIENT_ADDRESS = Attribute("client.address", "Address of the caller.", label_allowed=False)
CLIENT_PORT = Attribute("client.port", "Port of the caller.", label_allowed=False)
PROTOCOL_NAME = Attribute("network.protocol.name", "Protocol of the request, where it is not HTTP.")
PROTOCOL_VERSION = Attribute("network.protocol.version", "HTTP version of the request.")
USER_AGENT = Attribute("user_agent.original", "The caller's User-Agent.", label_allowed=False)

# -- standard: GenAI
OPERATION = Attribute("gen_ai.operation.name", "`chat`, `text_completion`, `execute_tool`, `invoke_agent` ...")
SYSTEM = Attribute("gen_ai.system", "The provider, by the older name.", latest="gen_ai.provider.name")
PROVIDER_NAME = Attribute("gen_ai.provider.name", "The provider.")
REQUEST_MODEL = Attribute("gen_ai.request.model", "The model that was asked for.")
RESPONSE_MODEL = Attribute("gen_ai.response.model", "The model that answered.")
RESPONSE_ID = Attribute("gen_ai.response.id", "The provider's id of the answer.", label_allowed=False)
FINISH_REASONS = Attribute("gen_ai.response.finish_reasons", "Why the model stopped, per choice.", label_allowed=False)
TIME_TO_FIRST_CHUNK = Attribute("gen_ai.response.time_to_first_chunk", "Seconds to the first piece of a stream.")
REQUEST_STREAM = Attribute("gen_ai.request.stream", "True for an answer that was asked for as a stream.")
TEMPERATURE = Attribute("gen_ai.request.temperature", "Temperature that was asked for.", label_allowed=False)
TOP_P = Attribute("gen_ai.request.top_p", "Nucleus that was asked for.", label_allowed=False)
MAX_TOKENS = Attribute("gen_ai.request.max_tokens", "Most tokens that were asked for.", label_allowed=False)
SEED = Attribute("gen_ai.request.seed", "Seed that was asked for.", label_allowed=False)
CHOICE_COUNT = Attribute("gen_ai.request.choice.count", "Choices that were asked for, where not one.")
INPUT_TOKENS = Attribute("gen_ai.usage.input_tokens", "Tokens read, cached ones included.", label_allowed=False)
OUTPUT_TOKENS = Attribute("gen_ai.usage.output_tokens", "Tokens written, reasoning included.", label_allowed=False)
CACHE_READ_TOKENS = Attribute(
    "gen_ai.usage.cache_read.input_tokens", "Input tokens that came from a cache.", label_allowed=False
)
CACHE_WRITE_TOKENS = Attribute(
    "gen_ai.usage.cache_creation.input_tokens",
    "Input tokens that were written to a cache.",
    latest="gen_ai.usage.cache_write.input_tokens",
    label_allowed=False,
)
REASONING_TOKENS = Attribute(
    "gen_ai.usage.reasoning.output_tokens", "Output tokens spent on reasoning.", label_allowed=False
)
TOKEN_TYPE = Attribute("gen_ai.token.type", "`input` or `output`.")
TOKEN_MODALITY = Attribute("gen_ai.token.modality", "`text`, `image`, `audio` or `unknown`.")
CONVERSATION = Attribute(
    "gen_ai.conversation.id", "The conversation, as the application named it.", label_allowed=False
)
AGENT_NAME = Attribute("gen_ai.agent.name", "The agent at work.")
AGENT_DESCRIPTION = Attribute("gen_ai.agent.description", "What the agent is for.", label_allowed=False)
TOOL_NAME = Attribute("gen_ai.tool.name", "The tool.", fallback="tool")
TOOL_TYPE = Attribute("gen_ai.tool.type", "`function`, `extension` or `datastore`.")
TOOL_DESCRIPTION = Attribute("gen_ai.tool.description", "What the tool is for.", label_allowed=False)
TOOL_CALL_ID = Attribute("gen_ai.tool.call.id", "The id that the model gave the call.", label_allowed=False)

# -- the gateway's
CHANNEL = Attribute("openclaw.channel", "Where the work came from: `slack`, `web` ...")
AGENT = Attribute("openclaw.agent", "The agent at work.")
PROVIDER = Attribute("openclaw.provider", "The provider.")
MODEL = Attribute("openclaw.model", "The model.")
API = Attribute("openclaw.api", "The provider's API.")
TRANSPORT = Attribute("openclaw.transport", "How the provider was reached.")
TRIGGER = Attribute("openclaw.trigger", "What set the turn off.")
SOURCE = Attribute("openclaw.source", "Where a message came from inside of the gateway.")
OUTCOME = Attribute("openclaw.outcome", "`completed`, `error`, `cancelled`, `blocked`, `aborted` ...")
BLOCKED_BY = Attribute("openclaw.blocked_by", "What blocked the turn.")
ERROR_CATEGORY = Attribute("openclaw.errorCategory", "Class of the error.", fallback="other")
ERROR_CODE = Attribute("openclaw.errorCode", "HTTP status of the error.", fallback="other")
FAILURE_KIND = Attribute("openclaw.failureKind", "`timeout`, `connection_reset`, `aborted` ...", fallback="other")
REQUEST_ID_HASH = Attribute(
    "openclaw.provider.request_id_hash", "The provider's request id, hashed.", label_allowed=False
)
UPSTREAM_REQUEST_ID_HASH = Attribute(
    "openclaw.upstreamRequestIdHash", "The provider's request id, hashed.", label_allowed=False
)
TOKEN = Attribute("openclaw.token", "`input`, `output`, `cache_read`, `cache_write`, `prompt`, `total`; they overlap.")
CONTEXT = Attribute("openclaw.context", "`limit` or `used`.")
TOKENS_INPUT = Attribute("openclaw.tokens.input", "Input tokens that no cache had part in.", label_allowed=False)
TOKENS_OUTPUT = Attribute("openclaw.tokens.output", "Output tokens.", label_allowed=False)
TOKENS_CACHE_READ = Attribute("openclaw.tokens.cache_read", "Tokens read from a cache.", label_allowed=False)
TOKENS_CACHE_WRITE = Attribute("openclaw.tokens.cache_write", "Tokens written to a cache.", label_allowed=False)
TOKENS_TOTAL = Attribute("openclaw.tokens.total", "Input and output together.", label_allowed=False)
REQUEST_BYTES = Attribute("openclaw.model_call.request_bytes", "Bytes of the request's payload.", label_allowed=False)
RESPONSE_BYTES = Attribute("openclaw.model_call.response_bytes", "Bytes of the answer's payload.", label_allowed=False)
FIRST_BYTE_MS = Attribute(
    "openclaw.model_call.time_to_first_byte_ms", "Milliseconds to the first piece of the answer.", label_allowed=False
)
HARNESS_ID = Attribute("openclaw.harness.id", "The agent, or what runs it.")
HARNESS_PLUGIN = Attribute("openclaw.harness.plugin", "The plugin that brought the agent.")
HARNESS_PHASE = Attribute("openclaw.harness.phase", "`prepare`, `start`, `send`, `resolve`, `cleanup`.")
HARNESS_CLASSIFICATION = Attribute(
    "openclaw.harness.result_classification", "`empty`, `reasoning-only`, `planning-only`."
)
HARNESS_YIELD = Attribute("openclaw.harness.yield_detected", "The agent handed the turn back.")
HARNESS_ITEMS_STARTED = Attribute("openclaw.harness.items.started", "Items begun.", label_allowed=False)
HARNESS_ITEMS_COMPLETED = Attribute("openclaw.harness.items.completed", "Items completed.", label_allowed=False)
HARNESS_ITEMS_ACTIVE = Attribute("openclaw.harness.items.active", "Items still active.", label_allowed=False)
HARNESS_CLEANUP_FAILED = Attribute("openclaw.harness.cleanup_failed", "The cleaning up failed too.")
CLAW_TOOL_NAME = Attribute("openclaw.toolName", "The tool.", fallback="tool")
TOOL_SOURCE = Attribute("openclaw.tool.source", "`core`, `plugin`, `channel`, `mcp`.", fallback="core")
TOOL_OWNER = Attribute("openclaw.tool.owner", "The plugin or channel that the tool belongs to.")
TOOL_PARAMS_KIND = Attribute("openclaw.tool.params.kind", "`object`, `array`, `string` ...; never the parameters.")
TOOL_PARAMS_LENGTH = Attribute("openclaw.tool.params.length", "Length of an array or string.", label_allowed=False)
DENIED_REASON = Attribute("openclaw.deniedReason", "Why a tool was not allowed to run.", fallback="other")

# -- ours: what neither document names
CHUNKS = Attribute("otel_genai.stream.chunks", "Pieces that a stream came in.", label_allowed=False)
CALL_OUTCOME = Attribute("otel_genai.outcome", "How an operation ended that was cancelled or left early.")
TIME_TO_FIRST_BYTE = Attribute(
    "otel_genai.http.time_to_first_byte", "Seconds to the first byte of the answer's body.", label_allowed=False
)
STREAMED = Attribute("otel_genai.http.streamed", "True for an answer sent in more than one piece.")
FRAME_SIZE = Attribute("otel_genai.websocket.frame.size", "Bytes of the frame's payload.", label_allowed=False)
FRAME_TYPE = Attribute("otel_genai.websocket.frame.type", "`text` or `binary`.")
FRAME_INDEX = Attribute("otel_genai.websocket.frame.index", "Which of the connection's frames.", label_allowed=False)
CLOSE_CODE = Attribute("otel_genai.websocket.close_code", "Code with which the WebSocket was closed.")
CLOSED_BY_CLIENT = Attribute("otel_genai.websocket.closed_by_client", "True where the client closed it.")
FRAMES = Attribute("otel_genai.websocket.frames", "Frames that came in.", label_allowed=False)
SUBPROTOCOL = Attribute("otel_genai.websocket.subprotocol", "Subprotocol that the application chose.")
PLACE = Attribute("otel_genai.place", "Where telemetry failed and was swallowed.", fallback="other")
