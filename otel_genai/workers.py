"""Threads for what may hang, so that nobody waits longer than he said he would; they come back after a fork."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from weakref import WeakSet

from . import guard


class Worker:
    """A daemon thread that does what may hang, so that nobody waits longer than he said he would.

    It is started early, also in a forked child: an interpreter that is shutting down starts no threads.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._over = False
        self.start()
        _workers.add(self)

    def start(self) -> None:
        """Begin, or begin again after a fork, which leaves all threads but one behind."""
        if self._over:
            return
        self._jobs: queue.SimpleQueue[tuple[Future[bool], Callable[[], bool]] | None] = queue.SimpleQueue()
        threading.Thread(target=work, args=(self._jobs,), name=self._name, daemon=True).start()

    def give(self, job: Callable[[], bool], *, last: bool = False) -> Future[bool]:
        """Have it done after what was given before."""
        future: Future[bool] = Future()
        if last:
            future.set_running_or_notify_cancel()  # the last is done also where nobody waits for it any more
            self._over = True
        self._jobs.put((future, job))
        if last:
            self._jobs.put(None)
        return future


def work(jobs: queue.SimpleQueue[tuple[Future[bool], Callable[[], bool]] | None]) -> None:
    while (given := jobs.get()) is not None:
        future, job = given
        if future.running() or future.set_running_or_notify_cancel():
            future.set_result(job())


_workers: WeakSet[Worker] = WeakSet()


def _restart_workers() -> None:
    for worker in list(_workers):
        guard.call("starting a thread after a fork", worker.start)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_workers)
