"""Has sessions recovered by a function of the user's, one at a time each, and tells how that went."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from .. import guard, locks
from ..events import SessionRecoveryCompleted, SessionRecoveryRequested
from ..scope import Scope
from .reports import tell

if TYPE_CHECKING:
    from .sessions import Sessions

Recover = Callable[[str], Any]
"""Given a session, sets it free; see `Recovery`."""

MOST_AT_ONCE: Final = 32
ACTIONS: Final = {
    "aborted": "abort_embedded_run",
    "released": "release_lane",
    "skipped": "keep_lane",
    "noop": "none",
    "failed": "none",
}
"""What each status says was done."""


class Recovery:
    """Calls the user's function for sessions that may be recovered.

    An async function runs on the event loop of the session's work, any other in a thread of its own. What it returns
    says what it did: `aborted`, `released`, `skipped` or `noop`; None stands for the first where there was work to
    abort, and for `released` where there was none; False for `skipped`. An exception is `failed`.
    """

    def __init__(self, recover: Recover) -> None:
        self._recover = recover
        self._lock = locks.lock()
        self._in_flight: set[str] = set()
        self.sessions: Sessions | None = None

    def request(self, request: SessionRecoveryRequested, scope: Scope, loop: object) -> None:
        """Have a session recovered, unless that is being done, or is done to many others."""
        key = scope.session or ""
        with self._lock:
            twice = key in self._in_flight
            if not twice and len(self._in_flight) >= MOST_AT_ONCE:
                return
            self._in_flight.add(key)
        if twice:
            tell(completed(request, "skipped", action="observe_only", outcome_reason="already_in_flight"), scope)
            return
        if self.sessions is not None:
            self.sessions.recovering(key)
        tell(request, scope)
        name = "otel_genai session recovery"
        Thread(target=self._run, args=(request, scope, loop), name=name, daemon=True).start()

    def _run(self, request: SessionRecoveryRequested, scope: Scope, loop: object) -> None:
        key = scope.session or ""
        status, error = guard.attempt(self._status, request, key, loop)
        if error is not None:
            guard.logger.warning("a session could not be recovered", exc_info=error)
        with self._lock:
            self._in_flight.discard(key)
        guard.call("recovering a session", self._over, request, scope, status or "failed")

    def _status(self, request: SessionRecoveryRequested, key: str, loop: object) -> str:
        said = self._recover(key)
        if inspect.isawaitable(said):
            said = wait_for(said, loop)
        if said is None or said is True:
            return "aborted" if request.allow_active_abort else "released"
        if said is False:
            return "skipped"
        if said not in ACTIONS:
            raise ValueError(f"recover returned {said!r}: expected {', '.join(ACTIONS)}, true, false or None")
        return str(said)

    def _over(self, request: SessionRecoveryRequested, scope: Scope, status: str) -> None:
        late = self.sessions is not None and self.sessions.recovered(request, scope.session or "", status)
        reasons = {"noop": "no_active_work", "failed": "exception"}
        freed = {"aborted": 1, "released": 1}.get(status)
        told = completed(request, status, action=ACTIONS[status], outcome_reason=reasons.get(status), released=freed)
        told.stale = late or None
        tell(told, scope)


def completed(request: SessionRecoveryRequested, status: str, **fields: Any) -> SessionRecoveryCompleted:
    return SessionRecoveryCompleted(
        state=request.state,
        state_generation=request.state_generation,
        age_ms=request.age_ms,
        queue_depth=request.queue_depth,
        reason=request.reason,
        active_work_kind=request.active_work_kind,
        status=status,
        **fields,
    )


def wait_for(awaitable: Awaitable[Any], loop: object) -> Any:
    """What it gives, on the session's own event loop where that still runs."""

    async def given() -> Any:
        return await awaitable

    if isinstance(loop, asyncio.AbstractEventLoop) and loop.is_running():
        return asyncio.run_coroutine_threadsafe(given(), loop).result()
    return asyncio.run(given())
