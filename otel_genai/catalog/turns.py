"""What is said of a turn beside its model calls and tools: spans and metrics."""

from __future__ import annotations

from ..events import ContextAssembled, ModelFailover, SkillUsed
from . import attributes as a
from .rows import Metric, On, Span

SKILL_SOURCES = {
    **dict.fromkeys(("bundled", "openclaw-bundled"), "bundled"),
    **dict.fromkeys(("workspace", "managed", "extra", "personal", "project"), "workspace"),
    **dict.fromkeys(("openclaw-workspace", "openclaw-managed", "openclaw-extra"), "workspace"),
    **dict.fromkeys(("agents-skills-personal", "agents-skills-project"), "workspace"),
}
"""Where a skill comes from, in two words; any other might be a path."""


def skill_name(skill: SkillUsed) -> str | None:
    """The name, unless it is the path of a file."""
    return None if skill.name is None or "/" in skill.name or "\\" in skill.name else skill.name


def skill_source(skill: SkillUsed) -> str:
    return SKILL_SOURCES.get(skill.source or "", "unknown")


def suspended(failover: ModelFailover) -> str:
    return "unknown" if failover.suspended is None else str(failover.suspended).lower()


SKILL = (
    a.SKILL_NAME.of(skill_name, "skill"),
    a.SKILL_SOURCE.of(skill_source),
    a.SKILL_ACTIVATION.of("activation", "unknown"),
    a.AGENT.of("scope.agent"),
    a.CLAW_TOOL_NAME.of("tool"),
)
FAILOVER = (
    a.PROVIDER.of("provider", "unknown"),
    a.MODEL.of("model", "unknown"),
    a.FAILOVER_TO_PROVIDER.of("to_provider", "unknown"),
    a.FAILOVER_TO_MODEL.of("to_model", "unknown"),
    a.FAILOVER_REASON.of("reason", "unknown"),
    a.FAILOVER_SUSPENDED.of(suspended),
    a.LANE.of("lane", "unknown"),
)

METRICS: tuple[Metric, ...] = (
    Metric(
        "openclaw.skill.used",
        "counter",
        "1",
        "Skills that were used.",
        (On(SkillUsed, 1, SKILL),),
    ),
    Metric(
        "openclaw.model.failover",
        "counter",
        "1",
        "Models that gave way to others.",
        (On(ModelFailover, 1, FAILOVER),),
    ),
)

SPANS: tuple[Span, ...] = (
    Span(
        SkillUsed,
        "openclaw.skill.used",
        "A skill was used.",
        start=(*SKILL, a.CHANNEL.of("scope.channel"), a.TRIGGER.of("scope.trigger")),
    ),
    Span(
        ModelFailover,
        "openclaw.model.failover",
        "A model gave way to another.",
        start=(
            a.PROVIDER.of("provider"),
            a.MODEL.of("model"),
            a.FAILOVER_TO_PROVIDER.of("to_provider"),
            a.FAILOVER_TO_MODEL.of("to_model"),
            a.FAILOVER_REASON.of("reason", "unknown"),
            a.FAILOVER_SUSPENDED.of("suspended"),
            a.LANE.of("lane"),
            a.FAILOVER_CASCADE_DEPTH.of("cascade_depth"),
        ),
    ),
    Span(
        ContextAssembled,
        "openclaw.context.assembled",
        "What a model is going to be given was put together.",
        start=(
            a.PROVIDER.of("provider"),
            a.MODEL.of("model"),
            a.CHANNEL.of("scope.channel"),
            a.TRIGGER.of("scope.trigger"),
            a.CONTEXT_MESSAGE_COUNT.of("message_count"),
            a.CONTEXT_HISTORY_TEXT_CHARS.of("history_text_chars"),
            a.CONTEXT_HISTORY_IMAGE_BLOCKS.of("history_image_blocks"),
            a.CONTEXT_MAX_MESSAGE_TEXT_CHARS.of("max_message_text_chars"),
            a.CONTEXT_SYSTEM_PROMPT_CHARS.of("system_prompt_chars"),
            a.CONTEXT_PROMPT_CHARS.of("prompt_chars"),
            a.CONTEXT_PROMPT_IMAGES.of("prompt_images"),
            a.CONTEXT_TOKEN_BUDGET.of("token_budget"),
            a.CONTEXT_RESERVE_TOKENS.of("reserve_tokens"),
            a.CONTEXT_TOKENS.of("tokens"),
            a.PROMPT_SIZE.of("prompt_chars"),
            a.HISTORY_SIZE.of("history_text_chars"),
            a.ERROR_CATEGORY.of("error_category"),
        ),
    ),
)
