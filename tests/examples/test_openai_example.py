"""The example program as its users run it: a process of its own, the real client, a receiver on the wire."""

from __future__ import annotations

from .programs import Wire


def test_a_chat_and_a_stream_are_two_calls_with_their_tokens(wire: Wire) -> None:
    assert wire.run("openai_chat.py", "why?") == "An answer to: why?\n" * 2
    plain, streamed = (span for span in wire.spans if span.name == "openclaw.model.call")
    for span, seen in zip((plain, streamed), wire.provider.seen, strict=True):
        assert span.attributes["gen_ai.usage.input_tokens"] == plain.attributes["gen_ai.usage.input_tokens"] > 0
        assert span.attributes["gen_ai.conversation.id"] == "c-1"
        assert seen.headers["traceparent"].startswith(f"00-{span.trace_id}-{span.span_id}-")
    assert streamed.attributes["gen_ai.request.stream"] is True
    assert "gen_ai.client.token.usage" in {point.name for point in wire.receiver.points}
