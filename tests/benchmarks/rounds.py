"""Measures candidates side by side: each round times all of them, so that what disturbs one disturbs the others."""

from __future__ import annotations

import gc
import time
from asyncio import Runner
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from inspect import iscoroutinefunction
from statistics import median, quantiles
from typing import Any

Ready = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True)
class Candidate:
    """Something to be timed: a function or a coroutine function without arguments."""

    call: Callable[[], Any]
    ready: Ready = nullcontext
    """What has to be in force while it is timed; entered and left in every round, outside of the time."""

    def timed(self, number: int, runner: Runner) -> float:
        """Seconds of this thread's processor per call: what other threads and programs do meanwhile is not counted."""
        loop = run_async if iscoroutinefunction(self.call) else run
        with self.ready():
            gc.collect()
            gc.disable()
            try:
                return min(runner.run(loop(self.call, number)) for _ in range(BURSTS)) / number
            finally:
                gc.enable()


@dataclass(frozen=True)
class Line:
    """A line of the table: which candidate is ours, and which it stands against."""

    what: str
    ours: str
    against: str
    target: float | None = None
    """The highest ratio that is good; in yardsticks where it stands against the yardstick."""
    bare: str | None = None
    """The candidate that does not observe; its time is taken off ours, and off a peer's."""
    per: int = 1
    """How many items a call has, where the microseconds are those of one item."""


@dataclass(frozen=True)
class Subject:
    """Candidates that are timed in the same rounds, and the lines that are read off them."""

    candidates: Mapping[str, Candidate]
    lines: tuple[Line, ...]
    last: Callable[[], Row] | None = None
    """A row that is no time."""
    least: int = 1
    """How often a candidate is called at least each time: what is put off, to be done for several at once, counts."""


@dataclass(frozen=True)
class Row:
    """A line with its numbers: microseconds of ours and of what it stands against, and the median of the ratios."""

    what: str
    against: str
    ours_us: float | None = None
    against_us: float | None = None
    ratio: float | None = None
    quartiles: tuple[float, float] | None = None
    target: float | None = None
    said: str = ""
    """In place of numbers: why there are none."""

    @property
    def met(self) -> bool | None:
        return None if self.target is None or self.ratio is None else self.ratio <= self.target


def measured(subject: Subject, rounds: int, seconds: float) -> list[Row]:
    """The rows of a subject after so many rounds, in each of which a candidate has about so many seconds."""
    with Runner() as runner:
        numbers = {name: max(subject.least, enough(one, seconds, runner)) for name, one in subject.candidates.items()}
        times: dict[str, list[float]] = {name: [] for name in numbers}
        for turn in range(rounds):
            order = list(numbers) if turn % 2 else list(reversed(numbers))
            for name in order:
                times[name].append(subject.candidates[name].timed(numbers[name], runner))
    rows = [row(line, times) if line.against in times else absent(line) for line in subject.lines]
    return [*rows, subject.last()] if subject.last else rows


def absent(line: Line) -> Row:
    return Row(line.what, line.against, said="not installed")


def row(line: Line, times: Mapping[str, list[float]]) -> Row:
    nothing = [0.0] * len(times[line.ours])
    bare = times[line.bare] if line.bare else nothing
    ours = [a - b for a, b in zip(times[line.ours], bare, strict=True)]
    whole = line.against in {"yardstick", line.bare}
    against = [a - b for a, b in zip(times[line.against], nothing if whole else bare, strict=True)]
    ratios = [a / b for a, b in zip(ours, against, strict=True)]
    low, _, high = quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    each = 1e6 / line.per
    ours_us, against_us = median(ours) * each, median(against) * (1e6 if line.against == "yardstick" else each)
    # Between two differences, of which each is the rest of larger times, the ratio of one round means little.
    ratio = median(ratios) if whole or not line.bare else median(ours) / median(against)
    return Row(line.what, line.against, ours_us, against_us, ratio, (low, high), line.target)


def enough(candidate: Candidate, seconds: float, runner: Runner) -> int:
    """How many calls take about so long; finding out warms up, too."""
    number, taken = 1, candidate.timed(1, runner)
    while taken * number < seconds / 2:
        number *= 2
        taken = candidate.timed(number, runner)
    return max(1, round(seconds / BURSTS / taken))


async def run(call: Callable[[], Any], number: int) -> float:
    for _ in range(min(number, WARM)):
        call()
    began = time.thread_time()
    for _ in range(number):
        call()
    return time.thread_time() - began


async def run_async(call: Callable[[], Any], number: int) -> float:
    for _ in range(min(number, WARM)):
        await call()
    began = time.thread_time()
    for _ in range(number):
        await call()
    return time.thread_time() - began


BURSTS = 3
"""How often a candidate is timed within a round, of which the fastest counts: the machine has other things to do."""
WARM = 20
"""Calls at the beginning of a round that are not timed: they fill what was emptied by getting ready."""
