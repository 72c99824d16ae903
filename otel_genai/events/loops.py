"""An agent that goes round in circles: the same tools, called again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .event import Event


@dataclass(eq=False, kw_only=True)
class ToolLoop(Event):
    """A tool is being called again and again, to no avail."""

    kind = "tool.loop"

    tool: str | None = None
    level: Literal["warning", "critical"] = "warning"
    action: Literal["warn", "block"] = "warn"
    """`block` where the tool was not allowed to run because of it."""
    detector: str | None = None
    """`generic_repeat`, `ping_pong`, `unknown_tool_repeat`, `known_poll_no_progress`, `global_circuit_breaker`."""
    count: int | None = None
    """Calls that the loop has had so far."""
    new_count: int | None = None
    """Calls among them that no event of this loop has told of before; where it is absent, all of them."""
    paired_tool: str | None = None
    """The other tool, where two of them take turns."""
    duration_ns: int | None = None
    """Since the first of these calls began."""

    @property
    def iterations(self) -> int | None:
        return self.count if self.new_count is None else self.new_count

    @property
    def duration_ms(self) -> float | None:
        return None if self.duration_ns is None else self.duration_ns / 1e6

    @property
    def outcome(self) -> str:
        return "blocked" if self.action == "block" else "warned"

    @property
    def grave(self) -> bool:
        """Whether it is an error of the agent's, and no mere warning."""
        return self.level == "critical" or self.action == "block"

    @property
    def error_category(self) -> str | None:
        return self.detector if self.grave else None
