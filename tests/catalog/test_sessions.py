"""Sessions and lanes: what leaves when their events are published through the face."""

from __future__ import annotations

from typing import Any

import pytest

import otel_genai as genai
from otel_genai import events
from otel_genai.testing import Captured

DEPTH = "openclaw.queue.depth"
HOSTILE = "the user said: call me at home"
SESSION = {"state": "processing", "age_ms": 180_000, "reason": "no_progress"}
REQUESTED = {
    "openclaw.state": "processing",
    "openclaw.action": "abort",
    "openclaw.active_work_kind": "model_call",
    "openclaw.reason": "no_progress",
}
COMPLETED = {**REQUESTED, "openclaw.action": "abort_embedded_run", "openclaw.status": "aborted"}


def series(captured: Captured, metric: str) -> list[dict[str, Any]]:
    return [point.attributes for point in captured.points(metric)]


def test_the_depth_of_queues_is_one_metric_with_an_attribute_set_per_kind_of_queue(captured: Captured) -> None:
    with genai.bind(channel="slack"):
        genai.publish(events.MessageQueued(source="dispatch", queue_depth=2))
        genai.publish(events.LaneEnqueued(lane="main", queue_size=1))
        genai.publish(events.LaneDequeued(lane="main", queue_size=0, wait_ms=12))
        genai.publish(events.Heartbeat(active=0, waiting=0, queued=0))
        genai.publish(events.LivenessWarning(reasons=("cpu",), queued=4))
    depth = {frozenset(point.attributes.items()): (point.count, point.sum) for point in captured.points(DEPTH)}
    assert depth == {
        frozenset({("openclaw.channel", "slack"), ("openclaw.source", "dispatch")}): (1, 2),
        frozenset({("openclaw.lane", "main")}): (2, 1),
        frozenset({("openclaw.channel", "heartbeat")}): (1, 0),
        frozenset({("openclaw.channel", "liveness")}): (1, 4),
    }


