"""Processes that a program runs. The command, its arguments, environment and directory are never here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .event import Operation

Target = Literal["host", "sandbox"]
Mode = Literal["child", "pty"]

KINDS_BY_EXIT_CODE = {126: "shell-not-executable", 127: "shell-command-not-found"}
"""What a shell means by its exit codes."""


@dataclass(eq=False, kw_only=True)
class ProcessExecution(Operation):
    """One process, from its start until it has ended and somebody has waited for it.

    It is `completed` whichever code it exited with, unless that says that nothing was run; else `failed`, and where
    it was given up, `cancelled`.
    """

    started_kind = "exec.process.started"
    completed_kind = "exec.process.completed"

    target: Target = "host"
    mode: Mode = "child"
    command_length: int | None = None
    """Characters of the command and its arguments, one between any two of them."""
    exit_code: int | None = None
    exit_signal: str | None = None
    """The name of the signal that ended it: `SIGKILL`."""
    timed_out: bool | None = None
    given_up: bool = field(default=False, repr=False)
    """Whoever waited for it was cancelled; it may have ended all the same."""

    def exited(self, code: int, signal: str | None = None) -> None:
        """Note how it ended: with an exit code, or by a signal."""
        if signal is not None:
            self.exit_signal = signal
            self._end_as("cancelled", "aborted") if self.given_up else self._end_as("failed", "signal")
            return
        self.exit_code = code
        if code in KINDS_BY_EXIT_CODE:
            self._end_as("failed", KINDS_BY_EXIT_CODE[code])

    def fell_short(self, kind: str) -> None:
        """Note that it failed: `overall-timeout`, `no-output-timeout`, `runtime-error` ..."""
        self.timed_out = kind.endswith("timeout") or self.timed_out
        self._end_as("failed", kind)

    def abandoned(self) -> None:
        """Note that nobody wanted to see its end."""
        self._end_as("cancelled", "aborted" if self.given_up else None)

    def _end_as(self, outcome: str, kind: str | None) -> None:
        self.declared, self.failure_kind = outcome, kind
