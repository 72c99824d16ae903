"""The example program as its users run it: a process of its own, the real client, a receiver on the wire."""

from __future__ import annotations

from .programs import Wire


def test_an_agent_that_uses_a_tool_is_one_trace_of_two_calls(wire: Wire) -> None:
    assert wire.run("anthropic_chat.py", "why?") == "An answer to: what is known of why?\n"
    asked, told = (span for span in wire.spans if span.name == "openclaw.model.call")
    for span, seen in zip((asked, told), wire.provider.seen, strict=True):
        assert span.attributes["gen_ai.system"] == "anthropic"
        assert span.attributes["gen_ai.usage.input_tokens"] > span.attributes["gen_ai.usage.cache_read.input_tokens"]
        assert seen.headers["traceparent"].startswith(f"00-{span.trace_id}-{span.span_id}-")
    assert told.attributes["gen_ai.request.stream"] is True
    assert len({span.trace_id for span in wire.spans}) == 1
    assert {"openclaw.tool.execution", "openclaw.harness.run"} <= {span.name for span in wire.spans}
