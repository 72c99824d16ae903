"""What is said of turns, agents and their tools: spans and metrics."""

from __future__ import annotations

from ..events import HarnessRun, ModelUsage, Run, ToolExecution
from . import attributes as a
from .buckets import AGENT_CALLS, AGENT_SECONDS, GENAI_SECONDS, UP_TO_AN_HOUR
from .models import SETTINGS
from .readings import DEFAULT, LATEST, Words, failed
from .rows import Metric, On, Span
from .usage import USAGE

RUN = (
    a.OUTCOME.of("outcome"),
    a.PROVIDER.of("provider", "unknown"),
    a.MODEL.of("model", "unknown"),
    a.CHANNEL.of("scope.channel"),
    a.BLOCKED_BY.of("blocked_by"),
)
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
AGENT_START = (
    a.OPERATION.always("invoke_agent"),
    a.AGENT_NAME.of("name"),
    a.AGENT_DESCRIPTION.of("description"),
    a.CONVERSATION.of("scope.conversation"),
    a.REQUEST_MODEL.of("model"),
)
AGENT_END = (
    *HARNESS,
    a.HARNESS_CLASSIFICATION.of("result_classification"),
    a.HARNESS_YIELD.of("yield_detected"),
    a.HARNESS_ITEMS_STARTED.of("items_started"),
    a.HARNESS_ITEMS_COMPLETED.of("items_completed"),
    a.HARNESS_ITEMS_ACTIVE.of("items_active"),
    a.HARNESS_CLEANUP_FAILED.of("cleanup_failed"),
    a.ERROR_TYPE.of("error_type"),
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
TOOL_ENDED = ("tool.execution.completed", "tool.execution.error")


METRICS: tuple[Metric, ...] = (
    Metric(
        "openclaw.run.duration_ms",
        "histogram",
        "ms",
        "How long a turn took.",
        (On(Run, "duration_ms", RUN), On(ModelUsage, "duration_ms", USAGE)),
        UP_TO_AN_HOUR,
    ),
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
        "gen_ai.invoke_agent.inference_calls",
        "histogram",
        "{inference_call}",
        "Model calls of an agent's own, in one piece of its work.",
        (On(HarnessRun, "inference_calls", (a.AGENT_NAME.of("name"),)),),
        AGENT_CALLS,
        LATEST,
    ),
    Metric(
        "gen_ai.invoke_agent.tool_calls",
        "histogram",
        "{tool_call}",
        "Tools that an agent itself ran, in one piece of its work.",
        (On(HarnessRun, "tool_calls", (a.AGENT_NAME.of("name"),)),),
        AGENT_CALLS,
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
)

SPANS: tuple[Span, ...] = (
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
        start=AGENT_START,
        end=AGENT_END,
        status=failed,
        shapes=DEFAULT,
    ),
    Span(
        HarnessRun,
        Words("invoke_agent", "{name}"),
        "An agent at work.",
        start=(*AGENT_START, a.DATA_SOURCE_ID.of("data_source"), *SETTINGS),
        end=(
            *AGENT_END,
            a.INPUT_TOKENS.of("input_tokens"),
            a.OUTPUT_TOKENS.of("output_tokens"),
            a.FINISH_REASONS.of("finish_reasons"),
        ),
        status=failed,
        shapes=LATEST,
    ),
    Span(
        ToolExecution,
        "openclaw.tool.execution",
        "One execution of a tool.",
        latest=Words("execute_tool", "{name}"),
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
            a.AGENT_STEP.of("agent_step"),
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
