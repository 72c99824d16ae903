"""Containers are polled at an engine of recorded frames, by HTTP over a socket of the operating system, as users do."""

from __future__ import annotations

import copy
import gc
import json
import logging
import os
import queue
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

import otel_genai as genai
from otel_genai import events
from otel_genai.bus import bus
from otel_genai.config import Config, load
from otel_genai.sources import containers
from otel_genai.sources.containers.poller import Poller
from otel_genai.tables import Docker
from otel_genai.testing import Captured, Point

FRAMES = json.loads((Path(__file__).parent.parent / "data" / "docker_frames.json").read_text(encoding="utf-8"))
# The docker library leaves the socket of a refused connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
ALLOWED = re.compile(r"/version|/v[\d.]+/(containers/json|containers/[\w-]+/stats|events)")
CPU, MEMORY, UP = "nora.agent.cpu.percent", "nora.agent.memory.percent", "otel_genai.docker.up"
Answer = Any
"""What the engine says: data, bytes as they are, a status, or a function that gives one of these."""


class Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, path: str, handler: type[BaseHTTPRequestHandler]) -> None:
        self.connections: list[socket.socket] = []
        super().__init__(path, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        super().process_request(request, client_address)

    def hang_up(self) -> None:
        for connection in self.connections:
            with suppress(OSError):  # most of them are closed
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone away is nothing to be told."""


class Recorded:
    """An engine that answers with what was recorded; every processor that it tells of is half busy."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.version = "1.41"
        self.listed: Answer = []
        self.frames: dict[str, Answer] = {}
        self.seconds = 0.0
        """How long it thinks about statistics."""
        self.asked: list[str] = []
        self.told: queue.Queue[Answer] = queue.Queue()
        self.events_status = 200
        self.hears = threading.Event()
        """Unless it is set, nobody who asks for events gets an answer."""
        self.hears.set()
        self.closing = threading.Event()
        self.most_at_once = 0
        """Statistics that it was asked for at the same time."""
        self._at_once = 0
        self._reads = 0
        self._server: Server | None = None
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def open(self) -> None:
        self.closing.clear()
        engine = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_GET(self) -> None:
                engine.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = Server(self.path, Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.hang_up()
            self._server.server_close()
            os.unlink(self.path)
        self._server = None

    def add(self, name: str, dialect: str = "cgroup_v2", labels: dict[str, str] | None = None) -> None:
        """A container, whose id is its name, and whose every frame is two seconds after the one before."""
        self.listed.append({"Id": name, "Names": [f"/{name}"], "Image": "acme/agent:1", "Labels": labels})
        self.frames[name] = lambda: self.frame(dialect)

    def frame(self, dialect: str) -> Any:
        with self._lock:
            self._reads += 1
            reads = self._reads
        made = copy.deepcopy(FRAMES[dialect])
        made["read"] = f"2026-11-22T01:{20 + reads * 2 // 60:02}:{reads * 2 % 60:02}.766274992Z"
        made["cpu_stats"]["cpu_usage"]["total_usage"] += reads * 10**9
        return made

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        path = urlsplit(handler.path).path
        if path == "/version":
            self.send(handler, {"ApiVersion": self.version, "Version": "20.10.24"})
        elif path.endswith("/events"):
            self.send_events(handler)
        elif path.endswith("/containers/json"):
            self.send(handler, self.listed)
        else:
            self.think()
            self.send(handler, self.frames.get(path.split("/")[-2], 404))

    def think(self) -> None:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        self.closing.wait(self.seconds)
        with self._lock:
            self._at_once -= 1

    def send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        answer = answer() if callable(answer) else answer
        status = answer if isinstance(answer, int) else 200
        body = (
            answer if isinstance(answer, bytes) else json.dumps(answer if status == 200 else {"message": "no"}).encode()
        )
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body) + 9 * (body == b"truncated")))
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection |= body == b"truncated"

    def send_events(self, handler: BaseHTTPRequestHandler) -> None:
        if self.events_status != 200:
            self.send(handler, self.events_status)
            return
        self.hears.wait(30)
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.flush()
        handler.close_connection = True
        while not self.closing.is_set():
            try:
                event = self.told.get(timeout=0.01)
            except queue.Empty:
                continue
            if event is None:
                return
            line = event if isinstance(event, bytes) else json.dumps(event).encode() + b"\n"
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))

    def tell(self, action: str, name: str, at: int = 1_795_310_500_000_000_123) -> None:
        self.told.put({"Type": "container", "Action": action, "Actor": {"ID": name}, "timeNano": at})

    def queries(self, ending: str) -> list[dict[str, list[str]]]:
        return [parse_qs(urlsplit(one).query) for one in self.asked if urlsplit(one).path.endswith(ending)]


