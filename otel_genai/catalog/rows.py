"""What a row of the catalog is, and how a value is read off an event."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from .. import privacy
from ..events import Event

Read = Callable[[Any], Any]
Instrument = Literal["counter", "up_down_counter", "histogram", "gauge"]
SpanKind = Literal["internal", "client", "server"]
Value = str | bool | int | float | tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """Which conventions are spoken, and what the two vendor prefixes are called."""

    spans: Literal["default", "latest"] = "default"
    metrics: frozenset[str] = frozenset({"default"})
    namespace: str = "openclaw"
    agent_namespace: str = "nora"

    @classmethod
    def named(cls, name: str, namespace: str = "openclaw", agent_namespace: str = "nora") -> Shape:
        """`default`, `latest`, or `dup`: the latest shape with the metrics of both."""
        metrics = frozenset({"default", "latest"}) if name == "dup" else frozenset({name})
        return cls("default" if name == "default" else "latest", metrics, namespace, agent_namespace)

    def name(self, name: str) -> str:
        """`name` with the vendor prefix that the user chose; standard names never change."""
        for prefix, chosen in (("openclaw.", self.namespace), ("nora.", self.agent_namespace)):
            if name.startswith(prefix) and chosen:
                return f"{chosen}.{name.removeprefix(prefix)}"
        return name


@dataclass(frozen=True)
class Attribute:
    """An attribute's name and its two readings: bounded as a metric label, whole on a span."""

    name: str
    doc: str
    latest: str | None = None
    """Its name under the latest conventions, where that is another."""
    fallback: str = "unknown"
    """What stands on a metric for a value that is not fit to be a label."""
    label_allowed: bool = True
    """False for what names a person, a session or a request: never on a metric."""

    def name_in(self, shape: Shape) -> str:
        return shape.name(self.latest if self.latest and shape.spans == "latest" else self.name)

    def label(self, value: Any) -> Value:
        if isinstance(value, str):
            return privacy.label(value, self.fallback)
        return value if isinstance(value, (bool, int)) else privacy.label(str(value), self.fallback)

    def value(self, value: Any) -> Value | None:
        """What stands on a span; `None` where nothing may."""
        if type(value) is int:  # what most are that are not remembered
            return value
        if isinstance(value, str):
            return (privacy.word(value) or self.fallback) if self.label_allowed else privacy.text(value)
        if isinstance(value, tuple):
            return tuple(text for item in value if (text := privacy.text(str(item))) is not None)
        return value if isinstance(value, (bool, int, float)) else privacy.text(str(value))

    def of(self, source: str | Read, missing: str | None = None, fit: Read | None = None) -> Source:
        """This attribute, read off a field of the event (`"scope.channel"`) or by a function of it.

        Where the event does not say, it is left out, or `missing` stands for it. `fit` makes of what it says what may
        stand there, or `None`.
        """
        if isinstance(source, str):
            return Source(self, attrgetter(source), missing, source, fit=fit)
        return Source(self, source, missing, fit=fit)

    def always(self, value: Value) -> Source:
        """This attribute with one value for every event."""
        return Source(self, lambda _: value, constant=value)


@dataclass(frozen=True)
class Source:
    """An attribute and where its value comes from."""

    attribute: Attribute
    read: Read
    missing: str | None = None
    path: str | None = None
    """The field that is read, where it is one (`"scope.channel"`)."""
    constant: Value | None = None
    """What is read off every event, where that is always the same."""
    fit: Read | None = None
    """What makes of a value one that may stand there."""

    @property
    def reading(self) -> str | Read:
        """How it is read, for `together`."""
        return self.path or self.read

    def label_of(self, value: Any) -> Value | None:
        """The label for what was read, as `together` reads it."""
        found = self._fitted(value)
        return self.missing if found is None else self.attribute.label(found)

    def value_of(self, value: Any) -> Value | None:
        """The same on a span."""
        found = self._fitted(value)
        return self.missing if found is None else self.attribute.value(found)

    def _fitted(self, value: Any) -> Any:
        return value if value is None or self.fit is None else self.fit(value)


Sources = tuple[Source, ...]


