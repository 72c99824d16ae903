"""A message on its way: what webhooks, messages, dispatches, deliveries and talk leave behind, through the face."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import events
from otel_genai.scope import current
from otel_genai.testing import Captured, capture

SECRET = "the prompt was: tell me a secret"
SESSION_KEY = "agent:main:telegram:dm:42"


def only(captured: Captured, metric: str) -> tuple[dict[str, Any], float | None]:
    """The attributes of a metric's one series, and its sum, or its count where it is a histogram."""
    (point,) = captured.points(metric)
    return point.attributes, point.count if point.count is not None else point.value


def answer() -> None:
    """One webhook with a message that is dispatched and answered."""
    with genai.webhook("telegram", update_type="message"), genai.message("telegram", source="dispatcher") as message:
        with message.dispatch("replyResolver") as dispatch:
            dispatch.outcome("completed", reason="ok")
        with message.delivery(kind="text") as sent:
            sent.results(1)
        message.outcome("completed", reason="replied")


TELEGRAM = {"openclaw.channel": "telegram"}
UPDATE = {**TELEGRAM, "openclaw.webhook": "message"}
TAKEN = {**TELEGRAM, "openclaw.source": "dispatcher"}
RESOLVED = {**TELEGRAM, "openclaw.source": "replyResolver"}
TEXT = {**TELEGRAM, "openclaw.delivery.kind": "text"}
COMPLETED = {"openclaw.outcome": "completed"}


@pytest.mark.parametrize(
    ("metric", "attributes"),
    [
        ("openclaw.webhook.received", UPDATE),
        ("openclaw.webhook.duration_ms", UPDATE),
        ("openclaw.message.received", TAKEN),
        ("openclaw.message.dispatch.started", RESOLVED),
        ("openclaw.message.dispatch.completed", {**RESOLVED, **COMPLETED, "openclaw.reason": "ok"}),
        ("openclaw.message.dispatch.duration_ms", {**RESOLVED, **COMPLETED, "openclaw.reason": "ok"}),
        ("openclaw.message.processed", {**TELEGRAM, **COMPLETED}),
        ("openclaw.message.duration_ms", {**TELEGRAM, **COMPLETED}),
        ("openclaw.message.delivery.started", TEXT),
        ("openclaw.message.delivery.duration_ms", {**TEXT, **COMPLETED}),
    ],
)
def test_a_message_on_its_way_feeds_the_documented_metrics(
    captured: Captured, metric: str, attributes: dict[str, str]
) -> None:
    answer()
    assert only(captured, metric) == (attributes, 1)


@pytest.mark.parametrize(
    ("name", "parent", "attributes"),
    [
        ("openclaw.webhook.processed", None, UPDATE),
        (
            "openclaw.message.processed",
            "openclaw.webhook.processed",
            {**TAKEN, **COMPLETED, "openclaw.reason": "replied"},
        ),
        (
            "openclaw.message.delivery",
            "openclaw.message.processed",
            {**TEXT, **COMPLETED, "openclaw.delivery.result_count": 1},
        ),
    ],
)
def test_a_message_on_its_way_is_one_trace_of_the_documented_spans(
    captured: Captured, name: str, parent: str | None, attributes: dict[str, Any]
) -> None:
    answer()
    span = captured.span(name)
    found = captured.parent(span)
    assert (found.name if found else None, span.attributes, span.status, span.kind) == (
        parent,
        attributes,
        "UNSET",
        "internal",
    )
    assert len(captured.spans) == 3


def test_events_have_the_documented_wire_names_from_receipt_to_end() -> None:
    told: list[str] = []
    stop = genai.subscribe(lambda event: told.append(event.kind))
    answer()
    stop()
    assert told == [
        "webhook.received",
        "message.received",
        "message.dispatch.started",
        "message.dispatch.completed",
        "message.delivery.started",
        "message.delivery.completed",
        "message.processed",
        "webhook.processed",
    ]


def test_an_error_in_a_webhook_is_told_by_its_class_and_never_by_its_message(captured: Captured) -> None:
    with pytest.raises(ValueError, match="secret"), genai.webhook("telegram", update_type="message"):
        raise ValueError(SECRET)
    span = captured.span("openclaw.webhook.error")
    assert (span.status, span.status_message) == ("ERROR", "ValueError")
    assert span.attributes == {**UPDATE, "openclaw.error": "ValueError", "error.type": "ValueError"}
    assert only(captured, "openclaw.webhook.error") == (UPDATE, 1)
    assert captured.points("openclaw.webhook.duration_ms") == []
    assert captured.events[-1].kind == "webhook.error"
    assert "secret" not in repr(captured.spans) + repr(captured.metrics())


