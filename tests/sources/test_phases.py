"""Phases of the process's own work: how long, how much of a processor, and what about."""

from __future__ import annotations

import pytest

import otel_genai as genai
from otel_genai.testing import Captured

PHASE = "openclaw.diagnostic.phase"


def test_a_phase_says_what_it_was_about_and_what_it_took(captured: Captured) -> None:
    with genai.phase("plugins.load", plugins=3, cached=False) as phase:
        sum(range(300_000))
        phase.details(failed=1)
    span = captured.span(PHASE)
    assert span["openclaw.phase"] == "plugins.load"
    assert span["openclaw.phase.detail"] == ("plugins=3", "cached=false", "failed=1")
    assert span["openclaw.phase.cpu_total_ms"] > 0
    assert (
        span["openclaw.phase.cpu_total_ms"] == span["openclaw.phase.cpu_user_ms"] + span["openclaw.phase.cpu_system_ms"]
    )


def test_a_decorated_function_is_a_phase_by_its_name(captured: Captured) -> None:
    @genai.phase
    def warm_up() -> int:
        return 1

    assert warm_up() == 1
    assert captured.span(PHASE)["openclaw.phase"] == "warm_up"


def test_details_of_a_decorated_function_are_of_the_call_that_goes_on(captured: Captured) -> None:
    start = genai.phase("start", cold=True)

    @start
    def begin(count: int) -> None:
        start.details(count=count)

    begin(1)
    begin(2)
    assert [span["openclaw.phase.detail"] for span in captured.spans] == [
        ("cold=true", "count=1"),
        ("cold=true", "count=2"),
    ]


def test_processor_time_that_is_told_is_not_measured(captured: Captured) -> None:
    with genai.phase("start") as phase:
        phase.update(cpu_user_ms=40)
    span = captured.span(PHASE)
    assert span["openclaw.phase.cpu_total_ms"] == 40
    assert "openclaw.phase.cpu_system_ms" not in span


def test_a_phase_that_fails_says_how_and_what_it_took(captured: Captured) -> None:
    with pytest.raises(OSError, match="no plugins"), genai.phase("plugins.load"):
        raise OSError("no plugins")
    span = captured.span(PHASE)
    assert (span.status, span["error.type"]) == ("ERROR", "OSError")
    assert "openclaw.phase.cpu_total_ms" in span