@pytest.mark.parametrize(
    ("lane", "label"),
    [
        ("main", "main"),
        ("session:agent:main:telegram:dm:42", "session"),
        ("agent:main:telegram:dm:42", "unknown"),
        ("AGENT:main", "unknown"),
        ("anna's lane", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_lane_is_labelled_by_what_is_before_its_colon(captured: Captured, lane: str, label: str) -> None:
    genai.publish(events.LaneEnqueued(lane=lane, queue_size=1))
    genai.publish(events.LaneDequeued(lane=lane, queue_size=0, wait_ms=1.5))
    for metric in ("openclaw.queue.lane.enqueue", "openclaw.queue.lane.dequeue", DEPTH, "openclaw.queue.wait_ms"):
        assert series(captured, metric) == [{"openclaw.lane": label}]
    [wait] = captured.points("openclaw.queue.wait_ms")
    assert (wait.count, wait.sum, wait.unit) == (1, 1.5, "ms")


def test_a_depth_or_wait_that_was_not_observed_is_not_measured(captured: Captured) -> None:
    genai.publish(events.LaneEnqueued(lane="main"))
    genai.publish(events.LaneDequeued(lane="main"))
    genai.publish(events.Heartbeat())
    assert set(captured.metrics()) == {"openclaw.queue.lane.enqueue", "openclaw.queue.lane.dequeue"}


def test_a_change_of_state_is_counted_by_state_and_reason(captured: Captured) -> None:
    with genai.bind(session="agent:main:telegram:dm:42"):
        genai.publish(events.SessionState(state="processing", previous="idle", reason="message_start"))
        genai.publish(events.SessionState(state="idle", previous="processing"))
    assert series(captured, "openclaw.session.state") == [
        {"openclaw.state": "processing", "openclaw.reason": "message_start"},
        {"openclaw.state": "idle"},
    ]


@pytest.mark.parametrize(
    "event",
    [
        events.SessionState(state="idle", reason=HOSTILE),
        events.SessionRecoveryRequested(state="idle", reason=HOSTILE),
        events.SessionRecoveryCompleted(state="idle", outcome_reason=HOSTILE),
        events.SessionRecoveryCompleted(state="idle", reason=HOSTILE),
    ],
    ids=lambda event: event.kind,
)
def test_a_reason_in_free_text_never_becomes_a_label(captured: Captured, event: events.Event) -> None:
    genai.publish(event)
    [labels] = series(captured, f"openclaw.{event.kind}")
    assert labels["openclaw.reason"] == "unknown"


def test_a_turn_is_counted_by_agent_channel_and_trigger(captured: Captured) -> None:
    with genai.bind(agent="ada", channel="slack", session="s-1", user="anna"):
        genai.publish(events.SessionTurnCreated(trigger="heartbeat"))
    genai.publish(events.SessionTurnCreated())
    assert series(captured, "openclaw.session.turn.created") == [
        {"openclaw.agent": "ada", "openclaw.channel": "slack", "openclaw.trigger": "heartbeat"},
        {"openclaw.agent": "unknown", "openclaw.channel": "unknown", "openclaw.trigger": "unknown"},
    ]


def test_a_stuck_session_is_counted_aged_and_an_error_span(captured: Captured) -> None:
    with genai.bind(session="agent:main:telegram:dm:42"):
        genai.publish(events.SessionStuck(**SESSION, queue_depth=3, classification="stale_session_state"))
    [count], [age] = captured.points("openclaw.session.stuck"), captured.points("openclaw.session.stuck_age_ms")
    assert count.attributes == age.attributes == {"openclaw.state": "processing"}
    assert (count.value, age.sum, age.unit) == (1, 180_000, "ms")
    span = captured.span("openclaw.session.stuck")
    assert span.attributes == {
        "openclaw.state": "processing",
        "openclaw.queueDepth": 3,
        "openclaw.ageMs": 180_000,
    }
    assert (span.status, span.status_message, span.kind) == ("ERROR", "session stuck", "internal")
    assert span.start_ns == span.end_ns


def test_the_queue_of_a_stuck_session_is_empty_unless_said_otherwise(captured: Captured) -> None:
    genai.publish(events.SessionStuck(state="idle"))
    assert captured.span("openclaw.session.stuck").attributes == {"openclaw.state": "idle", "openclaw.queueDepth": 0}
    assert not captured.points("openclaw.session.stuck_age_ms")


def test_a_recovery_is_counted_and_aged_when_requested_and_when_over(captured: Captured) -> None:
    work: dict[str, Any] = {**SESSION, "active_work_kind": "model_call"}
    genai.publish(events.SessionRecoveryRequested(**work, allow_active_abort=True))
    genai.publish(events.SessionRecoveryCompleted(**work, status="aborted", action="abort_embedded_run", released=1))
    assert series(captured, "openclaw.session.recovery.requested") == [REQUESTED]
    assert series(captured, "openclaw.session.recovery.completed") == [COMPLETED]
    ages = captured.points("openclaw.session.recovery.age_ms")
    assert [(age.attributes, age.sum) for age in ages] == [(REQUESTED, 180_000), (COMPLETED, 180_000)]
    assert not captured.spans


def test_why_a_recovery_ended_so_stands_in_place_of_why_it_began(captured: Captured) -> None:
    genai.publish(
        events.SessionRecoveryCompleted(
            **SESSION, status="skipped", action="observe_only", outcome_reason="already_in_flight"
        )
    )
    [labels] = series(captured, "openclaw.session.recovery.completed")
    assert labels["openclaw.reason"] == "already_in_flight"
    assert "openclaw.active_work_kind" not in labels


def test_a_recovery_that_may_abort_nothing_only_recovers(captured: Captured) -> None:
    genai.publish(events.SessionRecoveryRequested(state="idle"))
    assert series(captured, "openclaw.session.recovery.requested") == [
        {"openclaw.state": "idle", "openclaw.action": "recover"}
    ]


@pytest.mark.parametrize(
    ("attempt", "label"), [(1, 1), (10, 10), (11, "over_10"), (10**9, "over_10"), (0, "unknown"), (-1, "unknown")]
)
def test_an_attempt_is_a_number_up_to_ten_and_one_label_beyond(
    captured: Captured, attempt: int, label: int | str
) -> None:
    genai.publish(events.RunAttempt(attempt=attempt))
    assert series(captured, "openclaw.run.attempt") == [{"openclaw.attempt": label}]


@pytest.mark.parametrize(
    "event",
    [
        events.SessionLongRunning(state="processing", age_ms=130_000, classification="long_running"),
        events.SessionStalled(state="processing", age_ms=330_000, classification="stalled_agent_run"),
        events.RunProgress(reason="assistant_delta"),
    ],
    ids=lambda event: event.kind,
)
def test_what_is_for_subscribers_reaches_them_and_nothing_else(captured: Captured, event: events.Event) -> None:
    with genai.bind(session="s-1"):
        genai.publish(event)
    assert captured.events == [event]
    assert event.scope.session == "s-1"
    assert not captured.spans
    assert not captured.metrics()


def test_subscribers_of_a_request_are_not_told_of_its_completion(captured: Captured) -> None:
    seen: list[events.Event] = []
    stop = genai.subscribe(seen.append, events.SessionRecoveryRequested)
    genai.publish(events.SessionRecoveryCompleted())
    genai.publish(requested := events.SessionRecoveryRequested())
    stop()
    assert seen == [requested]
