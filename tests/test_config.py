"""Every option by every way it can be given, the order of the ways, and where each signal goes."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints, is_typeddict

import pytest
from pydantic import TypeAdapter, ValidationError

from otel_genai import config, costs, options, values
from otel_genai.arguments import Options
from otel_genai.config import Config, ConfigError, Shown, Variable, load, load_as, option


class Example(NamedTuple):
    """`given` reads as `value`; every one of `bad` is refused."""

    given: object
    value: object
    bad: tuple[object, ...]


FLAG = Example(True, True, ("maybe", 1, 0.0, []))
OFF = Example("off", False, ("maybe", 2))
URL = Example(" https://collector:4318/x ", "https://collector:4318/x", ("collector:4318", 4318))
PROTOCOL = Example(" grpc ", "grpc", (1, ["grpc"]))
NAMESPACE = Example("acme.ai-1", "acme.ai-1", ("1acme", "a b", "a" * 129, "acme:", 7))
THRESHOLD = Example("0.5", 0.5, (-1, "high", True, float("nan"), float("inf"), []))
BYTES = Example("1048576", 1_048_576, (0, "1M", 1.5))

# `capture_content` says all in one, which tests/test_capture.py looks at.
ROWS = {name: row for name, row in config.rows(Config).items() if not name.startswith("capture_content.")}
EXAMPLES: dict[str, Example] = {
    "enabled": FLAG,
    "endpoint": URL,
    "traces_endpoint": URL,
    "metrics_endpoint": URL,
    "logs_endpoint": URL,
    "protocol": PROTOCOL,
    "traces_protocol": PROTOCOL,
    "metrics_protocol": PROTOCOL,
    "logs_protocol": PROTOCOL,
    "headers": Example(
        {"X-Key": "abc\n"},
        {"X-Key": "abc"},
        ("a=b", {"a b": "c"}, {"a": 1}, {"": "c"}, {"a": "b\r\nc: d"}, {"a": "\N{SNOWMAN}"}),
    ),
    "compression": Example("GZIP", "gzip", ("deflate", True)),
    "service_name": Example(" gateway ", "gateway", (1, True)),
    "service_version": Example("1.2", "1.2", (1.2,)),
    "resource_attributes": Example(
        {"team": "a", "shards": [1, 2]},
        {"team": "a", "shards": [1, 2]},
        ("team=a", {"team": None}, {1: "a"}, {"": "a"}, {"mixed": ["a", 1]}, {"deep": {"a": 1}}),
    ),
    "traces": OFF,
    "metrics": OFF,
    "logs": FLAG,
    "logs_exporter": Example(" Both ", "both", ("file", True, 1)),
    "redact": Example("acme-[0-9]+", ("acme-[0-9]+",), ("(", ["ok", "["], 5, [1])),
    "hash_conversation_id": FLAG,
    "flags": Example("telegram.*, http", ("telegram.*", "http"), (5, [1])),
    "sample_rate": Example("0.25", 0.25, (1.01, -0.1, float("nan"), "half", True, [])),
    "flush_interval_ms": Example(60_000, 60_000, (-1, 1.5, "soon", True)),
    "preloaded": FLAG,
    "adopt": FLAG,
    "semconv": Example(config.DUP, config.DUP, ("latest", "http", f"http,{config.LATEST}", 1)),
    "namespace": NAMESPACE,
    "agent_namespace": NAMESPACE,
    "excluded_urls": Example("health, ^/x$ ,", ("health", "^/x$"), ("(", ["ok", "["], 5, [1])),
    "cost_per_1k_tokens": Example("0.01", 0.01, (-1, "free", float("nan"), True, [])),
    "cost_model_rates": Example(
        {" Acme/M-1 ": {"inputPer1k": "0.5"}},
        {"Acme/M-1": costs.Rate(input=0.5), "acme/m-1": costs.Rate(input=0.5)},
        ("{", "[]", '{"m": NaN}', 5),
    ),
    "docker.enabled": FLAG,
    "docker.host": Example(" tcp://10.0.0.1:2376 ", "tcp://10.0.0.1:2376", (1, True)),
    "docker.labels": Example("a=b, c", ("a=b", "c"), (5, [1])),
    "docker.interval_ms": Example("5000", 5000, (0, 999, 3_600_001, "5s")),
    "docker.timeout_ms": Example("500", 500, (0, 99, 60_001, "5s")),
    "docker.concurrency": Example("32", 32, (0, 257, "many", 1.5)),
    "semconv_containers": FLAG,
    "large_payload_bytes": Example("65536", 65536, (0, "64K", 2.5)),
    "heartbeat_interval_ms": Example("1000", 1000, (0, 49, "1s", 2.5)),
    "sessions.enabled": OFF,
    "sessions.stuck_session_warn_ms": Example("30000", 30_000, (0, 999, 86_400_001, "1s")),
    "sessions.stuck_session_abort_ms": Example(600_000, 600_000, (0, 999, 86_400_001, "1s")),
    "recover": Example(print, print, ("print", 5)),
    "liveness.enabled": OFF,
    "liveness.delay_p99_ms": THRESHOLD,
    "liveness.delay_max_ms": THRESHOLD,
    "liveness.utilization": THRESHOLD,
    "liveness.cpu_core_ratio": THRESHOLD,
    "liveness.startup_grace_ms": Example("0", 0, (-1, "1s", 0.5)),
    "memory.enabled": OFF,
    "memory.rss_warning_bytes": BYTES,
    "memory.rss_critical_bytes": BYTES,
    "memory.heap_warning_bytes": BYTES,
    "memory.heap_critical_bytes": BYTES,
    "memory.growth_warning_bytes": BYTES,
    "memory.growth_critical_bytes": BYTES,
    "memory.growth_window_ms": Example("60000", 60_000, (0, "1m", 1e6)),
    "prometheus_port": Example("9464", 9464, (-1, 65536, "many", 1.5, True)),
    "prometheus_host": Example(" ::1 ", "::1", (1, True)),
    "shutdown_timeout_ms": Example("5000", 5000, (0, 5001, "3s", 2.0)),
}

VARIABLES: dict[str, Example] = {
    "OTEL_GENAI_ENABLED": Example(" Yes ", True, ("maybe",)),
    "NORA_OTEL_ENABLED": Example(" TRUE ", True, ("1", "yes", "on")),
    "OTEL_GENAI_PRELOADED": Example("on", True, ("maybe",)),
    "OPENCLAW_OTEL_PRELOADED": Example("1", True, ("true", "yes", "2")),
    "OTEL_EXPORTER_OTLP_PROTOCOL": Example("grpc", "grpc", ()),
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": Example("grpc", "grpc", ()),
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": Example("grpc", "grpc", ()),
    "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": Example("grpc", "grpc", ()),
    "OTEL_TRACES_EXPORTER": Example(" None ", False, ()),
    "OTEL_METRICS_EXPORTER": Example("none", False, ()),
    "OTEL_LOGS_EXPORTER": Example("none", False, ()),
    "OTEL_SERVICE_NAME": Example(" gateway ", "gateway", ()),
    "COST_PER_1K_TOKENS": Example("free", 0.0, ()),
    "COST_MODEL_RATES_JSON": Example('{"m": {"per_1k": 1}}', {"m": costs.Rate(flat=1.0)}, ("{", "[]", '{"m": NaN}')),
    "OTEL_SEMCONV_STABILITY_OPT_IN": Example(f"http, {config.LATEST} ,database", config.LATEST, ()),
}


def tables(kind: Any) -> dict[str, Any]:
    """The table that each argument may be, if it may be one."""
    hints = get_type_hints(kind)
    return {name: next(filter(is_typeddict, get_args(hint)), None) for name, hint in hints.items()}


def declared(kind: Any, prefix: str = "") -> list[str]:
    """The dotted names that the types of arguments have."""
    nested = {
        name: declared(table, f"{prefix}{name}.") if table else [prefix + name] for name, table in tables(kind).items()
    }
    return [dotted for names in nested.values() for dotted in names]


def type_of(name: str) -> Any:
    *table, own = name.split(".")
    return get_type_hints(tables(Options)[table[0]] if table else Options)[own]


OPTIONS = sorted(ROWS)
ENVIRONMENT = [(variable.name, name) for name, row in sorted(ROWS.items()) for variable in row.env]
BAD = [(name, bad) for name in OPTIONS if name in EXAMPLES for bad in EXAMPLES[name].bad]


def of_variable(variable: str, name: str) -> Example:
    if variable in VARIABLES:
        return VARIABLES[variable]
    example = EXAMPLES[name]
    return Example(example.given, example.value, tuple(bad for bad in example.bad if isinstance(bad, str)))


BAD_ENVIRONMENT = [(variable, name, bad) for variable, name in ENVIRONMENT for bad in of_variable(variable, name).bad]


def loaded(
    environ: Mapping[str, str] | None = None, file: str | Path | Mapping[str, Any] | None = None, /, **options: object
) -> Config:
    return load(options, environ=environ or {}, config=file)


def camel(name: str) -> str:
    return "".join(word.capitalize() if index else word for index, word in enumerate(name.split("_")))


def nest(name: str, value: object) -> dict[str, object]:
    """`a.b` as the mapping that holds it."""
    for part in reversed(name.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value


def read(of: Config, name: str) -> object:
    value: object = of
    for part in name.split("."):
        value = getattr(value, part)
    return value


@pytest.fixture(autouse=True)
def _each_warning_is_new() -> Iterator[None]:
    options._warn_once.cache_clear()
    yield
    options._warn_once.cache_clear()


# Every option.


def test_every_option_has_its_example_here() -> None:
    assert sorted(EXAMPLES) == OPTIONS
    assert set(VARIABLES) <= {variable for variable, _ in ENVIRONMENT}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_says_what_it_means(name: str) -> None:
    assert ROWS[name].doc.endswith(".")


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_is_taken_from_an_argument(name: str) -> None:
    found = loaded(**nest(name, EXAMPLES[name].given))
    assert read(found, name) == EXAMPLES[name].value
    assert found.sources[name] == "argument"
    assert name in found.given


@pytest.mark.parametrize("spelled", [str, camel], ids=["snake_case", "camelCase"])
@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_is_taken_from_a_mapping_in_either_spelling(name: str, spelled: Any) -> None:
    found = loaded({}, nest(".".join(spelled(part) for part in name.split(".")), EXAMPLES[name].given))
    assert read(found, name) == EXAMPLES[name].value
    assert found.sources[name] == "file"
    assert name in found.given


@pytest.mark.parametrize(("variable", "name"), ENVIRONMENT)
def test_an_option_is_taken_from_its_variable(variable: str, name: str) -> None:
    example = of_variable(variable, name)
    found = loaded({variable: str(example.given)})
    assert read(found, name) == example.value
    assert found.sources[name] == variable
    assert name not in found.given


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_is_not_given_has_its_default(name: str) -> None:
    blank = loaded({variable.name: " " for variable in ROWS[name].env}, nest(name, ""), **nest(name, None))
    assert read(blank, name) == read(Config(), name) == ROWS[name].default
    assert blank.sources[name] == "default"


def test_what_configure_takes_is_every_option_and_nothing_else() -> None:
    assert declared(Options) == [name for name in config.rows(Config) if name != "capture_content.everything"]


@pytest.mark.parametrize("name", OPTIONS)
def test_the_type_of_an_argument_admits_what_its_option_reads(name: str) -> None:
    admits = TypeAdapter(type_of(name)).validate_python
    for given in (EXAMPLES[name].given, ROWS[name].default, None):
        admits(given, strict=True)
    for bad in EXAMPLES[name].bad:
        if isinstance(bad, bool) or bad in ([], [1]):
            with pytest.raises(ValidationError):
                admits(bad, strict=True)


@pytest.mark.parametrize(("name", "bad"), BAD)
def test_a_bad_argument_is_an_error_that_names_it(name: str, bad: object) -> None:
    with pytest.raises(ConfigError, match=f"^{name}=.*: expected .+"):
        loaded(**nest(name, bad))


@pytest.mark.parametrize(("name", "bad"), BAD)
def test_a_bad_value_of_a_mapping_is_an_error_that_names_the_key_as_written(name: str, bad: object) -> None:
    with pytest.raises(ConfigError, match=f"^{camel(name)}=.*: expected .+"):
        loaded({}, nest(camel(name), bad))


@pytest.mark.parametrize(("variable", "name", "bad"), BAD_ENVIRONMENT)
def test_a_bad_variable_is_a_warning_and_ignored(
    variable: str, name: str, bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = loaded({variable: bad}), loaded({variable: bad})
    assert {each.sources[name] for each in found} == {"default"}
    assert [(record.name, record.levelno) for record in caplog.records] == [("otel_genai", logging.WARNING)]
    assert caplog.messages[0].startswith(f"{variable}=")
    assert "expected" in caplog.messages[0]


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_can_be_shown_with_its_source(name: str) -> None:
    assert loaded().show()[name] == Shown(ROWS[name].default, "default")
    assert loaded(**nest(name, EXAMPLES[name].given)).show()[name].source == "argument"


# Which value wins.


def test_an_argument_beats_the_environment_which_beats_the_file() -> None:
    environ, file = {"OTEL_SERVICE_NAME": "environment"}, {"serviceName": "file"}
    assert loaded(environ, file, service_name="argument").service_name == "argument"
    assert loaded(environ, file).service_name == "environment"
    assert loaded({}, file).service_name == "file"
    assert loaded().service_name is None


def test_the_first_variable_of_an_option_wins_and_a_bad_one_gives_way() -> None:
    both = {"OTEL_PYTHON_ASGI_EXCLUDED_URLS": "asgi", "OTEL_PYTHON_EXCLUDED_URLS": "any"}
    assert loaded(both).excluded_urls == ("asgi",)
    assert loaded(both | {"OTEL_PYTHON_ASGI_EXCLUDED_URLS": "("}).excluded_urls == ("any",)


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_the_exporter_none_of_the_standard_is_weaker_than_what_is_ours(signal: str) -> None:
    none = {f"OTEL_{signal.upper()}_EXPORTER": "none"}
    assert read(loaded(none, **{signal: True}), signal)
    assert not read(loaded(none, {signal: True}), signal)
    assert read(loaded({**none, f"OTEL_GENAI_{signal.upper()}": "true"}), signal)
    other = {f"OTEL_{signal.upper()}_EXPORTER": "otlp"}
    assert read(loaded(other), signal) is read(Config(), signal)


@pytest.mark.parametrize(("word", "enabled"), [("true", False), (" TRUE ", False), ("false", True), ("1", True)])
def test_the_sdk_switch_beats_even_the_argument(word: str, enabled: bool) -> None:
    found = loaded({"OTEL_SDK_DISABLED": word, "OTEL_GENAI_ENABLED": "1"}, {"enabled": True}, enabled=True)
    assert found.enabled is enabled
    assert found.sources["enabled"] == ("argument" if enabled else "OTEL_SDK_DISABLED")


@pytest.mark.parametrize("words", [("false", "true", False), ("true", "false", True), ("", "true", True)])
def test_our_own_switch_beats_the_older_one(words: tuple[str, str, bool]) -> None:
    own, older, enabled = words
    assert loaded({"OTEL_GENAI_ENABLED": own, "NORA_OTEL_ENABLED": older}).enabled is enabled


def test_empty_containers_are_given_values() -> None:
    found = loaded({"OTEL_PYTHON_EXCLUDED_URLS": "health"}, {"headers": {"a": "b"}}, excluded_urls=(), headers={})
    assert found.excluded_urls == ()
    assert found.headers == {}


def test_what_was_given_is_what_an_argument_or_the_file_decided() -> None:
    found = loaded({"OTEL_SERVICE_NAME": "a"}, {"sampleRate": 1, "serviceName": "b"}, metrics=False, traces=None)
    assert found.given == {"sample_rate", "metrics"}


def test_the_process_environment_is_read_where_none_is_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "gateway")
    assert load({}).service_name == "gateway"


def test_a_configuration_keeps_its_own_copy_of_what_it_was_given() -> None:
    headers = {"a": "b"}
    found = loaded(headers=headers)
    headers["a"] = "c"
    assert found.headers == {"a": "b"}
    assert loaded().headers is not loaded().headers


# The meaning of single options.


@pytest.mark.parametrize(
    ("listed", "shape"),
    [
        ("", "default"),
        ("http", "default"),
        ("gen_ai_latest_experimental", "latest"),
        ("http/dup, gen_ai_latest_experimental", "latest"),
        ("gen_ai_latest_experimental/dup,http", "dup"),
        ("gen_ai_latest_experimental,gen_ai_latest_experimental/dup", "dup"),
        ("gen_ai_latest_experimental_2", "default"),
    ],
)
def test_the_stability_variable_chooses_the_shape(listed: str, shape: str, caplog: pytest.LogCaptureFixture) -> None:
    assert loaded({"OTEL_SEMCONV_STABILITY_OPT_IN": listed}).shape == shape
    assert not caplog.records


@pytest.mark.parametrize(("given", "used"), [(0, 1000), (999, 1000), ("1001", 1001)])
def test_exports_are_at_least_a_second_apart(given: object, used: int) -> None:
    assert loaded(flush_interval_ms=given).flush_interval_ms == used


@pytest.mark.parametrize("rate", [0, 1, 0.5, "1e-1"])
def test_a_sample_rate_may_be_any_share(rate: float | str) -> None:
    assert loaded(sample_rate=rate).sample_rate == float(rate)


def test_a_pattern_with_commas_can_stand_in_a_list() -> None:
    assert loaded(excluded_urls=["a{1,3}"]).excluded_urls == ("a{1,3}",)


def test_a_bad_pattern_is_named() -> None:
    with pytest.raises(ConfigError, match=r"'\(b' is none: missing \)"):
        loaded(excluded_urls="a,(b")


@pytest.mark.parametrize("name", ["sessions", "liveness", "memory"])
def test_a_look_of_the_process_at_itself_can_be_switched_off_in_a_word(name: str) -> None:
    assert not read(loaded(**{name: False}), f"{name}.enabled")
    assert read(loaded(), f"{name}.enabled")


@pytest.mark.parametrize(
    ("table", "on"),
    [
        ({"labels": ["a"]}, True),
        ({"intervalMs": 5000}, True),
        ({}, True),
        ({"labels": ["a"], "enabled": False}, False),
        ({"labels": ["a"], "enabled": None}, False),
    ],
)
def test_a_table_of_options_switches_on_unless_it_says_otherwise(table: dict[str, object], on: bool) -> None:
    assert loaded(docker=table).docker.enabled is on
    assert loaded({}, {"docker": table}).docker.enabled is on
    assert loaded({"OTEL_GENAI_DOCKER_ENABLED": "false"}, {"docker": table}).docker.enabled is False


@pytest.mark.parametrize(
    ("warn", "abort", "used"),
    [(None, None, 360_000), (60_000, None, 300_000), (200_000, None, 600_000), (60_000, 30_000, 60_000)],
)
def test_work_is_aborted_no_sooner_than_its_session_is_reported(warn: int | None, abort: int | None, used: int) -> None:
    given = {"stuck_session_warn_ms": warn, "stuck_session_abort_ms": abort}
    assert loaded(sessions=given).sessions.abort_ms == used


@pytest.mark.parametrize(
    ("otel", "warn_ms", "enabled"),
    [
        ({}, 30_000, True),
        ({"sessions": False}, 30_000, False),
        ({"sessions": {"stuckSessionWarnMs": 5000}}, 5000, True),
    ],
)
def test_what_the_gateway_says_of_sessions_is_read_where_it_says_it(
    otel: dict[str, Any], warn_ms: int, enabled: bool
) -> None:
    beside = {"stuckSessionWarnMs": 30_000, "stuckSessionAbortMs": 900_000}
    found = loaded({}, {"diagnostics": {**beside, "otel": otel}}).sessions
    assert (found.stuck_session_warn_ms, found.abort_ms, found.enabled) == (warn_ms, 900_000, enabled)


def test_a_bad_value_that_the_gateway_says_of_sessions_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"^sessions\.stuckSessionWarnMs=5: expected"):
        loaded({}, {"diagnostics": {"stuckSessionWarnMs": 5}})


# Where each signal goes.


@pytest.mark.parametrize(
    ("shared", "traces", "metrics"),
    [
        ("http://h:4318", "http://h:4318/v1/traces", "http://h:4318/v1/metrics"),
        ("http://h:4318//", "http://h:4318/v1/traces", "http://h:4318/v1/metrics"),
        ("HTTPS://[::1]:4318/", "HTTPS://[::1]:4318/v1/traces", "HTTPS://[::1]:4318/v1/metrics"),
        ("https://h/otlp", "https://h/otlp/v1/traces", "https://h/otlp/v1/metrics"),
        ("https://h/v1/traces", "https://h/v1/traces", "https://h/v1/metrics"),
        ("https://h/v1/logs/", "https://h/v1/traces", "https://h/v1/metrics"),
        ("https://h/a/V1/Traces", "https://h/a/V1/Traces", "https://h/a/V1/metrics"),
        ("https://h/v1/traces/x", "https://h/v1/traces/x/v1/traces", "https://h/v1/traces/x/v1/metrics"),
        (
            "https://h/opik/api/v1/private/otel",
            *(f"https://h/opik/api/v1/private/otel/v1/{s}" for s in ("traces", "metrics")),
        ),
        ("https://h/a/?k=v", "https://h/a/v1/traces?k=v", "https://h/a/v1/metrics?k=v"),
        ("https://h?k=/v1/traces", "https://h/v1/traces?k=/v1/traces", "https://h/v1/metrics?k=/v1/traces"),
        ("https://h/v1/traces?k#f", "https://h/v1/traces?k#f", "https://h/v1/metrics?k#f"),
        ("https://h#f?k", "https://h/v1/traces#f?k", "https://h/v1/metrics#f?k"),
        ("https://u:p@h/", "https://u:p@h/v1/traces", "https://u:p@h/v1/metrics"),
    ],
)
def test_a_shared_endpoint_serves_every_signal(shared: str, traces: str, metrics: str) -> None:
    found = loaded(endpoint=shared)
    assert (found.endpoint_for("traces"), found.endpoint_for("metrics")) == (traces, metrics)


@pytest.mark.parametrize("exact", ["http://h/", "http://h/v1/metrics", "http://h/api/traces?x"])
def test_an_endpoint_of_one_signal_is_used_as_it_is(exact: str) -> None:
    found = loaded(endpoint="http://shared", traces_endpoint=exact)
    assert found.endpoint_for("traces") == exact
    assert found.endpoint_for("metrics") == "http://shared/v1/metrics"


def test_with_no_endpoint_the_collector_is_on_this_machine() -> None:
    for nothing in (Config(), loaded()):
        assert nothing.endpoint_for("traces") == "http://localhost:4318/v1/traces"
        assert nothing.endpoint_for("logs") == "http://localhost:4318/v1/logs"


WAYS = ["signal argument", "shared argument", "signal key", "signal variable", "shared variable", "shared key"]


@pytest.mark.parametrize("first", range(len(WAYS)), ids=WAYS)
def test_endpoints_are_looked_for_in_the_documented_order(first: int) -> None:
    keys = ["traces_endpoint", "endpoint", "tracesEndpoint", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
    keys += ["OTEL_EXPORTER_OTLP_ENDPOINT", "endpoint"]
    given = [(key, f"http://h{way}") if way >= first else (key, None) for way, key in enumerate(keys)]
    environ = {key: value for key, value in given[3:5] if value}
    found = load(dict(given[:2]), environ=environ, config=dict([*given[2:3], *given[5:]]))
    shared = WAYS[first].startswith("shared")
    assert found.endpoint_for("traces") == f"http://h{first}" + "/v1/traces" * shared


@pytest.mark.parametrize(
    "url",
    [
        "localhost:4318",
        "//h:4318",
        "grpc://h:4317",
        "http//h",
        "http://",
        "http://:4318",
        "http:///path",
        "http://h:port",
        "http://h:65536",
        "http://h:-1",
        "http://[::1",
        "http://a b",
        "http://h/\tx",
    ],
)
@pytest.mark.parametrize("key", ["endpoint", "tracesEndpoint", "metricsEndpoint"])
def test_a_bad_url_is_an_error_that_says_what_is_expected(key: str, url: str) -> None:
    with pytest.raises(ConfigError, match=f"^{key}=.*: expected an http:// or https:// URL with a host"):
        loaded({}, {key: url})


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("localhost:4318", "'localhost:4318'"),
        (" grpc://h:4317 ", "'grpc://h:4317'"),
        ("http//me:pass@h:1", "'***@h:1'"),
        ("grpc://me:pa?ss@h/path?key=1", "'grpc://***@h/path?***'"),
        ("http://h:port/path", "'http://h:***/path'"),
        ("sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2M3n4", "'sk-pro…M3n4'"),
        (4318, "<int>"),
    ],
)
def test_a_bad_url_is_shown_as_it_was_typed_without_its_credentials(typed: Any, shown: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(f'endpoint={shown}')}: expected an http:// or https:// URL"):
        loaded(endpoint=typed)


@pytest.mark.parametrize("url", ["ftp://me:secret@h", "me:secret@h", "http://me:secret", "http://h:1x?key=secret"])
def test_credentials_of_a_bad_url_are_not_echoed(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(endpoint=url)
    loaded({"OTEL_EXPORTER_OTLP_ENDPOINT": url})
    assert "secret" not in f"{caught.value} {caught.value.__cause__} {caplog.text}"
    assert caught.value.__suppress_context__


def test_a_refused_variable_leaves_the_next_endpoint_in_the_order() -> None:
    environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "collector", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://shared"}
    assert loaded(environ).endpoint_for("traces") == "http://shared/v1/traces"


@pytest.mark.parametrize(
    ("environ", "file", "options", "expected"),
    [
        ({}, {}, {}, "http/protobuf http/protobuf"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, {}, {}, "grpc grpc"),
        ({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, {}, {}, "grpc http/protobuf"),
        ({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, {}, {"protocol": "http/json"}, "http/json http/json"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, {"metricsProtocol": "http/json"}, {}, "grpc http/json"),
        ({}, {"protocol": "grpc"}, {"metrics_protocol": "http/protobuf"}, "grpc http/protobuf"),
    ],
)
def test_a_protocol_is_reported_per_signal(
    environ: dict[str, str], file: dict[str, str], options: dict[str, str], expected: str
) -> None:
    found = load(options, environ=environ, config=file)
    assert [found.protocol_for("traces"), found.protocol_for("metrics")] == expected.split()


# Secrets.


def test_secrets_are_masked_wherever_a_configuration_is_shown() -> None:
    found = loaded(headers={"authorization": "secret"}, endpoint="https://me:secret@h/a?key=secret")
    assert found.show()["headers"] == Shown({"authorization": "***"}, "argument")
    assert found.show()["endpoint"] == Shown("https://***@h/a?***", "argument")
    assert "secret" not in repr(found)


def test_a_bad_header_is_not_quoted() -> None:
    with pytest.raises(ConfigError, match=r"headers=\*\*\*: expected a mapping") as caught:
        loaded(headers={"authorization": "secret\nsecret"})
    assert "secret" not in str(caught.value)


# Keys.


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("flushInterval", "did you mean flushIntervalMs?"),
        ("end_point", "did you mean endpoint?"),
        ("q", "expected one of"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_the_nearest(key: str, hint: str) -> None:
    for give in ({"file": {key: None}}, {"options": {key: 1}}):
        with pytest.raises(ConfigError) as caught:
            load(give.get("options", {}), environ={}, config=give.get("file"))
        assert str(caught.value).startswith(f"{key}: there is no such option; ")
        assert hint in str(caught.value)


def test_an_option_given_in_both_spellings_is_an_error() -> None:
    with pytest.raises(ConfigError, match="serviceName: given twice"):
        loaded({}, {"service_name": "a", "serviceName": "b"})


# Files.

IN_TOML = "{}serviceName = 'gateway'\nsample_rate = 0.5\nresourceAttributes = {{ team = 'a' }}\n"
IN_JSON = {"serviceName": "gateway", "sample_rate": 0.5, "resourceAttributes": {"team": "a"}}


def as_read(found: Config) -> tuple[object, ...]:
    return found.service_name, found.sample_rate, found.resource_attributes, found.sources["service_name"]


@pytest.mark.parametrize("heading", ["", "[otel_genai]\n", "[other]\na = 1\n[diagnostics.otel]\n"])
def test_options_are_read_from_toml(tmp_path: Path, heading: str) -> None:
    file = tmp_path / "options.toml"
    file.write_text(IN_TOML.format(heading))
    assert as_read(loaded({}, file)) == ("gateway", 0.5, {"team": "a"}, "file")
    assert loaded({}, file) == loaded({}, str(file)) == loaded({"OTEL_GENAI_CONFIG": str(file)})


@pytest.mark.parametrize(
    "document", [IN_JSON, {"otel_genai": IN_JSON, "other": 1}, {"diagnostics": {"flags": [], "otel": IN_JSON}}]
)
def test_options_are_read_from_json_and_mappings(tmp_path: Path, document: dict[str, object]) -> None:
    file = tmp_path / "options.json"
    file.write_text("\N{ZERO WIDTH NO-BREAK SPACE}" + json.dumps(document), encoding="utf-8")
    assert as_read(loaded({}, file)) == ("gateway", 0.5, {"team": "a"}, "file")
    assert loaded({}, file) == loaded({}, document)


def test_a_table_of_diagnostics_that_is_off_switches_all_off() -> None:
    assert loaded({}, {"diagnostics": {"otel": {"enabled": True}}}).enabled is True
    assert loaded({}, {"diagnostics": {"enabled": False, "otel": {"enabled": True}}}).enabled is False
    assert loaded({}, {"diagnostics": {"enabled": True}}).enabled is False


def test_a_file_that_is_passed_is_preferred_to_the_named_one(tmp_path: Path) -> None:
    named = tmp_path / "named.json"
    named.write_text('{"serviceName": "named"}')
    for passed in ({}, {"serviceName": "passed"}):
        assert loaded({"OTEL_GENAI_CONFIG": str(named)}, passed).service_name == passed.get("serviceName")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.toml", "a = ", "Invalid value"),
        ("a.json", "{a: 1}", "property name enclosed in double quotes"),
        ("a.json", b"\xff", "decode"),
        ("a.json", "[]", "expected a table of options"),
        ("a.json", '{"otel_genai": 1}', "otel_genai in .*expected a table"),
        ("a.json", '{"diagnostics": {"otel": null}}', "diagnostics.otel in .*expected a table"),
        ("a.toml", "sampleRate = 2", r"^sampleRate=2 in .*a\.toml: expected a number"),
        ("a.toml", "sampelRate = 1", r"^sampelRate in .*a\.toml: there is no such option; did you mean sampleRate"),
    ],
)
def test_a_bad_file_is_an_error_that_names_it(tmp_path: Path, name: str, content: str | bytes, expected: str) -> None:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    for environ, passed in (({}, file), ({"OTEL_GENAI_CONFIG": str(file)}, None)):
        with pytest.raises(ConfigError, match=expected) as caught:
            loaded(environ, passed)
        assert name in str(caught.value)


@pytest.mark.parametrize(("name", "expected"), [("no.toml", "cannot be read"), ("a.yaml", r"\.toml or \.json")])
def test_a_path_that_is_no_file_is_an_error_as_argument_and_a_warning_as_variable(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, expected: str
) -> None:
    (tmp_path / "a.yaml").touch()
    with pytest.raises(ConfigError, match=f"^config=.*{expected}"):
        loaded({}, tmp_path / name)
    assert loaded({"OTEL_GENAI_CONFIG": str(tmp_path / name)}) == Config()
    assert [message.split("=")[0] for message in caplog.messages] == ["OTEL_GENAI_CONFIG"]


# Tables of options.


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    input_messages: bool = option(False, "Prompts.", parse=values.flag, env=("CAPTURE_INPUT",))
    replies: bool = option(False, "Replies.", parse=values.flag)


def everything(value: object) -> object:
    return {"input_messages": value, "replies": value} if isinstance(value, bool) else values.table(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wider(Config):
    capture_content: Capture = option(Capture(), "What is kept.", parse=everything)  # noqa: RUF009
    log_level: int = option(
        0, "Lowest level.", parse=values.whole(0), env=(Variable("LEVEL", lambda text: len(str(text))),)
    )


def wider(
    environ: Mapping[str, str] | None = None, file: Mapping[str, Any] | None = None, /, **options: object
) -> Wider:
    return load_as(Wider, options, environ=environ or {}, config=file)


def test_each_option_of_a_table_has_its_own_source() -> None:
    file = {"captureContent": {"inputMessages": False, "replies": False}}
    found = wider({"CAPTURE_INPUT": "yes"}, file, capture_content={"replies": True})
    assert found.capture_content == Capture(input_messages=True, replies=True)
    assert found.show()["capture_content.input_messages"] == Shown(True, "CAPTURE_INPUT")
    assert found.given == {"capture_content.replies"}


def test_a_table_may_be_given_by_a_shorthand() -> None:
    assert wider(capture_content=True).capture_content == Capture(input_messages=True, replies=True)
    assert wider(capture_content=True).given == {"capture_content.input_messages", "capture_content.replies"}
    assert wider().capture_content == Capture()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"inputMessages": "maybe"}, "captureContent.inputMessages='maybe': expected true or false"),
        (
            {"inputMesages": True},
            "captureContent.inputMesages: there is no such option; did you mean captureContent.input",
        ),
        (3, "captureContent=3: expected a table of options"),
    ],
)
def test_an_error_inside_a_table_names_the_whole_key(table: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        wider({}, {"captureContent": table})
    assert str(caught.value).startswith(message)


def test_a_variable_may_be_read_in_its_own_way() -> None:
    assert wider({"LEVEL": "abc"}).log_level == 3


# The configuration in force.


def test_telemetry_is_off_until_a_configuration_is_activated_and_again_after() -> None:
    assert config.active() == Config()
    mine = loaded(enabled=True)
    before = config.activate(mine)
    assert config.active() is mine
    assert config.activate(before) is mine
    assert config.active() is before
