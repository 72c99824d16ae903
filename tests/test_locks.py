"""Locks of ours in the child of a fork, where nobody is left to release them."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from otel_genai import guard, locks

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


@contextmanager
def held(lock: Any) -> Iterator[None]:
    """Another thread has the lock."""
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            taken.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(10)
    yield
    done.set()
    thread.join()


def in_a_child(does: Callable[[], object]) -> int:
    """What a child ends with that does so: 0 for what is true."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(0 if does() else 1)


@pytest.mark.parametrize("make", [locks.lock, locks.reentrant])
def test_a_lock_that_a_thread_of_the_parent_has_is_free_in_the_child(make: Callable[[], Any]) -> None:
    lock = make()
    with held(lock):
        assert not lock.acquire(timeout=0.01)
        assert in_a_child(lambda: lock.acquire(timeout=1)) == 0
        assert not lock.acquire(timeout=0.01)


def test_a_failure_in_a_child_is_counted_whoever_counted_one_at_the_fork() -> None:
    def failing() -> bool:
        with guard.strict(False):
            guard.call("failing in a child", {}.__getitem__, "x")
        return ("failing in a child", "KeyError") in guard.counts()

    with held(guard._lock):
        assert in_a_child(failing) == 0


MADE_OTHERWISE = {
    "locks.py",
    "claim.py",  # the engine's claim: whoever forks takes it before, and gives it back on both sides
}


def test_all_locks_are_of_that_kind() -> None:
    package = Path(locks.__file__).parent
    integrations = package.parent.glob("integrations/otel_genai_*/**/*.py")
    sources = [one for one in (*package.rglob("*.py"), *integrations) if one.name not in MADE_OTHERWISE]
    assert [one.name for one in sources if re.search(r"\b(Lock|RLock|Semaphore)\(\)", one.read_text("utf-8"))] == []
