"""The two example programs as their users run them: two processes, the official SDK, a receiver that both send to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .programs import EXAMPLES, Wire, free_port

pytest.importorskip("a2a.client")


@contextmanager
def writer(wire: Wire) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "a2a_writer.py", str(port)]
    with subprocess.Popen(command, cwd=EXAMPLES, env={**os.environ, **wire.settings}) as process:
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the writer did not start")


def test_two_agents_in_two_processes_are_one_trace(wire: Wire) -> None:
    with writer(wire) as url:
        assert wire.run("a2a_editor.py", url, "why?") == "An answer to: why?\n"
    spans = {span.span_id: span for span in wire.spans}
    (asked,) = (span for span in spans.values() if span.name == "invoke_agent writer")
    (served,) = (span for span in spans.values() if span.parent_id == asked.span_id)
    (worked,) = (span for span in spans.values() if span.parent_id == served.span_id)
    assert (asked.kind, served.kind, served.name) == ("CLIENT", "SERVER", "POST /")
    assert worked.attributes["gen_ai.agent.name"] == "writer"
    assert spans[asked.parent_id].attributes["gen_ai.agent.name"] == "editor"
    assert f"http://{asked.attributes['server.address']}:{asked.attributes['server.port']}" == url
