"""Where we want to differ from what the reference system sent, and why. Nothing else may differ."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import EllipsisType
from typing import Any

from .comparison import Difference

UP_TO_AN_HOUR = (15e3, 20e3, 30e3, 45e3, 60e3, 12e4, 18e4, 24e4, 30e4, 60e4, 90e4, 18e5, 36e5)
UP_TO_64_GIB = tuple(2.0**power for power in range(20, 37))
UP_TO_1_GIB = tuple(2.0**power for power in range(16, 31, 2))
WINDOWS = (16e3, 32e3, 64e3, 128e3, 200e3, 400e3, 1e6, 2e6)
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1, 1.5, 2, 3)
UNTRUSTED = {
    "openclaw.channel": "evil",
    "openclaw.agent": "unknown",
    "openclaw.provider": "x",
    "openclaw.model": "unknown",
}
SESSION_KEY = "agent:main:telegram:dm:42"
TURN = ("openclaw.run",)
AGENT = ("openclaw.harness.run", *TURN)

LONGER = "boundaries that the values fit in, added to those that there were: a percentile was never above 10000"
NEWER = "the reference system does so by now"
BOUNDED = "a label is bounded: neither a session key nor free text becomes a time series"
DOCUMENTED = "the document names it so, and its code does not"
UNDOCUMENTED = "the document does not name it there, and it has no bound"
NO_ZERO = "what nobody has told is not zero"
RECKONED = "what follows from what was told is said too"
NO_TEXT = "an error's text may repeat a prompt: its class stands for it"
STANDARD = "a standard attribute, beside those of the document"
INHERITED = "what happens inside of a turn or an agent at work knows whose it is"
NESTED = "it stands below what it belongs to, also where that is over; the reference system begins another trace"
REPLAYED = "the reference system timed it by its own clock, and here it takes as long as the event says"
CHAT = "`openai-completions` is the API of chat completions"
ONE_NAME = "one attribute: how many names there are must not be up to who publishes"
NO_KEY = "what is shaped like the key of a session leaves on no span, either"
UNROUNDED = "reckoned of what was measured, and not rounded"


@dataclass(frozen=True)
class Wanted:
    """A difference that is meant. `...` stands for any value, `None` for what one side does not have."""

    where: str
    what: str
    theirs: Any | EllipsisType
    ours: Any | EllipsisType
    why: str

    def covers(self, difference: Difference) -> bool:
        values = ((self.theirs, difference.theirs), (self.ours, difference.ours))
        if not fnmatchcase(difference.where, self.where) or difference.what != self.what:
            return False
        return all(mine is ... or mine == its for mine, its in values)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


WANTED = (
    # -- metrics
    Wanted("metric openclaw.*_ms", "added boundaries", (), UP_TO_AN_HOUR, LONGER),
    Wanted("metric openclaw.memory.*_bytes", "added boundaries", (), UP_TO_64_GIB, LONGER),
    Wanted("metric openclaw.payload.large_bytes", "added boundaries", (), UP_TO_1_GIB, LONGER),
    Wanted("metric openclaw.context.tokens", "added boundaries", (), WINDOWS, LONGER),
    Wanted("metric openclaw.liveness.cpu_core_ratio", "added boundaries", (), SHARES, LONGER),
    Wanted("metric openclaw.liveness.event_loop_utilization", "added boundaries", (), SHARES, LONGER),
    Wanted(
        "metric gen_ai.client.token.usage",
        "measured",
        (1, 100, 100, 100),
        (1, 150, 150, 150),
        "cached tokens are input, as on spans: the reference system counts them on one and not on the other",
    ),
    Wanted("metric gen_ai.client.operation.duration", "gen_ai.operation.name", "text_completion", "chat", CHAT),
    Wanted("metric openclaw.tokens", "openclaw.model", "agent:main:telegram:dm:42", "unknown", BOUNDED),
    Wanted("metric openclaw.tokens", "point", None, UNTRUSTED | {"openclaw.token": "prompt"}, RECKONED),
    Wanted("metric openclaw.tokens", "point", None, UNTRUSTED | {"openclaw.token": "total"}, RECKONED),
    Wanted("metric openclaw.cost.usd", "point", None, UNTRUSTED, RECKONED),
    Wanted("metric nora.agent.cost.usd", "metric", None, "nora.agent.cost.usd", "the other document names it"),
    Wanted(
        "metric otel_genai.usage.untold",
        "metric",
        None,
        "otel_genai.usage.untold",
        "a call without tokens is in no count of them",
    ),
    Wanted("metric openclaw.tool.execution.*", "openclaw.tool.params.length", ..., None, UNDOCUMENTED),
    Wanted("metric openclaw.tool.execution.*", "openclaw.toolName", "bad tool name with spaces", "tool", BOUNDED),
    Wanted("metric openclaw.tool.execution.*", "gen_ai.tool.name", "bad tool name with spaces", "tool", BOUNDED),
    Wanted("metric openclaw.tool.loop.iterations", "metric", None, "openclaw.tool.loop.iterations", DOCUMENTED),
    Wanted("metric openclaw.memory.heap_used_bytes", "openclaw.memory.kind", None, "heap_used", DOCUMENTED),
    Wanted(
        "metric openclaw.liveness.cpu_core_ratio", "measured", (1, 0.87, 0.87, 0.87), (1, *3 * (26 / 30,)), UNROUNDED
    ),
    # -- model calls and what they use
    Wanted("span openclaw.model.call", "kind", "internal", "client", NEWER),
    Wanted("span openclaw.model.call", "around", (), AGENT, NESTED),
    Wanted("span openclaw.model.call", "gen_ai.operation.name", "text_completion", "chat", CHAT),
    Wanted("span openclaw.model.call", "openclaw.channel", None, "telegram", INHERITED),
    Wanted("span openclaw.model.call", "openclaw.agent", None, "pi", INHERITED),
    Wanted("span openclaw.model.call", "openclaw.provider.request_id_hash", None, "sha256:0123456789ab", DOCUMENTED),
    Wanted("span openclaw.model.call", "openclaw.model_call.time_to_first_byte_ms", 210, 210.0, UNROUNDED),
    Wanted("span openclaw.model.call", "duration_ms", 6, 840, REPLAYED),
    Wanted("span openclaw.model.call", "duration_ms", 5, 3000, REPLAYED),
    Wanted("span openclaw.model.call", "duration_ms", 7, 400, REPLAYED),
    Wanted("span openclaw.*", "otel_genai.agent.step", None, ..., "which step of its agent it belongs to"),
    Wanted("span openclaw.model.usage", "openclaw.model", SESSION_KEY, "unknown", NO_KEY),
    Wanted("span openclaw.model.usage", "gen_ai.request.model", SESSION_KEY, "unknown", NO_KEY),
    Wanted("span openclaw.model.usage", "openclaw.tokens.cache_read", 0, None, NO_ZERO),
    Wanted("span openclaw.model.usage", "openclaw.tokens.cache_write", 0, None, NO_ZERO),
    Wanted("span openclaw.model.usage", "openclaw.tokens.total", 0, 2, RECKONED),
    Wanted(
        "span openclaw.model.usage", "otel_genai.cost.amount", None, 0.00375, "the cost of each call stands on its span"
    ),
    Wanted("span openclaw.model.usage", "otel_genai.cost.amount", None, 0.000004, RECKONED),
    Wanted("span openclaw.model.usage", "otel_genai.cost.currency", None, "USD", "the currency of that"),
    Wanted("span openclaw.model.usage", "otel_genai.cost.source", None, ..., "who knows it"),
    Wanted("span openclaw.model.failover", "around", (), TURN, NESTED),
    # -- turns, agents, tools
    Wanted("span openclaw.run", "error.type", None, "rate_limit", STANDARD),
    Wanted("span openclaw.run", "duration_ms", 104, 4200, REPLAYED),
    Wanted("span openclaw.harness.run", "gen_ai.operation.name", None, "invoke_agent", STANDARD),
    Wanted("span openclaw.harness.run", "gen_ai.agent.name", None, "pi", STANDARD),
    Wanted("span openclaw.harness.run", "gen_ai.agent.name", None, "codex", STANDARD),
    Wanted("span openclaw.harness.run", "gen_ai.request.model", None, "gpt-5.4", STANDARD),
    Wanted("span openclaw.harness.run", "duration_ms", 85, 4100, REPLAYED),
    Wanted("span openclaw.tool.execution", "gen_ai.operation.name", None, "execute_tool", NEWER),
    Wanted("span openclaw.tool.execution", "gen_ai.tool.call.id", None, ..., NEWER),
    Wanted("span openclaw.tool.execution", "gen_ai.agent.name", None, "pi", INHERITED),
    Wanted("span openclaw.tool.execution", "openclaw.channel", None, "telegram", INHERITED),
    Wanted("span openclaw.tool.execution", "error.type", None, "TypeError", STANDARD),
    Wanted("span openclaw.tool.execution", "duration_ms", 5, 150, REPLAYED),
    Wanted("span openclaw.tool.execution", "duration_ms", 5, 35, REPLAYED),
    Wanted("span openclaw.skill.used", "around", (), AGENT, NESTED),
    Wanted("span openclaw.skill.used", "openclaw.channel", None, "telegram", INHERITED),
    Wanted("span openclaw.skill.used", "openclaw.trigger", None, "user", INHERITED),
    Wanted("span openclaw.context.assembled", "openclaw.prompt.size", None, 25, DOCUMENTED),
    Wanted("span openclaw.context.assembled", "openclaw.history.size", None, 1200, DOCUMENTED),
    Wanted("span openclaw.tool.loop", "openclaw.iterations", None, 4, DOCUMENTED),
    Wanted("span openclaw.tool.loop", "openclaw.iterations", None, 9, DOCUMENTED),
    Wanted("span openclaw.tool.loop", "openclaw.outcome", None, "warned", DOCUMENTED),
    Wanted("span openclaw.tool.loop", "openclaw.outcome", None, "blocked", DOCUMENTED),
    Wanted("span openclaw.tool.loop", "openclaw.errorCategory", None, "ping_pong", DOCUMENTED),
    # -- messages
    Wanted("span openclaw.message.delivery", "error.type", None, "network", STANDARD),
    Wanted("span openclaw.message.processed", "error.type", None, "RuntimeError", STANDARD),
    Wanted(
        "span openclaw.message.processed",
        "status",
        ("ERROR", "boom Bearer sk-ant…cdef"),
        ("ERROR", "RuntimeError"),
        NO_TEXT,
    ),
    Wanted("span openclaw.webhook.error", "error.type", None, "RuntimeError", STANDARD),
    Wanted("span openclaw.webhook.error", "openclaw.error", "bad token=supers…3456", "RuntimeError", NO_TEXT),
    Wanted(
        "span openclaw.webhook.error",
        "status",
        ("ERROR", "bad token=supers…3456"),
        ("ERROR", "RuntimeError"),
        NO_TEXT,
    ),
    # -- the process itself
    Wanted("span openclaw.liveness.warning", "openclaw.liveness.cpu_core_ratio", 0.87, 26 / 30, UNROUNDED),
    Wanted("span openclaw.diagnostic.phase", "openclaw.phase.detail", None, ("count=3", "cached=false"), ONE_NAME),
    Wanted("span openclaw.diagnostic.phase", "openclaw.phase.detail.count", 3, None, ONE_NAME),
    Wanted("span openclaw.diagnostic.phase", "openclaw.phase.detail.cached", "false", None, ONE_NAME),
)
