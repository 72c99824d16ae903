"""The benchmarks run and print every row; how long anything takes is not asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
QUICK = ("--rounds", "1", "--seconds", "0.0002")
DESIGNED = {
    "@tool, def: sampled, metrics",
    "@tool, async def: sampled, metrics",
    "model_call with a reply: sampled, metrics",
    "@tool, def: span only",
    "@tool, def: unsampled, metrics",
    "@tool, def: not configured",
    "event, no subscriber: publish",
    "gateway event: 2 counters, 1 histogram",
    "async generator of 100",
    "generator of 100",
    "ASGI request: span, HTTP metrics",
    "ASGI request: span only",
    "OpenAI chat",
    "OpenAI stream of 50 chunks",
    "import otel_genai",
    "500 containers: a pass",
    "500 containers: processor time",
}


def benchmarks(*options: str) -> str:
    command = [sys.executable, "-W", "error", "-m", "tests.benchmarks", *QUICK, *options]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=600).stdout


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(benchmarks("--json"))
    return found


def test_every_designed_row_has_a_ratio_a_target_and_a_mark(rows: list[dict[str, Any]]) -> None:
    found = {row["what"]: row for row in rows}
    assert found.keys() >= DESIGNED
    for what in DESIGNED:
        assert found[what]["ratio"] is not None
        assert found[what]["target"] > 0
        assert found[what]["met"] in {True, False}


def test_every_row_says_a_number_or_why_there_is_none(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert row["ratio"] is not None or row["said"]


def test_the_table_is_readable_at_100_columns() -> None:
    lines = benchmarks("--only", "off").splitlines()
    assert lines[0].split() == ["what", "us", "against", "us", "ratio", "target"]
    assert lines[1].startswith("@tool, def: not configured")
    assert max(len(line) for line in lines) <= 100
