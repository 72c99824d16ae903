"""Lanes: queues with a name that tell what is put into them, what is taken out, and how long it waited.

A lane is the queue of the standard library, and does whatever that does: the same items, the same waiting,
cancellation and shutdown. The trace of who puts an item is not carried to who takes it.
"""

from __future__ import annotations

import asyncio
import queue
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Generic

from ..bus import bus
from ..events import LaneDequeued, LaneEnqueued

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    T = TypeVar("T", default=Any)  # so that `Lane("main")` needs no annotation
else:
    from typing import TypeVar

    T = TypeVar("T")


class Lane(asyncio.Queue[T]):
    """An `asyncio.Queue` with a name: `lane = Lane("main")`, `await lane.put(item)`, `await lane.get()`.

    What `shutdown(immediate=True)` discards is not told, for nobody takes it.

    Args:
        name: the lane, of few; only what is before the first `:` is exported.
        maxsize: how many items it holds before `put` waits; 0 for no limit.
    """

    def __init__(self, name: str, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self.name = name
        self._put_at: deque[int] = deque()

    def put_nowait(self, item: T) -> None:
        """Put an item in, or raise `asyncio.QueueFull`. `put` comes here, too."""
        super().put_nowait(item)
        self._put_at.append(time.perf_counter_ns())
        enqueued(self.name, self.qsize())

    def get_nowait(self) -> T:
        """Take an item out, or raise `asyncio.QueueEmpty`. `get` comes here, too."""
        item = super().get_nowait()
        dequeued(self.name, self.qsize(), self._put_at.popleft())
        return item


class Waiting(Generic[T]):
    """An item in a `ThreadLane`: since when, and how many there were with it and after it."""

    __slots__ = ("item", "left", "put_at", "size")

    def __init__(self, item: T) -> None:
        self.item = item
        self.put_at = self.size = self.left = 0


class ThreadLane(queue.Queue[T]):
    """A `queue.Queue` with a name, for threads: `lane = ThreadLane("main")`, `lane.put(item)`, `lane.get()`.

    Subscribers are told after the queue's lock is released, so that they may look at the lane.

    Args:
        name: the lane, of few; only what is before the first `:` is exported.
        maxsize: how many items it holds before `put` waits; 0 for no limit.
    """

    def __init__(self, name: str, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self.name = name

    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None:
        """Put an item in; wait for room, at most `timeout` seconds, or raise `queue.Full`."""
        waiting: Any = Waiting(item)
        super().put(waiting, block, timeout)
        enqueued(self.name, waiting.size)

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Take an item out; wait for one, at most `timeout` seconds, or raise `queue.Empty`."""
        waiting: Any = super().get(block, timeout)
        dequeued(self.name, waiting.left, waiting.put_at)
        item: T = waiting.item
        return item

    def _put(self, item: Any) -> None:  # with the queue's lock, as is `_get`
        super()._put(item)
        item.put_at = time.perf_counter_ns()
        item.size = self._qsize()

    def _get(self) -> T:
        waiting: Any = super()._get()
        waiting.left = self._qsize()
        taken: T = waiting
        return taken


def enqueued(lane: str, size: int) -> None:
    if bus.listening:
        bus.publish(LaneEnqueued(lane=lane, queue_size=size))


def dequeued(lane: str, size: int, put_at: int) -> None:
    if bus.listening:
        wait_ms = (time.perf_counter_ns() - put_at) / 1e6
        bus.publish(LaneDequeued(lane=lane, queue_size=size, wait_ms=wait_ms))
