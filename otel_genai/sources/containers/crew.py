"""Many questions asked at the same time, by as many threads as pay, and no longer than there is time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from contextvars import Context
from typing import Generic, TypeVar

from ... import guard, locks

Q = TypeVar("Q", bound=Hashable)
A = TypeVar("A")

MOST = 256
SLOW = 0.25
"""Seconds from which an answer is one that was waited for, while the engine had nothing to do."""


class Crew:
    """Asks with few threads, and with more where answers are slow: engines that sample once a second let every
    question wait for that, so that many of them cost as much as one.
    """

    def __init__(self, width: int, context: Context) -> None:
        self.context = context
        self._usual = self._width = width
        self._late: list[threading.Thread] = []

    def ask(
        self, question: Callable[[Q], A], about: Iterable[Q], seconds: float
    ) -> dict[Q, tuple[A | None, Exception | None]]:
        """The answer about each, or the error in its place; what is not answered within `seconds` is left out."""
        self._late = [thread for thread in self._late if thread.is_alive()]
        shift = Shift(question, about, self.context, MOST - len(self._late))
        shift.hire(self._width)
        shift.done.wait(seconds)
        answers = shift.close()
        self._late += [thread for thread in shift.threads if thread.is_alive()]
        self._width = len(shift.threads) if shift.slow * 2 > len(answers) else self._usual
        return answers


class Shift(Generic[Q, A]):
    """The questions of one pass, and the threads that ask them until none is left."""

    def __init__(self, question: Callable[[Q], A], about: Iterable[Q], context: Context, most: int) -> None:
        self.done = threading.Event()
        self.slow = 0
        self.threads: list[threading.Thread] = []
        self._question = question
        self._left = deque(about)
        self._answers: dict[Q, tuple[A | None, Exception | None]] = {}
        self._context = context
        self._most = most
        self._working = 0
        self._lock = locks.lock()

    def hire(self, number: int) -> None:
        """Have as many more threads as there is work and room for."""
        with self._lock:
            number = max(0, min(number, len(self._left), self._most - len(self.threads)))
            new = [
                threading.Thread(
                    target=self._context.copy().run, args=(self._work,), name="otel-genai-docker", daemon=True
                )
                for _ in range(number)
            ]
            self.threads += new
            self._working += number
        for thread in new:
            thread.start()
        if not self._working:
            self.done.set()

    def close(self) -> dict[Q, tuple[A | None, Exception | None]]:
        """The answers so far; threads that still wait for one ask nothing more."""
        with self._lock:
            self._left.clear()
            answers, self._answers = self._answers, {}
            return answers

    def _work(self) -> None:
        while self._next():
            pass
        with self._lock:
            self._working -= 1
            last = not self._working
        if last:
            self.done.set()

    def _next(self) -> bool:
        """Ask one question; whether there was one left."""
        try:
            about = self._left.popleft()
        except IndexError:
            return False
        began = time.monotonic()
        answer = guard.attempt(self._question, about)
        slow = time.monotonic() - began > SLOW
        with self._lock:
            self._answers[about] = answer
            self.slow += slow
        if slow:
            self.hire(1)
        return True
