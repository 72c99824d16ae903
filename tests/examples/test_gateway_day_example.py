"""The chat gateway as its users run it: what it has taken in it still answers when it is stopped, in one trace."""

from __future__ import annotations

from .programs import Wire

UPDATE = {"id": "m-4711", "user": "U-maria", "text": "why is the sky blue?"}


def test_a_message_is_one_trace_from_its_webhook_to_its_delivery(wire: Wire) -> None:
    asked = wire.ask("gateway_day:app", "/webhooks/slack", UPDATE)
    assert (asked.status, asked.printed) == (202, "slack An answer to: why is the sky blue?\n")
    names = {span.span_id: span.name for span in wire.spans}
    assert {(names.get(span.parent_id, ""), span.name) for span in wire.spans} == {
        ("", "POST /webhooks/{channel}"),
        ("POST /webhooks/{channel}", "openclaw.webhook.processed"),
        ("openclaw.webhook.processed", "openclaw.message.processed"),
        ("openclaw.message.processed", "openclaw.run"),
        ("openclaw.message.processed", "openclaw.message.delivery"),
        ("openclaw.run", "openclaw.harness.run"),
        ("openclaw.harness.run", "openclaw.context.assembled"),
        ("openclaw.harness.run", "openclaw.model.call"),
        ("openclaw.model.call", "openclaw.model.usage"),
    }
    assert len({span.trace_id for span in wire.spans}) == 1
    assert not any(said in repr((wire.spans, wire.receiver.points)) for said in UPDATE.values())
    lane = {point.name: point.value for point in wire.receiver.points if "queue.lane" in point.name}
    assert lane == {"openclaw.queue.lane.enqueue": 1, "openclaw.queue.lane.dequeue": 1}
