"""What spans say: the rows of the catalog, resolved once for one shape, and read off events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace

from opentelemetry.trace import SpanKind, Status, StatusCode

from .. import privacy
from ..catalog.content import EXCEPTION
from ..catalog.readings import Words
from ..catalog.rows import Read, Shape, Value
from ..catalog.rows import Span as Row
from ..events import Event, McpClientOperation
from .reader import Reader
from .saying import Ending
from .traced import FROM_AFAR

KINDS = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT, "server": SpanKind.SERVER}
NAMES_REMEMBERED = 1024
"""Per row."""


class Story(SimpleNamespace):
    """What the span of an event says."""

    plan: Plan
    event: Event

    def first(self) -> dict[str, Value]:
        return self.plan.start.of(self.event)

    def last(self) -> dict[str, Value]:
        return self.plan.end.of(self.event)

    def whole(self) -> dict[str, Value]:
        plan, event = self.plan, self.event
        return {**plan.start.of(event), **plan.end.of(event)} if plan.whole is None else plan.whole.of(event)

    def ending(self) -> Ending | None:
        """It has not ended."""
        return None


class Ended(Story):
    """That of an event that is over."""

    began_as: str
    """The name that the span has begun with."""
    raised: dict[str, Value] | None = None
    """What it says of the error that ended it."""

    def ending(self) -> Ending:
        plan, event, name = self.plan, self.event, self.plan.name(self.event)
        known = ((moment, reader.of(event)) for moment, known_by, reader in plan.moments if known_by(event) is not None)
        raised = ((EXCEPTION.name, said) for said in (self.raised,) if said)
        return Ending(name if name != self.began_as else None, status_of(plan, event), (*known, *raised))


class AtOnce(Story):
    """That of an event that takes no time."""

    def first(self) -> dict[str, Value]:
        return self.whole()


@dataclass(frozen=True, slots=True)
class Plan:
    """A row of the catalog, resolved for one shape."""

    row: Row
    name: Callable[[Event], str]
    kind: SpanKind
    start: Reader
    end: Reader
    whole: Reader | None
    """Both in one, where none of their names is the same."""
    moments: tuple[tuple[str, Read, Reader], ...]
    """Of each its name, what it is known by, and what it says."""
    may_share: bool
    """Whether it may stand on a span that somebody else has begun."""
    from_afar: bool
    """Whether another process may have asked for it."""


def status_of(found: Plan, event: Event) -> Status | None:
    message = found.row.status(event)
    return None if message is None else Status(StatusCode.ERROR, privacy.text(message) or None)


def plan(row: Row, shape: Shape) -> Plan:
    """Resolve a row's names once, for one shape."""
    name, names = row.name_in(shape), [source.attribute.name_in(shape) for source in (*row.start, *row.end)]
    return Plan(
        row,
        naming(name) if callable(name) else lambda _: name,
        KINDS[row.kind_in(shape)],
        Reader(row.start, shape),
        Reader(row.end, shape),
        Reader((*row.start, *row.end), shape) if len(set(names)) == len(names) else None,
        tuple((shape.name(one.name), one.sources[0].read, Reader(one.sources, shape)) for one in row.moments),
        row.adopts or issubclass(row.event, McpClientOperation),
        issubclass(row.event, FROM_AFAR),
    )


def naming(name: Read) -> Callable[[Event], str]:
    """What reads a name off an event, as it may leave; what was made is remembered, for names are few."""
    read, make = (name.read, name.of) if isinstance(name, Words) else (name, str)
    made = lru_cache(NAMES_REMEMBERED)(lambda said: privacy.text(make(said)) or "")

    def named(event: Event) -> str:
        said = read(event)
        try:
            return made(said)
        except TypeError:  # a value that cannot be remembered, such as a list
            return made.__wrapped__(said)

    return named
