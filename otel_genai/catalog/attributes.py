"""Every attribute name, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import config, privacy
from .rows import Attribute, Value


@dataclass(frozen=True)
class Template(Attribute):
    """An attribute whose values the application's author wrote, `/items/{id}`: few by their nature, braces and all."""

    def label(self, value: Any) -> Value:
        return self.value(value) or self.fallback


@dataclass(frozen=True)
class ConversationId(Attribute):
    """The conversation that the application names: as it is, or hashed where that is configured."""

    def value(self, value: Any) -> Value | None:
        known = super().value(value)
        return privacy.digest(str(known)) if known and config.active().hash_conversation_id else known


@dataclass(frozen=True)
class LaneName(Attribute):
    """A lane, which may be named after a session: what follows the first `:` is left out."""

    def label(self, value: Any) -> Value:
        text = str(value).strip()
        return self.fallback if text.lower().startswith("agent:") else super().label(text.partition(":")[0])

    def value(self, value: Any) -> Value:
        return self.label(value)


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
NETWORK_TRANSPORT = Attribute("network.transport", "`tcp`, `quic`, or `pipe` for stdio.")
PROTOCOL_NAME = Attribute("network.protocol.name", "`websocket`; `http` for MCP over that.")
PROTOCOL_VERSION = Attribute("network.protocol.version", "HTTP version of the request.")
USER_AGENT = Attribute("user_agent.original", "The caller's User-Agent.", label_allowed=False)

# -- standard: the Model Context Protocol
MCP_METHOD = Attribute(
    "mcp.method.name", "`tools/call`, `resources/read`, `notifications/progress` ...", fallback="_OTHER"
)
MCP_PROTOCOL_VERSION = Attribute("mcp.protocol.version", "Version of the protocol that both sides have agreed on.")
MCP_SESSION_ID = Attribute("mcp.session.id", "The transport's id of the session.", label_allowed=False)
MCP_RESOURCE = Attribute("mcp.resource.uri", "The resource that was asked for.", label_allowed=False)
JSONRPC_REQUEST_ID = Attribute("jsonrpc.request.id", "The id of the request within its session.", label_allowed=False)
RPC_STATUS = Attribute("rpc.response.status_code", "JSON-RPC code of an answer that is an error.")

