"""The demo as its users run it."""

from __future__ import annotations

import subprocess
import sys

from otel_genai.demo import checks
from otel_genai.demo.traffic import Answer


def test_the_demo_ends_well_and_shows_traces_metrics_and_propagation() -> None:
    result = subprocess.run([sys.executable, "-m", "otel_genai", "demo"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    for wanted in ("POST /ask/{channel}", "openclaw.model.call", "gpt-5.5", "gen_ai.client.token.usage", "traceparent"):
        assert wanted in result.stdout
    assert "\nfailed" not in result.stdout
    assert result.stderr == ""


def test_the_demo_fails_where_nothing_arrived() -> None:
    answers = [Answer(what, status, "") for what, status in checks.EXPECTED.items()]
    found = checks.checks(answers, [], [], [])
    assert not all(check.holds for check in found)


def test_an_unknown_command_says_what_there_is() -> None:
    result = subprocess.run([sys.executable, "-m", "otel_genai", "dance"], capture_output=True, text=True)
    assert result.returncode == 2
    assert "demo" in result.stderr


def test_help_explains_each_command() -> None:
    result = subprocess.run([sys.executable, "-m", "otel_genai", "--help"], capture_output=True, text=True, check=True)
    assert "a gateway, its provider and a receiver" in result.stdout
