"""Every option once: its name, type, default, environment variables and meaning."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from . import capture, endpoints, rates, tables, values
from .capture import Capture
from .flags import VARIABLES as FLAG_VARIABLES
from .options import ConfigError, ConfigFile, Option, Shown, Variable, load_as, option, rows, showable
from .redaction import LOOK_AHEAD

__all__ = [
    "DUP",
    "LATEST",
    "Config",
    "ConfigError",
    "Option",
    "Shown",
    "Signal",
    "Variable",
    "activate",
    "active",
    "load",
    "load_as",
    "option",
    "rows",
]

Signal = endpoints.Signal
Shape = Literal["default", "latest", "dup"]

LATEST: Final = "gen_ai_latest_experimental"
DUP: Final = "gen_ai_latest_experimental/dup"


def _unless_disabled(value: object) -> bool | None:
    return False if values.only("true")(value) else None


def _exported(value: object) -> bool | None:
    """What the standard's choice of an exporter says of a signal: `none` switches it off, any other changes nothing."""
    return False if str(value).strip().lower() == "none" else None


def _opted_in(value: object) -> str | None:
    """The token that is ours in a list that other instrumentations read too; the wider one where both stand."""
    tokens = {token.strip() for token in str(value).split(",")}
    return next((choice for choice in (DUP, LATEST) if choice in tokens), None)


def _starred(headers: Mapping[str, str]) -> dict[str, str]:
    return dict.fromkeys(headers, "***")