# -- standard: containers
CONTAINER_NAME = Attribute("container.name", "The container.")
CONTAINER_IMAGE = Attribute("container.image.name", "The image that the container was made of.")
CPU_MODE = Attribute("cpu.mode", "`user` or `system`.")
PAGING_FAULT_TYPE = Attribute("system.paging.fault.type", "`minor` or `major`.")
NETWORK_DIRECTION = Attribute("network.io.direction", "`receive` or `transmit`.")
DISK_DIRECTION = Attribute("disk.io.direction", "`read` or `write`.")

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
TOP_K = Attribute("gen_ai.request.top_k", "Candidates per token that were asked for.", label_allowed=False)
STOP_SEQUENCES = Attribute("gen_ai.request.stop_sequences", "What the model was to stop at.", label_allowed=False)
FREQUENCY_PENALTY = Attribute(
    "gen_ai.request.frequency_penalty", "Penalty on frequent tokens that was asked for.", label_allowed=False
)
PRESENCE_PENALTY = Attribute(
    "gen_ai.request.presence_penalty", "Penalty on tokens that are there that was asked for.", label_allowed=False
)
REASONING_LEVEL = Attribute("gen_ai.request.reasoning.level", "How hard the model was asked to think.")
PREVIOUS_RESPONSE_ID = Attribute(
    "gen_ai.request.previous_response.id", "The answer that this one goes on from.", label_allowed=False
)
OUTPUT_TYPE = Attribute("gen_ai.output.type", "What the answer was to be: `text`, `json`, `image`, `speech`.")
PROMPT_NAME = Attribute("gen_ai.prompt.name", "The prompt, or prompt template, that was used.")
PROMPT_VERSION = Attribute("gen_ai.prompt.version", "The version of that template.", label_allowed=False)
CHOICE_COUNT = Attribute("gen_ai.request.choice.count", "Choices that were asked for, where not one.")
ENCODING_FORMATS = Attribute(
    "gen_ai.request.encoding_formats", "How embeddings were asked to be written.", label_allowed=False
)
DIMENSIONS = Attribute("gen_ai.embeddings.dimension.count", "Numbers in an embedding.", label_allowed=False)
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
INPUT_AUDIO_TOKENS = Attribute("gen_ai.usage.audio.input_tokens", "Input tokens of sound.", label_allowed=False)
OUTPUT_AUDIO_TOKENS = Attribute("gen_ai.usage.audio.output_tokens", "Output tokens of sound.", label_allowed=False)
TOKEN_TYPE = Attribute("gen_ai.token.type", "`input` or `output`.")
TOKEN_MODALITY = Attribute("gen_ai.token.modality", "`text`, `image`, `audio` or `unknown`.")
CONVERSATION = ConversationId(
    "gen_ai.conversation.id", "The conversation, as the application named it.", label_allowed=False
)
CONVERSATION_COMPACTED = Attribute(
    "gen_ai.conversation.compacted", "True where the provider shortened the conversation for the call."
)
AGENT_NAME = Attribute("gen_ai.agent.name", "The agent at work.")
AGENT_DESCRIPTION = Attribute("gen_ai.agent.description", "What the agent is for.", label_allowed=False)
AGENT_ID = Attribute("gen_ai.agent.id", "The provider's id of an agent that it keeps.", label_allowed=False)
AGENT_VERSION = Attribute("gen_ai.agent.version", "The agent's version.", label_allowed=False)
WORKFLOW_NAME = Attribute("gen_ai.workflow.name", "The workflow.")
DATA_SOURCE_ID = Attribute("gen_ai.data_source.id", "The data source that is searched.", label_allowed=False)
RETRIEVAL_TOP_K = Attribute("gen_ai.retrieval.top_k", "Most documents that were asked for.", label_allowed=False)
MEMORY_STORE_ID = Attribute("gen_ai.memory.store.id", "The store of memories.", label_allowed=False)
MEMORY_RECORD_ID = Attribute("gen_ai.memory.record.id", "The memory that it is about.", label_allowed=False)
MEMORY_RECORD_COUNT = Attribute("gen_ai.memory.record.count", "Memories written or found.", label_allowed=False)
EVALUATION_NAME = Attribute("gen_ai.evaluation.name", "What was judged: `relevance` ...")
EVALUATION_SCORE = Attribute("gen_ai.evaluation.score.value", "The judge's number.", label_allowed=False)
EVALUATION_LABEL = Attribute("gen_ai.evaluation.score.label", "The judge's number in a word.")
TOOL_NAME = Attribute("gen_ai.tool.name", "The tool.", fallback="tool")
TOOL_TYPE = Attribute("gen_ai.tool.type", "`function`, `extension` or `datastore`.")
TOOL_DESCRIPTION = Attribute("gen_ai.tool.description", "What the tool is for.", label_allowed=False)
TOOL_CALL_ID = Attribute("gen_ai.tool.call.id", "The id that the model gave the call.", label_allowed=False)

