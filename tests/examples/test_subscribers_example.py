"""The example of events without OpenTelemetry."""

from __future__ import annotations

from .programs import run


def test_it_prints_what_the_agent_does_in_order_and_loads_no_sdk() -> None:
    program = "import runpy, sys; runpy.run_path('subscribers.py', run_name='__main__')"
    *lines, loaded = run("-c", f"{program}; print('opentelemetry' in sys.modules)").splitlines()
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
