"""Log records of the standard library, structlog and loguru: what leaves of each, and what never does."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

import otel_genai as genai
from otel_genai.bus import bus
from otel_genai.capture import CLASSES
from otel_genai.catalog.logs import DETAILS, NEVER
from otel_genai.demo.server import serve
from otel_genai.events import LogRecord, SecurityEvent
from otel_genai.sources.logs import MOST_ATTRIBUTES, JsonlFormatter, LogHandler
from otel_genai.testing import Captured, CapturedLog, capture
from otel_genai.viewer import Receiver

log = logging.getLogger("shop.tools.exec")
SECRET = "sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2M3n4"


@pytest.fixture
def logged() -> Iterator[Captured]:
    with capture(logs=True) as captured:
        yield captured


@pytest.fixture
def told() -> Iterator[Captured]:
    """With the texts."""
    with capture(logs=True, capture_content=True) as captured:
        yield captured


def the_log(captured: Captured) -> CapturedLog:
    (record,) = captured.logs
    return record


@contextmanager
def root_at(level: int, *handlers: logging.Handler) -> Iterator[None]:
    root = logging.getLogger()
    before = root.level
    root.setLevel(level)
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield
    finally:
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)


# -- what is always said


@pytest.mark.parametrize(
    ("level", "word", "number"),
    [
        (1, "TRACE", 1),
        (5, "TRACE", 1),
        (10, "DEBUG", 5),
        (20, "INFO", 9),
        (25, "INFO", 9),
        (30, "WARN", 13),
        (40, "ERROR", 17),
        (50, "FATAL", 21),
        (60, "FATAL", 21),
    ],
)
def test_the_severity_is_the_next_lower_word(logged: Captured, level: int, word: str, number: int) -> None:
    with root_at(1):
        log.log(level, "x")
    record = the_log(logged)
    assert (record.severity, record.severity_number, record["openclaw.log.level"]) == (word, number, word)


def test_a_record_says_its_logger_and_its_place_and_not_its_message(logged: Captured) -> None:
    log.error("nobody shall read %s", "this", extra={"subsystem": "tools", "attempt": 2, "ok": False})
    record = the_log(logged)
    assert record.body == "log"
    assert record["openclaw.logger"] == "shop.tools.exec"
    assert record["openclaw.logger.parents"] == "shop.tools"
    assert record["code.function"] == "test_a_record_says_its_logger_and_its_place_and_not_its_message"
    assert isinstance(record["code.lineno"], int)
    assert (record["openclaw.subsystem"], record["openclaw.attempt"], record["openclaw.ok"]) == ("tools", 2, False)
    assert "this" not in str(record)
    assert __file__ not in str(record)


def test_under_the_newest_conventions_the_place_has_its_standard_names() -> None:
    with capture(logs=True, semconv="gen_ai_latest_experimental") as captured:
        log.error("x")
    assert {"code.line.number", "code.function.name"} <= set(the_log(captured))


def test_a_namespace_replaces_the_prefix() -> None:
    with capture(logs=True, namespace="acme") as captured:
        log.error("x", extra={"shop": 1})
        bus.publish(SecurityEvent(category="tool", action="tool.exec", attributes={"attempt": 1}))
    first, second = captured.logs
    assert {"acme.log.level", "acme.logger", "acme.shop"} <= set(first)
    assert second.body == "acme.security.event"
    assert second["acme.security.attribute.attempt"] == 1


@pytest.mark.parametrize("name", ["", "{bad}", "a b", "x" * 400, "agent:main/dm"])
def test_a_logger_with_a_name_that_is_none_is_not_named(logged: Captured, name: str) -> None:
    logging.getLogger("fine").handle(logging.makeLogRecord({"name": name, "levelno": 40, "msg": "x"}))
    record = the_log(logged)
    assert record.get("openclaw.logger", "x" * 120) == "x" * 120


# -- attributes


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("plain", "text", "text"),
        ("number", 2, 2),
        ("share", 0.5, 0.5),
        ("flag", True, True),
        ("a.b-c:d_e", 1, 1),
        ("n" * 64, 1, 1),
        ("n" * 65, 1, None),
        ("with space", 1, None),
        ("ключ", 1, None),
        ("_private", 1, None),
        ("__proto__", 1, None),
        ("trace", "00-abc", None),
        (SECRET, 1, None),
        ("long", "x" * 3000, "x" * 2048 + "...(truncated)"),
        ("token", f"Bearer {SECRET}", "Bearer sk-pro…M3n4"),
        ("password", "hunter2", "***"),
        ("client-secret", "s" * 3000, "ssssss…ted)"),
        ("card_number", 4111111111111111, "***"),
        ("api_key", "${API_KEY}", "${API_KEY}"),
        ("half", "\ud83d", "?"),
        ("nan", float("nan"), None),
        ("infinite", float("inf"), None),
        ("huge", 2**63, None),
        ("large", 2**63 - 1, 2**63 - 1),
        ("none", None, None),
        ("list", [1], None),
        ("object", object(), None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_only_plain_values_under_fit_names_are_attributes(
    logged: Captured, name: str, value: object, expected: object
) -> None:
    log.error("x", extra={name: value})
    assert the_log(logged).get(f"openclaw.{name}") == expected


@pytest.mark.parametrize("name", sorted(NEVER))
def test_ids_of_people_sessions_and_requests_are_dropped(logged: Captured, name: str) -> None:
    log.error("x", extra={name: "42"})
    log.error(json.dumps({name: "42", "message": "x"}))
    assert all("42" not in record.attributes.values() for record in logged.logs)


def test_there_are_at_most_so_many_attributes(logged: Captured) -> None:
    log.error("x", extra={f"a{number}": number for number in range(100)})
    given = [name for name in the_log(logged) if name.startswith("openclaw.a")]
    assert len(given) == MOST_ATTRIBUTES
    bus.publish(SecurityEvent(attributes={f"a{number}": number for number in range(100)}))
    assert len(logged.logs[-1]) <= 64


@pytest.mark.parametrize(
    "said",
    [{"event": "hello", "shop": "a", "trace": "x"}, '{"message": "hello", "shop": "a", "trace": "x"}'],
    ids=["mapping", "JSON"],
)
def test_a_record_that_is_a_mapping_has_its_fields_as_attributes(told: Captured, said: object) -> None:
    log.error(said)
    record = the_log(told)
    assert (record.body, record["openclaw.shop"]) == ("hello", "a")
    assert "openclaw.trace" not in record


@pytest.mark.parametrize("said", ['{"a": ', "{" + "x" * 10_000, "{}", "{'a': 1}"])
def test_what_only_looks_like_json_is_a_message(told: Captured, said: str) -> None:
    log.error(said)
    assert the_log(told).body in (said[:4096] + "...(truncated)" * (len(said) > 4096), "log")


# -- texts


def test_the_message_is_redacted_and_cut_where_it_may_leave(told: Captured) -> None:
    log.error("the key is %s, %s", SECRET, "x" * 5000)
    body = the_log(told).body
    assert SECRET not in body
    assert body.startswith("the key is sk-pro…M3n4, xxx")
    assert body.endswith("...(truncated)")


@pytest.mark.parametrize("given", [{"input_messages": True}, dict.fromkeys(CLASSES, True), False])
def test_no_class_of_content_lets_the_message_out(given: Any) -> None:
    with capture(logs=True, capture_content=given) as captured:
        log.error("nobody shall read this")
    assert the_log(captured).body == "log"


def raising(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        log.exception("it failed")


def test_of_an_exception_only_its_class_is_said(logged: Captured) -> None:
    raising("nobody shall read this")
    record = the_log(logged)
    assert record["exception.type"] == "ValueError"
    assert "exception.stacktrace" not in record
    assert "read this" not in str(record)


def test_the_text_of_an_exception_leaves_redacted_under_the_condition_of_the_message(told: Captured) -> None:
    raising(f"with {SECRET}")
    record = the_log(told)
    assert record.body == "it failed"
    assert "ValueError: with sk-pro…M3n4" in record["exception.stacktrace"]


class Unprintable:
    def __str__(self) -> str:
        raise ValueError("no")

    __repr__ = __str__


@pytest.mark.parametrize(("message", "args"), [("%d", ("x",)), (Unprintable(), ()), ("%s", (Unprintable(),))])
def test_a_message_that_cannot_be_made_is_withheld_and_the_record_is_there(
    told: Captured, message: Any, args: Any
) -> None:
    LogHandler().handle(logging.LogRecord("shop", logging.ERROR, "", 1, message, args, None))
    assert the_log(told).body == "log"


# -- the trace


def test_a_record_is_in_the_trace_of_what_is_current(logged: Captured) -> None:
    with genai.tool("search"):
        log.error("inside")
    log.error("outside")
    inside, outside = logged.logs
    span = logged.span("openclaw.tool.execution")
    assert (inside.trace_id, inside.span_id) == (span.trace_id, span.span_id)
    assert (outside.trace_id, outside.span_id) == ("0" * 32, "0" * 16)


def test_subscribers_are_told_of_records_without_their_message(logged: Captured) -> None:
    log.error("nobody shall read this")
    (event,) = [event for event in logged.events if isinstance(event, LogRecord)]
    assert (event.level, event.message) == ("ERROR", None)


# -- off, and on


def test_logs_are_off_unless_they_are_switched_on(captured: Captured) -> None:
    before = list(logging.getLogger().handlers)
    log.error("x")
    assert captured.logs == []
    assert not any(isinstance(handler, LogHandler) for handler in before)


ON_STDOUT: dict[str, Any] = {
    "enabled": True,
    "logs": True,
    "logs_exporter": "stdout",
    "traces": False,
    "metrics": False,
}


def test_nothing_is_added_to_the_root_and_the_hook_is_taken_off_again() -> None:
    handlers, before = list(logging.getLogger().handlers), logging.Logger.callHandlers
    with genai.configure(**ON_STDOUT):
        assert logging.getLogger().handlers == handlers
        assert logging.Logger.callHandlers is not before
        genai.configure(**ON_STDOUT).shutdown()
        assert logging.Logger.callHandlers is before
    assert logging.Logger.callHandlers is before


def test_a_record_is_seen_once_though_two_have_asked_for_it() -> None:
    with genai.configure(**ON_STDOUT), capture(logs=True) as captured:
        log.error("x")
    assert the_log(captured)


def test_who_hooks_in_above_is_left_alone_and_records_are_seen_once_again(capsys: pytest.CaptureFixture[str]) -> None:
    before, theirs = logging.Logger.callHandlers, []
    with genai.configure(**ON_STDOUT):
        ours = logging.Logger.callHandlers
        hook = logging.Logger.callHandlers = lambda logger, record: (theirs.append(record), ours(logger, record))  # type: ignore[assignment,method-assign]
    log.error("nobody is told of this")
    assert logging.Logger.callHandlers is hook
    with genai.configure(**ON_STDOUT):
        log.error("x")
        logging.Logger.callHandlers = ours  # type: ignore[method-assign]
    assert logging.Logger.callHandlers is before
    assert (len(capsys.readouterr().out.splitlines()), len(theirs)) == (1, 2)


def test_what_does_not_reach_the_root_is_not_exported(logged: Captured) -> None:
    parent = logging.getLogger("shop.tools")
    parent.propagate = False
    try:
        log.error("x")
        logging.getLogger("shop").error("y")
    finally:
        parent.propagate = True
    assert the_log(logged)["openclaw.logger"] == "shop"


def test_a_record_below_the_level_of_its_logger_is_not_made(logged: Captured) -> None:
    log.setLevel(logging.ERROR)
    try:
        log.warning("x")
        log.error("y")
    finally:
        log.setLevel(logging.NOTSET)
    assert the_log(logged).severity == "ERROR"


PROGRAM = """
import logging, logging.config, sys
import otel_genai as genai
telemetry = genai.configure()
log = logging.getLogger("shop")
{}
log.info("an info"); log.warning("a warning")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("an error")
telemetry.shutdown()
telemetry = genai.configure()
log.error("another")
print(logging.getLogger().handlers, logging.getLogger().level, file=sys.stderr)
"""
SET_UPS = {
    "without code": (
        "from otel_genai import zero_code; zero_code.Instrumentor().instrument(); logging.basicConfig(level=20)",
        4,
    ),
    "nobody configured it": ("", 3),
    "basicConfig": ("logging.basicConfig(level=logging.INFO, format='<%(message)s>')", 4),
    "dictConfig": (
        "logging.config.dictConfig({'version': 1, 'disable_existing_loggers': False,"
        " 'handlers': {'h': {'class': 'logging.StreamHandler'}}, 'root': {'level': 'INFO', 'handlers': ['h']}})",
        4,
    ),
    "basicConfig by force": ("logging.basicConfig(force=True, level=logging.ERROR)", 2),
    "uvicorn": (
        "import uvicorn; uvicorn.Config(None, log_config=uvicorn.config.LOGGING_CONFIG | {"
        "'disable_existing_loggers': False}); logging.getLogger('uvicorn.error').warning('from uvicorn')",
        3,
    ),
    "structlog": (
        "import structlog; structlog.configure(processors=[structlog.stdlib.render_to_log_kwargs],"
        " logger_factory=structlog.stdlib.LoggerFactory()); structlog.get_logger('shop').warning('it said', shop='a')",
        4,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("set_up", "exported"), SET_UPS.values(), ids=SET_UPS)
def test_the_logging_of_the_program_is_as_it_is_without_us(set_up: str, exported: int, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"traces": False, "metrics": False, "logs": True, "logs_exporter": "stdout"}))

    def run(enabled: str) -> tuple[str, list[str]]:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(set_up)],
            env={**os.environ, "OTEL_GENAI_ENABLED": enabled, "OTEL_GENAI_CONFIG": str(file)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return re.sub("0x[0-9a-f]+", "", done.stderr), done.stdout.splitlines()

    with_us, without_us = run("true"), run("false")
    assert with_us[0] == without_us[0]
    assert "another" in with_us[0]
    assert (len(with_us[1]), without_us[1]) == (exported, [])


def test_what_we_say_of_a_collector_that_is_down_is_printed_where_nobody_configured_logging() -> None:
    program = "import otel_genai as genai, logging\n" + (
        "telemetry = genai.configure(enabled=True, logs=True, endpoint='http://127.0.0.1:9', metrics=False)\n"
        "logging.getLogger('shop').error('an error')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stderr.startswith("an error\nlogs do not arrive")


# -- structlog and loguru


def structured(*processors: Any) -> Any:
    structlog = pytest.importorskip("structlog")
    return structlog.wrap_logger(
        logging.getLogger("shop.structlog"),
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[*processors],
        context_class=dict,
    )


WAYS: dict[str, Callable[[Any], list[Any]]] = {
    "keywords": lambda structlog: [structlog.stdlib.render_to_log_kwargs],
    "JSON": lambda structlog: [structlog.processors.JSONRenderer()],
    "formatter": lambda structlog: [structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
}


@pytest.mark.parametrize("way", WAYS)
def test_what_structlog_binds_are_attributes(told: Captured, way: str) -> None:
    logger = structured(*WAYS[way](pytest.importorskip("structlog")))
    logger.bind(shop="a", sessionId="42").error("it said", attempt=2, nested={"a": 1})
    record = the_log(told)
    assert (record.body, record.severity) == ("it said", "ERROR")
    assert (record["openclaw.shop"], record["openclaw.attempt"]) == ("a", 2)
    assert record["openclaw.logger"] == "shop.structlog"
    assert not any("42" in str(value) for value in record.attributes.values())


@pytest.mark.parametrize("way", ["keywords", "formatter"])
def test_an_exception_that_structlog_logs_is_named(logged: Captured, way: str) -> None:
    logger = structured(*WAYS[way](pytest.importorskip("structlog")))
    try:
        raise ValueError("no")
    except ValueError:
        logger.exception("it failed")
    assert the_log(logged)["exception.type"] == "ValueError"


@pytest.fixture
def loguru() -> Iterator[Any]:
    logger = pytest.importorskip("loguru").logger
    number = logger.add(LogHandler(), format="{message}", level=1)
    yield logger
    logger.remove(number)


@pytest.mark.parametrize(("level", "word"), [("TRACE", "TRACE"), ("SUCCESS", "INFO"), ("CRITICAL", "FATAL")])
def test_loguru_reaches_the_handler(told: Captured, loguru: Any, level: str, word: str) -> None:
    loguru.bind(shop="a", runId="42").log(level, "it said {}", "this")
    record = the_log(told)
    assert (record.body, record.severity) == ("it said this", word)
    assert record["openclaw.shop"] == "a"
    assert record["code.function"] == "test_loguru_reaches_the_handler"
    assert "42" not in str(record.attributes.values())


def test_an_exception_that_loguru_logs_is_named(logged: Captured, loguru: Any) -> None:
    try:
        raise ValueError("no")
    except ValueError:
        loguru.exception("it failed")
    assert the_log(logged)["exception.type"] == "ValueError"


# -- what matters to security

DENIED: dict[str, Any] = {
    "category": "tool",
    "action": "tool.exec",
    "outcome": "denied",
    "severity": "high",
    "reason": "denied",
    "event_id": "5f0a8139-5de4-4ff5-af32-e4839654f1ed",
    "actor_kind": "agent",
    "actor_id": "ada@example.org",
    "actor_device_id": "ada's telephone",
    "actor_channel": "telegram",
    "actor_scopes": ("a", "b"),
    "target_kind": "tool",
    "target_id": "exec-42",
    "target_name": "exec",
    "target_owner": "core",
    "policy_id": "p1",
    "policy_decision": "deny",
    "policy_reason": "not_allowed",
    "control_id": "c1",
    "control_family": "approval",
    "attributes": {"attempt": 1},
}


def test_a_security_event_is_a_log_record_with_ids_as_hashes_alone(logged: Captured) -> None:
    genai.publish(SecurityEvent(**DENIED))
    record = the_log(logged)
    assert (record.body, record.severity, record.severity_number) == ("openclaw.security.event", "ERROR", 17)
    prefix = "openclaw.security."
    said = {name.removeprefix(prefix): value for name, value in record.items()}
    assert said["actor.id_hash"].startswith("sha256:")
    assert (said["target.name"], said["policy.decision"], said["attribute.attempt"]) == ("exec", "deny", 1)
    assert set(said) == set(GOLDEN_SECURITY) | {"actor.device_id_hash", "actor.scopes", "target.id_hash"}
    assert not any(given in str(record) for given in ("ada@", "telephone", "exec-42"))


GOLDEN_SECURITY = [
    "event_id",
    "category",
    "action",
    "outcome",
    "severity",
    "reason",
    "actor.kind",
    "actor.id_hash",
    "actor.channel",
    "target.kind",
    "target.name",
    "target.owner",
    "policy.id",
    "policy.decision",
    "policy.reason",
    "control.id",
    "control.family",
    "attribute.attempt",
]


@pytest.mark.parametrize("given", [False, {"input_messages": True}])
def test_a_record_that_is_published_by_hand_is_under_the_same_rules(given: Any) -> None:
    with capture(logs=True, capture_content=given) as captured:
        hostile = {"key": f"Bearer {SECRET}", SECRET: 1, "a b": 1, "list": [1], "runId": "42", "long": "x" * 9000}
        genai.publish(LogRecord(message="nobody shall read this", stacktrace="nor this", attributes=hostile))
        genai.publish(SecurityEvent(attributes=hostile, reason=f"Bearer {SECRET}"))
    for record in captured.logs:
        assert "this" not in f"{record.body} {record}"
        assert SECRET not in str(record)
        assert not {name for name in record if name.endswith(("runId", "a b", "list"))}
        assert all(len(str(value)) < 5000 for value in record.values())


@pytest.mark.parametrize(
    ("severity", "word"),
    [("critical", "FATAL"), ("high", "ERROR"), ("medium", "WARN"), ("low", "INFO"), ("info", "INFO")],
)
def test_the_severity_of_a_security_event(logged: Captured, severity: Any, word: str) -> None:
    genai.publish(SecurityEvent(severity=severity))
    assert the_log(logged).severity == word


# -- content in events


@pytest.mark.parametrize(
    ("where", "on_span", "in_event"),
    [({"spans": False, "events": True}, False, True), ({"events": True}, True, True), ({}, True, False)],
)
def test_a_model_call_is_an_event_where_content_goes_to_events(where: Any, on_span: bool, in_event: bool) -> None:
    keeping = capture(logs=True, capture_content={"input_messages": True, **where})
    with keeping as captured, genai.model_call("gpt-5.5", provider="openai") as call:
        call.content(input_messages="why?")
    span = captured.span("openclaw.model.call")
    assert ("gen_ai.input.messages" in span) is on_span
    assert bool(captured.logs) is in_event
    for record in captured.logs:
        assert (record.event_name, record.severity_number) == (DETAILS, 5)
        assert (record.trace_id, record.span_id) == (span.trace_id, span.span_id)
        assert json.loads(record["gen_ai.input.messages"])[0]["parts"][0]["content"] == "why?"
        assert record["gen_ai.request.model"] == "gpt-5.5"


# -- the ways out


def exported(exporter: str, say: Callable[[], None], **options: Any) -> tuple[Receiver, list[dict[str, Any]]]:
    receiver, printed = Receiver(), io.StringIO()
    with (
        serve(receiver) as url,
        redirect_stdout(printed),
        genai.configure(
            enabled=True, endpoint=url, logs=True, logs_exporter=exporter, service_name="gateway", **options
        ) as telemetry,
    ):
        say()
        assert telemetry.shutdown()
    return receiver, [json.loads(line) for line in printed.getvalue().splitlines()]


def say() -> None:
    with genai.tool("search"):
        log.warning("x", extra={"subsystem": "tools", "attempt": 2, "ok": False})
    log.error("x")


@pytest.mark.parametrize(("exporter", "sent", "printed"), [("otlp", 2, 0), ("stdout", 0, 2), ("both", 2, 2)])
def test_records_go_where_the_option_says(exporter: str, sent: int, printed: int) -> None:
    receiver, lines = exported(exporter, say)
    assert (len(receiver.logs), len(lines)) == (sent, printed)


def test_a_line_on_stdout_has_the_documented_shape() -> None:
    receiver, (inside, outside) = exported("both", say)
    assert list(inside) == [
        *("ts", "signal", "service.name", "severityText", "severityNumber", "body", "attributes"),
        *("trace_id", "span_id", "trace_flags"),
    ]
    assert (inside["signal"], inside["service.name"], inside["body"]) == ("openclaw.diagnostic.log", "gateway", "log")
    assert (inside["severityText"], inside["severityNumber"]) == ("WARN", 13)
    assert int(inside["trace_flags"], 16) & 1
    assert inside["ts"].endswith("Z")
    assert len(inside["ts"]) == len("2026-11-21T21:08:51.921Z")
    (span,) = receiver.spans
    assert (inside["trace_id"], inside["span_id"]) == (span.trace_id, span.span_id)
    assert set(outside) == set(inside) - {"trace_id", "span_id", "trace_flags"}
    assert inside["attributes"].items() >= {"openclaw.log.level": "WARN", "openclaw.ok": False}.items()


def test_hostile_texts_and_numbers_lose_no_other_record() -> None:
    def hostile() -> None:
        log.error("half \ud83d", extra={"half": "\ud83d", "huge": 10**30, "nan": float("nan")})
        with genai.agent("half \ud83d"):
            log.error("fine")

    receiver, lines = exported("both", hostile, capture_content=True)
    assert [record["body"] for record in lines] == ["half ?", "fine"]
    assert len(receiver.logs) == 2
    assert len(receiver.spans) == 1


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_the_exporter_does_not_feed_itself_while_the_collector_is_down(compression: str) -> None:
    """Everything logs at its lowest level, and each export fails."""
    published: list[LogRecord] = []
    with (
        root_at(1),
        genai.configure(
            enabled=True, endpoint="http://127.0.0.1:9", logs=True, capture_content=True, compression=compression
        ) as telemetry,
    ):
        stop = genai.subscribe(lambda event: published.append(event), LogRecord)
        for _ in range(3):
            for _ in range(50):
                log.debug("x")
            telemetry.flush(timeout_ms=500)
        telemetry.shutdown(timeout_ms=500)
        stop()
    others = {event.logger for event in published} - {"shop.tools.exec"}
    assert len([event for event in published if event.logger == "shop.tools.exec"]) == 150
    assert not any(str(name).startswith(("urllib3", "requests", "opentelemetry", "otel_genai")) for name in others)


# -- a file of one's own


def lines_of(logger: logging.Logger, say: Callable[[], None]) -> list[dict[str, Any]]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonlFormatter())
    logger.addHandler(handler)
    try:
        say()
    finally:
        logger.removeHandler(handler)
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_in_a_file_names_its_trace_and_its_span(captured: Captured) -> None:
    def work() -> None:
        with genai.bind(session="s-1", channel="web", agent="ada"), genai.agent("planner"), genai.tool("search"):
            log.error("found with %s", SECRET, extra={"attempt": 2})

    (line,) = lines_of(log, work)
    tool, agent = captured.span("openclaw.tool.execution"), captured.span("openclaw.harness.run")
    assert (line["traceId"], line["spanId"]) == (tool.trace_id, tool.span_id)
    assert (line["parentSpanId"], line["traceFlags"]) == (agent.span_id, f"{tool.flags:02x}")
    assert line["message"] == "found with sk-pro…M3n4"
    assert (line["session_id"], line["channel"], line["attempt"], line["level"]) == ("s-1", "web", 2, "ERROR")
    assert {"time", "hostname", "logger", "agent_id"} <= set(line)


def test_a_line_in_a_file_without_telemetry_has_no_trace() -> None:
    (line,) = lines_of(log, lambda: log.error("x"))
    assert not {"traceId", "spanId", "parentSpanId", "traceFlags"} & set(line)
    assert line["message"] == "x"


def test_an_exception_stays_one_line_in_a_file() -> None:
    (line,) = lines_of(log, lambda: raising("a\nb"))
    assert "ValueError: a\nb" in line["error"]
