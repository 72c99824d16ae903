"""Skills, failovers, contexts and reported loops: published by the program, and exported under the documented names."""

from __future__ import annotations

from typing import Any

import pytest

import otel_genai as genai
from otel_genai import events
from otel_genai.testing import Captured

SKILL, FAILOVER, CONTEXT, LOOP = (
    "openclaw.skill.used",
    "openclaw.model.failover",
    "openclaw.context.assembled",
    "openclaw.tool.loop",
)
COUNTS = {
    "message_count": 3,
    "history_text_chars": 1200,
    "history_image_blocks": 0,
    "max_message_text_chars": 800,
    "system_prompt_chars": 4000,
    "prompt_chars": 25,
    "prompt_images": 0,
    "token_budget": 200000,
    "reserve_tokens": 8000,
}


def failover(**fields: Any) -> events.ModelFailover:
    models = {"provider": "openai", "model": "gpt-5.4", "to_provider": "anthropic", "to_model": "claude-opus-4-6"}
    return events.ModelFailover(**{**models, "reason": "rate_limit", "lane": "main", **fields})


def test_a_skill_that_was_used_is_counted_and_a_span(captured: Captured) -> None:
    with genai.bind(agent="main"), genai.run("run-1"):
        genai.publish(events.SkillUsed(name="weather", source="bundled", activation="read", tool="read"))
    expected = {
        "openclaw.skill.name": "weather",
        "openclaw.skill.source": "bundled",
        "openclaw.skill.activation": "read",
        "openclaw.agent": "main",
        "openclaw.toolName": "read",
    }
    (point,) = captured.points(SKILL)
    assert (point.attributes, point.value) == (expected, 1)
    span = captured.span(SKILL)
    assert (span.attributes, span.start_ns) == (expected, span.end_ns)
    assert captured.parent(span) == captured.span("openclaw.run")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("bundled", "bundled"),
        ("managed", "workspace"),
        ("agents-skills-project", "workspace"),
        ("/home/ada/skills", "unknown"),
        (None, "unknown"),
    ],
)
def test_where_a_skill_comes_from_is_one_of_three_words(captured: Captured, source: Any, expected: str) -> None:
    genai.publish(events.SkillUsed(name="weather", source=source))
    assert captured.points(SKILL)[0]["openclaw.skill.source"] == expected
    assert captured.span(SKILL)["openclaw.skill.source"] == expected


@pytest.mark.parametrize("name", ["/home/ada/skills/weather.md", "skills\\weather", "weather/SKILL.md", None])
def test_the_path_of_a_skill_leaves_nowhere(captured: Captured, name: str | None) -> None:
    genai.publish(events.SkillUsed(name=name))
    assert captured.points(SKILL)[0]["openclaw.skill.name"] == "skill"
    assert captured.span(SKILL)["openclaw.skill.name"] == "skill"


def test_a_failover_names_both_models_and_says_why(captured: Captured) -> None:
    genai.publish(failover(cascade_depth=1, suspended=False))
    both = {
        "openclaw.failover.reason": "rate_limit",
        "openclaw.provider": "openai",
        "openclaw.model": "gpt-5.4",
        "openclaw.failover.to_provider": "anthropic",
        "openclaw.failover.to_model": "claude-opus-4-6",
        "openclaw.lane": "main",
    }
    more = {"openclaw.failover.suspended": False, "openclaw.failover.cascade_depth": 1}
    assert captured.span(FAILOVER).attributes == both | more
    assert captured.points(FAILOVER)[0].attributes == both | {"openclaw.failover.suspended": "false"}


@pytest.mark.parametrize(("suspended", "text"), [(True, "true"), (False, "false"), (None, "unknown")])
def test_suspended_is_a_text_on_the_metric(captured: Captured, suspended: bool | None, text: str) -> None:
    genai.publish(failover(suspended=suspended))
    assert captured.points(FAILOVER)[0]["openclaw.failover.suspended"] == text
    assert captured.span(FAILOVER).get("openclaw.failover.suspended") is suspended