# -- logs and security
LOG_LEVEL = Attribute("openclaw.log.level", "The severity of a log record.", label_allowed=False)
LOGGER = Attribute("openclaw.logger", "The logger's name.", label_allowed=False)
LOGGER_PARENTS = Attribute("openclaw.logger.parents", "The loggers above it, joined by dots.", label_allowed=False)
CODE_LINE = Attribute("code.lineno", "The line that logged it.", "code.line.number", label_allowed=False)
CODE_FUNCTION = Attribute("code.function", "The function that did.", "code.function.name", label_allowed=False)
EXCEPTION_TYPE = Attribute("exception.type", "The class of an exception.", label_allowed=False)
EXCEPTION_MESSAGE = Attribute("exception.message", "Its text, where texts may leave.", label_allowed=False)
EXCEPTION_STACKTRACE = Attribute("exception.stacktrace", "Where it was raised, likewise.", label_allowed=False)
SECURITY_EVENT_ID = Attribute("openclaw.security.event_id", "The event's own id.", label_allowed=False)
SECURITY_CATEGORY = Attribute("openclaw.security.category", "`tool`, `auth`, `pairing` ...", label_allowed=False)
SECURITY_ACTION = Attribute("openclaw.security.action", "What was done.", label_allowed=False)
SECURITY_OUTCOME = Attribute(
    "openclaw.security.outcome", "`success`, `failure`, `denied`, `error`.", label_allowed=False
)
SECURITY_SEVERITY = Attribute("openclaw.security.severity", "`info` to `critical`.", label_allowed=False)
SECURITY_REASON = Attribute("openclaw.security.reason", "Why, in a bounded word.", label_allowed=False)
SECURITY_ACTOR_KIND = Attribute("openclaw.security.actor.kind", "What did it: `agent`, `user`.", label_allowed=False)
SECURITY_ACTOR_ID = Attribute("openclaw.security.actor.id_hash", "Who did it, hashed.", label_allowed=False)
SECURITY_ACTOR_DEVICE = Attribute("openclaw.security.actor.device_id_hash", "With what, hashed.", label_allowed=False)
SECURITY_ACTOR_CHANNEL = Attribute("openclaw.security.actor.channel", "From which channel.", label_allowed=False)
SECURITY_ACTOR_ROLE = Attribute("openclaw.security.actor.role", "In which role.", label_allowed=False)
SECURITY_ACTOR_SCOPES = Attribute("openclaw.security.actor.scopes", "With which scopes.", label_allowed=False)
SECURITY_TARGET_KIND = Attribute("openclaw.security.target.kind", "What it was done to.", label_allowed=False)
SECURITY_TARGET_ID = Attribute("openclaw.security.target.id_hash", "Which one, hashed.", label_allowed=False)
SECURITY_TARGET_NAME = Attribute("openclaw.security.target.name", "What that is called.", label_allowed=False)
SECURITY_TARGET_OWNER = Attribute("openclaw.security.target.owner", "Whose it is.", label_allowed=False)
SECURITY_POLICY_ID = Attribute("openclaw.security.policy.id", "The policy that decided.", label_allowed=False)
SECURITY_POLICY_DECISION = Attribute("openclaw.security.policy.decision", "What it decided.", label_allowed=False)
SECURITY_POLICY_REASON = Attribute("openclaw.security.policy.reason", "Why it did.", label_allowed=False)
SECURITY_CONTROL_ID = Attribute("openclaw.security.control.id", "The control that acted.", label_allowed=False)
SECURITY_CONTROL_FAMILY = Attribute("openclaw.security.control.family", "Its family.", label_allowed=False)

