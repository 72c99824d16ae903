"""What the log says about a collector that fails, and what the program notices of it: nothing."""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

import otel_genai as genai
from otel_genai.demo.server import serve
from otel_genai.emitters.delivery import SAY_AGAIN_AFTER, Delivery, HoldBack
from otel_genai.viewer import Receiver

Answer = Callable[[socket.socket], object]
NOT_AFFECTED = "the program is not affected"


def answering(status: str, body: str = "") -> Answer:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return lambda connection: connection.sendall((head + body).encode())


def silent(connection: socket.socket) -> None:
    with suppress(OSError):
        while connection.recv(65536):
            pass


ANSWERS: dict[str, tuple[Answer, str]] = {
    "never answers": (silent, "not taken in time"),
    "answers 500": (answering("500 Internal Server Error"), "HTTP 500"),
    "answers 503": (answering("503 Service Unavailable"), "not taken in time"),
    "answers 404": (answering("404 Not Found", "http://secret.example/?key=secret"), "HTTP 404"),
    "answers with a text of its own": (answering("400 see http://secret.example"), "HTTP 400"),
    "answers garbage": (lambda connection: connection.sendall(b"\x00\xff garbage \r\n\r\n"), "not taken in time"),
    "answers garbled headers": (
        lambda connection: connection.sendall(b"HTTP/1.1 500 No\r\n: secret\r\nx\r\n\r\n"),
        "HTTP 500",
    ),
    "hangs up": (lambda connection: None, "not taken in time"),
    "hangs up in the middle": (
        lambda connection: connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 99\r\n\r\nhalf"),
        "ChunkedEncodingError|ConnectionError",
    ),
}


@contextmanager
def collector(answer: Answer) -> Iterator[str]:
    """Reads what it is sent, and does with the connection what `answer` does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def work() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, suppress(OSError):
                        connection.recv(65536)
                        answer(connection)
                        connection.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield f"http://user:secret@127.0.0.1:{listening.getsockname()[1]}/tenant?key=secret"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.fixture
def delivery() -> tuple[Delivery, list[float]]:
    now = [1000.0]
    return Delivery("traces", clock=lambda: now[0]), now


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """So little time that nothing is tried twice."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.3")


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def work(times: int = 1) -> None:
    for _ in range(times):
        with genai.agent("planner"):
            pass


# -- moderation


def test_the_first_failure_is_said_at_once_with_its_reason(
    delivery: tuple[Delivery, list[float]], caplog: pytest.LogCaptureFixture
) -> None:
    delivery[0].failed(3, "ConnectionError")
    assert said(caplog) == ["traces do not arrive (ConnectionError), 3 lost so far; the program is not affected"]


