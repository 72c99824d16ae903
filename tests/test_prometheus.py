"""What Prometheus finds when it asks: on a port of our own, and in the user's application."""

from __future__ import annotations

import gzip
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

import otel_genai as genai
from otel_genai import config, prometheus
from otel_genai.catalog.metrics import METRICS
from otel_genai.catalog.rows import Metric
from otel_genai.demo.server import serve
from otel_genai.emitters.histograms import Moment
from otel_genai.emitters.meters import Meters
from otel_genai.emitters.series import LastValues, instrument
from otel_genai.events import ContainerStats, TelemetryExporter
from otel_genai.pipeline import Telemetry
from otel_genai.viewer import Receiver

client = pytest.importorskip("prometheus_client", reason="the extra `prometheus` is not installed")
read_text = pytest.importorskip("prometheus_client.parser").text_string_to_metric_families
read_openmetrics = pytest.importorskip("prometheus_client.openmetrics.parser").text_string_to_metric_families

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NOW = Moment(0, None, None)
Configure = Callable[..., Telemetry]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def configure(port: int) -> Iterator[Configure]:
    """`genai.configure`, switched on for Prometheus alone, and off again at the end."""
    with ExitStack() as stack:

        def on(**options: Any) -> Telemetry:
            chosen = {"enabled": True, "traces": False, "logs": False, "prometheus_port": port, **options}
            known = {name: value for name, value in chosen.items() if name in config.Config.__dataclass_fields__}
            return stack.enter_context(genai.configure(**known))

        yield on


def asked(port: int, path: str = "/metrics", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
        response = connection.getresponse()
        return response.status, {name.lower(): text for name, text in response.getheaders()}, response.read()
    finally:
        connection.close()


def samples(page: bytes) -> dict[str, float]:
    """Every sample's name with the sum of its values."""
    found: dict[str, float] = {}
    for sample in (sample for family in read_text(page.decode()) for sample in family.samples):
        found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def work() -> None:
    with genai.bind(channel="web", agent="ada"), genai.model_call("gpt-5.5", provider="openai") as call:
        call.update(input_tokens=12, output_tokens=3)
    genai.publish(ContainerStats(agent_id="ada", runtime_family="openclaw", cpu_percent=1.5, memory_mb=120))


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# -- names

UNITS = {"s": "_seconds", "By": "_bytes", "%": "_percent"}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}


def scraped_name(metric: Metric) -> str:
    flat, unit = metric.name.replace(".", "_"), UNITS.get(metric.unit, "")
    return flat if flat.endswith(unit) else flat + unit


@pytest.fixture(scope="module")
def everything() -> tuple[bytes, bytes]:
    """Every metric of the catalog once, as text and as OpenMetrics."""
    page = prometheus.Page()
    provider = Meters([page.reader])
    for metric in METRICS:
        made = instrument(provider.get_meter("catalog"), metric.name, metric)
        if isinstance(made, LastValues):
            made.keep(1, {}, None)
        else:
            made.place({})([1], [NOW])
    return page.text("", "")[1], page.text(OPENMETRICS, "")[1]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_has_one_name_with_its_unit_once(everything: tuple[bytes, bytes], metric: Metric) -> None:
    wanted = [scraped_name(metric) + suffix for suffix in SUFFIXES.get(metric.instrument, ("",))]
    found = samples(everything[0])
    assert [name for name in wanted if name not in found] == []


def test_there_is_nothing_else_on_the_page(everything: tuple[bytes, bytes]) -> None:
    names = {scraped_name(metric) + suffix for metric in METRICS for suffix in SUFFIXES.get(metric.instrument, ("",))}
    assert set(samples(everything[0])) == {*names, "target_info"}


