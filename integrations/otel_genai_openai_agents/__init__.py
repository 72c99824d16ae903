"""Makes what the OpenAI Agents SDK runs operations: workflows, agents, tools and model calls, by its own tracing.

`otel_genai.instrument("openai-agents")` does so; `agents.add_trace_processor(Processor())` does so by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from agents.tracing import add_trace_processor, get_trace_provider

from otel_genai import guard, locks
from otel_genai.sources.replacing import once

from .processor import Processor

__all__ = ["Processor", "instrument"]


_lock = locks.lock()


def instrument() -> Callable[[], None]:
    """Observe every run of the SDK once, where its tracing is not switched off; returns the undo, which counts once."""
    with _lock:
        processor = next((one for one in present() if isinstance(one, Processor)), None) or added()
        processor.users += 1
    return once(partial(guard.call, "undoing an integration", release, processor))


def present() -> tuple[object, ...]:
    """The processors that are there, for which the SDK has no function."""
    return tuple(getattr(getattr(get_trace_provider(), "_multi_processor", None), "_processors", ()))


def added() -> Processor:
    processor = Processor()
    processor.users = 0
    add_trace_processor(processor)
    return processor


def release(processor: Processor) -> None:
    """Take a processor away, unless somebody else wants it."""
    with _lock:
        processor.users -= 1
        if not processor.users:
            left: Any = [one for one in present() if one is not processor]
            get_trace_provider().set_processors(left)
