"""Locks that are free in the child of a fork: whoever held one is no thread of that."""

from __future__ import annotations

import os
import threading
from typing import Any
from weakref import WeakSet

_locks: WeakSet[Any] = WeakSet()


def lock() -> threading.Lock:
    """One as `threading.Lock()` makes it."""
    made = threading.Lock()
    _locks.add(made)
    return made


def reentrant() -> threading.RLock:
    """One as `threading.RLock()` makes it."""
    made = threading.RLock()
    _locks.add(made)
    return made


def _forked() -> None:
    for one in list(_locks):
        one._at_fork_reinit()  # as the standard library does to its own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
