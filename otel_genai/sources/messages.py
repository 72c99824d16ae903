"""`webhook` and `message`: a message's way through a gateway, as decorators and as `with` blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from ..events import Message, MessageDelivery, MessageDispatch, Operation, Webhook
from .observe import Block, made

F = TypeVar("F", bound=Callable[..., Any])
O = TypeVar("O", bound=Operation)  # noqa: E741 (an operation)


class WebhookBlock(Block[Webhook]):
    """A channel's call with an update."""

    name_field = "channel"


class DecidedBlock(Block[O]):
    """What ends as somebody decides, where no exception does."""

    def outcome(self, outcome: str, reason: str | None = None) -> None:
        """Say how it ends, and why, in bounded words (`"skipped"`, `"duplicate"`); an exception is always an error."""
        self.event.declared = outcome
        self.event.update(reason=reason)


class DispatchBlock(DecidedBlock[MessageDispatch]):
    """A message that is with whoever makes the answer."""

    name_field = "source"


class DeliveryBlock(Block[MessageDelivery]):
    """An answer on its way to the channel."""

    name_field = "delivery_kind"

    def results(self, count: int) -> None:
        """Say how many messages the channel made of the answer."""
        self.event.result_count = count


class MessageBlock(DecidedBlock[Message]):
    """An inbound message; its dispatch and its deliveries are made of it, and are for the same channel."""

    name_field = "channel"

    @overload
    def dispatch(self, function: F, /) -> F: ...
    @overload
    def dispatch(self, source: str | None = None) -> DispatchBlock: ...
    def dispatch(self, source: Any = None) -> Any:
        """Observe the making of the answer: `with message.dispatch():`, or as a decorator.

        Args:
            source: who makes it; by default what took the message in.
        """
        return made(DispatchBlock, MessageDispatch, source, False, self._told("channel", "source"))

    @overload
    def delivery(self, function: F, /) -> F: ...
    @overload
    def delivery(self, kind: str | None = None) -> DeliveryBlock: ...
    def delivery(self, kind: Any = None) -> Any:
        """Observe the handing over of an answer: `with message.delivery("text") as sent:`, or as a decorator.

        Args:
            kind: `text`, `media`, `edit`, `reaction` or `other`.
        """
        return made(DeliveryBlock, MessageDelivery, kind, False, self._told("channel"))

    def _told(self, *names: str) -> dict[str, Any]:
        return {name: self.fields.get(name) for name in names}


# -- the face


@overload
def webhook(function: F, /) -> F: ...
@overload
def webhook(
    channel: str | None = None,
    /,
    *,
    update_type: str | None = None,
    chat_id: str | int | None = None,
    new_trace: bool = False,
) -> WebhookBlock: ...
def webhook(first: Any = None, /, *, new_trace: bool = False, **fields: Any) -> Any:
    """Observe a channel's call: `@webhook("telegram")`, or `with webhook("telegram", update_type="message"):`.

    What happens inside is for that channel. An error is exported by its class, never by its message.

    Args:
        first: the channel; by default that of the scope.
        update_type: what the channel calls the update, as `message` or `callback_query`.
        chat_id: for subscribers; it is never exported.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that a webhook does not have.
    """
    return made(WebhookBlock, Webhook, first, new_trace, fields)


@overload
def message(function: F, /) -> F: ...
@overload
def message(
    channel: str | None = None,
    /,
    *,
    source: str | None = None,
    message_id: str | int | None = None,
    chat_id: str | int | None = None,
    new_trace: bool = False,
) -> MessageBlock: ...
def message(first: Any = None, /, *, new_trace: bool = False, **fields: Any) -> Any:
    """Observe an inbound message, from its receipt until it is done with: `with message("slack") as message:`.

    What happens inside is for that channel. Inside, `message.dispatch()` and `message.delivery("text")` are blocks
    and decorators of their own, and `message.outcome("skipped", reason="duplicate")` says how it ended.

    Args:
        first: the channel; by default that of the scope.
        source: what took it in, as `dispatcher`.
        message_id, chat_id: for subscribers; they are never exported.
        new_trace: begin a trace of its own, linked to what is current.

    Raises:
        TypeError: for a field that a message does not have.
    """
    return made(MessageBlock, Message, first, new_trace, fields)
