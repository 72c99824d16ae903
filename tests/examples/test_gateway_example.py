"""The example gateway as its users run it: uvicorn in a process of its own, the real client, a receiver on the wire."""

from __future__ import annotations

import json

from otel_genai.viewer import Span

from .programs import Wire

CALLER_TRACE, CALLER_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def ask(wire: Wire, flags: str) -> dict[str, str]:
    wire.settings["OTEL_SERVICE_NAME"] = "gateway"
    caller = f"00-{CALLER_TRACE}-{CALLER_SPAN}-{flags}"
    return dict(json.loads(wire.ask("gateway:app", "/ask", {"question": "why?"}, traceparent=caller).answer))


def test_one_trace_goes_from_the_caller_to_the_provider(wire: Wire) -> None:
    assert ask(wire, "01")["answer"]
    spans = {span.name: span for span in wire.spans}
    server, agent, tool, call = chain(spans)
    assert (server.trace_id, server.parent_id) == (CALLER_TRACE, CALLER_SPAN)
    assert agent.parent_id == server.span_id
    assert tool.parent_id == call.parent_id == agent.span_id
    assert {span.trace_id for span in wire.spans} == {CALLER_TRACE}
    assert wire.provider.seen[0].headers["traceparent"] == f"00-{CALLER_TRACE}-{call.span_id}-01"
    assert server.resource["service.name"] == "gateway"
    assert {"http.server.request.duration", "gen_ai.client.token.usage"} <= {p.name for p in wire.receiver.points}


def chain(spans: dict[str, Span]) -> tuple[Span, ...]:
    names = ("POST /ask", "openclaw.harness.run", "openclaw.tool.execution", "openclaw.model.call")
    return tuple(spans[name] for name in names)


def test_what_the_caller_did_not_sample_is_not_sampled_but_measured(wire: Wire) -> None:
    ask(wire, "00")
    assert wire.spans == []
    assert wire.provider.seen[0].headers["traceparent"].startswith(f"00-{CALLER_TRACE}-")
    assert wire.provider.seen[0].headers["traceparent"].endswith("-00")
    assert "gen_ai.client.token.usage" in {point.name for point in wire.receiver.points}