def together(readings: Iterable[str | Read]) -> Callable[[Event], tuple[Any, ...]]:
    """What reads all of these off an event, in their order: fields by their path, and functions of it.

    Fields that come first are read in one step, which is far faster than one by one.
    """
    readings = tuple(readings)
    paths = [one for one in takewhile(is_path, readings) if isinstance(one, str)]
    reads = tuple(attrgetter(one) if isinstance(one, str) else one for one in readings)
    if len(paths) < 2:
        first = reads[0] if len(reads) == 1 else None
        return (lambda event: (first(event),)) if first else (lambda event: tuple([read(event) for read in reads]))
    fields, calls = attrgetter(*paths), reads[len(paths) :]
    return (lambda event: (*fields(event), *[read(event) for read in calls])) if calls else fields


def is_path(reading: str | Read) -> bool:
    return isinstance(reading, str)


class Only(NamedTuple):
    """Of which events a row is for: those whose field, one of few values, passes."""

    path: str
    passes: Callable[[Any], bool]


@dataclass(frozen=True)
class On:
    """One event type that a metric is read off: the amount, the attributes, and at which wire names."""

    event: type[Event]
    amount: str | int | Read
    """A field of the event, a constant, or a function of it; `None` records nothing, and ends a gauge's series.

    A gauge's value holds for the event's `fresh_ms` milliseconds, where it has that field, else for five minutes.
    """
    sources: Sources = ()
    kinds: tuple[str, ...] = ()
    """The wire names at which it is recorded; by default every one but that of the start."""
    only: tuple[Only, ...] = ()

    def applies(self, kind: str) -> bool:
        return kind in self.kinds if self.kinds else kind != getattr(self.event, "started_kind", None)

    @property
    def reading(self) -> str | Read:
        """How its amount is read, for `together`."""
        amount = self.amount
        return (lambda _: amount) if isinstance(amount, int) else amount

    @property
    def read(self) -> Read:
        reading = self.reading
        return attrgetter(reading) if isinstance(reading, str) else reading


@dataclass(frozen=True)
class Metric:
    """A metric: its definition, its documentation, and the events that feed it."""

    name: str
    instrument: Instrument
    unit: str
    doc: str
    on: tuple[On, ...]
    buckets: tuple[float, ...] | None = None
    shapes: frozenset[str] = frozenset({"default", "latest"})
    """Under which conventions it is recorded."""
    whole: bool = False
    """For an up-down counter: its amounts are no changes but all that there is, and are kept as a gauge's are."""


@dataclass(frozen=True)
class SpanEvent:
    """A moment on a span: its name, what it carries, and when there is one (its first source has a value)."""

    name: str
    sources: Sources


@dataclass(frozen=True)
class Span:
    """A span: what it is called, its kind, and what it carries from its start and from its end."""

    event: type[Event]
    name: str | Read
    doc: str
    latest: str | Read | None = None
    """Its name under the latest conventions, where that is another."""
    kind: SpanKind = "internal"
    latest_kind: SpanKind | None = None
    start: Sources = ()
    """Known when it begins, so that samplers see it; read again at the end, in case it has become known since."""
    end: Sources = ()
    moments: tuple[SpanEvent, ...] = ()
    status: Read = field(default=lambda event: None)
    """The message of an ERROR status, or `None` for a span that did not fail."""
    lasted_ms: Read = field(default=lambda event: None)
    """Of an event that takes no time itself: how long that took which it tells of, in milliseconds."""
    adopts: bool = False
    """Where a local server span is current already, that span is this one."""
    shapes: frozenset[str] = frozenset({"default", "latest"})

    def name_in(self, shape: Shape) -> str | Read:
        name = self.latest if self.latest is not None and shape.spans == "latest" else self.name
        return shape.name(name) if isinstance(name, str) else name

    def kind_in(self, shape: Shape) -> SpanKind:
        return self.latest_kind if self.latest_kind and shape.spans == "latest" else self.kind


@dataclass(frozen=True)
class LogEvent:
    """A log record: its body, its severity, and what it carries."""

    event: type[Event]
    body: str
    severity: Read
    """`TRACE` to `FATAL`."""
    sources: Sources
    prefix: str
    """What stands before the names of the event's own `attributes`."""
    said: Read = field(default=lambda event: None)
    """What stands in place of the body where texts may leave."""
    texts: Sources = ()
    """What it carries beside, only where texts may leave."""
