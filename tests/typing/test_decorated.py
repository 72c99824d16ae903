"""What a type checker sees of decorated functions is what it saw before, and of subscribers what they are told."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("decorated.py")
ROOT = SOURCE.parents[2]
EXPECTED = {
    number: line.split("  # ", 1)[1] for number, line in enumerate(SOURCE.read_text().splitlines(), 1) if "  # " in line
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[str]]:
    """What mypy says, by line, with the names of modules left out."""
    cache = str(tmp_path_factory.mktemp("mypy"))
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", cache, str(SOURCE)]
    output = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False).stdout
    found = defaultdict(list)
    for number, kind, text in re.findall(r"decorated\.py:(\d+): (error|note): (.*)", output):
        revealed = re.match(r'Revealed type is "(.*)"$', text)
        short = re.sub(r"\b(?:[A-Za-z_]\w*\.)+(?=[A-Za-z_])", "", revealed[1]) if revealed else f"{kind}: {text}"
        found[int(number)].append(re.sub(r"  \[.*", "", short))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("number", EXPECTED)
def test_each_line_is_what_it_says(said: dict[int, list[str]], number: int) -> None:
    expected = EXPECTED[number]
    assert any(line.startswith(expected) if expected.startswith("error") else line == expected for line in said[number])


@pytest.mark.slow
def test_nothing_else_is_complained_about(said: dict[int, list[str]]) -> None:
    complaints = {number for number, lines in said.items() if any(line.startswith("error") for line in lines)}
    assert complaints == {number for number, text in EXPECTED.items() if text.startswith("error")}
