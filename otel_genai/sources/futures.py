"""A task or future that a call returned: the call lasts until it is done, and whoever awaits it sees no difference."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import Any

from .. import guard
from ..bus import bus
from ..events import Operation


class Ending:
    """Told when a future is done, it ends the operation; so it does where nobody has the future any more."""

    __slots__ = ("_conclude", "_operation")

    def __init__(self, operation: Operation, conclude: Callable[[Any], object]) -> None:
        self._operation, self._conclude = operation, conclude

    def __call__(self, future: Any) -> None:
        guard.call("ending with a future", self._end, future)

    def _end(self, future: Any) -> None:
        if future.cancelled():
            import asyncio  # late, here and below: it takes long, and whoever has such a future has it

            bus.finish(self._operation, asyncio.CancelledError())
        elif (error := error_of(future)) is not None:
            bus.finish(self._operation, error)
        else:
            self._conclude(future.result())

    def __del__(self) -> None:
        bus.finish(self._operation, GeneratorExit())


def follow(operation: Operation, future: Any, conclude: Callable[[Any], object]) -> bool:
    """End `operation` as `future` ends, `conclude` being given what it gives; False for what is no future."""
    from concurrent.futures import Future

    if isinstance(future, Future):
        future.add_done_callback(Ending(operation, conclude))
        return True
    import asyncio

    if not asyncio.isfuture(future):
        return False
    future.add_done_callback(Ending(operation, conclude), context=Context())
    return True


def error_of(future: Any) -> BaseException | None:
    """Why a future failed. Asked by `exception()`, one of asyncio would not warn any more that nobody has looked."""
    error: BaseException | None = future._exception if hasattr(future, "_exception") else future.exception()
    return error
