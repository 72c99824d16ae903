"""The example program as its users run it: a process of its own, the real libraries, a receiver on the wire."""

from __future__ import annotations

import pytest

from .programs import LATEST, Wire

pytest.importorskip("langchain", reason="LangChain's agents are not installed")
pytest.importorskip("langchain_openai", reason="langchain-openai is not installed")


def test_an_agent_its_calls_and_its_tool_are_one_trace(wire: Wire) -> None:
    assert wire.run("langchain_agent.py", "Oslo", **LATEST) == "An answer to: it rains in Oslo\n"
    (agent,) = (span for span in wire.spans if span.name == "invoke_agent meteorologist")
    inside = sorted((span for span in wire.spans if span is not agent), key=lambda span: span.start_ns)
    assert [span.name for span in inside] == ["chat gpt-5.5", "execute_tool weather", "chat gpt-5.5"]
    assert {span.parent_id for span in inside} == {agent.span_id}
    sent = [seen.headers["traceparent"].split("-")[1:3] for seen in wire.provider.seen]
    assert sent == [[span.trace_id, span.span_id] for span in inside if span.name.startswith("chat")]
