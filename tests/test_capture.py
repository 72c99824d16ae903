"""Which content is kept: what a program, a file or the environment says, and which of them wins."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from otel_genai import config
from otel_genai.capture import CLASSES, LIST_VARIABLE, MODE_VARIABLE, MODES, Capture
from otel_genai.options import ConfigError, camel

ALL = frozenset(CLASSES)
NONE: frozenset[str] = frozenset()


def loaded(given: object = None, environ: Mapping[str, str] | None = None, file: Any = None) -> Capture:
    options = {} if given is None else {"capture_content": given}
    return config.load(options, config=file, environ=environ or {}).capture_content


@pytest.mark.parametrize("given", [None, False, "false", "0", "off", {}, {"enabled": True}, {"enabled": False}])
def test_nothing_is_kept_unless_a_class_is_switched_on(given: object) -> None:
    kept = loaded(given)
    assert kept.classes == NONE
    assert not kept.texts


@pytest.mark.parametrize("given", [True, "true", "1", "yes", "ON"])
def test_true_keeps_every_class_and_lets_texts_of_logs_and_errors_out(given: object) -> None:
    assert loaded(given).classes == ALL
    assert loaded(given).texts


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("spell", [str, camel], ids=["snake", "camel"])
@pytest.mark.parametrize("enabled", [{}, {"enabled": True}], ids=["without enabled", "enabled"])
def test_each_class_is_switched_on_alone(name: str, spell: Any, enabled: dict[str, bool]) -> None:
    kept = loaded({**enabled, spell(name): True})
    assert kept.classes == {name}
    assert not kept.texts


@pytest.mark.parametrize("enabled", [False, "false", 0 == 1])
def test_a_table_that_is_not_enabled_keeps_nothing(enabled: object) -> None:
    assert loaded({"enabled": enabled, **dict.fromkeys(CLASSES, True)}).classes == NONE


def test_a_table_with_every_class_still_withholds_texts() -> None:
    kept = loaded(dict.fromkeys(CLASSES, True))
    assert kept.classes == ALL
    assert not kept.texts


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("everything", True, "expected capture_content to be true itself"),
        ("everything", "true", "expected capture_content to be true itself"),
        ("input_message", True, "there is no such option; did you mean capture_content.input_messages?"),
        ("toolOutput", True, "there is no such option; did you mean capture_content.toolOutputs?"),
        ("reasoning", True, "capture_content.reasoning: there is no such option"),
        ("input_messages", "some", "capture_content.input_messages='some': expected true or false"),
        ("input_messages", 1, "capture_content.input_messages=1: expected true or false"),
    ],
)
def test_a_mistake_in_the_table_names_the_key_and_what_was_expected(key: str, value: object, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded({key: value})
    assert said in str(error.value)


@pytest.mark.parametrize("given", ["some", 1, ["input_messages"], 2.5])
def test_what_is_neither_a_flag_nor_a_table_is_an_error(given: object) -> None:
    with pytest.raises(ConfigError, match="expected true, false, or a table of input_messages"):
        loaded(given)


# -- the environment


@pytest.mark.parametrize(
    ("mode", "spans", "events"),
    [("SPAN_ONLY", True, False), ("EVENT_ONLY", False, True), ("SPAN_AND_EVENT", True, True)],
)
@pytest.mark.parametrize("spell", [str, str.lower, lambda mode: f"  {mode} "], ids=["as it is", "lower", "spaces"])
def test_the_standard_variable_switches_every_class_on_and_says_where(
    mode: str, spans: bool, events: bool, spell: Any
) -> None:
    kept = loaded(environ={MODE_VARIABLE: spell(mode)})
    assert kept.classes == ALL
    assert (kept.spans, kept.events) == (spans, events)
    assert not kept.texts


def test_no_content_is_none_whatever_a_file_or_our_own_variable_says() -> None:
    off = {MODE_VARIABLE: "NO_CONTENT"}
    for environ in (off, {**off, LIST_VARIABLE: "true"}, {**off, LIST_VARIABLE: "input_messages"}):
        for file in (None, {"captureContent": True}, {"captureContent": {"inputMessages": True}}):
            kept = loaded(environ=environ, file=file)
            assert kept.classes == NONE
            assert not kept.texts


@pytest.mark.parametrize("bad", ["true", "1", "SPANS", "SPAN_ONLY,EVENT_ONLY"])
def test_a_bad_mode_means_none_and_is_said_once(bad: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "otel_genai"):
        assert loaded(environ={MODE_VARIABLE: f"{bad} {id(caplog)}"}).classes == NONE
        assert loaded(environ={MODE_VARIABLE: f"{bad} {id(caplog)}"}).classes == NONE
    (record,) = caplog.records
    assert MODE_VARIABLE in record.getMessage()
    assert ", ".join(MODES) in record.getMessage()


@pytest.mark.parametrize(
    ("listed", "classes", "texts"),
    [
        ("true", ALL, True),
        ("false", NONE, False),
        ("input_messages", frozenset({"input_messages"}), False),
        (" tool_inputs , tool_outputs ", frozenset({"tool_inputs", "tool_outputs"}), False),
        (",".join(CLASSES), ALL, False),
        ("", NONE, False),
        ("input_messages,prompts", NONE, False),
        ("everything", NONE, False),
    ],
)
def test_our_own_variable_lists_classes(listed: str, classes: frozenset[str], texts: bool) -> None:
    kept = loaded(environ={LIST_VARIABLE: listed})
    assert kept.classes == classes
    assert kept.texts is texts


# -- which of them wins

WIDE = [{LIST_VARIABLE: "true"}, {MODE_VARIABLE: "SPAN_AND_EVENT"}, {MODE_VARIABLE: "EVENT_ONLY"}]


@pytest.mark.parametrize("environ", WIDE, ids=str)
@pytest.mark.parametrize(
    ("given", "classes"),
    [
        (False, NONE),
        ({}, NONE),
        ({"enabled": False}, NONE),
        ({"input_messages": True}, frozenset({"input_messages"})),
        ({"input_messages": True, "tool_inputs": None}, frozenset({"input_messages"})),
        ({"inputMessages": True, "toolInputs": " "}, frozenset({"input_messages"})),
    ],
    ids=str,
)
def test_the_environment_never_widens_what_the_argument_says(
    environ: dict[str, str], given: object, classes: frozenset[str]
) -> None:
    kept = loaded(given, environ)
    assert kept.classes == classes
    assert not kept.texts
    assert not kept.events


@pytest.mark.parametrize("environ", [{MODE_VARIABLE: "NO_CONTENT"}, {LIST_VARIABLE: "false"}], ids=str)
def test_the_argument_beats_an_environment_that_says_less(environ: dict[str, str]) -> None:
    assert loaded(True, environ).classes == ALL
    assert loaded({"output_messages": True}, environ).classes == {"output_messages"}


def test_the_environment_beats_the_file() -> None:
    file = {"captureContent": {"inputMessages": True}}
    assert loaded(environ={LIST_VARIABLE: "tool_inputs"}, file=file).classes == {"tool_inputs"}
    assert loaded(environ={LIST_VARIABLE: "tool_inputs"}, file={"captureContent": True}).texts is False
    assert loaded(file=file).classes == {"input_messages"}


def test_a_table_says_where_content_goes() -> None:
    kept = loaded({"input_messages": True, "spans": False, "events": True})
    assert (kept.classes, kept.spans, kept.events) == ({"input_messages"}, False, True)
    nowhere = loaded({"input_messages": True, "spans": False})
    assert nowhere.classes == NONE