def test_both_formats_say_the_same(everything: tuple[bytes, bytes]) -> None:
    text = {s.name for family in read_text(everything[0].decode()) for s in family.samples}
    openmetrics = {s.name for family in read_openmetrics(everything[1].decode()) for s in family.samples}
    assert text == openmetrics
    assert everything[1].endswith(b"# EOF\n")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gen_ai_client_token_usage_count", 2),
        ("gen_ai_client_token_usage_sum", 15),
        ("nora_agent_cost_usd_total", 0.00015),
        ("openclaw_cost_usd_total", 0.00015),
        ("nora_agent_cpu_percent", 1.5),
        ("nora_agent_memory_usage", 120),
        ("openclaw_model_call_duration_ms_count", 1),
        ("gen_ai_client_operation_duration_seconds_count", 1),
        ("target_info", 1),
    ],
)
def test_the_documented_names_are_on_the_page(configure: Configure, port: int, name: str, value: float) -> None:
    configure(cost_per_1k_tokens=0.01, cost_model_rates={"gpt-5.5": {"per_1k": 0.01}})
    work()
    status, _, page = asked(port)
    assert status == 200
    assert samples(page)[name] == pytest.approx(value)
    assert b"nora_agent_memory_percent" not in page  # it was not observed


# -- the port


def test_the_page_is_at_metrics_and_nowhere_else(configure: Configure, port: int) -> None:
    configure()
    assert asked(port, "/metrics?x=1")[0] == 200
    assert [asked(port, path)[0] for path in ("/", "/metrics/", "/metricsx", "/favicon.ico")] == [404] * 4
    assert asked(port, method="POST")[0] == 501
    status, headers, body = asked(port, method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [("", "text/plain; version=0.0.4"), ("*/*", "text/plain; version=0.0.4"), (OPENMETRICS, OPENMETRICS)],
)
def test_the_format_is_the_one_that_is_accepted(
    configure: Configure, port: int, accept: str, content_type: str
) -> None:
    configure()
    work()
    _, headers, body = asked(port, Accept=accept)
    assert headers["content-type"].startswith(content_type)
    assert b"openclaw_tokens_total{" in body
    _, headers, packed = asked(port, Accept=accept, Accept_Encoding="gzip")
    assert headers["content-encoding"] == "gzip"
    assert b"openclaw_tokens_total{" in gzip.decompress(packed)


@pytest.mark.parametrize(
    ("variables", "port"),
    [
        ({}, 0),
        ({"NORA_OTEL_PROMETHEUS_PORT": ""}, 0),
        ({"NORA_OTEL_PROMETHEUS_PORT": "0"}, 0),
        ({"NORA_OTEL_PROMETHEUS_PORT": "-1"}, 0),
        ({"NORA_OTEL_PROMETHEUS_PORT": "many"}, 0),
        ({"NORA_OTEL_PROMETHEUS_PORT": "9464"}, 9464),
        ({"OTEL_GENAI_PROMETHEUS_PORT": "9465", "NORA_OTEL_PROMETHEUS_PORT": "9464"}, 9465),
    ],
)
def test_zero_empty_or_unset_is_no_port(variables: dict[str, str], port: int) -> None:
    loaded = config.load({}, environ=variables)
    assert (loaded.prometheus_port, loaded.prometheus_host) == (port, "127.0.0.1")
    assert config.load({}, environ={**variables, "NORA_OTEL_PROMETHEUS_HOST": "::1"}).prometheus_host == "::1"


def test_without_a_port_nobody_listens(configure: Configure, port: int) -> None:
    configure(prometheus_port=0, endpoint="http://127.0.0.1:9", metrics=False, traces=True)
    assert not [thread for thread in threading.enumerate() if thread.name == "otel_genai_prometheus"]
    with pytest.raises(ConnectionRefusedError):
        asked(port)


@pytest.mark.skipif(sys.platform != "linux", reason="only there is all of 127.0.0.0/8 this machine")
@pytest.mark.parametrize(("host", "widened"), [(None, False), ("0.0.0.0", True)])
def test_by_default_it_is_reached_at_the_loopback_address_alone(
    configure: Configure, port: int, host: str | None, widened: bool
) -> None:
    configure(prometheus_host=host)
    with socket.socket() as probe:
        assert (probe.connect_ex(("127.0.0.2", port)) == 0) is widened


