"""Every metric and span that the two documents name is in the catalog, with the attributes that they name.

Kinds and units of the metrics are checked in `tests/catalog/test_catalog.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from otel_genai import events
from otel_genai.catalog.metrics import METRICS
from otel_genai.catalog.rows import Shape, Source, Span
from otel_genai.catalog.spans import SPANS

# Attributes are without `openclaw.` where nothing else stands before them.
TALK = "talk.event_type talk.mode talk.transport talk.brain talk.provider"
CALL = "provider model api transport errorCategory failureKind"
TOOL = "gen_ai.tool.name toolName tool.source tool.owner tool.params.kind"
GENAI = "gen_ai.provider.name gen_ai.operation.name gen_ai.request.model"
PAYLOAD = "payload.surface payload.action channel plugin reason"
DISPATCHED = "channel outcome reason source"
RECOVERY = "state action active_work_kind reason"
NORA = "nora.agent.id nora.runtime.family nora.sandbox.profile"

METRIC_ATTRIBUTES = {
    "openclaw.tokens": "token channel provider model agent",
    "openclaw.cost.usd": "channel provider model",
    "openclaw.run.duration_ms": "channel provider model",
    "openclaw.context.tokens": "context channel provider model",
    "gen_ai.client.token.usage": f"gen_ai.token.type {GENAI} {NORA}",
    "gen_ai.client.operation.duration": f"error.type {GENAI}",
    "openclaw.model_call.duration_ms": CALL,
    "openclaw.model_call.request_bytes": CALL,
    "openclaw.model_call.response_bytes": CALL,
    "openclaw.model_call.time_to_first_byte_ms": CALL,
    "openclaw.model.failover": "provider model failover.to_provider failover.to_model failover.reason "
    "failover.suspended lane",
    "openclaw.skill.used": "skill.name skill.source skill.activation agent toolName",
    "openclaw.webhook.received": "channel webhook",
    "openclaw.webhook.error": "channel webhook",
    "openclaw.webhook.duration_ms": "channel webhook",
    "openclaw.message.queued": "channel source",
    "openclaw.message.received": "channel source",
    "openclaw.message.dispatch.started": "channel source",
    "openclaw.message.dispatch.completed": DISPATCHED,
    "openclaw.message.dispatch.duration_ms": DISPATCHED,
    "openclaw.message.processed": "channel outcome",
    "openclaw.message.duration_ms": "channel outcome",
    "openclaw.message.delivery.started": "channel delivery.kind",
    "openclaw.message.delivery.duration_ms": "channel delivery.kind outcome errorCategory",
    "openclaw.talk.event": TALK,
    "openclaw.talk.event.duration_ms": TALK,
    "openclaw.talk.audio.bytes": TALK,
    "openclaw.queue.lane.enqueue": "lane",
    "openclaw.queue.lane.dequeue": "lane",
    "openclaw.queue.depth": "lane channel",
    "openclaw.queue.wait_ms": "lane",
    "openclaw.session.state": "state reason",
    "openclaw.session.stuck": "state",
    "openclaw.session.stuck_age_ms": "state",
    "openclaw.session.turn.created": "agent channel trigger",
    "openclaw.session.recovery.requested": RECOVERY,
    "openclaw.session.recovery.completed": f"status {RECOVERY}",
    "openclaw.session.recovery.age_ms": f"status {RECOVERY}",
    "openclaw.run.attempt": "attempt",
    "openclaw.liveness.warning": "liveness.reason",
    "openclaw.liveness.event_loop_delay_p99_ms": "liveness.reason",
    "openclaw.liveness.event_loop_delay_max_ms": "liveness.reason",
    "openclaw.liveness.event_loop_utilization": "liveness.reason",
    "openclaw.liveness.cpu_core_ratio": "liveness.reason",
    "openclaw.harness.duration_ms": "harness.id harness.plugin outcome harness.phase",
    "openclaw.tool.execution.duration_ms": f"errorCategory {TOOL}",
    "openclaw.tool.execution.blocked": f"deniedReason {TOOL}",
    "openclaw.exec.duration_ms": "exec.target exec.mode outcome failureKind",
    "openclaw.payload.large": PAYLOAD,
    "openclaw.payload.large_bytes": PAYLOAD,
    "openclaw.memory.heap_used_bytes": "memory.kind",
    "openclaw.memory.rss_bytes": "",
    "openclaw.memory.pressure": "memory.level",
    "openclaw.tool.loop.iterations": "toolName outcome",
    "openclaw.tool.loop.duration_ms": "toolName outcome",
    "nora.agent.cost.usd": f"gen_ai.request.model {NORA}",
    "nora.agent.cpu.percent": "nora.agent.id",
    "nora.agent.memory.percent": "nora.agent.id",
    "nora.agent.memory.usage": "nora.agent.id",
}
SPAN_ATTRIBUTES = {
    "openclaw.model.usage": "channel provider model tokens.input tokens.output tokens.cache_read tokens.cache_write "
    "tokens.total gen_ai.system gen_ai.request.model gen_ai.operation.name gen_ai.usage.input_tokens "
    "gen_ai.usage.output_tokens gen_ai.usage.cache_read.input_tokens gen_ai.usage.cache_creation.input_tokens",
    "openclaw.run": "outcome channel provider model errorCategory",
    "openclaw.model.call": f"{CALL} gen_ai.system gen_ai.request.model gen_ai.operation.name model_call.request_bytes "
    "model_call.response_bytes model_call.time_to_first_byte_ms provider.request_id_hash",
    "openclaw.harness.run": "harness.id harness.plugin outcome provider model channel harness.result_classification "
    "harness.yield_detected harness.items.started harness.items.completed harness.items.active harness.phase "
    "errorCategory harness.cleanup_failed",
    "openclaw.tool.execution": "gen_ai.tool.name toolName errorCategory tool.params.kind tool.params.length",
    "openclaw.exec": "exec.target exec.mode outcome failureKind exec.command_length exec.exit_code exec.timed_out",
    "openclaw.webhook.processed": "channel webhook",
    "openclaw.webhook.error": "channel webhook error",
    "openclaw.message.processed": "channel outcome reason",
    "openclaw.message.delivery": "channel delivery.kind outcome errorCategory delivery.result_count",
    "openclaw.session.stuck": "state ageMs queueDepth",
    "openclaw.context.assembled": "prompt.size history.size context.tokens errorCategory",
    "openclaw.tool.loop": "toolName outcome iterations errorCategory",
    "openclaw.memory.pressure": "memory.level memory.heap_used_bytes memory.rss_bytes",
    "chat": "gen_ai.operation.name gen_ai.request.model gen_ai.system gen_ai.usage.input_tokens "
    f"gen_ai.usage.output_tokens gen_ai.conversation.id nora.source {NORA}",
}
OPERATIONS = {
    None: "chat",
    "openai-responses": "chat",
    "anthropic-messages": "chat",
    "openai-completions": "chat",  # the reference system takes it for text completion
    "azure-chat-completions": "chat",
    " Completions ": "text_completion",
    "openai-legacy-completions": "text_completion",
    "generate_content": "generate_content",
    "google-generative-ai": "generate_content",
}
STANDARD = ("gen_ai.", "error.", "nora.")


def named(attributes: str) -> set[str]:
    return {name if name.startswith(STANDARD) else f"openclaw.{name}" for name in attributes.split()}


def names_of(row: Span) -> Iterable[str]:
    """What spans of the row are called, however they ended."""
    event = row.event()
    for outcome in ("completed", "error"):
        event.__dict__["outcome"] = outcome
        name = row.name_in(Shape())
        yield name(event) if callable(name) else name


def names(sources: Iterable[Source]) -> set[str]:
    return {source.attribute.name for source in sources}


@pytest.mark.parametrize("name", METRIC_ATTRIBUTES)
def test_a_documented_metric_has_the_documented_attributes(name: str) -> None:
    (metric,) = [metric for metric in METRICS if metric.name == name and "default" in metric.shapes]
    assert named(METRIC_ATTRIBUTES[name]) <= names(source for on in metric.on for source in on.sources)


@pytest.mark.parametrize("name", SPAN_ATTRIBUTES)
def test_a_documented_span_has_the_documented_attributes(name: str) -> None:
    rows = [row for row in SPANS if "default" in row.shapes and name in names_of(row)]
    assert any(named(SPAN_ATTRIBUTES[name]) <= names(row.start + row.end) for row in rows)


@pytest.mark.parametrize("api", OPERATIONS)
def test_the_operation_of_a_call_follows_from_the_api(api: str | None) -> None:
    assert events.ModelCall(api=api).operation_name == OPERATIONS[api]