# -- content: only where its class is switched on
INPUT_MESSAGES = Attribute("gen_ai.input.messages", "What a model was told, as JSON.", label_allowed=False)
OUTPUT_MESSAGES = Attribute("gen_ai.output.messages", "What a model answered, as JSON.", label_allowed=False)
SYSTEM_INSTRUCTIONS = Attribute("gen_ai.system_instructions", "The system prompt, as JSON.", label_allowed=False)
TOOL_DEFINITIONS = Attribute("gen_ai.tool.definitions", "The tools that were offered, as JSON.", label_allowed=False)
TOOL_CALL_ARGUMENTS = Attribute("gen_ai.tool.call.arguments", "What a tool was given, as JSON.", label_allowed=False)
TOOL_CALL_RESULT = Attribute("gen_ai.tool.call.result", "What a tool gave back, as JSON.", label_allowed=False)
CONTENT_INPUT_MESSAGES = Attribute(
    "openclaw.content.input_messages", "The same as `gen_ai.input.messages`.", label_allowed=False
)
CONTENT_OUTPUT_MESSAGES = Attribute(
    "openclaw.content.output_messages", "The same as `gen_ai.output.messages`.", label_allowed=False
)
CONTENT_SYSTEM_PROMPT = Attribute(
    "openclaw.content.system_prompt", "The same as `gen_ai.system_instructions`.", label_allowed=False
)
CONTENT_TOOL_DEFINITIONS = Attribute(
    "openclaw.content.tool_definitions", "The same as `gen_ai.tool.definitions`.", label_allowed=False
)
CONTENT_TOOL_INPUT = Attribute(
    "openclaw.content.tool_input", "The same as `gen_ai.tool.call.arguments`.", label_allowed=False
)
CONTENT_TOOL_OUTPUT = Attribute(
    "openclaw.content.tool_output", "The same as `gen_ai.tool.call.result`.", label_allowed=False
)

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
EXEC_TARGET = Attribute("openclaw.exec.target", "`host` or `sandbox`.")
EXEC_MODE = Attribute("openclaw.exec.mode", "`child` or `pty`.")
EXEC_COMMAND_LENGTH = Attribute("openclaw.exec.command_length", "Characters of the command.", label_allowed=False)
EXEC_EXIT_CODE = Attribute("openclaw.exec.exit_code", "Code that the process exited with.", label_allowed=False)
EXEC_EXIT_SIGNAL = Attribute("openclaw.exec.exit_signal", "Signal that ended the process.", fallback="other")
EXEC_TIMED_OUT = Attribute("openclaw.exec.timed_out", "True where it took too long.")
SKILL_NAME = Attribute("openclaw.skill.name", "The skill; never the path of its file.", fallback="skill")
SKILL_SOURCE = Attribute("openclaw.skill.source", "`bundled`, `workspace` or `unknown`.")
SKILL_ACTIVATION = Attribute("openclaw.skill.activation", "`command` or `read`.")
FAILOVER_REASON = Attribute("openclaw.failover.reason", "Why a model gave way: `rate_limit`, `overloaded` ...")
FAILOVER_TO_PROVIDER = Attribute("openclaw.failover.to_provider", "The provider of the model that was taken instead.")
FAILOVER_TO_MODEL = Attribute("openclaw.failover.to_model", "The model that was taken instead.")
FAILOVER_SUSPENDED = Attribute("openclaw.failover.suspended", "Whether the first model is left alone for a while.")
FAILOVER_CASCADE_DEPTH = Attribute(
    "openclaw.failover.cascade_depth", "Models that gave way before, for the same turn.", label_allowed=False
)
CONTEXT_MESSAGE_COUNT = Attribute("openclaw.context.message_count", "Messages.", label_allowed=False)
CONTEXT_HISTORY_TEXT_CHARS = Attribute(
    "openclaw.context.history_text_chars", "Characters of the messages so far.", label_allowed=False
)
CONTEXT_HISTORY_IMAGE_BLOCKS = Attribute(
    "openclaw.context.history_image_blocks", "Images in the messages so far.", label_allowed=False
)
CONTEXT_MAX_MESSAGE_TEXT_CHARS = Attribute(
    "openclaw.context.max_message_text_chars", "Characters of the longest message.", label_allowed=False
)
CONTEXT_SYSTEM_PROMPT_CHARS = Attribute(
    "openclaw.context.system_prompt_chars", "Characters of the system prompt.", label_allowed=False
)
CONTEXT_PROMPT_CHARS = Attribute("openclaw.context.prompt_chars", "Characters of the prompt.", label_allowed=False)
CONTEXT_PROMPT_IMAGES = Attribute("openclaw.context.prompt_images", "Images in the prompt.", label_allowed=False)
CONTEXT_TOKEN_BUDGET = Attribute("openclaw.context.token_budget", "Tokens that it may have.", label_allowed=False)
CONTEXT_RESERVE_TOKENS = Attribute(
    "openclaw.context.reserve_tokens", "Tokens kept free for the answer.", label_allowed=False
)
CONTEXT_TOKENS = Attribute("openclaw.context.tokens", "Tokens, where they were counted.", label_allowed=False)
PROMPT_SIZE = Attribute("openclaw.prompt.size", "Characters of the prompt.", label_allowed=False)
HISTORY_SIZE = Attribute("openclaw.history.size", "Characters of the messages so far.", label_allowed=False)
LOOP_LEVEL = Attribute("openclaw.loop.level", "`warning` or `critical`.")
LOOP_ACTION = Attribute("openclaw.loop.action", "`warn` or `block`.")
LOOP_DETECTOR = Attribute("openclaw.loop.detector", "`generic_repeat`, `ping_pong`, `global_circuit_breaker` ...")
LOOP_COUNT = Attribute("openclaw.loop.count", "Calls so far; on metrics only about that many.")
LOOP_PAIRED_TOOL = Attribute("openclaw.loop.paired_tool", "The tool that it takes turns with.", fallback="tool")
ITERATIONS = Attribute("openclaw.iterations", "Calls that a loop has had so far.", label_allowed=False)
LANE = LaneName("openclaw.lane", "The queue that the work came through.")
WEBHOOK = Attribute("openclaw.webhook", "What the channel calls the update: `message`, `callback_query` ...")
WEBHOOK_ERROR = Attribute("openclaw.error", "Class of the error; never its message.", label_allowed=False)
REASON = Attribute("openclaw.reason", "Why it ended or was done so, in a bounded word.", fallback="none")
DELIVERY_KIND = Attribute("openclaw.delivery.kind", "`text`, `media`, `edit`, `reaction` or `other`.", fallback="other")
DELIVERY_RESULTS = Attribute(
    "openclaw.delivery.result_count", "Messages that the channel made of an answer.", label_allowed=False
)
TALK_EVENT_TYPE = Attribute("openclaw.talk.event_type", "`turn.ended`, `input.audio.delta` ...")
TALK_MODE = Attribute("openclaw.talk.mode", "`realtime`, `stt-tts` or `transcription`.")
TALK_TRANSPORT = Attribute("openclaw.talk.transport", "`webrtc`, `provider-websocket`, `gateway-relay` ...")
TALK_BRAIN = Attribute("openclaw.talk.brain", "`agent-consult`, `direct-tools` or `none`.")
TALK_PROVIDER = Attribute("openclaw.talk.provider", "The provider of the voice.")
PAYLOAD_SURFACE = Attribute("openclaw.payload.surface", "Where a payload was large.")
PAYLOAD_ACTION = Attribute("openclaw.payload.action", "`rejected`, `truncated`, `chunked`, or `observed`.")
PLUGIN = Attribute("openclaw.plugin", "The plugin that it happened in.", fallback="none")
STATE = Attribute("openclaw.state", "`idle`, `processing` or `waiting`.")
STATUS = Attribute("openclaw.status", "How a recovery ended (`aborted`, `released` ...), or how an exporter is.")
ACTION = Attribute("openclaw.action", "What is to be done, or was: `recover`, `abort`, `release_lane` ...")
ACTIVE_WORK_KIND = Attribute("openclaw.active_work_kind", "`embedded_run`, `model_call` or `tool_call`.")
ATTEMPT = Attribute("openclaw.attempt", "Which try at a turn: 1 to 10, then `over_10`.")
QUEUE_DEPTH = Attribute("openclaw.queueDepth", "Messages that wait for the session.", label_allowed=False)
AGE_MS = Attribute("openclaw.ageMs", "Milliseconds since anything changed.", label_allowed=False)
MEMORY_KIND = Attribute("openclaw.memory.kind", "`heap_used`.")
MEMORY_LEVEL = Attribute("openclaw.memory.level", "`warning` or `critical`.")
MEMORY_REASON = Attribute("openclaw.memory.reason", "`rss_threshold`, `heap_threshold` or `rss_growth`.")
RSS_BYTES = Attribute("openclaw.memory.rss_bytes", "Bytes of the resident set.", label_allowed=False)
HEAP_USED_BYTES = Attribute("openclaw.memory.heap_used_bytes", "Bytes in use by objects.", label_allowed=False)
HEAP_TOTAL_BYTES = Attribute("openclaw.memory.heap_total_bytes", "Bytes of the heap.", label_allowed=False)
EXTERNAL_BYTES = Attribute("openclaw.memory.external_bytes", "Bytes outside of the heap.", label_allowed=False)
ARRAY_BUFFERS_BYTES = Attribute(
    "openclaw.memory.array_buffers_bytes", "Bytes in buffers and arrays.", label_allowed=False
)
MEMORY_THRESHOLD_BYTES = Attribute(
    "openclaw.memory.threshold_bytes", "The threshold that was passed.", label_allowed=False
)
RSS_GROWTH_BYTES = Attribute(
    "openclaw.memory.rss_growth_bytes", "By how much the resident set has grown.", label_allowed=False
)
MEMORY_WINDOW_MS = Attribute("openclaw.memory.window_ms", "Milliseconds in which it has grown.", label_allowed=False)
LIVENESS_REASON = Attribute("openclaw.liveness.reason", "`event_loop_delay`, `cpu` ..., joined by `:`.")
LIVENESS_ACTIVE = Attribute("openclaw.liveness.active", "Sessions that are processing.", label_allowed=False)
LIVENESS_WAITING = Attribute("openclaw.liveness.waiting", "Sessions that wait.", label_allowed=False)
LIVENESS_QUEUED = Attribute("openclaw.liveness.queued", "Messages that wait for a session.", label_allowed=False)
LIVENESS_INTERVAL_MS = Attribute(
    "openclaw.liveness.interval_ms", "Milliseconds that were measured.", label_allowed=False
)
LIVENESS_DELAY_P99_MS = Attribute(
    "openclaw.liveness.event_loop_delay_p99_ms",
    "How late the event loop was, 99th percentile.",
    label_allowed=False,
)
LIVENESS_DELAY_MAX_MS = Attribute(
    "openclaw.liveness.event_loop_delay_max_ms", "How late the event loop was at worst.", label_allowed=False
)
LIVENESS_UTILIZATION = Attribute(
    "openclaw.liveness.event_loop_utilization", "How much of the time the event loop was busy.", label_allowed=False
)
LIVENESS_CPU_USER_MS = Attribute(
    "openclaw.liveness.cpu_user_ms", "Processor time outside of the kernel.", label_allowed=False
)
LIVENESS_CPU_SYSTEM_MS = Attribute(
    "openclaw.liveness.cpu_system_ms", "Processor time of the kernel.", label_allowed=False
)
LIVENESS_CPU_TOTAL_MS = Attribute("openclaw.liveness.cpu_total_ms", "Processor time in all.", label_allowed=False)
LIVENESS_CPU_CORE_RATIO = Attribute("openclaw.liveness.cpu_core_ratio", "Cores in use.", label_allowed=False)
PHASE = Attribute("openclaw.phase", "What the process was at: `plugins.load` ...")
PHASE_CPU_USER_MS = Attribute(
    "openclaw.phase.cpu_user_ms", "Processor time outside of the kernel.", label_allowed=False
)
PHASE_CPU_SYSTEM_MS = Attribute("openclaw.phase.cpu_system_ms", "Processor time of the kernel.", label_allowed=False)
PHASE_CPU_TOTAL_MS = Attribute("openclaw.phase.cpu_total_ms", "Processor time in all.", label_allowed=False)
PHASE_CPU_CORE_RATIO = Attribute("openclaw.phase.cpu_core_ratio", "Cores in use.", label_allowed=False)
PHASE_DETAIL = Attribute("openclaw.phase.detail", "What it was about, in counts and switches.", label_allowed=False)
DROP_CLASS = Attribute(
    "openclaw.diagnostic.async_queue.drop_class", "`total`, `trusted`, `untrusted`, `priority`; they overlap."
)
EXPORTER = Attribute("openclaw.exporter", "The exporter.")
SIGNAL = Attribute("openclaw.signal", "`traces`, `metrics` or `logs`.")

