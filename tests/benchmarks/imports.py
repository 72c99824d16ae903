"""How long `import otel_genai` takes in an interpreter that has done nothing else, and what it brings along."""

from __future__ import annotations

import subprocess
import sys
from asyncio import Runner
from importlib.util import find_spec

from .rounds import Candidate, Line, Row, Subject
from .sdk import yardstick, yardsticks

PEER = "opentelemetry.util.genai.handler"
HEAVY = (
    *("asyncio", "ctypes", "email", "http", "importlib.metadata", "inspect", "logging", "socket", "ssl", "tomllib"),
    *("docker", "opentelemetry", "opentelemetry.sdk", "starlette", "urllib.request", "wrapt"),
)
"""Modules that a reader would ask about."""


class Import(Candidate):
    """A module, imported by an interpreter of its own."""

    def __init__(self, module: str) -> None:
        super().__init__(lambda: interpreted(f"began = process_time(); import {module}; print(process_time() - began)"))

    def timed(self, number: int, runner: Runner) -> float:
        return sum(float(self.call()) for _ in range(number)) / number


def interpreted(program: str) -> str:
    program = f"from time import process_time; {program}"
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()


def loaded() -> Row:
    """What comes with us, of what is heavy, and does not come with a bare interpreter."""
    heavy = f"import sys; print(*(name for name in {HEAVY} if name in sys.modules))"
    before = interpreted(heavy).split()
    names = [name for name in interpreted(f"import otel_genai; {heavy}").split() if name not in before]
    return Row("... brings along", "", said=", ".join(names) or "nothing heavy")


def imports() -> Subject:
    modules = {"ours": "otel_genai", "SDK": "opentelemetry.sdk.trace", "util-genai": PEER}
    candidates: dict[str, Candidate] = {name: Import(module) for name, module in modules.items() if installed(module)}
    return Subject(
        {**candidates, "yardstick": yardstick()},
        (
            Line("import otel_genai", "ours", "yardstick", yardsticks(40_000)),
            Line("... beside the SDK's traces", "ours", "SDK"),
            Line("... beside util-genai", "ours", "util-genai"),
        ),
        loaded,
    )


def installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent is not
        return False


SUBJECTS = {"import": imports}
