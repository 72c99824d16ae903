"""Telemetry never breaks the program it watches: the one place that swallows.

It stands around subscribers, foreign objects, start, flush and stop; never around the user's code.
The first failure of a kind is logged with its traceback, every one is counted, and under test it is raised.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import ParamSpec, TypeVar

from . import locks

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")

MOST_KINDS = 256

logger = logging.getLogger("otel_genai")
_lock = locks.lock()
_counts: dict[tuple[str, str], int] = {}
_watchers: list[Callable[[str, str], object]] = []
_reporting = threading.local()
_exporting = threading.local()
_strict = False


def call(place: str, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R | None:
    """Call `function`; a failure is counted under `place` and gives `None`."""
    try:
        return function(*args, **kwargs)
    except Exception as error:  # the reason for this module
        failed(place, error)
        return None


def each(place: str, functions: Iterable[Callable[[T], object]], what: T) -> None:
    """Call every one of `functions` with `what`; the failure of one is no matter of the others."""
    for function in functions:
        try:
            function(what)
        except Exception as error:  # the reason for this module
            failed(place, error)


def quiet(place: str, function: Callable[[S, T], object]) -> Callable[[S, T], None]:
    """`function` of two things, to be called often; a failure is counted under `place`."""

    def quietly(one: S, other: T) -> None:
        try:
            function(one, other)
        except Exception as error:  # the reason for this module
            failed(place, error)

    return quietly


def attempt(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> tuple[R | None, Exception | None]:
    """Call `function` for somebody who deals with its failure himself: the result, or the error."""
    try:
        return function(*args, **kwargs), None
    except Exception as error:  # the caller was told
        return None, error


class around:
    """`with around("reading a reply"):` a block of ours whose failure must not reach the user."""

    __slots__ = ("place",)

    def __init__(self, place: str) -> None:
        self.place = place

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> bool:
        if not isinstance(error, Exception):
            return False
        failed(self.place, error)
        return True


def failed(place: str, error: Exception) -> None:
    """Count a failure at `place`, log the first of its kind, tell the watchers; raise it when strict."""
    if _strict:
        raise error
    name = attempt(type.__getattribute__, type(error), "__name__")[0] or "error"
    if _count(place, name) == 1:
        logger.warning("telemetry failed while %s (said once per kind)", place, exc_info=error)
    if not getattr(_reporting, "active", False):
        _tell(place, name)


def _count(place: str, name: str) -> int:
    with _lock:
        key = (place, name) if (place, name) in _counts or len(_counts) < MOST_KINDS else (place, "other")
        _counts[key] = _counts.get(key, 0) + 1
        return _counts[key]


def _tell(place: str, name: str) -> None:
    _reporting.active = True
    try:
        for watcher in tuple(_watchers):
            call("reporting a failure", watcher, place, name)
    finally:
        _reporting.active = False


@contextmanager
def at_export() -> Iterator[None]:
    """What this thread does in here is the work of an exporter: what it logs must not be exported again."""
    before = exporting()
    _exporting.active = True
    try:
        yield
    finally:
        _exporting.active = before


def exporting() -> bool:
    """Whether this thread is at work for an exporter."""
    return getattr(_exporting, "active", False)


def watch(watcher: Callable[[str, str], object]) -> Callable[[], None]:
    """Have `watcher(place, error_class_name)` told of each failure; returns its undo."""
    _watchers.append(watcher)
    return lambda: _watchers.remove(watcher) if watcher in _watchers else None


def counts() -> dict[tuple[str, str], int]:
    """How often telemetry failed, by place and error class, since the process began."""
    with _lock:
        return dict(_counts)


@contextmanager
def strict(on: bool = True) -> Iterator[None]:
    """Under test: failures are raised where they happen instead of swallowed."""
    global _strict
    before, _strict = _strict, on
    try:
        yield
    finally:
        _strict = before