# -- the agents' of Nora
NORA_AGENT_ID = Attribute("nora.agent.id", "The agent.")
NORA_RUNTIME_FAMILY = Attribute("nora.runtime.family", "What runs the agent: `openclaw`, `hermes`.")
NORA_SANDBOX_PROFILE = Attribute("nora.sandbox.profile", "What the agent is kept in: `standard`, `nemoclaw`.")
NORA_SOURCE = Attribute("nora.source", "Where an exchange was seen: `openclaw.gateway`, `hermes-ui`.")
NORA_TOTAL_TOKENS = Attribute("nora.usage.total_tokens", "Tokens of an exchange, both sides.", label_allowed=False)

# -- ours: what neither document names
COST_AMOUNT = Attribute("otel_genai.cost.amount", "What it cost, unrounded.", label_allowed=False)
COST_CURRENCY = Attribute("otel_genai.cost.currency", "The currency of that, by ISO 4217.")
COST_SOURCE = Attribute("otel_genai.cost.source", "`rates`, `prices`, `fallback`, or `given` by the application.")
CHUNKS = Attribute("otel_genai.stream.chunks", "Pieces that a stream came in.", label_allowed=False)
AGENT_STEP = Attribute(
    "otel_genai.agent.step", "Which turn of its agent's loop it is, or was asked for in.", label_allowed=False
)
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
FOLDED_METRIC = Attribute("otel_genai.metric", "Name of a metric that has as many series as it may have.")
PLACE = Attribute("otel_genai.place", "Where telemetry failed and was swallowed.", fallback="other")
DOCKER_REQUEST = Attribute("otel_genai.docker.request", "What the engine was asked for: `list`, `stats`, `events`.")
