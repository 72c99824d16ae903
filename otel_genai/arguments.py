"""What `configure` takes, as type checkers and editors see it: the options of `Config`, as they may be written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

Flag = bool | str | None
Text = str | None
Whole = int | str | None
Number = float | str | None
Words = str | Sequence[str] | None
Value = str | bool | int | float | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]
Secret = str | re.Pattern[str]


class CaptureTable(TypedDict, total=False):
    """The table of `capture_content`."""

    enabled: Flag
    input_messages: Flag
    output_messages: Flag
    tool_inputs: Flag
    tool_outputs: Flag
    system_prompt: Flag
    tool_definitions: Flag
    spans: Flag
    events: Flag


class DockerTable(TypedDict, total=False):
    """The table of `docker`."""

    enabled: Flag
    host: Text
    labels: Words
    interval_ms: Whole
    timeout_ms: Whole
    concurrency: Whole


class SessionsTable(TypedDict, total=False):
    """The table of `sessions`."""

    enabled: Flag
    stuck_session_warn_ms: Whole
    stuck_session_abort_ms: Whole


class LivenessTable(TypedDict, total=False):
    """The table of `liveness`."""

    enabled: Flag
    delay_p99_ms: Number
    delay_max_ms: Number
    utilization: Number
    cpu_core_ratio: Number
    startup_grace_ms: Whole


class MemoryTable(TypedDict, total=False):
    """The table of `memory`."""

    enabled: Flag
    rss_warning_bytes: Whole
    rss_critical_bytes: Whole
    heap_warning_bytes: Whole
    heap_critical_bytes: Whole
    growth_warning_bytes: Whole
    growth_critical_bytes: Whole
    growth_window_ms: Whole


class Options(TypedDict, total=False):
    """Every option. `None`, and blank text, mean "not given"; numbers and flags may be text, as in the environment."""

    enabled: Flag
    endpoint: Text
    traces_endpoint: Text
    metrics_endpoint: Text
    logs_endpoint: Text
    protocol: Text
    traces_protocol: Text
    metrics_protocol: Text
    logs_protocol: Text
    headers: Mapping[str, str] | None
    compression: Text
    service_name: Text
    service_version: Text
    resource_attributes: Mapping[str, Value] | None
    traces: Flag
    metrics: Flag
    logs: Flag
    logs_exporter: Text
    sample_rate: Number
    flush_interval_ms: Whole
    preloaded: Flag
    adopt: Flag
    semconv: Text
    namespace: Text
    agent_namespace: Text
    excluded_urls: Words
    capture_content: CaptureTable | Flag
    hash_conversation_id: Flag
    redact: Secret | Sequence[Secret] | Callable[[str], str] | None
    cost_per_1k_tokens: Number
    cost_model_rates: Mapping[str, Mapping[str, Any]] | Text
    flags: Words
    docker: DockerTable | bool | None
    semconv_containers: Flag
    large_payload_bytes: Whole
    prometheus_port: Whole
    prometheus_host: Text
    heartbeat_interval_ms: Whole
    sessions: SessionsTable | bool | None
    recover: Callable[[str], Any] | None
    liveness: LivenessTable | bool | None
    memory: MemoryTable | bool | None
    shutdown_timeout_ms: Whole
