"""Reads the attributes of a catalog's row off an event."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache, partial
from typing import Any

from ..catalog.rows import Shape, Source, Sources, Value, together
from ..events import Event

REMEMBERED = 1024
"""Per row: sets of attributes that are made only once."""
WAYS_REMEMBERED = 64
"""Per row: which fields events have."""
Said = tuple[tuple[Any, ...], tuple[Any, ...]]
"""What an event says: the values that are few by their nature, and the others."""
Named = tuple[tuple[str, Callable[[Any], Value | None]], ...]


class Reader:
    """Reads the attributes of a row off an event. Those that are few by their nature are made once, and remembered."""

    __slots__ = ("_few", "_free", "_named", "_remembered", "_shape", "_sources", "_ways")

    def __init__(self, sources: Sources, shape: Shape) -> None:
        told = sorted((source for source in sources if source.constant is None), key=lambda one: one.path is None)
        few = tuple(source for source in told if source.attribute.label_allowed)
        free = tuple(source for source in told if not source.attribute.label_allowed)
        named: Named = tuple((source.attribute.name_in(shape), whole(source)) for source in few)
        self._few = together(source.reading for source in few)
        self._free = together(source.reading for source in free)
        self._named: Named = tuple((source.attribute.name_in(shape), whole(source)) for source in free)
        known = ((source.attribute.name_in(shape), source.missing or source.constant) for source in sources)
        made = partial(fit, {name: value for name, value in known if value is not None}, named)
        self._remembered = lru_cache(REMEMBERED, typed=True)(made)
        self._sources, self._shape = sources, shape
        self._ways: dict[tuple[str, ...], Reader] = {}

    def read(self, event: Event) -> Said:
        """What the event says: the values as they are."""
        return self._few(event), self._free(event)

    def attributes(self, said: Said) -> dict[str, Value]:
        """The attributes that this makes; what is not said is left out."""
        few, free = said
        try:
            made = self._remembered(*few)
        except TypeError:  # a value that cannot be remembered, such as a list
            made = self._remembered.__wrapped__(*few)
        attributes = made.copy()
        for named, value in zip(self._named, free):  # noqa: B905 (they are as many; to have it checked takes time)
            if value is not None:
                name, read = named
                if (known := read(value)) is not None:
                    attributes[name] = known
        return attributes

    def of(self, event: Event) -> dict[str, Value]:
        """The attributes of an event. Which of them it cannot have is remembered by the fields that are set on it."""
        way = self._ways.get(tuple(event.__dict__)) or self._way_for(event)
        return way.attributes((way._few(event), way._free(event)))

    def _way_for(self, event: Event) -> Reader:
        """What reads only the fields that such an event has; of one that has other fields each time, all are read."""
        if len(self._ways) >= WAYS_REMEMBERED:
            return self
        said = event.__dict__.keys()
        kept = (source for source in self._sources if source.path is None or may_say(event, said, source.path))
        missing = (source for source in self._sources if source.missing is not None)
        self._ways[tuple(said)] = way = Reader(tuple(dict.fromkeys((*kept, *missing))), self._shape)
        return way


def may_say(event: Event, said: Collection[str], path: str) -> bool:
    """Whether an event with these fields can have a value there: it is set, or its class has one."""
    field = path.partition(".")[0]
    return field in said or getattr(type(event), field, None) is not None


def whole(source: Source) -> Callable[[Any], Value | None]:
    """How a value that was read may stand on a span."""
    return source.attribute.value if source.fit is None else source.value_of


def fit(known: dict[str, Value], named: Named, *values: Any) -> dict[str, Value]:
    """The `known` attributes and those of these values, as they may leave. Nobody may change what it returns."""
    made = ((name, read(value)) for (name, read), value in zip(named, values, strict=True) if value is not None)
    return {**known, **{name: value for name, value in made if value is not None}}
