"""The example program as its users run it: two processes, and a receiver on the wire that both send to."""

from __future__ import annotations

import pytest

from .programs import Wire

pytest.importorskip("mcp.client.client", reason="the example is written for mcp 2")


def test_two_processes_are_one_trace_with_every_parent_right(wire: Wire) -> None:
    assert wire.run("mcp_tools.py", "Oslo") == "sunny in Oslo\n"
    spans = {span.span_id: span for span in wire.spans}
    calls = [span for span in spans.values() if span.name == "tools/call forecast"]
    served, called = sorted(calls, key=lambda span: span.kind != "SERVER")
    (found,) = (span for span in spans.values() if span.name == "retrieval stations")
    assert spans[found.parent_id] is served
    assert spans[served.parent_id] is called
    assert spans[called.parent_id].name == "openclaw.harness.run"
    assert len({span.trace_id for span in spans.values()}) == 1
    assert {served.attributes["network.transport"], called.attributes["network.transport"]} == {"pipe"}
    wanted = {f"mcp.{side}.{what}.duration" for side in ("client", "server") for what in ("operation", "session")}
    assert wanted <= {point.name for point in wire.receiver.points}
