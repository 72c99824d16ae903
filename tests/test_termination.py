"""SIGTERM: what was recorded is sent first, and the program's own handling of the signal is its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from otel_genai.demo.server import serve
from otel_genai.termination import before_termination
from otel_genai.viewer import Receiver

PROGRAM = """
import os, signal, sys
import otel_genai as genai
genai.configure(enabled=True, endpoint=sys.argv[1])
with genai.tool("search"):
    pass
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_program_that_is_terminated_sends_what_it_has_and_ends_by_the_signal() -> None:
    receiver = Receiver()
    with serve(receiver) as url:
        result = subprocess.run([sys.executable, "-c", PROGRAM, url], capture_output=True, text=True, timeout=30)
        assert result.returncode == -signal.SIGTERM, result.stderr
        assert [span.name for span in receiver.spans] == ["openclaw.tool.execution"]
        assert "openclaw.tool.execution.duration_ms" in {point.name for point in receiver.points}


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda *_: None])
def test_a_handler_of_the_program_is_left_alone(handler: signal.Handlers) -> None:
    before = signal.signal(signal.SIGTERM, handler)
    try:
        undo = before_termination(lambda: None)
        assert signal.getsignal(signal.SIGTERM) is handler or signal.getsignal(signal.SIGTERM) == handler
        undo()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_it_is_undone_unless_somebody_else_came_after() -> None:
    undo = before_termination(lambda: None)
    assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    undo()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_outside_of_the_main_thread_nothing_is_installed() -> None:
    thread = threading.Thread(target=before_termination, args=(lambda: None,))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