def _url(doc: str, variable: str, *, file_first: bool = True) -> Any:
    return option(None, doc, parse=endpoints.checked, env=(variable,), mask=endpoints.masked, file_first=file_first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the user decided. Made by `load`; `Config()` is all defaults: telemetry is off."""

    enabled: bool = option(
        False,
        "Whether anything is exported. OTEL_SDK_DISABLED=true beats every other setting.",
        parse=values.flag,
        env=("OTEL_GENAI_ENABLED", Variable("NORA_OTEL_ENABLED", values.only("true"))),
        forced_by=(Variable("OTEL_SDK_DISABLED", _unless_disabled),),
    )
    endpoint: str | None = _url(
        f"OTLP endpoint of all signals, /v1/<signal> is appended; unset: {endpoints.DEFAULT}.",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        file_first=False,
    )
    traces_endpoint: str | None = _url("URL of traces, used as it is.", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    metrics_endpoint: str | None = _url("URL of metrics, used as it is.", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
    logs_endpoint: str | None = _url("URL of logs, used as it is.", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT")
    protocol: str = option(
        "http/protobuf",
        "OTLP protocol; any other than http/protobuf disables the export, with an error at start.",
        parse=values.text,
        env=("OTEL_EXPORTER_OTLP_PROTOCOL",),
    )
    traces_protocol: str | None = option(
        None, "Protocol of traces alone.", parse=values.text, env=("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",)
    )
    metrics_protocol: str | None = option(
        None, "Protocol of metrics alone.", parse=values.text, env=("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",)
    )
    logs_protocol: str | None = option(
        None, "Protocol of logs alone.", parse=values.text, env=("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",)
    )
    headers: Mapping[str, str] = option(
        {},
        "HTTP headers of every export; unset: the exporter reads OTEL_EXPORTER_OTLP_HEADERS.",
        parse=values.headers,
        mask=_starred,
    )
    compression: str = option(
        "none",
        "Compression of exports, none or gzip.",
        parse=values.one_of("none", "gzip"),
        env=("OTEL_EXPORTER_OTLP_COMPRESSION",),
    )
    service_name: str | None = option(
        None, "service.name of the resource.", parse=values.text, env=("OTEL_SERVICE_NAME",)
    )
    service_version: str | None = option(None, "service.version of the resource.", parse=values.text)
    resource_attributes: Mapping[str, Any] = option(
        {}, "More attributes of the resource; the SDK adds those of OTEL_RESOURCE_ATTRIBUTES.", parse=values.attributes
    )
    traces: bool = option(
        True,
        "Whether traces are exported; of their exporters (OTEL_TRACES_EXPORTER) there are otlp and none.",
        parse=values.flag,
        env=("OTEL_GENAI_TRACES", Variable("OTEL_TRACES_EXPORTER", _exported)),
    )
    metrics: bool = option(
        True,
        "Whether metrics are exported; of their exporters (OTEL_METRICS_EXPORTER) there are otlp and none, and "
        "Prometheus by prometheus_port.",
        parse=values.flag,
        env=("OTEL_GENAI_METRICS", Variable("OTEL_METRICS_EXPORTER", _exported)),
    )
    logs: bool = option(
        False,
        "Whether log records are exported; their messages only with capture_content=true.",
        parse=values.flag,
        env=("OTEL_GENAI_LOGS", Variable("OTEL_LOGS_EXPORTER", _exported)),
    )
    logs_exporter: str = option(
        "otlp",
        "Where log records go: otlp, stdout (a line of JSON each), or both.",
        parse=values.one_of("otlp", "stdout", "both"),
        env=("OTEL_GENAI_LOGS_EXPORTER",),
    )
    sample_rate: float | None = option(
        None,
        "Share of root spans that is kept, 0 to 1; unset: the SDK's default or OTEL_TRACES_SAMPLER.",
        parse=values.ratio,
    )
    flush_interval_ms: int | None = option(
        None,
        "Milliseconds between exports of each signal; less than 1000 counts as 1000; unset: the SDK's default.",
        parse=lambda value: max(1000, values.whole(0)(value)),
    )
    preloaded: bool = option(
        False,
        "Use the providers that are installed globally; build and stop none.",
        parse=values.flag,
        env=("OTEL_GENAI_PRELOADED", Variable("OPENCLAW_OTEL_PRELOADED", values.only("1"))),
    )
    adopt: bool = option(
        False,
        "Whether the GenAI spans of other libraries are counted as ours are: tokens, cost, durations, sessions. Where "
        "no global tracer provider is installed, ours becomes it, and their spans are exported by us.",
        parse=values.flag,
        env=("OTEL_GENAI_ADOPT",),
    )
    semconv: str | None = option(
        None,
        f"Shape of the GenAI names: unset, {LATEST}, or {DUP} (latest, and the metrics of both).",
        parse=values.one_of(LATEST, DUP),
        env=(Variable("OTEL_SEMCONV_STABILITY_OPT_IN", _opted_in),),
    )
    namespace: str = option("openclaw", "Prefix of our metrics, spans and attributes.", parse=values.namespace)
    agent_namespace: str = option("nora", "Prefix of those that are about one agent.", parse=values.namespace)
    excluded_urls: tuple[str, ...] = option(
        (),
        "Regular expressions; a request whose URL matches one is not traced.",
        parse=values.patterns,
        env=("OTEL_PYTHON_ASGI_EXCLUDED_URLS", "OTEL_PYTHON_EXCLUDED_URLS"),
    )
    capture_content: Capture = option(
        Capture(),
        "Which content is exported: true, false, or a table of classes, each of which stands for itself.",
        parse=capture.table,
    )
    hash_conversation_id: bool = option(
        False,
        "Whether a conversation's id leaves only as a hash, which still tells one from another.",
        parse=values.flag,
        env=("OTEL_GENAI_HASH_CONVERSATION_ID",),
    )
    redact: Any = option(
        (),
        "What is masked beside the secrets that are known by their shape: regular expressions, or a function that is "
        f"given each text and returns it as it may leave (of a long one as much as is kept, and {LOOK_AHEAD} "
        "characters more); where that fails, the text does not.",
        parse=values.redaction,
    )
    cost_per_1k_tokens: float = option(
        rates.DEFAULT_PER_1K,
        "US dollars per 1000 tokens of a model that has no other rate; 0: its calls are counted as unpriced.",
        parse=rates.per_1k,
        env=(Variable("COST_PER_1K_TOKENS", rates.per_1k_or_nothing),),
    )
    cost_model_rates: Mapping[str, rates.Rate] = option(
        {},
        "Rates by model id or provider/model, as a mapping or as JSON: "
        '{"openai/gpt-5.5": {"input_per_1k": 0.002, "output_per_1k": 0.008}}.',
        parse=rates.model_rates,
        env=("COST_MODEL_RATES_JSON",),
    )
    flags: tuple[str, ...] = option(
        (),
        "Debug output that is written to the log (see flag()): telegram.http, telegram.*, or *; beside those of "
        f"{' and '.join(FLAG_VARIABLES)}, whether telemetry is on or not.",
        parse=values.words,
    )
    docker: tables.Docker = option(
        tables.Docker(), "Measuring containers: true, false, or a table of the options below.", parse=tables.table
    )
    semconv_containers: bool = option(
        False, "Whether containers are measured by the standard container.* metrics, too.", parse=values.flag
    )
    large_payload_bytes: int | None = option(
        None,
        "Bytes; the middleware tells of a request's body, an answer's or a WebSocket frame above; unset: of none.",
        parse=values.whole(1),
    )
    prometheus_port: int = option(
        0,
        "Port at which Prometheus finds the metrics, under /metrics; 0: none. With it, OTLP asks for an endpoint.",
        parse=values.whole(0, 65535),
        env=("OTEL_GENAI_PROMETHEUS_PORT", "NORA_OTEL_PROMETHEUS_PORT"),
    )
    prometheus_host: str = option(
        "127.0.0.1",
        "Address of that port. Whoever can reach it can read the metrics: there is no password.",
        parse=values.text,
        env=("OTEL_GENAI_PROMETHEUS_HOST", "NORA_OTEL_PROMETHEUS_HOST"),
    )
    heartbeat_interval_ms: int = option(
        30_000,
        "Milliseconds from one look of the process at itself to the next.",
        parse=values.whole(50, 600_000),
    )
    sessions: tables.Sessions = option(
        tables.Sessions(), "Reporting sessions: true, false, or a table.", parse=tables.table
    )
    recover: Callable[[str], Any] | None = option(
        None,
        "A function, async or not, that is given a session that is stuck or has stalled, and sets it free.",
        parse=tables.function,
    )
    liveness: tables.Liveness = option(
        tables.Liveness(),
        "Reporting event loops and the processor: true, false, or a table.",
        parse=tables.table,
    )
    memory: tables.Memory = option(
        tables.Memory(), "Measuring the memory of the process: true, false, or a table.", parse=tables.table
    )
    shutdown_timeout_ms: int = option(
        3000, "Milliseconds that the last flush may take, 1 to 5000.", parse=values.whole(1, 5000)
    )

    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Where each value came from: "argument", the name of a variable, "file" or "default"; dotted inside a table."""

    @property
    def given(self) -> frozenset[str]:
        """The options that an argument or the file decided."""
        return frozenset(name for name, source in self.sources.items() if source in {"argument", "file"})

    @property
    def shape(self) -> Shape:
        """Which GenAI names are used: the documented ones, the latest, or the latest with the metrics of both."""
        if self.semconv is None:
            return "default"
        return "dup" if self.semconv == DUP else "latest"

    def endpoint_for(self, signal: Signal) -> str:
        """The full URL that a signal is sent to. With nothing configured it is the collector on this machine, by its
        URL and not None: else the exporter would read a variable again that was refused here.

        Order: argument of the signal, shared argument, then key and variable of the signal, then the shared ones.
        """
        own = self._own("endpoint", signal)
        return own or endpoints.for_signal(self.endpoint or endpoints.DEFAULT, signal)

    def protocol_for(self, signal: Signal) -> str:
        """The protocol that a signal asks for, in the same order; who builds the exporter says if it can be had."""
        return self._own("protocol", signal) or self.protocol

    def _own(self, name: str, signal: Signal) -> str | None:
        own = f"{signal}_{name}"
        if self.sources.get(name) == "argument" and self.sources.get(own) != "argument":
            return None
        value: str | None = getattr(self, own, None)
        return value

    def show(self) -> dict[str, Shown]:
        """Every option by its dotted name: its value with secrets masked, and its source."""
        return {name: Shown(value, self.sources.get(name, "default")) for name, value in showable(self)}


def load(
    options: Mapping[str, object],
    *,
    environ: Mapping[str, str] | None = None,
    config: ConfigFile | None = None,
) -> Config:
    """The configuration, from keyword arguments, then the environment, then a file (.toml, .json) or mapping.

    The exception: the endpoint of one signal is looked for in the file before the environment. `None` and blank text
    mean "not given". The options of a file stand at its top, under `otel_genai` or under `diagnostics.otel`, in
    snake_case or camelCase. Without `config`, the variable OTEL_GENAI_CONFIG names the file.

    Raises ConfigError for what is wrong in an argument or in the file. A wrong value of an environment variable is
    ignored, with one warning: it must not stop a program in production.
    """
    return load_as(Config, options, environ=os.environ if environ is None else environ, config=config)


_active = Config()


def active() -> Config:
    """The configuration in force; all defaults, that is off, until `activate`."""
    return _active


def activate(config: Config) -> Config:
    """Puts a configuration in force; returns the one that was, to be put back."""
    global _active
    previous, _active = _active, config
    return previous
