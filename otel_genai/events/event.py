"""What an event is, and an operation: an event that takes time and may fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from .. import failures, guard
from ..content import Contents
from ..scope import Scope

READING = "reading an error"


@dataclass(eq=False, kw_only=True)
class Event:
    """A fact, at a moment, in a scope."""

    kind: ClassVar[str] = ""
    at_ns: int = field(default=0, init=False)
    """When it happened: nanoseconds since the epoch, set when it is published."""
    scope: Scope = field(default=Scope(), init=False)
    """Who it was for, read off the context when it is published."""
    parent: Operation | None = field(default=None, init=False, repr=False)
    """The operation it belongs to, where that is not simply the one that is active."""

    @classmethod
    def kinds(cls) -> tuple[str, ...]:
        """Every wire name that an event of this class can have."""
        return (cls.kind,)

    def update(self, **values: object) -> None:
        """Set fields by name; a name that the class does not have raises `TypeError`."""
        self.check(values)
        self.__dict__.update(values)

    def happen(self, at_ns: int, scope: Scope, parent: Operation | None) -> None:
        """Note when it happens, who it is for, and what it belongs to, before anybody is told of it."""
        self.at_ns, self.scope, self.parent = at_ns, scope, parent
        self.published()

    def published(self) -> None:
        """Called before anybody is told of it, its scope known: a class does here what it means to those around."""

    @classmethod
    def check(cls, names: Iterable[str]) -> None:
        """Raise `TypeError` for a name that is no field to be set from outside."""
        known = [field.name for field in fields(cls) if field.init]
        for name in names:
            if name not in known:
                raise TypeError(f"{cls.__name__} has no field {name!r}; it has {', '.join(known)}")


@dataclass(eq=False, kw_only=True)
class Operation(Event):
    """An event that takes time and may fail. Its wire name says how far it is: started, completed, error."""

    started_kind: ClassVar[str] = ""
    completed_kind: ClassVar[str] = ""
    other_kinds: ClassVar[Mapping[str, str]] = {}
    """Wire names of outcomes that have one of their own."""
    follows: ClassVar[type[Event] | None] = None
    """Of which type the events are that follow from its end, where any may."""

    started_ns: int = field(default=0, init=False)
    """When it began: nanoseconds since the epoch."""
    duration_ns: int | None = field(default=None, init=False)
    outcome: str | None = field(default=None, init=False)
    """None while it runs; then `completed`, `error`, `cancelled`, or a word of the class (`blocked`)."""
    declared: str | None = field(default=None, init=False)
    """The outcome to end with where no exception says so."""
    error: BaseException | None = field(default=None, init=False, repr=False)
    error_type: str | None = field(default=None, init=False)
    """`error.type`: the error's class, a provider's code, `cancelled`; absent on success."""
    error_category: str | None = field(default=None, init=False)
    failure_kind: str | None = field(default=None, init=False)
    error_code: str | None = field(default=None, init=False)
    request_id_hash: str | None = field(default=None, init=False)
    links: tuple[Operation, ...] = field(default=(), init=False, repr=False)
    new_trace: bool = field(default=False, init=False)
    """Begin a trace of its own, linked to what was current."""
    trace: object = field(default=None, init=False, repr=False)
    """What the tracing emitter keeps for it; nobody else reads it."""
    attach: Callable[[], object] | None = field(default=None, init=False, repr=False)
    """Makes its span current and returns a token; set by the tracing emitter."""
    contents: Contents | None = field(default=None, init=False, repr=False)
    """What is kept of its content, where any is; who exports is handed it, and subscribers that asked for content."""
    asked: Callable[[Contents], object] | None = field(default=None, init=False, repr=False)
    """Keeps what a decorated call was given, once it is known that it is kept."""
    holds: int = field(default=0, init=False, repr=False)
    """How many others still have a part in it: the streams that a block has opened and may outlive it."""
    began: int = field(default=0, init=False, repr=False)
    _inner: Scope | tuple[Any, ...] = field(default=Scope(), init=False, repr=False)
    """Where it is over without its last item, which is the operation."""

    @property
    def kind(self) -> str:  # type: ignore[override]
        outcome = self.outcome
        if outcome is None:
            return self.started_kind
        return self.other_kinds.get(outcome, self.completed_kind)

    @classmethod
    def kinds(cls) -> tuple[str, ...]:
        return (cls.started_kind, *dict.fromkeys((cls.completed_kind, *cls.other_kinds.values())))

    @property
    def duration_ms(self) -> float | None:
        return None if self.duration_ns is None else self.duration_ns / 1e6

    @property
    def duration_s(self) -> float | None:
        return None if self.duration_ns is None else self.duration_ns / 1e9

    @property
    def inner(self) -> Scope:
        """The scope of the work inside of it, made when it begins."""
        inner = self._inner
        return inner if isinstance(inner, Scope) else tuple.__new__(Scope, (*inner, self))

    @inner.setter
    def inner(self, inner: Scope) -> None:
        self._inner = inner

    def release(self) -> None:
        """Hold itself no longer, so that it is freed without the garbage collector. The bus calls it at the end."""
        self._inner = self.inner[:-1]

    def let_go(self) -> None:
        """It is over, and something begins inside of it: it holds those around it that are over no longer.

        Else work that starts its own next round would hold all rounds before.
        """
        around = self.scope.operation
        while around is not None and around.outcome is not None:
            around = around.scope.operation
        self.scope = self.scope._replace(operation=around)

    def inside(self) -> Scope:
        """What `inner` is made of; a class says here what it tells the work inside of it."""
        return self.scope.within(self)

    def begin(self, scope: Scope) -> None:
        """Note who it is for and when it began. The bus calls it."""
        if scope.operation is not None and scope.operation.outcome is not None:
            scope.operation.let_go()
        self.scope = scope
        self._inner = self.inside()
        self.began = time.perf_counter_ns()
        self.started_ns = self.at_ns = time.time_ns()

    def end(self, error: BaseException | None) -> None:
        """Note how it ended. `Exception` is an error; every other way of being thrown out is `cancelled`."""
        if self.duration_ns is None:
            self.duration_ns = time.perf_counter_ns() - self.began
        self.at_ns = self.started_ns + self.duration_ns
        if error is None:
            self.outcome = self.declared or "completed"
        elif isinstance(error, Exception):
            self._fail(error)
        else:
            self._cancel(error)

    def declare(self, reason: BaseException | str) -> None:
        """Say that it failed although nothing is raised: an error, or a bounded word for it."""
        self.declared = "error"
        if isinstance(reason, BaseException):
            self._describe(reason)
        else:
            self.error_category = self.error_type = reason

    def _describe(self, error: BaseException) -> None:
        self.error = error
        self.error_category = self.error_type = failures.category(error)
        self.failure_kind = guard.call(READING, failures.failure_kind, error)
        self.error_code = guard.call(READING, failures.status, error)
        self.request_id_hash = guard.call(READING, failures.request_id_hash, error) or self.request_id_hash

    def _fail(self, error: Exception) -> None:
        self._describe(error)
        self.outcome = "error"

    def _cancel(self, error: BaseException) -> None:
        self.error = error
        self.outcome = "cancelled"
        if not isinstance(error, GeneratorExit):
            self.error_type = "cancelled"

    def consequences(self) -> Iterable[Event]:
        """Events that follow from its end; they are of the type `follows`, and told as its children."""
        return ()

    def following(self) -> Iterable[Event]:
        """Its consequences, as they are told: at its end, within it."""
        for event in self.consequences():
            event.happen(self.at_ns, self.inner, self)
            yield event
