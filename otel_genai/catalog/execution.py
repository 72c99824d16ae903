"""What is said of processes: a span and a metric."""

from __future__ import annotations

from ..events import ProcessExecution
from . import attributes as a
from .buckets import UP_TO_AN_HOUR
from .rows import Metric, On, Span

EXEC = (
    a.EXEC_TARGET.of("target"),
    a.EXEC_MODE.of("mode"),
    a.OUTCOME.of("outcome"),
    a.FAILURE_KIND.of("failure_kind"),
)


def exec_failed(process: ProcessExecution) -> str | None:
    return (process.failure_kind or "failed") if process.outcome == "failed" else None


METRICS: tuple[Metric, ...] = (
    Metric(
        "openclaw.exec.duration_ms",
        "histogram",
        "ms",
        "How long a process ran.",
        (On(ProcessExecution, "duration_ms", EXEC),),
        UP_TO_AN_HOUR,
    ),
)

SPANS: tuple[Span, ...] = (
    Span(
        ProcessExecution,
        "openclaw.exec",
        "A process that was run; never what was run.",
        start=(
            a.EXEC_TARGET.of("target"),
            a.EXEC_MODE.of("mode"),
            a.EXEC_COMMAND_LENGTH.of("command_length"),
        ),
        end=(
            a.OUTCOME.of("outcome"),
            a.FAILURE_KIND.of("failure_kind"),
            a.EXEC_EXIT_CODE.of("exit_code"),
            a.EXEC_EXIT_SIGNAL.of("exit_signal"),
            a.EXEC_TIMED_OUT.of("timed_out"),
        ),
        status=exec_failed,
    ),
)
