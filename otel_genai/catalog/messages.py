"""What is said of messages on their way: spans and metrics."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..events import (
    Heartbeat,
    LaneDequeued,
    LaneEnqueued,
    LivenessWarning,
    Message,
    MessageDelivery,
    MessageDispatch,
    MessageQueued,
    PayloadLarge,
    TalkEvent,
    Webhook,
)
from . import attributes as a
from .buckets import UP_TO_A_GIGABYTE, UP_TO_AN_HOUR
from .readings import CUT_SHORT, failed
from .rows import Metric, On, Read, Shape, Span


@dataclass(frozen=True)
class TwoNamedSpan(Span):
    """A span that is called something else where it failed."""

    failed_name: str = ""

    def name_in(self, shape: Shape) -> Read:
        name, failed_name = shape.name(str(self.name)), shape.name(self.failed_name)
        return lambda operation: failed_name if operation.outcome == "error" else name


CHANNEL = a.CHANNEL.of("inner.channel", "unknown")
SOURCE = a.SOURCE.of("source", "unknown")
WEBHOOK = (CHANNEL, a.WEBHOOK.of("update_type", "unknown"))
QUEUED = (a.CHANNEL.of("scope.channel", "unknown"), SOURCE)
RECEIVED = (CHANNEL, SOURCE)
DISPATCHED = (CHANNEL, a.OUTCOME.of("outcome", "unknown"), a.REASON.of("reason", "none"), SOURCE)
PROCESSED = (CHANNEL, a.OUTCOME.of("outcome", "unknown"))
DELIVERY = (CHANNEL, a.DELIVERY_KIND.of("delivery_kind", "other"))
DELIVERED = (*DELIVERY, a.OUTCOME.of("outcome"), a.ERROR_CATEGORY.of("error_category"))
TALK = (
    a.TALK_EVENT_TYPE.of("event_type", "unknown"),
    a.TALK_MODE.of("mode", "unknown"),
    a.TALK_TRANSPORT.of("transport", "unknown"),
    a.TALK_BRAIN.of("brain", "unknown"),
    a.TALK_PROVIDER.of("provider", "unknown"),
)
PAYLOAD = (
    a.PAYLOAD_SURFACE.of("surface", "unknown"),
    a.PAYLOAD_ACTION.of("action", "unknown"),
    replace(a.CHANNEL, fallback="none").of("scope.channel", "none"),
    a.PLUGIN.of("plugin", "none"),
    a.REASON.of("reason", "none"),
)


METRICS: tuple[Metric, ...] = (
    Metric(
        "openclaw.webhook.received",
        "counter",
        "1",
        "Updates that channels called in with.",
        (On(Webhook, 1, WEBHOOK, ("webhook.received",)),),
    ),
    Metric(
        "openclaw.webhook.error",
        "counter",
        "1",
        "Updates that were not taken care of, because of an error.",
        (On(Webhook, 1, WEBHOOK, ("webhook.error",)),),
    ),
    Metric(
        "openclaw.webhook.duration_ms",
        "histogram",
        "ms",
        "How long an update took that was taken care of.",
        (On(Webhook, "duration_ms", WEBHOOK, ("webhook.processed",)),),
        UP_TO_AN_HOUR,
    ),
    Metric(
        "openclaw.message.queued",
        "counter",
        "1",
        "Messages put into a queue.",
        (On(MessageQueued, 1, QUEUED),),
    ),
    Metric(
        "openclaw.queue.depth",
        "histogram",
        "1",
        "How many were waiting.",
        (
            On(MessageQueued, "queue_depth", QUEUED),
            On(LaneEnqueued, "queue_size", (a.LANE.of("lane"),)),
            On(LaneDequeued, "queue_size", (a.LANE.of("lane"),)),
            On(Heartbeat, "queued", (a.CHANNEL.always("heartbeat"),)),
            On(LivenessWarning, "queued", (a.CHANNEL.always("liveness"),)),
        ),
    ),
    Metric(
        "openclaw.message.received",
        "counter",
        "1",
        "Messages that came in.",
        (On(Message, 1, RECEIVED, ("message.received",)),),
    ),
    Metric(
        "openclaw.message.dispatch.started",
        "counter",
        "1",
        "Messages handed to whoever makes the answer.",
        (On(MessageDispatch, 1, RECEIVED, ("message.dispatch.started",)),),
    ),
    Metric(
        "openclaw.message.dispatch.completed",
        "counter",
        "1",
        "Messages that whoever makes the answer is done with.",
        (On(MessageDispatch, 1, DISPATCHED),),
    ),
    Metric(
        "openclaw.message.dispatch.duration_ms",
        "histogram",
        "ms",
        "How long the making of an answer took.",
        (On(MessageDispatch, "duration_ms", DISPATCHED),),
        UP_TO_AN_HOUR,
    ),
    Metric(
        "openclaw.message.processed",
        "counter",
        "1",
        "Messages that are done with, whichever way.",
        (On(Message, 1, PROCESSED),),
    ),
    Metric(
        "openclaw.message.duration_ms",
        "histogram",
        "ms",
        "How long a message took, from its receipt.",
        (On(Message, "duration_ms", PROCESSED),),
        UP_TO_AN_HOUR,
    ),
    Metric(
        "openclaw.message.delivery.started",
        "counter",
        "1",
        "Answers handed to a channel.",
        (On(MessageDelivery, 1, DELIVERY, ("message.delivery.started",)),),
    ),
    Metric(
        "openclaw.message.delivery.duration_ms",
        "histogram",
        "ms",
        "How long a channel took to accept an answer, or to fail.",
        (On(MessageDelivery, "duration_ms", DELIVERED),),
        UP_TO_AN_HOUR,
    ),
    Metric("openclaw.talk.event", "counter", "1", "What happened in spoken conversations.", (On(TalkEvent, 1, TALK),)),
    Metric(
        "openclaw.talk.event.duration_ms",
        "histogram",
        "ms",
        "How long it took, of what takes time in a spoken conversation.",
        (On(TalkEvent, "duration_ms", TALK),),
        UP_TO_AN_HOUR,
    ),
    Metric(
        "openclaw.talk.audio.bytes",
        "histogram",
        "By",
        "Bytes of a piece of audio.",
        (On(TalkEvent, "byte_length", TALK),),
    ),
    Metric(
        "openclaw.payload.large",
        "counter",
        "1",
        "Payloads that were too large to be taken as they are.",
        (On(PayloadLarge, 1, PAYLOAD),),
    ),
    Metric(
        "openclaw.payload.large_bytes",
        "histogram",
        "By",
        "Bytes of a payload that was too large.",
        (On(PayloadLarge, "payload_bytes", PAYLOAD),),
        UP_TO_A_GIGABYTE,
    ),
)

SPANS: tuple[Span, ...] = (
    TwoNamedSpan(
        Webhook,
        "openclaw.webhook.processed",
        "An update that a channel called in with, until it has been taken care of.",
        failed_name="openclaw.webhook.error",
        start=WEBHOOK,
        end=(a.WEBHOOK_ERROR.of(failed), a.ERROR_TYPE.of("error_type"), CUT_SHORT),
        status=failed,
    ),
    Span(
        Message,
        "openclaw.message.processed",
        "An inbound message, from its receipt until it is done with.",
        start=(CHANNEL, a.SOURCE.of("source"), a.CONVERSATION.of("scope.conversation")),
        end=(a.OUTCOME.of("outcome", "unknown"), a.REASON.of("reason"), a.ERROR_TYPE.of("error_type")),
        status=failed,
    ),
    Span(
        MessageDelivery,
        "openclaw.message.delivery",
        "The handing over of an answer to a channel.",
        start=DELIVERY,
        end=(
            a.OUTCOME.of("outcome"),
            a.ERROR_CATEGORY.of("error_category"),
            a.ERROR_TYPE.of("error_type"),
            a.DELIVERY_RESULTS.of("result_count"),
        ),
        status=failed,
    ),
)
