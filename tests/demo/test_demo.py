"""The demo as its users run it, and that each of its checks can fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from otel_genai import demo
from otel_genai.demo.checks import CHECKS, DELIVERY, MESSAGE, TOOL, Day, checks, kind_of
from otel_genai.demo.traffic import MESSAGES
from otel_genai.viewer import Span


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "otel_genai", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **environment})


SHOWN = {
    (): ("openclaw.model.call", "openclaw.harness.run", "gen_ai.client.token.usage", "otel_genai.cost.unpriced"),
    ("--latest",): ("chat gpt-5.5", "invoke_agent planner", "execute_tool search", "gen_ai.client.inference.duration"),
}


@pytest.mark.parametrize("arguments", SHOWN)
def test_the_demo_ends_well_behind_any_proxy_and_shows_a_day_in_a_hundred_columns(arguments: tuple[str, ...]) -> None:
    result = run("demo", *arguments, HTTP_PROXY="http://127.0.0.1:9", http_proxy="http://127.0.0.1:9")
    assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
    for wanted in ("POST /webhooks/{channel}", "skipped: duplicate", "blocked: policy", "unpriced", "traceparent"):
        assert wanted in result.stdout
    assert all(wanted in result.stdout for wanted in SHOWN[arguments])
    assert result.stdout.count("\nok ") == len(CHECKS)
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_the_demo_ends_with_an_error_where_no_spans_arrive() -> None:
    result = run("demo", OTEL_TRACES_SAMPLER="always_off")
    assert result.returncode == 1, result.stderr
    assert "\nfailed  every message is one trace" in result.stdout
    assert "\nok      metrics count what the gateway did" in result.stdout


@cache
def good() -> Day:
    return demo.live({})


def changed(day: Day, kind: str, **values: Any) -> Day:
    """The same day, but for one span of that kind."""
    chosen = day.of(kind)[0]
    return replace(day, spans=[replace(span, **values) if span is chosen else span for span in day.spans])


def without(day: Day, unwanted: Callable[[Span], bool]) -> Day:
    return replace(day, spans=[span for span in day.spans if not unwanted(span)])


def overbilled(day: Day) -> Day:
    first, *others = day.seen
    return replace(day, seen=[first._replace(usage={**(first.usage or {}), "prompt_tokens": 1}), *others])


def busy(day: Day) -> Day:
    points = [point for point in day.points if point.attributes.get("openclaw.state") != "idle"]
    return replace(day, points=points)


def dearer(day: Day) -> Day:
    points = [replace(point, value=1.0) if point.name == "openclaw.cost.usd" else point for point in day.points]
    return replace(day, points=points)


BROKEN: dict[str, Callable[[Day], Day]] = {
    "every request was answered": lambda day: replace(day, answers=day.answers[:-1]),
    "every message is one trace": lambda day: changed(day, DELIVERY, trace_id="1" * 32),
    "webhook > message > run": lambda day: changed(day, TOOL, parent_id=day.of(MESSAGE)[0].span_id),
    "every span has its parent": lambda day: without(day, lambda span: span.name == "openclaw.webhook.processed"),
    "every traceparent": lambda day: replace(day, seen=[day.seen[0]._replace(headers={}), *day.seen[1:]]),
    "the call that was over its limit": lambda day: replace(day, seen=[one for one in day.seen if one.usage]),
    "what failed is an error": lambda day: changed(day, MESSAGE, status="ERROR"),
    "every tool has its span": lambda day: without(day, lambda span: kind_of(span) == TOOL),
    "metrics count": lambda day: replace(day, deeds={**day.deeds, "delivered": 4}),
    "every session": busy,
    "tokens on spans": overbilled,
    "cost on spans": dearer,
    "a call that nobody can price": lambda day: replace(day, seen=[one for one in day.seen if "input" not in one.body]),
    "nothing that anybody said": lambda day: changed(day, TOOL, attributes={"said": f"he said: {MESSAGES[0][2]}!"}),
}


@pytest.mark.parametrize("what", CHECKS)
def test_each_check_holds_of_a_good_day_and_fails_where_it_was_not_so(what: str) -> None:
    (breaks,) = [change for start, change in BROKEN.items() if what.startswith(start)]
    assert CHECKS[what](good())
    assert not CHECKS[what](breaks(good()))


def test_no_check_holds_where_nothing_was_done_and_nothing_arrived() -> None:
    assert [check.what for check in checks(Day()) if check.holds] == []


def test_an_unknown_command_says_what_there_is() -> None:
    result = run("dance")
    assert result.returncode == 2
    assert "demo" in result.stderr


def test_help_explains_each_command() -> None:
    assert "a gateway's day, its provider and a receiver" in run("--help").stdout
