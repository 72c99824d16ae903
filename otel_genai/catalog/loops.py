"""What is said of agents that go round in circles: a span and metrics."""

from __future__ import annotations

from ..events import ToolLoop
from . import attributes as a
from .buckets import UP_TO_AN_HOUR
from .rows import Metric, On, Span

MOST_COUNTED = 100

LOOP = (
    a.CLAW_TOOL_NAME.of("tool", "tool"),
    a.LOOP_LEVEL.of("level"),
    a.LOOP_ACTION.of("action"),
    a.LOOP_DETECTOR.of("detector", "unknown"),
    a.LOOP_PAIRED_TOOL.of("paired_tool"),
)
DONE = (a.CLAW_TOOL_NAME.of("tool", "tool"), a.OUTCOME.of("outcome"))


def about(loop: ToolLoop) -> int | None:
    """The count as a label: exact below 10, then rounded down to tens, and never above 100."""
    if loop.count is None or loop.count < 10:
        return loop.count
    return min(loop.count // 10 * 10, MOST_COUNTED)


def loop_failed(loop: ToolLoop) -> str | None:
    return f"{loop.detector or 'unknown'}:{loop.action}" if loop.grave else None


METRICS: tuple[Metric, ...] = (
    Metric(
        "openclaw.tool.loop",
        "counter",
        "1",
        "Reports of tools that are called again and again.",
        (On(ToolLoop, 1, (*LOOP, a.LOOP_COUNT.of(about))),),
    ),
    Metric(
        "openclaw.tool.loop.iterations",
        "counter",
        "1",
        "Calls that such loops had, each counted once.",
        (On(ToolLoop, "iterations", DONE),),
    ),
    Metric(
        "openclaw.tool.loop.duration_ms",
        "histogram",
        "ms",
        "How long such a loop had been going when it was reported.",
        (On(ToolLoop, "duration_ms", DONE),),
        UP_TO_AN_HOUR,
    ),
)

SPANS: tuple[Span, ...] = (
    Span(
        ToolLoop,
        "openclaw.tool.loop",
        "A tool is being called again and again.",
        start=(
            *LOOP,
            a.LOOP_COUNT.of("count"),
            a.ITERATIONS.of("count"),
            a.OUTCOME.of("outcome"),
            a.ERROR_CATEGORY.of("error_category"),
        ),
        status=loop_failed,
    ),
)
