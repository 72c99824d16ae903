"""The verdict on a session: every rule, every step of the back-off, and what may be recovered."""

from __future__ import annotations

import pytest

from otel_genai.sources.attention import Facts, Recoverable, Thresholds, Verdict, is_due, judge, needs_look, recoverable

LIMITS = Thresholds(warn_ms=120_000, abort_ms=360_000)
NO_PROGRESS = "active_work_without_progress"
BUSY = Facts(state="processing", age_ms=130_000, progress_age_ms=130_000)
TOOL = BUSY._replace(work="tool_call", owned=True, tool_age_ms=130_000)
CALL = BUSY._replace(work="model_call", owned=True)
RUN = BUSY._replace(work="embedded_run", owned=True)


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        # nothing is at work
        (BUSY, ("stuck", "stale_session_state", "stale_session_state")),
        (BUSY._replace(queue_depth=2), ("stuck", "queued_work_without_active_run", "stale_session_state")),
        # idle, with messages that wait behind work that belongs to nobody
        (
            TOOL._replace(state="idle", queue_depth=1, owned=False),
            ("stuck", "queued_work_without_active_run", "stale_session_state"),
        ),
        (
            CALL._replace(state="idle", queue_depth=1, owned=False),
            ("stuck", "queued_work_without_active_run", "stale_session_state"),
        ),
        (RUN._replace(state="idle", queue_depth=1), ("stalled", NO_PROGRESS, "stalled_agent_run")),
        # a tool
        (TOOL, ("stalled", "blocked_tool_call", "blocked_tool_call")),
        (TOOL._replace(tool_age_ms=120_000), ("stalled", NO_PROGRESS, "stalled_agent_run")),
        (TOOL._replace(progress_age_ms=120_000), ("long_running", "active_work", "long_running")),
        # a run that has said its last word, while others wait
        (
            RUN._replace(queue_depth=1, progress_age_ms=10, progress_reason="run:completed"),
            ("stalled", "queued_behind_terminal_active_work", "stalled_agent_run"),
        ),
        (
            RUN._replace(queue_depth=1, progress_age_ms=10, progress_reason="codex_app_server:response.completed"),
            ("stalled", "queued_behind_terminal_active_work", "stalled_agent_run"),
        ),
        (
            RUN._replace(progress_age_ms=10, progress_reason="run:completed"),
            ("long_running", "active_work", "long_running"),
        ),
        # a model call of a run may be silent for longer
        (CALL, ("long_running", "active_model_call_without_progress", "long_running")),
        (
            CALL._replace(progress_age_ms=359_999),
            ("long_running", "active_model_call_without_progress", "long_running"),
        ),
        (CALL._replace(progress_age_ms=360_000), ("stalled", NO_PROGRESS, "stalled_agent_run")),
        (CALL._replace(owned=False), ("stalled", NO_PROGRESS, "stalled_agent_run")),
        # anything else
        (RUN, ("stalled", NO_PROGRESS, "stalled_agent_run")),
        (RUN._replace(progress_age_ms=120_000), ("long_running", "active_work", "long_running")),
        (
            RUN._replace(progress_age_ms=10, queue_depth=1),
            ("long_running", "queued_behind_active_work", "long_running"),
        ),
    ],
)
def test_the_first_rule_that_fits_is_the_verdict(facts: Facts, verdict: tuple[str, str, str]) -> None:
    assert judge(facts, LIMITS) == verdict


@pytest.mark.parametrize("state", ["idle", "processing"])
@pytest.mark.parametrize("queue_depth", [0, 1])
@pytest.mark.parametrize("owned", [True, False])
@pytest.mark.parametrize("facts", [TOOL, CALL])
@pytest.mark.parametrize("silent_ms", [130_000, 400_000, 600_000])
def test_who_is_silent_within_its_deadline_is_neither_stuck_nor_stalled(
    facts: Facts, owned: bool, queue_depth: int, state: str, silent_ms: int
) -> None:
    tool_age = None if facts.tool_age_ms is None else silent_ms
    silent = facts._replace(age_ms=silent_ms, progress_age_ms=silent_ms, tool_age_ms=tool_age, deadline_ms=600_000)
    verdict = judge(silent._replace(owned=owned, queue_depth=queue_depth, state=state), LIMITS)
    assert verdict.kind == "long_running"
    assert recoverable(verdict, silent, LIMITS) is None