def test_a_port_that_is_taken_is_said_and_counted_and_the_program_goes_on(
    configure: Configure, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[Any] = []
    undo = genai.subscribe(events.append, TelemetryExporter)
    with socket.create_server(("127.0.0.1", port)):
        telemetry = configure()
        work()
        assert telemetry.enabled
        assert telemetry.flush()
    undo()
    (message,) = said(caplog)
    assert message.startswith(f"metrics are not shown to Prometheus: 127.0.0.1:{port} cannot be had")
    (failure,) = events
    assert (failure.exporter, failure.status, failure.reason) == ("prometheus", "failure", "start_failed")
    assert failure.error_category == "OSError"


def test_the_health_says_how_prometheus_does(configure: Configure, port: int) -> None:
    def states() -> list[tuple[str, str]]:
        return [(one.exporter, one.state) for one in genai.health().exporters]

    telemetry = configure()
    assert states() == [("prometheus", "started")]
    telemetry.shutdown()
    assert states() == [("prometheus", "stopped")]
    with socket.create_server(("127.0.0.1", port)):
        configure()
    assert states() == [("prometheus", "failed")]
    assert not genai.health().ok


def test_two_pages_never_share_a_port(configure: Configure, port: int) -> None:
    configure()
    with pytest.raises(OSError, match="in use"):
        prometheus.Server("127.0.0.1", port, prometheus.Page())


def test_shutdown_closes_the_port_and_configure_opens_it_again(configure: Configure, port: int) -> None:
    for _ in range(3):
        telemetry = configure()
        work()
        assert samples(asked(port)[2])["openclaw_model_call_duration_ms_count"] == 1
    assert telemetry.shutdown()
    with pytest.raises(ConnectionRefusedError):
        asked(port)


def test_what_goes_wrong_with_a_client_is_no_matter(
    configure: Configure, port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    configure()
    for request in (b"", b"nonsense\r\n\r\n", b"GET /metrics HTTP/1.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(request)
    assert asked(port)[0] == 200
    assert capfd.readouterr() == ("", "")


# -- beside OTLP, and without it


def test_otlp_and_prometheus_have_the_same_metrics(configure: Configure, port: int) -> None:
    receiver = Receiver()
    with serve(receiver) as url:
        telemetry = configure(endpoint=url, traces=True)
        work()
        page = samples(asked(port)[2])
        assert telemetry.flush()
        (sent,) = [point for point in receiver.points if point.name == "openclaw.model_call.duration_ms"]
        assert {span.name for span in receiver.spans} >= {"openclaw.model.call"}
        telemetry.shutdown()
    assert page["openclaw_model_call_duration_ms_sum"] == sent.sum
    assert "openclaw.model.call" not in page


def test_with_prometheus_and_no_endpoint_nothing_is_pushed_and_what_is_lost_is_said(
    configure: Configure, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    telemetry = configure(traces=True)
    assert telemetry.tracer_provider is None
    assert not [thread for thread in threading.enumerate() if "PeriodicExporting" in thread.name]
    work()
    assert samples(asked(port)[2])["gen_ai_client_token_usage_sum"] == 15
    assert said(caplog) == [
        "traces are not exported: Prometheus takes metrics alone; name an endpoint, or say traces=False"
    ]


def test_without_metrics_there_is_no_port(configure: Configure, port: int) -> None:
    configure(metrics=False, traces=True, endpoint="http://127.0.0.1:9")
    with pytest.raises(ConnectionRefusedError):
        asked(port)


def test_a_flush_leaves_nothing_behind_that_is_shown_twice(configure: Configure, port: int) -> None:
    telemetry = configure()
    work()
    for _ in range(3):
        assert telemetry.flush()
    assert samples(asked(port)[2])["openclaw_model_call_duration_ms_count"] == 1


def test_who_asks_at_the_same_time_gets_the_same_whole_page(configure: Configure, port: int) -> None:
    configure()
    work()
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: samples(asked(port)[2]), range(40)))
    assert pages == [pages[0]] * 40
    assert pages[0]["gen_ai_client_token_usage_count"] == 2


def test_the_registry_of_others_is_left_alone(configure: Configure, port: int) -> None:
    configure()
    work()
    assert b"openclaw" in asked(port)[2]
    assert b"openclaw" not in client.generate_latest(client.REGISTRY)


# -- without the extra


def test_a_missing_extra_is_one_error_and_the_program_goes_on(
    configure: Configure, port: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.prometheus", None)
    prometheus._say_missing.cache_clear()
    for _ in range(2):
        configure()
        work()
    assert said(caplog) == ['metrics are not shown to Prometheus: pip install "otel-genai[prometheus]"']
    assert TestClient(genai.metrics_app()).get("/").status_code == 503
    with pytest.raises(ConnectionRefusedError):
        asked(port)


# -- in the user's application


@pytest.fixture
def browser() -> Iterator[TestClient]:
    shown = genai.metrics_app()
    with TestClient(Starlette(routes=[Route("/metrics", shown), Mount("/deep/down", shown)])) as found:
        yield found


@pytest.mark.parametrize("path", ["/metrics", "/deep/down/", "/deep/down/any"])
def test_the_page_can_be_mounted_in_an_application(browser: TestClient, configure: Configure, path: str) -> None:
    assert browser.get(path).status_code == 503
    telemetry = configure(prometheus_port=0, endpoint="http://127.0.0.1:9", flush_interval_ms=3_600_000)
    work()
    response = browser.get(path, headers={"accept": OPENMETRICS})
    assert response.headers["content-type"].startswith(OPENMETRICS)
    assert "nora_agent_cost_usd_total{" in response.text
    assert samples(browser.get(path).content)["openclaw_model_call_duration_ms_count"] == 1
    assert browser.head(path).content == b""
    assert browser.post(path).status_code == 405
    telemetry.shutdown()
    assert browser.get(path).status_code == 503


def test_an_application_shows_what_was_counted_before_it_was_made(configure: Configure) -> None:
    configure()
    work()
    page = TestClient(genai.metrics_app()).get("/").content
    assert samples(page)["openclaw_model_call_duration_ms_count"] == 1


def test_the_provider_of_a_host_is_shown_and_goes_on_afterwards(
    configure: Configure, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = InMemoryMetricReader()
    provider: Any = MeterProvider([reader], shutdown_on_exit=False)
    monkeypatch.setattr(metrics._internal, "_METER_PROVIDER", provider)
    for _ in range(2):
        telemetry = configure(preloaded=True)
        work()
        assert "nora_agent_cpu_percent" in samples(asked(port)[2])
        telemetry.shutdown()
    assert list(provider._measurement_consumer._reader_storages) == [reader]
    assert reader.get_metrics_data() is not None
    provider.shutdown()


# -- whole processes

START = """
import os, socket, sys, threading, time
from urllib.request import urlopen
import otel_genai as genai
port = int(sys.argv[1])
telemetry = genai.configure(enabled=True, traces=False, prometheus_port=port)
page = lambda: urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read()
"""

FORK = """
from_child, to_parent = os.pipe()
from_parent, to_child = os.pipe()
assert page()
child = os.fork()
if child == 0:
    assert page()  # the parent's
    os.write(to_parent, b".")
    os.read(from_parent, 1)
    with socket.socket() as probe:
        refused = probe.connect_ex(("127.0.0.1", port)) != 0
    telemetry.shutdown()
    os._exit(0 if refused else 3)
os.read(from_child, 1)
telemetry.shutdown()
os.write(to_child, b".")
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

HOLD = """
connection = socket.create_connection(("127.0.0.1", port))
connection.sendall(b"GET /met")
assert page()
print("over")
"""


def run(program: str, port: int) -> str:
    command = [sys.executable, "-W", "ignore", "-c", START + program, str(port)]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_the_port_stays_with_the_parent_and_is_not_kept_open_by_a_child(port: int) -> None:
    assert run(FORK, port) == "0\n"


def test_a_client_that_never_ends_its_request_does_not_hold_up_the_exit(port: int) -> None:
    assert run(HOLD, port) == "over\n"
