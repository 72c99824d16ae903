"""When the next pass is due: at even distances while all goes well, later and later while nothing does."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

SOON = 1.0
"""Seconds to the second pass: only two samples make a rate."""
LONGEST_WAIT = 60.0
JITTER = 0.05


class Schedule:
    """A monotonic clock's ticks. Two passes never overlap: ticks that a pass slept through are counted as missed."""

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._chance = chance
        self._due: float | None = None
        self._failures = 0

    def succeeded(self) -> tuple[float, int]:
        """After a pass: seconds to wait for the next, and how many were missed meanwhile."""
        now, self._failures = self._clock(), 0
        if self._due is None:
            self._due = now + min(SOON, self._seconds)
            return self._due - now, 0
        self._due += self._seconds
        missed = max(0, int((now - self._due) // self._seconds) + 1) if now > self._due else 0
        self._due += missed * self._seconds
        return max(0.0, self._due - now) + self._seconds * JITTER * self._chance(), missed

    def failed(self) -> float:
        """After an attempt that came to nothing: seconds to wait for the next, doubled each time, 1 to 60."""
        self._due = None
        self._failures += 1
        wait = min(LONGEST_WAIT, 2.0 ** min(self._failures - 1, 10))
        return float(wait * (1 - JITTER * self._chance()))
