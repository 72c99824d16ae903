"""What ends a process without its exit handlers, and how to be asked before: SIGTERM, and `multiprocessing`.

Servers raise SIGTERM again after their own handling; a child of `multiprocessing` that was forked leaves at once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

LAST: Final = -1000
"""After everything else that `multiprocessing` does at the end of a child."""


def before_termination(stop: Callable[[], object]) -> Callable[[], None]:
    """Have `stop` called when SIGTERM is about to end the process; returns its undo.

    Only where nobody else handles the signal: the program's own handler, or its wish to ignore it, is left alone.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return lambda: None

    def terminate(number: int, _: FrameType | None) -> None:
        stop()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    def undo() -> None:
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is terminate:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, terminate)
    return undo


_stop: Callable[[], object] | None = None
_watching = False
_ending = 0
"""The process at whose end `_stop` is called by `multiprocessing`."""


def before_child_ends(stop: Callable[[], object]) -> None:
    """Have `stop` called at the end of each child that `multiprocessing` makes of this process, or if it is one.

    `multiprocessing` is not imported for it: a child can only be made by who has done so.
    """
    global _stop
    if _stop is None and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_watch)
    _stop = stop
    _watch()
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        _end_with()


def _watch() -> None:
    """A child forgets what its parent was to do at its end, so that it can be told only in the child itself."""
    global _watching
    util = sys.modules.get("multiprocessing.util")
    if util is not None and not _watching:
        util.register_after_fork(_end_with, _end_with)
        _watching = True


def _end_with(*_: object) -> None:
    global _ending
    util = sys.modules.get("multiprocessing.util")
    if util is not None and _stop is not None and _ending != os.getpid():
        util.Finalize(None, _stop, exitpriority=LAST)
        _ending = os.getpid()