@pytest.fixture
def engine() -> Iterator[Recorded]:
    with TemporaryDirectory() as folder:  # not tmp_path: a socket's path must be short
        recorded = Recorded(f"{folder}/engine.sock")
        recorded.open()
        yield recorded
        recorded.close()
    gc.collect()  # here, where the warning about sockets is expected


@pytest.fixture
def polls(engine: Recorded) -> Iterator[Callable[..., None]]:
    """Starts a poller of the engine: every 50 milliseconds, unless told otherwise."""
    stops: list[Callable[[], None]] = []

    def start(semconv: bool = False, **options: Any) -> None:
        docker = Docker(**{"enabled": True, "host": engine.url, "interval_ms": 50, "timeout_ms": 5000} | options)
        stops.append(containers.start(Config(docker=docker, semconv_containers=semconv, service_name=engine.path)))

    yield start
    for stop in stops:
        stop()
    engine.close()
    until(lambda: not threads())


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "otel-genai-docker"]


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the threads that poll said to the log; the rest of the process may have something to say, too."""
    records = [record for record in caplog.records if record.threadName == "otel-genai-docker"]
    return [record.message.partition(":")[0] for record in records if record.levelno >= logging.WARNING]


def until(true: Callable[[], object], seconds: float = 15) -> None:
    for _ in range(int(seconds / 0.01)):
        if true():
            return
        time.sleep(0.01)
    pytest.fail(f"it did not come true within {seconds} seconds")


def told(captured: Captured, kind: type[events.Event], **fields: Any) -> list[Any]:
    found = [event for event in captured.events if isinstance(event, kind)]
    return [event for event in found if all(getattr(event, name) == value for name, value in fields.items())]


def values(captured: Captured, metric: str) -> dict[str, float | None]:
    return {point.attributes.get("nora.agent.id", ""): point.value for point in captured.points(metric)}


def errors(captured: Captured) -> set[tuple[str, str]]:
    points = captured.points("otel_genai.docker.errors")
    return {(point["otel_genai.docker.request"], point["error.type"]) for point in points}


@pytest.mark.parametrize("version", ["1.41", "1.40", "1.51"])
@pytest.mark.parametrize("dialect", ["cgroup_v1", "cgroup_v2", "podman"])
def test_what_an_agent_uses_is_a_gauge(
    engine: Recorded, polls: Callable[..., None], captured: Captured, dialect: str, version: str
) -> None:
    engine.version = version
    engine.add("one", dialect, {"openclaw.agent.id": "a1", "openclaw.runtime.family": "openclaw"})
    polls()
    until(lambda: values(captured, CPU))
    [point] = captured.points(CPU)
    assert (point.value, point.unit) == (50, "%")
    assert point.attributes == {"nora.agent.id": "a1", "nora.runtime.family": "openclaw"}
    assert values(captured, MEMORY) == {"a1": {"cgroup_v1": 23.25, "cgroup_v2": 25, "podman": 0.92}[dialect]}
    assert captured.points("nora.agent.memory.usage")[0].unit == "{MB}"
    asked = engine.queries("/stats")[0]
    assert (asked["stream"], asked.get("one-shot")) == (["False"], None if version == "1.40" else ["True"])


def test_the_poller_tells_of_itself(engine: Recorded, polls: Callable[..., None], captured: Captured) -> None:
    engine.add("one")
    engine.add("two")
    polls()
    until(lambda: len(told(captured, events.ContainerPoll)) > 2)
    metrics = captured.metrics()
    assert metrics[UP][0].value == 1
    assert metrics["otel_genai.docker.containers"][0].value == 2
    assert (metrics["otel_genai.docker.poll.duration"][0].count or 0) > 2
    assert metrics["otel_genai.docker.poll.missed"][0].value is not None
    assert "otel_genai.docker.errors" not in metrics


def test_the_standard_metrics_are_there_where_they_are_asked_for(
    engine: Recorded, polls: Callable[..., None], captured: Captured
) -> None:
    engine.add("one", labels={"secret": "x"})
    polls(semconv=True)
    until(lambda: captured.points("container.cpu.usage"))
    found = {name: points for name, points in captured.metrics().items() if name.startswith("container.")}
    container = {"container.name": "one", "container.image.name": "acme/agent"}
    assert [point.attributes for point in found["container.memory.usage"]] == [container]
    assert found["container.memory.working_set"][0].value == 50 * 1024 * 1024
    modes = [point.attributes for point in found["container.cpu.time"]]
    assert modes == [{**container, "cpu.mode": "user"}, {**container, "cpu.mode": "system"}]
    assert all("secret" not in str(point) for points in found.values() for point in points)


def test_only_what_a_proxy_lets_through_is_asked_and_only_of_the_labelled(
    engine: Recorded, polls: Callable[..., None], captured: Captured
) -> None:
    engine.add("one")
    polls(labels=("otel_genai.agent.id", "tier=gold"))
    until(lambda: values(captured, CPU) and engine.queries("/events"))
    assert all(ALLOWED.fullmatch(urlsplit(path).path) for path in engine.asked)
    labels = ["otel_genai.agent.id", "tier=gold"]
    assert json.loads(engine.queries("/containers/json")[0]["filters"][0]) == {
        "status": ["running", "paused"],
        "label": labels,
    }
    assert json.loads(engine.queries("/events")[0]["filters"][0]) == {
        "type": ["container"],
        "event": ["die", "destroy", "rename"],
        "label": labels,
    }


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (500, "500"),
        (b"truncated", "requests.exceptions.ConnectionError"),
        (b"{garbage", "requests.exceptions.JSONDecodeError"),
        (lambda: time.sleep(1.5), "timeout"),
    ],
    ids=["500", "truncated", "garbage", "hung"],
)
def test_a_container_that_cannot_be_asked_disturbs_no_other(
    engine: Recorded, polls: Callable[..., None], captured: Captured, answer: Answer, error: str
) -> None:
    engine.add("bad")
    engine.add("good")
    engine.frames["bad"] = answer
    polls(timeout_ms=1000)
    until(lambda: values(captured, CPU) and errors(captured))
    [(request, kind)] = errors(captured)
    assert request == "stats"
    assert kind in {error, "requests.exceptions.ChunkedEncodingError"}
    assert values(captured, CPU).keys() == {"good"}
    assert values(captured, UP) == {"": 1}


@pytest.mark.parametrize("gone", [404, 409, FRAMES["not_running"]], ids=["404", "409", "year 1"])
def test_a_container_that_stopped_is_forgotten_at_once_and_no_error(
    engine: Recorded, polls: Callable[..., None], captured: Captured, gone: Answer
) -> None:
    engine.add("one")
    engine.add("two")
    polls(semconv=True)
    until(lambda: len(values(captured, CPU)) == 2)
    engine.frames["one"] = gone
    until(lambda: values(captured, CPU).keys() == {"two"})
    assert values(captured, MEMORY).keys() == {"two"}
    assert {point["container.name"] for point in captured.points("container.memory.usage")} == {"two"}
    assert not errors(captured)


@pytest.mark.parametrize("action", ["die", "destroy"])
def test_an_ending_is_noticed_between_two_passes(
    engine: Recorded, polls: Callable[..., None], captured: Captured, action: str
) -> None:
    engine.add("one")
    polls(interval_ms=60_000)
    until(lambda: values(captured, CPU) and engine.queries("/events"))  # so the next pass is a minute away
    engine.tell(action, "one")
    until(lambda: not values(captured, MEMORY))
    assert len(engine.queries("/containers/json")) == 2


def test_events_go_on_where_they_broke_off(engine: Recorded, polls: Callable[..., None], captured: Captured) -> None:
    engine.add("one")
    polls()
    until(lambda: values(captured, MEMORY))
    engine.tell("die", "one", at=1_795_310_500_000_000_123)
    engine.told.put(b"{garbage\n")
    until(lambda: len(engine.queries("/events")) == 2)
    first, second = engine.queries("/events")
    assert "since" not in first
    assert second["since"] == ["1795310500.000000124"]
    assert ("events", "json.decoder.JSONDecodeError") in errors(captured)


def test_an_engine_that_tells_no_events_is_polled_all_the_same(
    engine: Recorded, polls: Callable[..., None], captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    engine.events_status = 403
    engine.add("one")
    polls()
    until(lambda: values(captured, CPU) and ("events", "403") in errors(captured))
    engine.listed = []
    until(lambda: not values(captured, CPU))
    assert logged(caplog) == ["the ends of containers are noticed late"]


def test_a_container_that_was_renamed_leaves_its_old_name(
    engine: Recorded, polls: Callable[..., None], captured: Captured
) -> None:
    engine.add("one")
    polls()
    until(lambda: values(captured, CPU).keys() == {"one"})
    engine.listed[0]["Names"] = ["/other"]
    until(lambda: values(captured, CPU).keys() == {"other"})


def test_after_a_restart_there_is_no_percent_until_the_second_frame(
    engine: Recorded, polls: Callable[..., None], captured: Captured
) -> None:
    engine.add("one")
    polls()
    until(lambda: values(captured, CPU))
    begun_anew = copy.deepcopy(FRAMES["cgroup_v2"])
    begun_anew["read"] = "2026-11-22T02:00:00Z"
    begun_anew["cpu_stats"]["cpu_usage"]["total_usage"] = 1
    engine.frames["one"] = begun_anew
    until(lambda: not values(captured, CPU))
    assert values(captured, MEMORY) == {"one": 25}
    assert all(event.cpu_percent in {None, 50} for event in told(captured, events.ContainerStats))


def test_an_engine_that_is_down_is_said_once_and_found_again(
    engine: Recorded, polls: Callable[..., None], captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    engine.add("one")
    engine.close()
    polls()
    until(lambda: values(captured, UP) == {"": 0})
    assert "otel_genai.docker.containers" not in captured.metrics()
    assert {request for request, _ in errors(captured)} == {"connect"}
    engine.open()
    until(lambda: values(captured, UP) == {"": 1} and values(captured, CPU))
    engine.close()
    until(lambda: values(captured, UP) == {"": 0})
    assert logged(caplog) == [
        "containers are not measured",
        "containers are measured again",
        "containers are not measured",
    ]


@pytest.mark.parametrize("listed", [500, b"{garbage", {"message": "no"}, b"truncated"])
def test_a_list_that_cannot_be_read_is_an_engine_that_is_down(
    engine: Recorded, polls: Callable[..., None], captured: Captured, listed: Answer
) -> None:
    engine.listed = listed
    polls()
    until(lambda: values(captured, UP) == {"": 0})
    assert {request for request, _ in errors(captured)} == {"list"}


def test_an_engine_whose_samples_take_long_is_asked_by_more_at_a_time(
    engine: Recorded, polls: Callable[..., None], captured: Captured
) -> None:
    engine.seconds = 0.3
    for number in range(24):
        engine.add(f"c{number}")
    polls(concurrency=2, interval_ms=1000)
    until(lambda: len(values(captured, CPU)) == 24 and engine.most_at_once > 8)
    assert not errors(captured)


def test_containers_of_one_agent_are_one_series(
    engine: Recorded, polls: Callable[..., None], captured: Captured
) -> None:
    engine.add("one", labels={"otel_genai.agent.id": "a1"})
    engine.add("two", labels={"otel_genai.agent.id": "a1"})
    polls()
    until(lambda: values(captured, "nora.agent.memory.usage"))
    assert values(captured, "nora.agent.memory.usage") == {"a1": 100}
    assert values(captured, MEMORY) == {"a1": 25}


def test_of_two_workers_one_polls_and_the_other_takes_over(engine: Recorded, captured: Captured) -> None:
    engine.add("one")
    docker = Docker(enabled=True, host=engine.url, interval_ms=50, timeout_ms=5000)
    first, second = (Poller(Config(docker=docker, service_name=engine.path)) for _ in range(2))
    first.start()
    until(lambda: values(captured, CPU))
    second.start()
    until(lambda: len(told(captured, events.ContainerPoll)) > 5)
    assert len([one for one in engine.asked if one == "/version"]) == 1
    first.stop()
    until(lambda: len([one for one in engine.asked if one == "/version"]) == 2)
    second.stop()


FORKED = """
import os, sys, time
from otel_genai.bus import bus
from otel_genai.config import Config, load
from otel_genai.tables import Docker
from otel_genai.sources import containers
docker = Docker(enabled=True, host=sys.argv[1], interval_ms=50)
stop = containers.start(Config(docker=docker, service_name=sys.argv[1]))
child = os.fork()
if child:
    time.sleep(0.3)
    os._exit(0)
