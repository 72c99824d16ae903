"""The process looks at itself: in a thread of its own, from when it is configured until it is shut down."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from queue import Queue
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import otel_genai as genai
from otel_genai import config, events
from otel_genai.bus import bus
from otel_genai.demo.server import serve
from otel_genai.sources import heartbeat
from otel_genai.sources.heartbeat import Pulse
from otel_genai.testing import Captured, capture

NAME = "otel_genai heartbeat"
SOON: dict[str, Any] = {"heartbeat_interval_ms": 50, "liveness": {"startup_grace_ms": 0}, "memory": False}


def pulse_of(**options: Any) -> Pulse:
    return Pulse(config.load({"heartbeat_interval_ms": 600_000, **options}, environ={}))


@pytest.fixture
def running() -> Iterator[Any]:
    """Starts what looks at the process, with these options, and stops it at the end."""
    with ExitStack() as stack:

        def start(**options: Any) -> None:
            stack.callback(heartbeat.start(config.load({"enabled": True, **SOON, **options}, environ={})))

        yield start


@pytest.fixture
def told(captured: Captured) -> Iterator[Queue[Any]]:
    queue: Queue[Any] = Queue()
    stop = bus.subscribe(queue.put)
    yield queue
    stop()


def threads() -> int:
    return sum(thread.name == NAME for thread in threading.enumerate())


def awaited(told: Queue[Any], kind: str) -> Any:
    """The next event of this wire name."""
    while (event := told.get(timeout=30)).kind != kind:
        pass
    return event


# -- the real thing


def test_a_blocked_event_loop_is_told_of_while_a_server_runs(
    running: Any, told: Queue[Any], captured: Captured
) -> None:
    async def block(_: Request) -> PlainTextResponse:
        time.sleep(0.3)
        return PlainTextResponse("done")

    app = genai.Middleware(Starlette(routes=[Route("/block", block)]))
    running(liveness={"startup_grace_ms": 0, "delay_max_ms": 200, "delay_p99_ms": 60_000, "utilization": 2})
    with serve(app) as url:
        for _ in range(2):  # the first one tells which loop there is
            with urllib.request.urlopen(f"{url}/block") as answer:
                assert answer.read() == b"done"
        warning = awaited(told, "diagnostic.liveness.warning")
    assert warning.event_loop_delay_max_ms >= 200
    assert "event_loop_delay" in warning.reasons
    span = captured.span("openclaw.liveness.warning")
    assert (span.status, span.parent_id) == ("ERROR", None)
    (point,) = captured.points("openclaw.liveness.event_loop_delay_max_ms")
    assert point.sum == warning.event_loop_delay_max_ms


def test_a_stuck_session_is_reported_and_recovered_while_the_program_runs(
    running: Any, told: Queue[Any], captured: Captured
) -> None:
    turns: dict[str, asyncio.Task[None]] = {}

    async def recover(session: str) -> None:
        turns[session].cancel()

    async def turn() -> None:
        with genai.bind(session="agent:main:slack:dm:42"), genai.message("slack"):
            await asyncio.Event().wait()

    async def main() -> None:
        turns["agent:main:slack:dm:42"] = task = asyncio.create_task(turn())
        with pytest.raises(asyncio.CancelledError):
            await task

    running(sessions={"stuck_session_warn_ms": 1000}, recover=recover)
    asyncio.run(main())
    over = awaited(told, "session.recovery.completed")
    while over.status == "skipped":  # looked at again while it was being recovered
        over = awaited(told, "session.recovery.completed")
    assert (over.status, over.stale) == ("released", None)
    assert captured.span("openclaw.session.stuck").status_message == "session stuck"
    (point,) = captured.points("openclaw.session.stuck")
    assert point.attributes == {"openclaw.state": "processing"}
    assert "dm:42" not in str([span.attributes for span in captured.spans]) + str(captured.metrics())


def test_the_heartbeat_tells_how_busy_the_process_is(running: Any, told: Queue[Any]) -> None:
    running(memory=True)
    with genai.bind(session="s-1"), genai.webhook("telegram"), genai.run():
        genai.publish(events.MessageQueued())
        beat = awaited(told, "diagnostic.heartbeat")
        beat = awaited(told, "diagnostic.heartbeat")
    assert (beat.active, beat.waiting, beat.queued) == (1, 0, 1)
    assert (beat.webhooks_received, beat.webhooks_processed, beat.webhook_errors) == (1, 0, 0)
    assert beat.scope == genai.Scope()
    assert awaited(told, "diagnostic.memory.sample").rss_bytes != 0


# -- by hand


def test_a_process_without_work_says_nothing(captured: Captured) -> None:
    pulse = pulse_of()
    pulse.beat()
    assert captured.events == []


def test_what_is_looked_at_can_be_chosen(captured: Captured) -> None:
    pulse = pulse_of(memory=False, liveness=False, sessions=False)
    pulse.start()
    assert (threads(), pulse.wanted) == (0, False)
    pulse = pulse_of(memory=False, liveness=False)
    pulse.start()
    with genai.bind(session="s-1"), genai.tool("search"):
        pulse.beat()
    pulse.stop()
    assert [event.kind for event in captured.events] == [
        "session.state",
        "diagnostic.heartbeat",
        "tool.execution.completed",
        "session.state",
    ]


def test_without_sessions_they_are_counted_and_not_reported(captured: Captured) -> None:
    pulse = pulse_of(sessions=False, memory=False)
    pulse.start()
    with genai.bind(session="s-1"), genai.run():
        pulse.beat()
    pulse.stop()
    (beat,) = [event for event in captured.events if isinstance(event, events.Heartbeat)]
    assert beat.active == 1
    assert not [event for event in captured.events if isinstance(event, events.SessionState)]


# -- beginning and end


def test_a_configured_program_looks_at_itself_until_it_is_shut_down() -> None:
    with genai.configure(enabled=True, endpoint="http://127.0.0.1:9", shutdown_timeout_ms=500) as telemetry:
        assert threads() == 1
        again = genai.configure(enabled=True, endpoint="http://127.0.0.1:9", shutdown_timeout_ms=500)
        assert (threads(), telemetry.enabled) == (1, False)
        again.shutdown()
    assert threads() == 0
    assert not bus.listening


def test_a_program_that_wants_none_of_it_has_no_thread() -> None:
    off: dict[str, Any] = {"sessions": False, "liveness": False, "memory": False}
    with genai.configure(enabled=True, endpoint="http://127.0.0.1:9", shutdown_timeout_ms=500, **off):
        assert threads() == 0


def test_what_a_program_has_configured_does_not_look_at_its_tests() -> None:
    with genai.configure(enabled=True, endpoint="http://127.0.0.1:9", shutdown_timeout_ms=500):
        with capture() as captured:
            assert threads() == 0
            with genai.bind(session="s-1"), genai.run():
                pass
            assert [event.kind for event in captured.events] == ["run.completed"]
        assert threads() == 1


def test_stopping_twice_or_from_a_subscriber_is_harmless(running: Any, told: Queue[Any]) -> None:
    pulse = pulse_of(**SOON)
    pulse.start()
    stop = bus.subscribe(lambda _: pulse.stop(), events.Heartbeat)
    with genai.tool("search"):
        pass
    awaited(told, "diagnostic.heartbeat")
    stop()
    pulse.stop()
    assert not pulse._undo


PROGRAM = """
import os, sys, threading, warnings
import otel_genai as genai
from otel_genai.sources import heartbeat

warnings.simplefilter("ignore")  # that a process with threads is forked
genai.configure(enabled=True, endpoint="http://127.0.0.1:9", shutdown_timeout_ms=500, heartbeat_interval_ms=50)
with genai.bind(session="s-1"), genai.run():
    pulse, (reading, writing) = heartbeat._running, os.pipe()
    if os.fork() == 0:
        told = threading.Event()
        genai.subscribe(lambda _: told.set(), "diagnostic.heartbeat")
        counts = len(pulse.sessions)
        with genai.tool("search"):
            beat = told.wait(30)
        os.write(writing, f"{counts} {beat} {len(pulse.sessions)}".encode())
        os._exit(0)
    os.wait()
    print(os.read(reading, 100).decode(), len(pulse.sessions))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_the_child_of_a_fork_looks_at_itself_and_at_none_of_its_parent_s_work() -> None:
    found = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert found.stdout.split() == ["0", "True", "1", "1"]
