"""Diagnostics flags: which are on, and what they write."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import otel_genai as genai
from otel_genai import flags, guard
from otel_genai.flags import flag, is_on, turn_on


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    undo = turn_on(())
    yield
    undo()


@pytest.mark.parametrize(
    ("pattern", "on"),
    [
        ("telegram.http", True),
        (" Telegram.HTTP ", True),
        ("telegram.*", True),
        ("*", True),
        ("1", True),
        ("true", True),
        ("all", True),
        ("slack.http,telegram.http", True),
        ("", False),
        ("telegram", False),
        ("telegram.http.more", False),
        ("slack.*", False),
        ("0", False),
        ("false", False),
        ("off", False),
        ("none", False),
        ("telegram.http,off", False),
    ],
)
@pytest.mark.parametrize("variable", flags.VARIABLES)
def test_the_environment_names_flags(variable: str, pattern: str, on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, pattern)
    assert is_on("telegram.http") is on


def test_the_program_turns_flags_on_beside_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCLAW_DIAGNOSTICS", "slack.*")
    undo = turn_on(["telegram.*"])
    assert (is_on("telegram.http"), is_on("slack.http"), is_on("web")) == (True, True, False)
    undo()
    assert not is_on("telegram.http")


def test_a_flag_is_silent_until_it_is_on(caplog: pytest.LogCaptureFixture) -> None:
    log = flag("Telegram.http")
    log("sent %d bytes", 5)
    undo = turn_on(["telegram.*"])
    log("sent %d bytes", 6)
    undo()
    log("sent %d bytes", 7)
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("otel_genai.flags.telegram.http", "sent 6 bytes")
    ]
    assert flag("telegram.HTTP") is log


def test_what_a_flag_writes_is_redacted(caplog: pytest.LogCaptureFixture) -> None:
    turn_on(["*"])
    flag("http")("POST %s", "https://x.example/?access_token=abc&n=1")
    flag("http")("100%")
    assert [record.getMessage() for record in caplog.records] == [
        "POST https://x.example/?access_token=***&n=1",
        "100%",
    ]


def test_a_message_that_cannot_be_written_is_counted_and_no_trouble() -> None:
    turn_on(["*"])
    assert flag("http")
    flag("http")("%d bytes", "many")
    assert guard.counts()["writing the output of a flag", "TypeError"] >= 1


def test_flags_are_options_too_whether_telemetry_is_on_or_not() -> None:
    log = genai.flag("options.telegram.http")
    telemetry = genai.configure({"diagnostics": {"enabled": False, "flags": ["Options.Telegram.*"]}})
    assert log
    telemetry.shutdown()
    assert not log