seen = []
bus.subscribe(seen.append, "container.stats")
for _ in range(3000):
    time.sleep(0.01)
    if seen:
        print("the child polls", flush=True)
        break
stop()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this machine has no fork")
def test_a_forked_worker_takes_over_when_its_parent_ends(engine: Recorded) -> None:
    engine.add("one")
    command = [sys.executable, "-W", "ignore", "-c", FORKED, engine.url]
    assert subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True).stdout == b"the child polls\n"


LOADING = """
import sys
from otel_genai.sources.containers.claim import no_fork
from otel_genai.sources.containers.engine import Engine
class Watch:
    def find_spec(self, name, *_):
        if not no_fork.locked():
            print(name, flush=True)
sys.meta_path.insert(0, Watch())
engine = Engine(sys.argv[1], 5)
engine.stats(engine.containers()[0].id)
next(iter(engine.endings()))
"""


def test_nothing_is_loaded_that_a_fork_could_interrupt(engine: Recorded) -> None:
    engine.add("one")
    engine.tell("die", "one")
    command = [sys.executable, "-W", "ignore", "-c", LOADING, engine.url]
    assert subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True).stdout == b""


def test_without_being_asked_nothing_is_started() -> None:
    before = threading.enumerate()
    containers.start(Config())()
    assert set(threading.enumerate()) <= set(before)  # others may end meanwhile


