"""Containers: what they use, as a Docker engine says, measured by one process of those that run on a machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import Context
from functools import cache

from ...config import Config
from .claim import no_fork
from .poller import Poller

_running: list[Poller] = []


def start(config: Config, context: Context | None = None) -> Callable[[], None]:
    """Measure containers, if `config` says so, from threads of its own; returns its undo, which takes a second at most.

    Nothing is raised and nothing waited for: without the library, or an engine, the log says so and the rest goes on.

    Args:
        config: `docker`, and whether `semconv_containers` are wanted.
        context: what the threads run in, so that who observes requests can be told not to observe these.
    """
    if not config.docker.enabled:
        return lambda: None
    poller = Poller(config, context)
    start_in_children()
    _running.append(poller)
    poller.start()

    def stop() -> None:
        if poller in _running:
            _running.remove(poller)
        poller.stop()

    return stop


@cache
def start_in_children() -> None:
    """Processes that are forked from this one poll, too: else the end of this one would be the end of it."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=no_fork.acquire, after_in_parent=no_fork.release, after_in_child=_start_again)


def _start_again() -> None:
    no_fork.release()
    for poller in _running:
        poller.start_in_child()
