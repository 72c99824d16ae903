"""What is built for a configuration, and how it is stopped in time."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from opentelemetry import metrics, trace

from otel_genai import config
from otel_genai.providers import Providers, sampler_of, transport, wanted
from otel_genai.workers import Worker


def loaded(**options: Any) -> config.Config:
    return config.load({"enabled": True, "endpoint": "http://127.0.0.1:9", **options}, environ={})


@pytest.mark.parametrize(("traces", "metrics_"), [(True, True), (True, False), (False, True), (False, False)])
def test_only_the_signals_that_are_on_are_built(traces: bool, metrics_: bool) -> None:
    providers = Providers.build(loaded(traces=traces, metrics=metrics_))
    assert (providers.tracer_provider is not None, providers.meter_provider is not None) == (traces, metrics_)
    assert providers.shutdown(3000)


@pytest.mark.parametrize(("traces", "metrics_"), [(True, False), (False, True)])
def test_preloaded_honours_the_signals_that_are_on(traces: bool, metrics_: bool) -> None:
    providers = Providers.preloaded(loaded(traces=traces, metrics=metrics_))
    assert providers.tracer_provider is (trace.get_tracer_provider() if traces else None)
    assert providers.meter_provider is (metrics.get_meter_provider() if metrics_ else None)
    assert providers.flush(0)
    assert providers.shutdown(0)


def test_no_global_is_touched() -> None:
    before = trace.get_tracer_provider(), metrics.get_meter_provider()
    Providers.build(loaded()).shutdown(3000)
    assert (trace.get_tracer_provider(), metrics.get_meter_provider()) == before


@pytest.mark.parametrize(("rate", "description"), [(0, "0.0"), (0.25, "0.25"), (1, "1.0")])
def test_a_sample_rate_is_that_of_roots(rate: float, description: str) -> None:
    sampler = sampler_of(loaded(sample_rate=rate))
    assert sampler is not None
    assert sampler.get_description().startswith(f"ParentBased{{root:TraceIdRatioBased{{{description}}}")


def test_without_a_sample_rate_the_sdk_decides() -> None:
    assert sampler_of(loaded()) is None


def test_a_signal_has_its_own_endpoint() -> None:
    configured = loaded(metrics_endpoint="https://metrics.example/otlp")
    assert transport(configured, "traces")["endpoint"] == "http://127.0.0.1:9/v1/traces"
    assert transport(configured, "metrics")["endpoint"] == "https://metrics.example/otlp"


@pytest.mark.parametrize("protocol", ["grpc", "http/json", "nonsense"])
def test_a_protocol_that_we_do_not_have_is_an_error_in_the_log(protocol: str, caplog: pytest.LogCaptureFixture) -> None:
    assert not wanted(loaded(metrics_protocol=protocol), "metrics")
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert repr(protocol) in record.getMessage()


# -- workers


@pytest.mark.parametrize(
    ("variable", "value", "options", "hint"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin", {}, ""),
        ("OTEL_TRACES_EXPORTER", "otlp, Console", {}, ""),
        ("OTEL_METRICS_EXPORTER", "prometheus", {}, "prometheus_port (OTEL_GENAI_PROMETHEUS_PORT)"),
        ("OTEL_LOGS_EXPORTER", "console", {"logs": True}, "logs_exporter='stdout' (OTEL_GENAI_LOGS_EXPORTER)"),
    ],
)
def test_an_exporter_that_we_do_not_have_is_said_and_otlp_goes_on(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    variable: str,
    value: str,
    options: dict[str, Any],
    hint: str,
) -> None:
    monkeypatch.setenv(variable, value)
    providers = Providers.build(loaded(**options))
    assert providers.tracer_provider is not None
    assert providers.meter_provider is not None
    assert providers.shutdown(3000)
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{variable}={value.lower().removeprefix('otlp, ')!r} is not heeded")
    assert record.getMessage().endswith(hint)


@pytest.mark.parametrize(
    ("variable", "value", "options"),
    [
        ("OTEL_TRACES_EXPORTER", "otlp", {}),
        ("OTEL_TRACES_EXPORTER", "zipkin", {"traces": False}),
        ("OTEL_LOGS_EXPORTER", "console", {"logs": True, "logs_exporter": "stdout"}),
        ("OTEL_LOGS_EXPORTER", "console", {}),
    ],
)
def test_an_exporter_that_is_had_or_not_wanted_is_not_spoken_of(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    variable: str,
    value: str,
    options: dict[str, Any],
) -> None:
    monkeypatch.setenv(variable, value)
    assert Providers.build(loaded(**options)).shutdown(3000)
    assert caplog.records == []


def test_a_worker_does_its_jobs_in_order_and_ends_with_the_last() -> None:
    worker, done = Worker("test"), []
    jobs = [worker.give(lambda number=number: not done.append(number)) for number in range(3)]  # type: ignore[misc]
    assert worker.give(lambda: not done.append("last"), last=True).result(10)
    assert done == [0, 1, 2, "last"]
    assert all(job.result(10) for job in jobs)
    for thread in [thread for thread in threading.enumerate() if thread.name == "test"]:
        thread.join(10)


def test_a_job_that_nobody_waits_for_any_more_is_not_done() -> None:
    worker, go = Worker("test"), threading.Event()
    first, second = worker.give(go.wait), worker.give(lambda: True)
    assert second.cancel()
    go.set()
    assert first.result(10)
    assert worker.give(lambda: True, last=True).result(10)
    assert second.cancelled()


def test_the_last_job_is_done_whether_or_not_somebody_waits() -> None:
    worker, go = Worker("test"), threading.Event()
    worker.give(go.wait)
    last = worker.give(lambda: True, last=True)
    assert not last.cancel()
    go.set()
    assert last.result(10)
