"""What happens within a turn beside model calls and tools: skills, the context put together, another model taken."""

from __future__ import annotations

from dataclasses import dataclass

from .event import Event


@dataclass(eq=False, kw_only=True)
class SkillUsed(Event):
    """A skill was used. Its files are never named."""

    kind = "skill.used"

    name: str | None = None
    source: str | None = None
    """`bundled` or `workspace`."""
    activation: str | None = None
    """`command` or `read`: how it came to be used."""
    tool: str | None = None
    """The tool with which it was read."""


@dataclass(eq=False, kw_only=True)
class ModelFailover(Event):
    """A model gave way to another, because it failed or was not to be had."""

    kind = "model.failover"

    provider: str | None = None
    model: str | None = None
    to_provider: str | None = None
    to_model: str | None = None
    reason: str | None = None
    """In a bounded word: `rate_limit`, `overloaded`, `auth` ..."""
    lane: str | None = None
    cascade_depth: int | None = None
    """How many models gave way before, for the same turn."""
    suspended: bool | None = None
    """Whether the first model is left alone for a while."""


@dataclass(eq=False, kw_only=True)
class ContextAssembled(Event):
    """What a model is going to be given was put together: how much of what, and nothing of it."""

    kind = "context.assembled"

    provider: str | None = None
    model: str | None = None
    message_count: int | None = None
    history_text_chars: int | None = None
    history_image_blocks: int | None = None
    max_message_text_chars: int | None = None
    """Characters of the longest message."""
    system_prompt_chars: int | None = None
    prompt_chars: int | None = None
    prompt_images: int | None = None
    tokens: int | None = None
    """Tokens of all of it, where they were counted."""
    token_budget: int | None = None
    """Tokens that it may have."""
    reserve_tokens: int | None = None
    """Tokens that are kept free for the answer."""
    error_category: str | None = None
    """What went wrong meanwhile, in a bounded word."""
