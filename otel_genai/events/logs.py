"""What programs write into their logs, and what matters to security."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import uuid4

from .. import privacy
from .event import Event

Scalar = str | bool | int | float
Outcome = Literal["success", "failure", "denied", "error"]
Severity = Literal["info", "low", "medium", "high", "critical"]


@dataclass(eq=False, kw_only=True)
class LogRecord(Event):
    """A record of a logger. Its message is here only where log bodies may leave (`capture_content=True`)."""

    kind = "log.record"

    level: str = "INFO"
    """`TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR`, `FATAL`."""
    logger: str | None = None
    parents: tuple[str, ...] = ()
    """The names of the loggers above, the outermost first."""
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    """What was said beside the message: plain values only, bounded."""
    line: int | None = None
    function: str | None = None
    error_type: str | None = None
    """The class of an exception that was logged."""
    message: str | None = field(default=None, repr=False)
    stacktrace: str | None = field(default=None, repr=False)
    """The text of an exception that was logged, under the same condition as the message."""


@dataclass(eq=False, kw_only=True)
class SecurityEvent(Event):
    """Something that matters to security: who did what to which, and what was decided.

    Ids may be given as they are: the event only has their hashes.
    """

    kind = "security.event"

    category: str = ""
    """`tool`, `auth`, `pairing` ..."""
    action: str = ""
    """What was done, as `tool.exec`."""
    outcome: Outcome | None = None
    severity: Severity = "info"
    reason: str | None = None
    event_id: str = field(default_factory=lambda: str(uuid4()))
    actor_kind: str | None = None
    actor_id: str | None = None
    actor_device_id: str | None = None
    actor_channel: str | None = None
    actor_role: str | None = None
    actor_scopes: tuple[str, ...] | None = None
    target_kind: str | None = None
    target_id: str | None = None
    target_name: str | None = None
    target_owner: str | None = None
    policy_id: str | None = None
    policy_decision: str | None = None
    policy_reason: str | None = None
    control_id: str | None = None
    control_family: str | None = None
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    """More of it: plain values only."""

    def __post_init__(self) -> None:
        for name in ("actor_id", "actor_device_id", "target_id"):
            given: str | None = getattr(self, name)
            if given is not None:
                setattr(self, name, privacy.digest(given))
