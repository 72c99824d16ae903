"""Whether Python's garbage collector is at work: what is finalised then must not wait, nor set a context variable.

It is noted by functions in C only. In one of Python's the handler of a signal may run, and what that raises is lost
when the garbage collector has called it.
"""

from __future__ import annotations

import gc
from functools import partial
from threading import local

_here = local()
"""What this thread's last collection said when it began: `start`."""
_phases: dict[str, object] = {}
"""What was said last of each phase, the later phase last."""

gc.callbacks += [partial(setattr, _here), _phases.pop, _phases.__setitem__]


def collecting() -> bool:
    """Whether the garbage collector runs in this thread.

    The thread may hold a lock of the SDK that telling would wait for, or be in the midst of setting a context variable:
    CPython 3.11 crashes where another is set then.
    """
    return next(reversed(_phases), None) == "start" and getattr(_here, "start", None) is _phases.get("start")