def test_an_error_in_a_message_is_told_by_its_class_and_never_by_its_message(captured: Captured) -> None:
    with pytest.raises(ValueError, match="secret"), genai.message("slack") as message, message.dispatch():
        raise ValueError(SECRET)
    span = captured.span("openclaw.message.processed")
    assert (span.status, span.status_message, span["openclaw.outcome"]) == ("ERROR", "ValueError", "error")
    assert "openclaw.reason" not in span
    slack = {"openclaw.channel": "slack", "openclaw.outcome": "error"}
    assert only(captured, "openclaw.message.processed") == (slack, 1)
    dispatched = {**slack, "openclaw.reason": "none", "openclaw.source": "unknown"}
    assert only(captured, "openclaw.message.dispatch.completed") == (dispatched, 1)
    assert "secret" not in repr(captured.spans) + repr(captured.metrics())


def test_a_delivery_that_fails_is_an_error_of_its_own(captured: Captured) -> None:
    with genai.message("slack") as message, pytest.raises(ConnectionResetError), message.delivery("media"):
        raise ConnectionResetError(SECRET)
    span = captured.span("openclaw.message.delivery")
    failed = {
        "openclaw.channel": "slack",
        "openclaw.delivery.kind": "media",
        "openclaw.outcome": "error",
        "openclaw.errorCategory": "ConnectionResetError",
    }
    assert (span.status, span.status_message) == ("ERROR", "ConnectionResetError")
    assert span.attributes == {**failed, "error.type": "ConnectionResetError"}
    assert only(captured, "openclaw.message.delivery.duration_ms") == (failed, 1)
    assert [event.kind for event in captured.events] == ["message.delivery.error", "message.processed"]
    assert captured.span("openclaw.message.processed").status == "UNSET"


def test_a_failure_that_is_not_raised_can_be_declared(captured: Captured) -> None:
    with genai.message("slack") as message, message.delivery("text") as sent:
        sent.fail("rate_limit")
        message.outcome("error")
    assert captured.span("openclaw.message.delivery").status_message == "rate_limit"
    attributes, _ = only(captured, "openclaw.message.delivery.duration_ms")
    assert attributes["openclaw.errorCategory"] == "rate_limit"
    assert captured.span("openclaw.message.processed").status == "ERROR"


def test_what_is_cancelled_is_no_error(captured: Captured) -> None:
    with (
        pytest.raises(asyncio.CancelledError),
        genai.webhook("slack"),
        genai.message("slack") as message,
        message.dispatch(),
        message.delivery("text"),
    ):
        raise asyncio.CancelledError
    assert {span.status for span in captured.spans} == {"UNSET"}
    assert captured.span("openclaw.webhook.processed")["otel_genai.outcome"] == "cancelled"
    for metric in ("message.processed", "message.dispatch.completed", "message.delivery.duration_ms"):
        attributes, _ = only(captured, f"openclaw.{metric}")
        assert attributes["openclaw.outcome"] == "cancelled"
    assert captured.points("openclaw.webhook.error") == []


@pytest.mark.parametrize(("outcome", "reason"), [("skipped", "duplicate"), ("blocked", "policy")])
def test_what_is_skipped_or_blocked_says_why_and_is_no_error(captured: Captured, outcome: str, reason: str) -> None:
    with genai.message("slack", source="dispatcher") as message:
        with message.dispatch() as dispatch:
            dispatch.outcome(outcome, reason=reason)
        message.outcome(outcome, reason=reason)
    span = captured.span("openclaw.message.processed")
    assert (span.status, span["openclaw.outcome"], span["openclaw.reason"]) == ("UNSET", outcome, reason)
    slack = {"openclaw.channel": "slack", "openclaw.outcome": outcome}
    assert only(captured, "openclaw.message.duration_ms") == (slack, 1)
    dispatched = {**slack, "openclaw.source": "dispatcher", "openclaw.reason": reason}
    assert only(captured, "openclaw.message.dispatch.duration_ms") == (dispatched, 1)


def test_an_exception_outweighs_what_was_decided(captured: Captured) -> None:
    def fails() -> None:
        with genai.message("slack") as message:
            message.outcome("skipped", reason="duplicate")
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert captured.span("openclaw.message.processed")["openclaw.outcome"] == "error"


@pytest.mark.parametrize("block", [genai.webhook("slack"), genai.message("slack")])
def test_what_happens_inside_is_for_the_channel_and_nothing_after_it(captured: Captured, block: Any) -> None:
    with genai.bind(channel="web"):
        with block:
            assert current().channel == "slack"
            genai.publish(events.MessageQueued(source="dispatcher"))
        assert current().channel == "web"
    attributes, _ = only(captured, "openclaw.message.queued")
    assert attributes["openclaw.channel"] == "slack"


