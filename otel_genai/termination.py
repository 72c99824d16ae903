"""SIGTERM ends a program without its exit handlers, and servers raise it again after their own: this comes before."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType


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