@pytest.mark.parametrize("deadline_ms", [10_000, 600_000])
@pytest.mark.parametrize(("facts", "reason"), [(TOOL, "blocked_tool_call"), (CALL, NO_PROGRESS)])
def test_who_is_silent_beyond_its_deadline_has_stalled(facts: Facts, reason: str, deadline_ms: int) -> None:
    silent_ms = deadline_ms + 1
    tool_age = None if facts.tool_age_ms is None else silent_ms
    late = facts._replace(age_ms=silent_ms, progress_age_ms=silent_ms, tool_age_ms=tool_age, deadline_ms=deadline_ms)
    assert needs_look(late, LIMITS)
    assert judge(late, LIMITS)[:2] == ("stalled", reason)


@pytest.mark.parametrize(
    ("facts", "looked_at"),
    [
        (BUSY, True),
        (BUSY._replace(age_ms=120_000), False),
        (BUSY._replace(state="waiting"), False),
        (BUSY._replace(state="idle"), False),
        (BUSY._replace(state="idle", queue_depth=1), False),
        (TOOL._replace(state="idle"), False),
        (TOOL._replace(state="idle", queue_depth=1), True),
        (TOOL._replace(state="idle", queue_depth=1, progress_age_ms=120_000), False),
        (TOOL._replace(deadline_ms=600_000), True),
        (TOOL._replace(age_ms=20_000, deadline_ms=10_000), True),
    ],
)
def test_a_session_is_looked_at_when_it_should_have_moved(facts: Facts, looked_at: bool) -> None:
    assert needs_look(facts, LIMITS) is looked_at


def test_reports_come_ever_later_while_nothing_changes() -> None:
    told: list[int] = []
    for age in range(0, 2_000_000, 30_000):
        if is_due(age, told[-1] if told else None, 120_000):
            told.append(age)
    assert told == [120_000, 240_000, 480_000, 960_000, 1_920_000]


@pytest.mark.parametrize(
    ("age", "last", "due"),
    [
        (119_999, None, False),
        (120_000, None, True),
        (239_999, 120_000, False),
        (240_000, 120_000, True),
        (250_000, 130_000, False),
        (260_000, 130_000, True),
        (150_000, 50_000, False),
        (170_000, 50_000, True),
    ],
)
def test_the_next_report_is_due_after_the_threshold_and_at_twice_the_age(age: int, last: int, due: bool) -> None:
    assert is_due(age, last, 120_000) is due


STALLED = Verdict("stalled", NO_PROGRESS, "stalled_agent_run")
STUCK = Verdict("stuck", "stale_session_state", "stale_session_state")
LONG = Verdict("long_running", "active_work", "long_running")
OLD = {"age_ms": 400_000, "progress_age_ms": 400_000}


@pytest.mark.parametrize(
    ("verdict", "facts", "may"),
    [
        (STUCK, BUSY, Recoverable(allow_active_abort=False)),
        (LONG, RUN._replace(**OLD), None),
        (STALLED, RUN, None),
        (STALLED, RUN._replace(**OLD), Recoverable(allow_active_abort=True)),
        (STALLED, RUN._replace(progress_age_ms=359_999), None),
        (STALLED, CALL._replace(**OLD), Recoverable(allow_active_abort=True)),
        (STALLED, CALL._replace(**OLD, owned=False), None),
        (STALLED, TOOL._replace(**OLD, tool_age_ms=359_999), None),
        (STALLED, TOOL._replace(**OLD, tool_age_ms=360_000), Recoverable(allow_active_abort=True)),
        (STALLED, TOOL._replace(**OLD, tool_age_ms=400_000, deadline_ms=500_000), None),
    ],
)
def test_only_what_is_stuck_or_has_stalled_for_long_may_be_recovered(
    verdict: Verdict, facts: Facts, may: Recoverable | None
) -> None:
    assert recoverable(verdict, facts, LIMITS) == may


@pytest.mark.parametrize(("late_ms", "may"), [(999, True), (40_000, True), (40_001, False)])
def test_time_in_which_nobody_looked_aborts_nothing(late_ms: int, may: bool) -> None:
    assert (recoverable(STALLED, RUN._replace(**OLD), LIMITS, late_ms) is not None) is may