def test_without_a_channel_of_its_own_a_message_is_for_that_of_the_scope(captured: Captured) -> None:
    with genai.bind(channel="web", conversation="c-1"), genai.message(source="poller") as message, message.delivery():
        pass
    span = captured.span("openclaw.message.processed")
    assert (span["openclaw.channel"], span["gen_ai.conversation.id"]) == ("web", "c-1")
    attributes, _ = only(captured, "openclaw.message.delivery.started")
    assert attributes == {"openclaw.channel": "web", "openclaw.delivery.kind": "other"}


def test_an_agent_at_work_on_a_message_is_in_its_trace_and_for_its_channel(captured: Captured) -> None:
    with genai.message("slack") as message, message.dispatch(), genai.agent("planner"):
        pass
    agent = captured.span("openclaw.harness.run")
    assert agent["openclaw.channel"] == "slack"
    parent = captured.parent(agent)
    assert parent is not None
    assert parent.name == "openclaw.message.processed"


def test_what_nobody_says_has_the_documented_fallbacks(captured: Captured) -> None:
    with genai.webhook(), genai.message() as message:
        with message.dispatch():
            pass
        with message.delivery():
            pass
    unknown = {"openclaw.channel": "unknown"}
    assert only(captured, "openclaw.webhook.received") == ({**unknown, "openclaw.webhook": "unknown"}, 1)
    assert only(captured, "openclaw.message.received") == ({**unknown, "openclaw.source": "unknown"}, 1)
    attributes, _ = only(captured, "openclaw.message.dispatch.completed")
    assert attributes["openclaw.reason"] == "none"
    attributes, _ = only(captured, "openclaw.message.delivery.started")
    assert attributes["openclaw.delivery.kind"] == "other"


@pytest.mark.parametrize("hostile", [SESSION_KEY, "free text", "x" * 121])
def test_every_label_is_bounded(captured: Captured, hostile: str) -> None:
    with genai.webhook(hostile, update_type=hostile), genai.message(hostile, source=hostile) as message:
        with message.dispatch(hostile) as dispatch:
            dispatch.outcome(hostile, reason=hostile)
        with message.delivery(hostile) as sent:
            sent.fail(hostile)
        message.outcome(hostile, reason=hostile)
        genai.publish(events.TalkEvent(event_type=hostile, mode=hostile, transport=hostile, brain=hostile))
        genai.publish(events.PayloadLarge(surface=hostile, action=hostile, plugin=hostile, reason=hostile))
    said = {value for points in captured.metrics().values() for point in points for value in point.attributes.values()}
    assert said == {"unknown", "none", "other", "error"}


def test_ids_of_chats_messages_and_sessions_are_for_subscribers_and_never_leave(captured: Captured) -> None:
    told = genai.message("telegram", message_id="m-4712", chat_id=4711)
    with genai.bind(session=SESSION_KEY), genai.webhook("telegram", chat_id=4711), told as message, message.delivery():
        pass
    assert message.event.message_id == "m-4712"
    assert message.event.scope.session == SESSION_KEY
    left = repr(captured.spans) + repr(captured.metrics())
    assert not any(secret in left for secret in ("4711", "m-4712", SESSION_KEY))


slack = genai.message("slack", source="dispatcher")


@slack
async def handle(text: str) -> str:
    return await resolve(text)


@slack.dispatch("replyResolver")
async def resolve(text: str) -> str:
    return send(text.upper())


@slack.delivery(kind="text")
def send(text: str) -> str:
    return text


@genai.webhook("slack", update_type="message")
async def called(text: str) -> str:
    async with genai.message("slack") as message, message.delivery("text") as sent:
        sent.results(2)
    return await handle(text)


def test_as_decorators_they_observe_every_call(captured: Captured) -> None:
    assert asyncio.run(called("hi")) == "HI"
    assert [span.name for span in captured.spans] == [
        *("openclaw.message.delivery", "openclaw.message.processed"),
        *("openclaw.message.delivery", "openclaw.message.processed"),
        "openclaw.webhook.processed",
    ]
    assert len({span.trace_id for span in captured.spans}) == 1
    attributes, _ = only(captured, "openclaw.message.dispatch.started")
    assert attributes == {"openclaw.channel": "slack", "openclaw.source": "replyResolver"}


def test_a_delivery_outside_of_any_message_is_still_for_its_channel(captured: Captured) -> None:
    send("hi")
    assert captured.span("openclaw.message.delivery").parent_id is None
    attributes, _ = only(captured, "openclaw.message.delivery.started")
    assert attributes == {"openclaw.channel": "slack", "openclaw.delivery.kind": "text"}


@pytest.mark.parametrize("decorate", [genai.webhook, genai.message, slack.dispatch, slack.delivery])
def test_a_bare_decorator_leaves_the_function_what_it_is(captured: Captured, decorate: Callable[..., Any]) -> None:
    def work(text: str) -> str:
        return text

    decorated = decorate(work)
    assert decorated("hi") == "hi"
    assert inspect.signature(decorated) == inspect.signature(work)
    assert len(captured.events) == 1


