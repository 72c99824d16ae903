"""The example of events without OpenTelemetry."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "subscribers.py"


def test_it_prints_what_the_agent_does_in_order_and_loads_no_sdk() -> None:
    run = f"runpy.run_path({str(EXAMPLE)!r}, run_name='__main__')"
    program = f"import runpy, sys; {run}; print('opentelemetry' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    *lines, loaded = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "harness.run.started",
        "tool.execution.started",
        "tool.execution.completed",
        "model.call.started",
        "model.call.completed",
        "model.usage",
        "harness.run.completed",
    ]
    assert loaded == "False"
