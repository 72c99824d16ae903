"""Whether Python's garbage collector is at work: what is finalised then must not wait, nor set a context variable."""

from __future__ import annotations

import gc
from threading import get_ident

_collector: int | None = None


def _note(phase: str, _: dict[str, int]) -> None:
    global _collector
    _collector = get_ident() if phase == "start" else None


gc.callbacks.append(_note)


def collecting() -> bool:
    """Whether the garbage collector runs in this thread.

    The thread may hold a lock of the SDK that telling would wait for, or be in the midst of setting a context variable:
    CPython 3.11 crashes where another is set then.
    """
    return _collector is not None and _collector == get_ident()
