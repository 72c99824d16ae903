"""A span that the SDK's processors and exporters take for one of theirs, and that is told only once what it says."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import Attributes, AttributeValue

from .. import guard
from .saying import Story

if TYPE_CHECKING:
    from .spans import Ours

SAYING: Final = "making the attributes of a span"
MOST: Final = 128
"""Attributes, events and links of a span, and attributes of one of these: as many as the SDK keeps."""
UNSET: Final = Status(StatusCode.UNSET)


class Span(ReadableSpan, trace.Span):
    """What its story says first, what others tell it, and what the story says last: each over what was said before.

    Its fields are called as the SDK's are, for some processors read those.
    """

    _tracer: Ours
    _called: str
    _context: SpanContext
    _parent: SpanContext | None
    _kind: SpanKind
    _links: Sequence[Link]
    _start_time: int
    story: Story | None
    """For its end it gets another one, which nothing changes any more. None once that has been told."""
    _end_time: int | None = None
    _told: BoundedAttributes | None = None
    _made: Mapping[str, Any] | None = None
    _status_told = UNSET
    _happened: BoundedList[Event] | None = None
    _concluding: tuple[Event, ...] = ()
    """What its story says has happened at its end."""
    _replaced = False
    """Whether what it said first has been replaced by what it was told."""

    def __init__(self, **begun: Any) -> None:
        self.__dict__.update(begun)  # in one step, for it is done in every call that is observed

    # -- what it says

    @property
    def settled(self) -> bool:
        return self._made is not None

    def settle(self) -> None:
        """Make what it says, if it is over: nothing of that changes any more."""
        if self._made is None and self._end_time is not None:
            self._conclude()
            self._made = self._said()
            self.story = None

    def _conclude(self) -> None:
        """Become what its story says of its end. Two threads that ask at once make the same of it."""
        story = self.story
        ending = None if story is None else guard.call(SAYING, story.ending)
        if ending is None:
            return
        if ending.name is not None:
            self._called = ending.name
        if ending.status is not None and self._status_told.status_code is not StatusCode.OK:
            self._status_told = ending.status
        self._concluding = tuple(
            Event(name, BoundedAttributes(MOST, attributes), self._end_time) for name, attributes in ending.events
        )

    def _said(self) -> Mapping[str, Any]:
        """What it says by now. Of two threads that ask at once, the one that comes too late takes what was made."""
        story, told = self.story, self._told
        if story is None:
            return self._made or {}
        if told is None:
            return guard.call(SAYING, story.first if self._end_time is None else story.whole) or {}
        first = None if self._replaced else guard.call(SAYING, story.first)
        said = BoundedAttributes(MOST, first, immutable=False)
        last = guard.call(SAYING, story.last) if self._end_time is not None else None
        for attributes in (told, last or {}):
            said.update(attributes)
        said.dropped += told.dropped
        return said

    @property
    def attributes(self) -> Attributes:
        self.settle()
        made = self._made
        return MappingProxyType(self._said() if made is None else made)

    @property
    def _attributes(self) -> Attributes:
        """A field there, into which processors that scrub spans put something else."""
        return self.attributes

    @_attributes.setter
    def _attributes(self, attributes: Attributes) -> None:
        if self._end_time is None:
            self._told, self._replaced = BoundedAttributes(MOST, attributes, immutable=False), True
        else:
            self.settle()
            self._made, self.story = attributes or {}, None

    # -- what others tell it

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        self.set_attributes({key: value})

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        if self._open("attributes"):
            told = self._told
            if told is None:  # of two threads, both get what came first
                told = self.__dict__.setdefault("_told", BoundedAttributes(MOST, immutable=False))
            for name, value in attributes.items():
                told[name] = value

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        if self._open("an event"):
            happened = self._happened
            if happened is None:
                happened = self.__dict__.setdefault("_happened", BoundedList(MOST))
            happened.append(Event(name, BoundedAttributes(MOST, attributes), timestamp))

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        if self._open("a link") and (context.is_valid or attributes or context.trace_state):
            self._links = [*self._links, Link(context, BoundedAttributes(MOST, attributes))][-MOST:]

    def update_name(self, name: str) -> None:
        if self._open("a name"):
            self._called = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        said = status if isinstance(status, Status) else Status(status, description)
        final = self._status_told.status_code is StatusCode.OK
        if not final and said.status_code is not StatusCode.UNSET and self._open("a status"):
            self._status_told = said

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        kind = type(exception)
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        said = {
            "exception.type": f"{module}{kind.__qualname__}",
            "exception.message": str(exception),
            "exception.stacktrace": "".join(traceback.format_exception(exception)),
            "exception.escaped": str(escaped),
        }
        self.add_event("exception", {**said, **(attributes or {})}, timestamp)

    def _open(self, what: str) -> bool:
        if self._end_time is not None:
            guard.logger.warning("span %s is over and takes no more: %s", self._name, what)
        return self._end_time is None

    def end(self, end_time: int | None = None) -> None:
        if self._end_time is not None and not self._open("an end"):
            return
        self._end_time = time.time_ns() if end_time is None else end_time
        provider = self._tracer.provider
        for ending in provider.ending:
            ending(self)
        provider.processors.on_end(self)

    # -- what is read of it

    def is_recording(self) -> bool:
        return self._end_time is None

    def get_span_context(self) -> SpanContext:
        return self._context

    @property
    def context(self) -> SpanContext | None:
        return self._context

    @property
    def name(self) -> str:
        self.settle()
        return self._called

    @property
    def _name(self) -> str:
        """A field there, as `_attributes` is."""
        return self.name

    @_name.setter
    def _name(self, name: str) -> None:
        self.settle()
        self._called = name

    @property
    def kind(self) -> SpanKind:
        return self._kind

    @property
    def parent(self) -> SpanContext | None:
        return self._parent

    @property
    def start_time(self) -> int | None:
        return self._start_time

    @property
    def end_time(self) -> int | None:
        return self._end_time

    @property
    def status(self) -> Status:
        self.settle()
        return self._status_told

    @property
    def _status(self) -> Status:
        return self.status

    @_status.setter
    def _status(self, status: Status) -> None:
        self.settle()
        self._status_told = status

    @property
    def events(self) -> Sequence[Event]:
        self.settle()
        return (*(self._happened or ()), *self._concluding)[-MOST:]

    @property
    def links(self) -> Sequence[Link]:
        return tuple(self._links)

    @property
    def resource(self) -> Resource:
        return self._tracer.provider.resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope | None:
        return self._tracer.scope

    _instrumentation_scope = instrumentation_scope

    @property
    def instrumentation_info(self) -> None:
        """What exporters of old read; they get the scope."""

    @property
    def dropped_attributes(self) -> int:
        self.settle()
        return self._made.dropped if isinstance(self._made, BoundedAttributes) else 0

    @property
    def dropped_events(self) -> int:
        self.settle()
        happened = self._happened or BoundedList(MOST)
        return happened.dropped + max(0, len(happened) + len(self._concluding) - MOST)

    @property
    def dropped_links(self) -> int:
        return 0

    def to_json(self, indent: int | None = 4) -> str:
        said: str = ReadableSpan(
            self.name,
            self._context,
            self._parent,
            self.resource,
            dict(self.attributes or {}),
            self.events,
            self.links,
            self._kind,
            status=self.status,
            start_time=self._start_time,
            end_time=self._end_time,
            instrumentation_scope=self._tracer.scope,
        ).to_json(indent)
        return said
