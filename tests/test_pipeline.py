"""What a configured program sends, over real HTTP, and what it does not notice."""

from __future__ import annotations

import atexit
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import otel_genai as genai
from otel_genai import guard, privacy
from otel_genai.bus import bus
from otel_genai.demo.server import serve
from otel_genai.pipeline import Telemetry
from otel_genai.viewer import Point, Receiver

SDK_THREADS = ("Otel", "otel_genai")
Configure = Callable[..., Telemetry]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver()
    with serve(receiver) as url:
        yield receiver, url


@pytest.fixture
def receiver(served: tuple[Receiver, str]) -> Receiver:
    served[0].clear()
    return served[0]


@pytest.fixture
def url(served: tuple[Receiver, str]) -> str:
    return served[1]


@pytest.fixture
def configure(receiver: Receiver, url: str) -> Iterator[Configure]:
    """`genai.configure`, switched on and towards the receiver, and off again at the end."""
    with ExitStack() as stack:

        def on(**options: Any) -> Telemetry:
            return stack.enter_context(genai.configure(**{"enabled": True, "endpoint": url, **options}))

        yield on


@pytest.fixture
def hole() -> Iterator[str]:
    """A collector that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def work() -> dict[str, str]:
    """Something that leaves a span and a metric; gives the headers that went along."""
    with genai.agent("planner"):
        return genai.headers()


def paths(receiver: Receiver) -> set[str]:
    return {request.path for request in receiver.requests}


def named(receiver: Receiver, metric: str) -> Point:
    (point,) = [point for point in receiver.points if point.name == metric]
    return point


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(SDK_THREADS)]


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# -- what arrives


def test_traces_and_metrics_arrive_with_the_resource(
    receiver: Receiver, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,team=ours")
    telemetry = configure(service_name="gateway", service_version="1.2", resource_attributes={"team": "theirs"})
    work()
    assert telemetry.flush()
    (span,) = receiver.spans
    point = named(receiver, "openclaw.harness.duration_ms")
    for resource in (span.resource, point.resource):
        assert resource["service.name"] == "gateway"
        assert resource["service.version"] == "1.2"
        assert resource["deployment.environment.name"] == "test"
        assert resource["team"] == "theirs"
        assert UUID(resource["service.instance.id"]).version == 4


@pytest.mark.parametrize(
    ("variables", "options", "name"),
    [
        ({}, {}, "unknown_service"),
        ({"OTEL_SERVICE_NAME": "variable"}, {}, "variable"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=listed"}, {}, "listed"),
        ({"OTEL_SERVICE_NAME": "variable", "OTEL_RESOURCE_ATTRIBUTES": "service.name=listed"}, {}, "variable"),
        ({"OTEL_SERVICE_NAME": "variable"}, {"service_name": "argument"}, "argument"),
        ({"OTEL_SERVICE_NAME": "variable"}, {"resource_attributes": {"service.name": "argument"}}, "argument"),
        ({}, {"service_name": "argument", "resource_attributes": {"service.name": "other"}}, "argument"),
    ],
)
def test_the_service_has_the_name_that_ranks_first(
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    options: dict[str, Any],
    name: str,
) -> None:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    provider: Any = configure(**options).tracer_provider
    assert provider.resource.attributes["service.name"].partition(":")[0] == name


@pytest.mark.parametrize("by_variable", [True, False])
def test_an_instance_id_of_the_user_wins(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, by_variable: bool
) -> None:
    if by_variable:
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=pod-1")
    options = {} if by_variable else {"resource_attributes": {"service.instance.id": "pod-1"}}
    provider: Any = configure(**options).tracer_provider
    assert provider.resource.attributes["service.instance.id"] == "pod-1"


@pytest.mark.parametrize(
    ("variables", "argument", "expected"),
    [
        ({}, {"X-Team": "argument"}, {"x-team": "argument"}),
        ({"HEADERS": "x-team=variable,x-key=a%20b"}, {}, {"x-team": "variable", "x-key": "a b"}),
        ({"HEADERS": "x-team=variable,x-key=k"}, {"X-Team": "argument"}, {"x-team": "argument", "x-key": "k"}),
        ({"HEADERS": "x-team=shared", "TRACES_HEADERS": "x-team=traces"}, {}, {"x-team": "traces"}),
    ],
)
def test_headers_come_from_the_argument_and_where_it_is_silent_from_the_environment(
    receiver: Receiver,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    argument: dict[str, str],
    expected: dict[str, str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", value)
    telemetry = configure(headers=argument, metrics=False)
    work()
    assert telemetry.flush()
    assert expected.items() <= receiver.requests[0].headers.items()


@pytest.mark.parametrize(
    ("variables", "options", "expected"),
    [
        ({}, {}, None),
        ({}, {"compression": "gzip"}, "gzip"),
        ({"COMPRESSION": "gzip"}, {}, "gzip"),
        ({"COMPRESSION": "gzip"}, {"compression": "none"}, None),
        ({"TRACES_COMPRESSION": "gzip"}, {}, "gzip"),
        ({"TRACES_COMPRESSION": "gzip"}, {"compression": "none"}, None),
    ],
)
def test_exports_are_compressed_as_asked_for(
    receiver: Receiver,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    options: dict[str, Any],
    expected: str | None,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", value)
    telemetry = configure(metrics=False, **options)
    work()
    assert telemetry.flush()
    assert receiver.requests[0].headers.get("content-encoding") == expected
    assert len(receiver.spans) == 1


@pytest.mark.parametrize("suffix", ["", "/", "/v1/traces", "/v1/traces/", "/v1/metrics"])
def test_every_spelling_of_the_endpoint_reaches_both_signals(
    receiver: Receiver, url: str, configure: Configure, suffix: str
) -> None:
    telemetry = configure(endpoint=url + suffix)
    work()
    assert telemetry.flush()
    assert paths(receiver) == {"/v1/traces", "/v1/metrics"}


def test_the_endpoints_of_the_environment_are_honoured(
    receiver: Receiver, url: str, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9/nobody")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{url}/v1/traces")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"{url}/v1/metrics")
    telemetry = configure(endpoint=None)
    work()
    assert telemetry.flush()
    assert paths(receiver) == {"/v1/traces", "/v1/metrics"}


@pytest.mark.parametrize(
    ("rate", "sampler", "spans"),
    [(0, None, 0), (1, None, 1), (None, "always_off", 0), (None, "always_on", 1), (1, "always_off", 1)],
)
def test_sampling_thins_out_spans_and_never_metrics(
    receiver: Receiver,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    rate: float | None,
    sampler: str | None,
    spans: int,
) -> None:
    if sampler is not None:
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    telemetry = configure(sample_rate=rate)
    flags = work()["traceparent"].rpartition("-")[2]
    assert telemetry.flush()
    assert len(receiver.spans) == spans
    assert int(flags, 16) & 1 == spans
    assert named(receiver, "openclaw.harness.duration_ms").count == 1


def test_the_parent_decides_before_the_sample_rate(receiver: Receiver, configure: Configure) -> None:
    telemetry = configure(sample_rate=0, metrics=False)
    provider: Any = telemetry.tracer_provider
    assert "ParentBased" in provider.sampler.get_description()
    with genai.agent("outer"), genai.tool("inner"):
        assert not int(genai.headers()["traceparent"][-2:], 16) & 1
    assert telemetry.flush()
    assert receiver.spans == []


def test_what_is_recorded_leaves_by_itself_within_the_flush_interval(receiver: Receiver, configure: Configure) -> None:
    configure(flush_interval_ms=1000)
    work()
    assert receiver.wait(lambda so_far: paths(so_far) == {"/v1/traces", "/v1/metrics"})


# -- on, off and again


def test_configuring_again_replaces_everything(receiver: Receiver, configure: Configure) -> None:
    first = configure(service_name="first")
    work()
    before = (sorted(threads()), atexit._ncallbacks())
    second = configure(service_name="second")
    assert not first.enabled
    assert (sorted(threads()), atexit._ncallbacks()) == before
    work()
    assert second.flush()
    assert [span.resource["service.name"] for span in receiver.spans] == ["first", "second"]
    second.shutdown()
    assert threads() == []


def test_configuring_in_several_threads_at_once_leaves_one(receiver: Receiver, url: str) -> None:
    at_once, found = threading.Barrier(4), []

    def configure() -> None:
        at_once.wait()
        found.append(genai.configure(enabled=True, endpoint=url))

    several = [threading.Thread(target=configure) for _ in range(4)]
    for thread in several:
        thread.start()
    for thread in several:
        thread.join()
    assert [telemetry.enabled for telemetry in found].count(True) == 1
    for telemetry in found:
        telemetry.shutdown()
    assert (bus.listening, threads()) == (False, [])


def test_what_still_waits_at_the_end_leaves_as_it_may(receiver: Receiver, configure: Configure) -> None:
    telemetry = configure(adopt=True, redact=[r"patient-\d+"])
    assert telemetry.tracer_provider is not None
    with telemetry.tracer_provider.get_tracer("another.library").start_as_current_span("chat patient-1234") as span:
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "patient-1234"})
    telemetry.shutdown()
    (sent,) = receiver.spans
    assert "patient-1234" not in str((sent.name, sent.attributes))
    assert sent.attributes["gen_ai.request.model"] == "***"
    assert privacy.text("patient-1234") == "patient-1234"


def test_off_is_the_default_and_the_handle_does_nothing() -> None:
    with genai.configure() as telemetry:
        assert work() == {}
        assert telemetry.flush()
        assert telemetry.shutdown()
    assert (telemetry.enabled, telemetry.tracer_provider, threads()) == (False, None, [])


def test_options_without_enabled_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        genai.configure(service_name="said once", namespace="acme")
    (message,) = said(caplog)
    assert message.startswith("telemetry is off although namespace, service_name is set: pass enabled=True")


def test_off_on_purpose_is_silent(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    genai.configure(enabled=False, service_name="quiet")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not genai.configure(enabled=True, service_name="quiet").enabled
    assert said(caplog) == []
    assert threads() == []


def test_another_protocol_disables_its_signal_alone_with_one_error(
    receiver: Receiver, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    telemetry = configure(traces_protocol="grpc")
    assert work() == {}
    assert telemetry.flush()
    assert paths(receiver) == {"/v1/metrics"}
    (message,) = said(caplog)
    assert message == "traces are not exported: protocol 'grpc' is not supported, use http/protobuf"


def test_with_no_signal_left_telemetry_is_off(configure: Configure) -> None:
    assert not configure(protocol="grpc").enabled
    assert not configure(traces=False, metrics=False).enabled
    assert threads() == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "nobody"),
        ("OTEL_PYTHON_EXPORTER_OTLP_HTTP_METRICS_CREDENTIAL_PROVIDER", "nobody"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "-1"),
    ],
)
def test_a_failure_to_start_is_said_and_leaves_nothing_behind(
    configure: Configure,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
) -> None:
    monkeypatch.setenv(variable, value)
    assert not configure().enabled
    assert work() == {}
    assert said(caplog)[-1] == "telemetry is off: it could not be started"
    for thread in [thread for thread in threading.enumerate() if thread.name.startswith(SDK_THREADS)]:
        thread.join(10)
    assert threads() == []


def test_a_bad_certificate_is_a_delivery_that_fails(
    configure: Configure, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "nowhere.pem")
    telemetry = configure(endpoint="https://127.0.0.1:9", metrics=False)
    work()
    assert not telemetry.flush()
    assert said(caplog) == [
        "traces do not arrive at https://127.0.0.1:9/v1/traces (OSError), 1 lost so far; the program is not affected"
    ]


def test_a_failure_of_ours_is_a_metric(receiver: Receiver, configure: Configure) -> None:
    telemetry = configure(traces=False)
    for _ in range(3):
        guard.call("trying something", int, "none")
    assert telemetry.flush()
    point = named(receiver, "otel_genai.telemetry.failures")
    assert point.value == 3
    assert point.attributes["error.type"] == "ValueError"


# -- whole processes


def start(program: str, **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "OTEL_GENAI_ENABLED": "true", **variables}
    return subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Standard output and error of a process that ends by itself: in 5 s of exit at most, and its start before."""
    try:
        return process.communicate(timeout=20)
    finally:
        process.kill()