def test_several_messages_at_once_keep_their_own_outcomes(captured: Captured) -> None:
    async def one(outcome: str) -> None:
        async with slack as message:
            await asyncio.sleep(0)
            message.outcome(outcome)

    async def all_of_them() -> None:
        await asyncio.gather(one("completed"), one("skipped"), one("blocked"))

    asyncio.run(all_of_them())
    outcomes = {point["openclaw.outcome"]: point.value for point in captured.points("openclaw.message.processed")}
    assert outcomes == {"completed": 1, "skipped": 1, "blocked": 1}


@pytest.mark.parametrize("make", [genai.webhook, genai.message])
def test_a_field_that_there_is_not_is_refused(make: Any) -> None:
    with pytest.raises(TypeError, match="has no field 'chanel'"):
        make("slack", chanel="x")


def test_without_anybody_listening_nothing_happens() -> None:
    with genai.message("slack") as message, message.delivery() as sent:
        sent.results(1)
        message.outcome("skipped")
        assert current().operation is None


@pytest.mark.parametrize("semconv", ["gen_ai_latest_experimental", "gen_ai_latest_experimental/dup"])
def test_what_has_no_standard_name_keeps_its_own_in_every_shape(semconv: str) -> None:
    with capture(semconv=semconv) as captured:
        answer()
        names = {span.name for span in captured.spans}
        assert names == {"openclaw.webhook.processed", "openclaw.message.processed", "openclaw.message.delivery"}
        assert only(captured, "openclaw.message.processed")[1] == 1


def test_a_namespace_replaces_the_prefix_of_both_names_of_a_webhook() -> None:
    with capture(namespace="acme") as captured:
        answer()
        with pytest.raises(KeyError), genai.webhook("slack"):
            raise KeyError
        assert captured.span("acme.webhook.processed")["acme.webhook"] == "message"
        assert captured.span("acme.webhook.error")["acme.error"] == "KeyError"


SPOKEN = {"event_type": "turn.ended", "mode": "realtime", "transport": "webrtc", "brain": "none", "provider": "openai"}


@pytest.mark.parametrize(
    ("measured", "metric", "amount"),
    [
        ({"duration_ms": 1800.0}, "openclaw.talk.event.duration_ms", 1800),
        ({"byte_length": 3200}, "openclaw.talk.audio.bytes", 3200),
        ({"byte_length": 0}, "openclaw.talk.audio.bytes", 0),
    ],
)
def test_talk_is_counted_and_measured_where_it_says_so(
    captured: Captured, measured: dict[str, Any], metric: str, amount: int
) -> None:
    genai.publish(events.TalkEvent(**SPOKEN, **measured))
    attributes = {f"openclaw.talk.{name}": value for name, value in SPOKEN.items()}
    assert only(captured, "openclaw.talk.event") == (attributes, 1)
    assert only(captured, metric) == (attributes, 1)
    assert captured.points(metric)[0].sum == amount
    assert captured.spans == []


def test_talk_that_measured_nothing_is_only_counted(captured: Captured) -> None:
    genai.publish(events.TalkEvent(event_type="turn.started"))
    attributes, count = only(captured, "openclaw.talk.event")
    assert (attributes["openclaw.talk.provider"], count) == ("unknown", 1)
    assert captured.metrics().keys() == {"openclaw.talk.event"}


def test_a_payload_that_is_too_large_is_counted_and_measured(captured: Captured) -> None:
    large = events.PayloadLarge(
        surface="gateway.http.json", action="rejected", payload_bytes=9_000_000, reason="json_body_limit"
    )
    genai.publish(large)
    attributes = {
        "openclaw.payload.surface": "gateway.http.json",
        "openclaw.payload.action": "rejected",
        "openclaw.channel": "none",
        "openclaw.plugin": "none",
        "openclaw.reason": "json_body_limit",
    }
    assert only(captured, "openclaw.payload.large") == (attributes, 1)
    (point,) = captured.points("openclaw.payload.large_bytes")
    assert (point.sum, point.unit, point.attributes) == (9_000_000, "By", attributes)
    assert max(point.bounds) == 2**30


def test_a_queue_is_measured_with_the_channel_and_source_of_its_messages(captured: Captured) -> None:
    with genai.bind(channel="telegram"):
        genai.publish(events.MessageQueued(source="dispatch", queue_depth=0))
    attributes = {"openclaw.channel": "telegram", "openclaw.source": "dispatch"}
    assert only(captured, "openclaw.message.queued") == (attributes, 1)
    assert only(captured, "openclaw.queue.depth") == (attributes, 1)
