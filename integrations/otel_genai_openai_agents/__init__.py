"""Makes what the OpenAI Agents SDK runs operations: workflows, agents, tools and model calls, by its own tracing.

`otel_genai.instrument("openai-agents")` does so; `agents.add_trace_processor(Processor())` does so by hand.
"""

from __future__ import annotations

from collections.abc import Callable

from agents.tracing import add_trace_processor, get_trace_provider

from otel_genai import guard

from .processor import Processor

__all__ = ["Processor", "instrument"]


def instrument() -> Callable[[], None]:
    """Observe every run of the SDK, where its tracing is not switched off; returns the undo."""
    processor = Processor()
    add_trace_processor(processor)
    return lambda: guard.call("undoing an integration", remove, processor)


def remove(processor: Processor) -> None:
    """Take a processor away, for which the SDK has no function."""
    provider = get_trace_provider()
    left = vars(provider)["_multi_processor"]._processors
    provider.set_processors([one for one in left if one is not processor])