def test_after_that_it_is_said_once_a_minute_with_all_that_was_lost(
    delivery: tuple[Delivery, list[float]], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(121):
        delivery[0].failed(2, "ReadTimeout")
        delivery[1][0] += 1
    lost = [int(re.findall(r"(\d+) lost so far", message)[0]) for message in said(caplog)]
    assert lost == [2, 122, 242]


def test_a_recovery_is_said_once(delivery: tuple[Delivery, list[float]], caplog: pytest.LogCaptureFixture) -> None:
    delivery[0].failed(2, "ReadTimeout")
    delivery[0].failed(3, "ReadTimeout")
    for _ in range(3):
        delivery[0].arrived()
    assert said(caplog)[1:] == ["traces arrive again; 5 were lost"]
    assert (delivery[0].lost, delivery[0].failing) == (0, False)


def test_a_delivery_that_never_failed_says_nothing(
    delivery: tuple[Delivery, list[float]], caplog: pytest.LogCaptureFixture
) -> None:
    delivery[0].arrived()
    delivery[0].ended()
    assert said(caplog) == []


def test_a_collector_that_comes_and_goes_cannot_flood_the_log(
    delivery: tuple[Delivery, list[float]], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(60):
        delivery[0].failed(1, "ReadTimeout")
        delivery[1][0] += 1
        delivery[0].arrived()
    assert len(said(caplog)) == 2
    delivery[1][0] += SAY_AGAIN_AFTER
    delivery[0].failed(1, "ReadTimeout")
    assert "60 lost so far" in said(caplog)[2]


def test_what_was_not_said_yet_is_said_at_the_end(
    delivery: tuple[Delivery, list[float]], caplog: pytest.LogCaptureFixture
) -> None:
    delivery[0].failed(1, "ReadTimeout")
    delivery[0].ended()
    delivery[0].failed(1, "ReadTimeout")
    delivery[0].ended()
    assert said(caplog)[1:] == ["traces: 2 were lost until the end"]


def test_losses_are_counted_rightly_by_many_threads(delivery: tuple[Delivery, list[float]]) -> None:
    def lose() -> None:
        for _ in range(1000):
            delivery[0].failed(1, "the queue is full")

    threads = [threading.Thread(target=lose) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert delivery[0].lost == 8000


# -- what it says of the way


@pytest.mark.parametrize(
    ("cause", "said_of"),
    [
        (ConnectionRefusedError, "OSError: connection refused"),
        (socket.gaierror, "OSError: name not found"),
        (TimeoutError, "OSError: timed out"),
        (ConnectionResetError, "OSError: connection closed"),
        (ValueError, "OSError"),
    ],
)
def test_what_is_below_an_error_is_said_and_its_text_is_not(
    caplog: pytest.LogCaptureFixture, cause: type[Exception], said_of: str
) -> None:
    def export() -> None:
        raise OSError("secret") from cause("secret")

    assert not Delivery("traces", url="http://h:4318/v1/traces").attempt(export, 1)
    (message,) = said(caplog)
    assert message == f"traces do not arrive at http://h:4318/v1/traces ({said_of}), 1 lost so far; {NOT_AFFECTED}"


@pytest.mark.parametrize(("port", "hinted"), [(":4317", True), (":4318", False), ("", False)])
def test_whoever_named_the_port_of_grpc_is_told_so(caplog: pytest.LogCaptureFixture, port: str, hinted: bool) -> None:
    Delivery("traces", url=f"http://***@h{port}/v1/traces?***").attempt(lambda: 1 / 0, 1)
    assert ("port 4317 is that of OTLP over gRPC" in said(caplog)[0]) is hinted


# -- collectors


@pytest.mark.parametrize(("answer", "reason"), ANSWERS.values(), ids=ANSWERS)
def test_a_collector_that_fails_is_one_line_a_signal_and_nothing_else(
    caplog: pytest.LogCaptureFixture, impatient: None, answer: Answer, reason: str
) -> None:
    caplog.set_level(logging.DEBUG)
    with collector(answer) as url, genai.configure(enabled=True, endpoint=url) as telemetry:
        for _ in range(2):
            work()
            assert not telemetry.flush(5000)
    lines = [record for record in caplog.records if record.name != "asyncio"]
    assert {record.name for record in lines} == {"otel_genai"}
    assert not any(record.exc_info for record in lines)
    text = "\n".join(said(caplog))
    shown = re.escape(f"http://***@{url.rpartition('@')[2].partition('?')[0]}")
    said_of = rf"(traces|metrics) do not arrive at {shown}/v1/\1\?\*\*\* \(({reason})\)"
    assert len(re.findall(said_of, text)) == 2
    assert "secret" not in text
    assert text.count("\n") == 2
    assert "traces: 2 were lost until the end" in text


def test_a_collector_that_is_slow_gets_everything(impatient: None, caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            threading.Event().wait(0.1)
        await receiver(scope, receive, send)

    with serve(slow) as url, genai.configure(enabled=True, endpoint=url) as telemetry:
        work()
        assert telemetry.flush()
    assert len(receiver.spans) == 1
    assert said(caplog) == []


def test_what_comes_after_an_outage_arrives_and_that_is_said(impatient: None, caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver()
    with serve(receiver) as url:
        port = int(url.rpartition(":")[2])
    with genai.configure(enabled=True, endpoint=url, metrics=False) as telemetry:
        work(2)
        assert not telemetry.flush()
        with serve(receiver, port=port):
            work(3)
            assert telemetry.flush()
    assert len(receiver.spans) == 3
    assert said(caplog) == [
        f"traces do not arrive at {url}/v1/traces (not taken in time), 2 lost so far; the program is not affected",
        "traces arrive again; 2 were lost",
    ]


@pytest.mark.parametrize(("preference", "lost"), [("cumulative", ""), ("delta", ", 3 lost so far")])
def test_totals_are_not_lost_and_differences_are(
    monkeypatch: pytest.MonkeyPatch, impatient: None, caplog: pytest.LogCaptureFixture, preference: str, lost: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", preference)
    with genai.configure(enabled=True, endpoint="http://127.0.0.1:9", traces=False) as telemetry:
        genai.publish(genai.events.MessageQueued(source="test", queue_depth=2))
        assert not telemetry.flush()
    where = "at http://127.0.0.1:9/v1/metrics (not taken in time)"
    assert said(caplog)[0] == f"metrics do not arrive {where}{lost}; the program is not affected"
    assert len(said(caplog)) == (1 if preference == "cumulative" else 2)  # a difference more, of nothing, at the end


def test_spans_that_find_no_place_are_counted_and_said_in_moderation(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "20")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "20")
    let_go = threading.Event()
    with ExitStack() as stack:
        url = stack.enter_context(collector(lambda connection: let_go.wait() and answering("200 OK")(connection)))
        telemetry = stack.enter_context(genai.configure(enabled=True, endpoint=url, metrics=False))
        stack.callback(let_go.set)
        while not said(caplog):
            work(10)
        work(100)
        let_go.set()
        assert telemetry.flush()
    first, last = said(caplog)
    assert first == "traces do not all arrive (the queue is full), 1 lost so far; the program is not affected"
    assert int(re.findall(r"traces arrive again; (\d+) were lost", last)[0]) > 80


# -- others


class Failing(SpanExporter):
    """Somebody else's exporter."""

    def export(self, spans: Any) -> SpanExportResult:
        logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").error("their own trouble")
        raise OSError("their own trouble")

    def shutdown(self) -> None:
        """It has nothing to end."""


def test_the_complaints_of_another_pipeline_are_none_of_our_business(caplog: pytest.LogCaptureFixture) -> None:
    theirs = TracerProvider(shutdown_on_exit=False)
    theirs.add_span_processor(BatchSpanProcessor(Failing()))
    with genai.configure(enabled=True, endpoint="http://127.0.0.1:9", traces=False, shutdown_timeout_ms=1):
        theirs.get_tracer("theirs").start_span("theirs").end()
        theirs.force_flush()
    theirs.shutdown()
    assert said(caplog)[:2] == ["their own trouble", "Exception while exporting Span."]


def test_the_filters_are_taken_off_again() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("otel_genai"):
            thread.join(10)  # what was not awaited before
    logger = logging.getLogger("opentelemetry.sdk._shared_internal")
    before = list(logger.filters)
    with genai.configure(enabled=True, endpoint="http://127.0.0.1:9"):
        assert isinstance(logger.filters[0], HoldBack)
    assert logger.filters == before