@pytest.mark.parametrize(("lane", "label"), [("session:agent:main:dm:42", "session"), ("agent:main:dm:42", "unknown")])
def test_a_lane_that_is_named_after_a_session_does_not_tell_which(captured: Captured, lane: str, label: str) -> None:
    genai.publish(failover(lane=lane))
    assert captured.points(FAILOVER)[0]["openclaw.lane"] == captured.span(FAILOVER)["openclaw.lane"] == label


def test_a_context_tells_how_much_of_what_and_zero_is_told_too(captured: Captured) -> None:
    with genai.bind(channel="telegram", trigger="user"):
        genai.publish(events.ContextAssembled(provider="openai", model="gpt-5.4", **COUNTS))
    scope = {"openclaw.provider": "openai", "openclaw.model": "gpt-5.4"}
    scope |= {"openclaw.channel": "telegram", "openclaw.trigger": "user"}
    documented = {"openclaw.prompt.size": 25, "openclaw.history.size": 1200}
    counts = {f"openclaw.context.{name}": value for name, value in COUNTS.items()}
    span = captured.span(CONTEXT)
    assert (span.attributes, span.status) == (scope | counts | documented, "UNSET")


def test_a_context_whose_tokens_were_counted_or_that_failed_says_so(captured: Captured) -> None:
    genai.publish(events.ContextAssembled(tokens=1500, error_category="overflow"))
    assert captured.span(CONTEXT).attributes == {
        "openclaw.context.tokens": 1500,
        "openclaw.errorCategory": "overflow",
    }


@pytest.mark.parametrize(
    ("fields", "status", "outcome"),
    [
        ({"level": "warning", "action": "warn"}, None, "warned"),
        ({"level": "critical", "action": "warn"}, "ping_pong:warn", "warned"),
        ({"level": "critical", "action": "block"}, "ping_pong:block", "blocked"),
    ],
)
def test_a_loop_is_an_error_where_it_is_critical(
    captured: Captured, fields: Any, status: str | None, outcome: str
) -> None:
    loop = events.ToolLoop(tool="search", detector="ping_pong", count=9, paired_tool="exec", **fields)
    genai.publish(loop)
    span = captured.span(LOOP)
    assert span.status_message == status
    assert (span["openclaw.loop.count"], span["openclaw.iterations"], span["openclaw.outcome"]) == (9, 9, outcome)
    assert captured.points(LOOP)[0].attributes == {
        "openclaw.toolName": "search",
        "openclaw.loop.level": loop.level,
        "openclaw.loop.action": loop.action,
        "openclaw.loop.detector": "ping_pong",
        "openclaw.loop.count": 9,
        "openclaw.loop.paired_tool": "exec",
    }


@pytest.mark.parametrize(("count", "label"), [(0, 0), (4, 4), (10, 10), (19, 10), (99, 90), (100, 100), (10**9, 100)])
def test_the_count_of_a_loop_is_bounded_on_the_metric(captured: Captured, count: int, label: int) -> None:
    genai.publish(events.ToolLoop(tool="search", count=count))
    assert captured.points(LOOP)[0]["openclaw.loop.count"] == label
    assert captured.span(LOOP)["openclaw.loop.count"] == count


def test_iterations_and_duration_carry_tool_and_outcome(captured: Captured) -> None:
    genai.publish(events.ToolLoop(tool="search", count=10, duration_ns=2_000_000))
    genai.publish(events.ToolLoop(tool="search", count=20, new_count=10))
    labels = {"openclaw.toolName": "search", "openclaw.outcome": "warned"}
    (iterations,), (duration,) = (captured.points(f"{LOOP}.{name}") for name in ("iterations", "duration_ms"))
    assert (iterations.attributes, iterations.value) == (labels, 20)
    assert (duration.attributes, duration.count, duration.sum) == (labels, 1, 2.0)
