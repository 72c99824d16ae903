"""What is noted of the garbage collector, and that noting it takes nothing from the program."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading

from otel_genai.collector import collecting

LOOP = """
import gc, signal, time
import otel_genai, otel_genai.bus

class Late(Exception): pass

def late(*_):
    global told
    told += 1
    raise Late

told = noticed = 0
signal.signal(signal.SIGALRM, late)
until = time.monotonic() + 1.5
while time.monotonic() < until:
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0002)
        while True:
            [[] for _ in range(100)]
            gc.collect(0)
    except Late:
        noticed += 1
signal.setitimer(signal.ITIMER_REAL, 0)
print(told - noticed if told > 200 else "too few")
"""


def test_what_a_handler_of_a_signal_raises_is_not_lost_in_a_collection() -> None:
    done = subprocess.run([sys.executable, "-c", LOOP], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0\n", "")


class Noting:
    """Notes when it is finalised whether the garbage collector does so."""

    def __init__(self, seen: list[bool]) -> None:
        self.seen = seen
        self.me = self

    def __del__(self) -> None:
        elsewhere: list[bool] = []
        thread = threading.Thread(target=lambda: elsewhere.append(collecting()))
        thread.start()
        thread.join()
        self.seen += [collecting(), *elsewhere]


def test_it_is_known_in_its_own_thread_and_only_while_it_runs() -> None:
    seen: list[bool] = []
    noting = Noting(seen)
    assert not collecting()
    del noting
    gc.collect()
    assert not collecting()
    noting = Noting(seen)
    noting.me = None  # type: ignore[assignment]
    del noting
    assert seen == [True, False, False, False]
