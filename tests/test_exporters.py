"""How the exporters do: what `health()` says, and the events and the metric that tell of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import otel_genai as genai
from otel_genai.events import TelemetryExporter

Collector = tuple[str, list[int]]


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that answers with the status that the list ends with."""
    answers = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(answers[-1])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", answers
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def told() -> Iterator[list[TelemetryExporter]]:
    events: list[TelemetryExporter] = []
    undo = genai.subscribe(events.append, TelemetryExporter)
    yield events
    undo()


def states() -> dict[tuple[str, str], str]:
    return {(one.signal, one.exporter): one.state for one in genai.health().exporters}


def one(signal: str) -> Any:
    return next(each for each in genai.health().exporters if each.signal == signal)


def work() -> None:
    with genai.agent("planner"):
        pass


def test_every_signal_and_sink_has_its_own_health(collector: Collector, told: list[TelemetryExporter]) -> None:
    with genai.configure(enabled=True, endpoint=collector[0], logs=True, logs_exporter="both"):
        otlp = [(signal, "otlp-http-protobuf") for signal in ("traces", "metrics", "logs")]
        assert states() == dict.fromkeys([*otlp, ("logs", "stdout")], "started")
        assert genai.health().ok
    assert set(states().values()) == {"stopped"}
    assert [(event.signal, event.status, event.reason) for event in told][:1] == [("traces", "started", "configured")]


def test_an_endpoint_that_nobody_named_is_said_to_be_the_default(collector: Collector) -> None:
    with genai.configure(
        enabled=True, metrics=False, traces_endpoint=collector[0] + "/v1/traces", logs=True
    ) as telemetry:
        assert {(each.signal, each.endpoint) for each in genai.health().exporters} == {
            ("traces", "configured"),
            ("logs", "default_endpoint"),
        }
        telemetry.shutdown(0)


def test_a_failing_collector_and_its_recovery_are_seen(collector: Collector, told: list[TelemetryExporter]) -> None:
    url, answers = collector
    with genai.configure(enabled=True, endpoint=url, metrics=False) as telemetry:
        answers.append(400)
        work()
        assert not telemetry.flush()
        failing = one("traces")
        assert (failing.state, failing.last_failure, failing.dropped) == ("failing", "HTTP 400", {"emit_failed": 1})
        assert failing.failing_since is not None
        assert not genai.health().ok
        answers.append(200)
        work()
        assert telemetry.flush()
        assert (one("traces").state, one("traces").failing_since) == ("started", None)
    assert [event.status for event in told] == ["started", "failure", "recovered"]
    assert told[1].error_category == "HTTP_400"


def test_what_finds_no_place_in_the_queue_is_counted(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "2")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    with genai.configure(enabled=True, endpoint=collector[0], metrics=False):
        for _ in range(500):
            work()
        assert one("traces").dropped.get("queue_full", 0) > 0


def test_another_protocol_is_a_failure_to_start(collector: Collector) -> None:
    with genai.configure(enabled=True, endpoint=collector[0], traces_protocol="grpc"):
        assert states()["traces", "otlp-http-protobuf"] == "failed"
        assert one("traces").last_failure == "unsupported_protocol"
        assert not genai.health().ok


def test_the_health_names_no_url_and_no_text_of_an_error(collector: Collector) -> None:
    url, answers = collector
    answers.append(400)
    with genai.configure(enabled=True, endpoint=url.replace("//", "//user:hunter2@"), metrics=False) as telemetry:
        work()
        telemetry.flush()
        said = repr(genai.health())
    assert "HTTP 400" in said
    assert "hunter2" not in said
    assert "127.0.0.1" not in said


def test_the_events_are_a_metric(captured: Any) -> None:
    genai.publish(TelemetryExporter(exporter="stdout", signal="logs", status="dropped", reason="queue_full"))
    (point,) = captured.points("openclaw.telemetry.exporter.events")
    assert (point["openclaw.exporter"], point["openclaw.signal"], point.value) == ("stdout", "logs", 1)


def test_what_was_swallowed_is_counted_by_its_place() -> None:
    before = genai.health().swallowed.get("telling a subscriber", 0)
    undo = genai.subscribe(lambda event: 1 / 0, "message.queued")
    genai.publish(genai.events.MessageQueued(source="x"))
    undo()
    assert genai.health().swallowed["telling a subscriber"] == before + 1
