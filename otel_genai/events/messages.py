"""Messages on their way through a gateway: webhooks, what is decided about a message, its delivery, and talk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..scope import Scope
from .event import Event, Operation


@dataclass(eq=False, kw_only=True)
class ChannelWork(Operation):
    """Work for a channel (`slack`, `telegram` ...), which everything inside of it is told."""

    channel: str | None = None
    """Where it differs from the channel of the scope, or that has none; read `inner.channel`."""

    def inside(self) -> Scope:
        scope = self.scope
        return scope._replace(operation=self, channel=self.channel or scope.channel)


@dataclass(eq=False, kw_only=True)
class Webhook(ChannelWork):
    """A channel called in: from the update's receipt until it has been taken care of."""

    started_kind = "webhook.received"
    completed_kind = "webhook.processed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "webhook.error"}

    update_type: str | None = None
    """What the channel calls the update: `message`, `callback_query` ..."""
    chat_id: str | int | None = None
    """For subscribers; it is never exported."""


@dataclass(eq=False, kw_only=True)
class MessageQueued(Event):
    """A message was put into a queue, to be dispatched."""

    kind = "message.queued"

    source: str | None = None
    queue_depth: int | None = None


@dataclass(eq=False, kw_only=True)
class Message(ChannelWork):
    """An inbound message: from its receipt until it has been answered, skipped or given up."""

    started_kind = "message.received"
    completed_kind = "message.processed"

    source: str | None = None
    """What took it in: `dispatcher`, `poller` ..."""
    reason: str | None = None
    """Why it ended as it did, in a bounded word: `duplicate`, `replied` ..."""
    message_id: str | int | None = None
    """For subscribers; it is never exported."""
    chat_id: str | int | None = None
    """For subscribers; it is never exported."""


@dataclass(eq=False, kw_only=True)
class MessageDispatch(ChannelWork):
    """A message is with whoever makes the answer to it."""

    started_kind = "message.dispatch.started"
    completed_kind = "message.dispatch.completed"

    source: str | None = None
    """Who makes the answer, or what took the message in."""
    reason: str | None = None
    """Why it ended as it did, in a bounded word."""


@dataclass(eq=False, kw_only=True)
class MessageDelivery(ChannelWork):
    """An answer is handed to the channel, until the channel has taken it."""

    started_kind = "message.delivery.started"
    completed_kind = "message.delivery.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "message.delivery.error"}

    delivery_kind: str | None = None
    """`text`, `media`, `edit`, `reaction` or `other`."""
    result_count: int | None = None
    """How many messages the channel made of it."""


@dataclass(eq=False, kw_only=True)
class TalkEvent(Event):
    """Something happened in a spoken conversation; what was said is never here.

    Publish it where it happens: `genai.publish(events.TalkEvent(event_type="turn.ended", mode="realtime"))`.
    """

    kind = "talk.event"

    event_type: str | None = None
    """`turn.ended`, `input.audio.delta` ..."""
    mode: str | None = None
    """`realtime`, `stt-tts` or `transcription`."""
    transport: str | None = None
    """`webrtc`, `provider-websocket`, `gateway-relay` or `managed-room`."""
    brain: str | None = None
    """Who thinks: `agent-consult`, `direct-tools` or `none`."""
    provider: str | None = None
    duration_ms: float | None = None
    byte_length: int | None = None
    """Bytes of the audio."""


@dataclass(eq=False, kw_only=True)
class PayloadLarge(Event):
    """A payload was large: too large to be taken as it is, or above what `large_payload_bytes` says.

    The middleware publishes it of bodies and frames where that option is set. Publish it wherever else something is
    refused or cut.
    """

    kind = "payload.large"

    surface: str | None = None
    """Where it came up: `gateway.http.request`, `.response`, `gateway.ws.frame`, `gateway.ws.outbound` ..."""
    action: str | None = None
    """`rejected`, `truncated` or `chunked`; `observed` where it was taken as it is."""
    payload_bytes: int | None = None
    limit_bytes: int | None = None
    plugin: str | None = None
    reason: str | None = None
    """Which limit it was, in a bounded word: `json_body_limit` ..."""
