"""One exchange with an agent as whoever runs it sees it: a question, the agent's answer, and what that used."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..scope import Scope
from .event import Operation
from .models import AgentOrigin, Priced, Tokens

COUNTS = ("total_tokens", *Tokens.__dataclass_fields__)


@dataclass(eq=False, kw_only=True)
class Exchange(AgentOrigin, Priced, Operation):
    """One exchange with an agent. Its tokens and its cost count where nothing inside of it has told its own."""

    started_kind = "exchange.started"
    completed_kind = "exchange.completed"
    other_kinds: ClassVar[Mapping[str, str]] = {"error": "exchange.error"}

    agent_id: str | None = None
    """By default the agent of the scope."""
    conversation: str | None = None
    """The session, as the application names it; by default the conversation of the scope. On spans only."""
    total_tokens: int | None = None
    """Where it is not said it is, from the end on, input and output together."""
    started_at: float | None = None
    """When it began, in seconds since the epoch, where it is told later; otherwise it begins when it is told."""

    def begin(self, scope: Scope) -> None:
        self.agent_id = self.agent_id or scope.agent
        self.conversation = self.conversation or scope.conversation
        super().begin(scope)
        now = time.time_ns()
        earlier = now - _epoch_ns(self.started_at, now)
        self.began -= earlier
        self.started_ns = self.at_ns = self.started_ns - earlier

    def inside(self) -> Scope:
        return self.scope._replace(operation=self, agent=self.agent_id, conversation=self.conversation)

    def end(self, error: BaseException | None) -> None:
        super().end(error)
        for name in COUNTS:
            self.__dict__[name] = _count(self.__dict__[name])
        self.total_tokens = self.total_tokens or self._together()
        self.reckoned = None  # it was reckoned before all of it was known
        if self.total_tokens is not None and not self.counted_inside:
            self.tell_those_around()

    def _together(self) -> int | None:
        return (self.input_tokens or 0) + (self.output_tokens or 0) if self.has_tokens else self.total_tokens


def _count(value: Any) -> int | None:
    """A number of tokens; `None` for anything else that a caller may have found."""
    return int(value) if isinstance(value, (int, float)) and 0 <= value < math.inf else None


def _epoch_ns(seconds: object, now: int) -> int:
    """A moment that has been; anything else is now."""
    if not isinstance(seconds, (int, float)) or not math.isfinite(seconds) or seconds <= 0:
        return now
    return min(int(seconds * 1e9), now)
