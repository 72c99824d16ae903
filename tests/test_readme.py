"""README says what is true: its table of options is the rows of the configuration."""

from __future__ import annotations

import re
from pathlib import Path

from otel_genai.config import Config, rows

README = Path(__file__).parent.parent / "README.md"


def options_table() -> str:
    lines = ["| option | default | environment | meaning |", "|---|---|---|---|"]
    for name, row in rows(Config).items():
        variables = ", ".join(f"`{variable.name}`" for variable in row.env)
        doc = row.doc.replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| `{name}` | `{row.default!r}` | {variables} | {doc} |")
    return "\n".join(lines)


def test_the_options_in_readme_are_the_options_there_are() -> None:
    found = re.search(r"<!-- options: begin -->\n(.*?)\n?<!-- options: end -->", README.read_text(), re.DOTALL)
    assert found
    assert found.group(1) == options_table(), f"README should have:\n{options_table()}"
