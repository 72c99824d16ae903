"""The example program as its users run it: a process of its own, the real client, a receiver on the wire."""

from __future__ import annotations

from .programs import Wire


def test_a_chat_with_a_function_and_a_stream_are_calls_and_a_tool_below_their_agents(wire: Wire) -> None:
    told = wire.run("google_genai_chat.py", "Paris?").splitlines()
    assert told == ['An answer to: {"result": "rain in Paris?"}', "An answer to: In verse: Paris?"]
    agents = {span.span_id: span for span in wire.spans if span.name == "openclaw.harness.run"}
    found = [span for span in wire.spans if span.parent_id in agents]
    names = [span.name for span in sorted(found, key=lambda span: span.start_ns)]
    assert names == ["openclaw.model.call", "openclaw.tool.execution", "openclaw.model.call", "openclaw.model.call"]
    calls = [span for span in found if span.name == "openclaw.model.call"]
    assert [seen.headers["traceparent"].split("-")[2] for seen in wire.provider.seen] == [
        call.span_id for call in calls
    ]
    assert all(call.attributes["gen_ai.usage.output_tokens"] > 0 for call in calls)