WORK = """
import os, sys
import otel_genai as genai
telemetry = genai.configure()
with genai.agent("planner"):
    pass
"""


@pytest.mark.parametrize(
    ("ending", "code"), [("", 0), ("sys.exit(3)", 3), ("raise ZeroDivisionError", 1)], ids=["end", "exit", "error"]
)
def test_the_last_spans_are_sent_however_the_program_ends(receiver: Receiver, url: str, ending: str, code: int) -> None:
    process = start(WORK + ending, OTEL_EXPORTER_OTLP_ENDPOINT=url)
    _, errors = finish(process)
    assert process.returncode == code, errors
    assert [span.name for span in receiver.spans] == ["openclaw.harness.run"]
    assert named(receiver, "openclaw.harness.duration_ms").count == 1
    assert ("Traceback" in errors) is (code == 1)


def test_a_collector_that_never_answers_does_not_hold_up_the_exit(hole: str) -> None:
    process = start(WORK + "print(telemetry.config.shutdown_timeout_ms)", OTEL_EXPORTER_OTLP_ENDPOINT=hole)
    output, errors = finish(process)
    assert (process.returncode, output) == (0, "3000\n")
    assert errors == "telemetry did not end within 3000 ms: what was not sent yet may be lost\n"


def test_the_exit_does_not_wait_for_a_collector_that_is_not_there() -> None:
    process = start(WORK, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    _, errors = finish(process)
    assert sorted(errors.splitlines()) == [
        "metrics do not arrive at http://127.0.0.1:9/v1/metrics (ConnectionError: connection refused); "
        "the program is not affected",
        "traces do not arrive at http://127.0.0.1:9/v1/traces (ConnectionError: connection refused), 1 lost so far; "
        "the program is not affected",
    ]


SERVICE = """
import socket, uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
import otel_genai as genai

genai.configure(shutdown_timeout_ms=500)
app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("hello"))])
app.add_middleware(genai.Middleware)

class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(sockets[0].getsockname()[1], flush=True)

listening = socket.create_server(("127.0.0.1", 0))
Server(uvicorn.Config(app, log_level="error")).run([listening])
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_service_stops_when_told_to_though_the_collector_never_answers(hole: str, sent: signal.Signals) -> None:
    process = start(SERVICE, OTEL_EXPORTER_OTLP_ENDPOINT=hole)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert connection.makefile("rb").read().endswith(b"hello")
    process.send_signal(sent)
    _, errors = finish(process)
    assert process.returncode is not None
    assert "arrive" not in errors


FORK = """
if pid := os.fork():
    os.waitpid(pid, 0)
    with genai.agent("parent"):
        pass
else:
    with genai.agent("child"):
        pass
"""


def test_a_forked_child_sends_its_own(receiver: Receiver, url: str) -> None:
    program = WORK + "telemetry.flush()" + FORK
    process = start(program, OTEL_EXPORTER_OTLP_ENDPOINT=url, PYTHONWARNINGS="ignore")
    _, errors = finish(process)
    assert (process.returncode, errors) == (0, "")
    agents = [span.attributes["openclaw.harness.id"] for span in receiver.spans]
    assert sorted(agents) == ["child", "parent", "planner"]
    assert len({span.resource["service.instance.id"] for span in receiver.spans}) == 2


FORK_INSIDE = """
with genai.agent("outer"):
    pid = os.fork()
    if not pid:
        with genai.tool("inner"):
            pass
if pid:
    os.waitpid(pid, 0)
"""


def test_an_operation_that_is_forked_inside_of_is_ended_by_the_parent_alone(receiver: Receiver, url: str) -> None:
    process = start(WORK + "telemetry.flush()" + FORK_INSIDE, OTEL_EXPORTER_OTLP_ENDPOINT=url, PYTHONWARNINGS="ignore")
    _, errors = finish(process)
    assert (process.returncode, errors) == (0, "")
    assert sorted(span.name for span in receiver.spans) == [*["openclaw.harness.run"] * 2, "openclaw.tool.execution"]
    (tool,) = [span for span in receiver.spans if span.name == "openclaw.tool.execution"]
    assert tool.parent_id in {span.span_id for span in receiver.spans}


PRELOADED = """
import json
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
import otel_genai as genai

exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
metrics.set_meter_provider(MeterProvider([reader]))
for _ in range(2):
    with genai.configure(preloaded=True) as telemetry:
        with genai.agent("planner"):
            pass
        telemetry.flush()
with genai.configure(preloaded=True, metrics=False):
    with genai.agent("planner"):
        pass
with trace.get_tracer("host").start_as_current_span("still alive"):
    pass
points = [m for r in reader.get_metrics_data().resource_metrics for s in r.scope_metrics for m in s.metrics]
counts = {m.name: [p.count for p in m.data.data_points] for m in points}
print(json.dumps([[span.name for span in exporter.get_finished_spans()], counts["openclaw.harness.duration_ms"]]))
"""


def test_preloaded_uses_the_providers_of_the_host_and_leaves_them_alone() -> None:
    output, errors = finish(start(PRELOADED))
    assert errors == ""
    assert json.loads(output) == [[*["openclaw.harness.run"] * 3, "still alive"], [2]]


CONNECTIONS = """
import json, socket
addresses = []
connect = socket.socket.connect
def noted(self, address):
    addresses.append(address)
    return connect(self, address)
socket.socket.connect = noted
"""


def test_nothing_is_connected_to_but_what_was_configured(url: str) -> None:
    program = CONNECTIONS + WORK + "telemetry.shutdown()\nprint(json.dumps(addresses))"
    output, errors = finish(start(program, OTEL_EXPORTER_OTLP_ENDPOINT=url))
    assert errors == ""
    host, _, port = url.rpartition("//")[2].partition(":")
    assert {tuple(address) for address in json.loads(output)} == {(host, int(port))}


def test_nothing_is_connected_to_while_telemetry_is_off(tmp_path: Path) -> None:
    program = CONNECTIONS + WORK + "print(json.dumps(addresses))"
    output, errors = finish(start(program, OTEL_GENAI_ENABLED="false"))
    assert (output, errors) == ("[]\n", "")