@pytest.mark.parametrize("given", [True, {"enabled": True}, {"enabled": "yes"}])
def test_it_is_asked_for_in_a_word_or_in_a_table(given: object) -> None:
    assert load({"docker": given}, environ={"DOCKER_HOST": "tcp://engine:1"}).docker == Docker(
        enabled=True, host="tcp://engine:1"
    )
    assert not load({}, environ={}).docker.enabled


def test_without_the_library_one_warning_says_so(
    polls: Callable[..., None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)
    polls()
    until(lambda: not threads())
    assert logged(caplog) == ["containers are not measured"]


def test_an_engine_that_answers_nothing_is_stopped_without_waiting(engine: Recorded, captured: Captured) -> None:
    engine.listed = lambda: engine.closing.wait(30) and []
    docker = Docker(enabled=True, host=engine.url, timeout_ms=30_000)
    stop = containers.start(Config(docker=docker, service_name=engine.path))
    until(lambda: engine.queries("/containers/json"))
    stop()
    assert threads()  # it still waits for the answer
    engine.close()
    until(lambda: not threads())


def test_one_that_is_stopped_while_it_asks_for_events_does_not_listen(engine: Recorded) -> None:
    engine.add("one")
    engine.hears.clear()
    docker = Docker(enabled=True, host=engine.url, interval_ms=50)
    stop = containers.start(Config(docker=docker, service_name=engine.path))
    until(lambda: engine.queries("/events"))
    stop()
    engine.hears.set()
    until(lambda: not threads())


@contextmanager
def configured(**options: Any) -> Iterator[genai.Telemetry]:
    endpoint = "http://127.0.0.1:9"
    with genai.configure(enabled=True, endpoint=endpoint, shutdown_timeout_ms=1, **options) as telemetry:
        yield telemetry


def test_the_pipeline_starts_it_unobserved_and_stops_it(engine: Recorded) -> None:
    engine.add("one")
    seen: list[tuple[object, events.Event]] = []
    undo = bus.subscribe(lambda event: seen.append((is_instrumentation_enabled(), event)), "container.*")
    with genai.bind(channel="web"), configured(docker={"enabled": True, "host": engine.url}):
        until(lambda: seen)
    undo()
    observed, event = seen[0]
    assert not observed
    assert event.scope.channel is None
    engine.close()
    until(lambda: not threads())


def test_points_are_data(captured: Captured) -> None:
    genai.publish(events.ContainerStats(agent_id="a b", cpu_percent=0.0, memory_mb=0, fresh_ms=60_000))
    assert captured.points(CPU) == [Point({"nora.agent.id": "unknown"}, value=0.0, unit="%")]
    genai.publish(events.ContainerStats(agent_id="a b", fresh_ms=0))
    assert captured.points(CPU) == []
