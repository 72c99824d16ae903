"""SIGTERM: what was recorded is sent first, and the program's own handling of the signal is its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

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


# -- children of multiprocessing

CHILDREN = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
import otel_genai as genai

@genai.tool
def search(query):
    return os.getpid()

def set_up():
    genai.configure(enabled=True, endpoint=sys.argv[1], service_name="child")

def by_executor(context, **options):
    with ProcessPoolExecutor(2, mp_context=context, **options) as pool:
        list(pool.map(search, "abc"))

def by_pool(context):
    with context.Pool(2) as pool:
        pool.map(search, "abc")
        pool.close()
        pool.join()

def by_processes(context):
    children = [context.Process(target=search, args=(query,)) for query in "abc"]
    for child in children:
        child.start()
    for child in children:
        child.join()

def by_initializer(context):
    genai.configure(enabled=False)
    by_executor(context, initializer=set_up)

if sys.argv[3] != "by_initializer":
    set_up()
if __name__ == "__main__":
    globals()[sys.argv[3]](multiprocessing.get_context(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("way", ["by_executor", "by_pool", "by_processes", "by_initializer"])
def test_what_the_children_of_multiprocessing_did_is_sent_at_their_end(tmp_path: Path, method: str, way: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"{method} is not for this system")
    (tmp_path / "program.py").write_text(CHILDREN)
    receiver = Receiver()
    with serve(receiver) as url:
        command = [sys.executable, "-W", "ignore", str(tmp_path / "program.py"), url, method, way]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert [span.name for span in receiver.spans] == ["openclaw.tool.execution"] * 3
    assert len({(span.trace_id, span.span_id) for span in receiver.spans}) == 3


def test_multiprocessing_is_not_imported_for_who_does_not_use_it() -> None:
    program = "import sys, otel_genai as genai; genai.configure(enabled=True, metrics=False, shutdown_timeout_ms=1)"
    program += "; import os; pid = os.fork(); pid and os.waitpid(pid, 0)" * hasattr(os, "fork")
    program += "; print('multiprocessing.util' in sys.modules)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=30)
    assert set(done.stdout.split()) == {"False"}, done.stderr
