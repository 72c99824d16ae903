"""README says what is true: its tables are the rows of the configuration and of the catalog."""

from __future__ import annotations

import re
from pathlib import Path

from otel_genai import reference
from otel_genai.catalog.rows import Shape
from otel_genai.config import Config, rows

README = Path(__file__).parent.parent / "README.md"


def options_table() -> str:
    lines = ["| option | default | environment | meaning |", "|---|---|---|---|"]
    for name, row in rows(Config).items():
        variables = ", ".join(f"`{variable.name}`" for variable in row.env)
        doc = row.doc.replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| `{name}` | `{row.default!r}` | {variables} | {doc} |")
    return "\n".join(lines)


def section(name: str) -> str:
    found = re.search(
        rf"<!-- {name}: begin -->\n(.*?)\n?<!-- {name}: end -->", README.read_text(encoding="utf-8"), re.DOTALL
    )
    assert found
    return found.group(1)


def test_the_options_in_readme_are_the_options_there_are() -> None:
    assert section("options") == options_table(), f"README should have:\n{options_table()}"


def test_the_metrics_in_readme_are_the_metrics_there_are() -> None:
    wanted = reference.markdown_table(reference.document(Shape()))
    assert section("metrics") == wanted, "README should have what `python -m otel_genai catalog --readme` prints"
