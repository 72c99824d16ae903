"""An ASGI application on a real socket of this machine, for as long as a `with` block lasts."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

GRACE_SECONDS = 1
"""How long a request may go on after the end, before its connection is closed under it."""

CANCEL_SECONDS = 5
"""How long an application may go on that does not notice the closed connection, before its task is cancelled."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.settled.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        hanging_up = asyncio.get_running_loop().call_later(GRACE_SECONDS, self._hang_up)
        await super().shutdown(sockets=sockets)
        hanging_up.cancel()

    def _hang_up(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            super().run(sockets=sockets)
        finally:
            self.settled.set()


@contextmanager
def serve(app: Any, *, port: int = 0) -> Iterator[str]:
    """Serves `app` on 127.0.0.1 from a background thread and yields its URL, without a slash at the end.

    `port` 0 takes a free one. Only errors are logged, by the `uvicorn.error` logger. A request that still runs at the
    end has a second to finish.
    Raises `OSError` when the port is taken, `RuntimeError` when the application's lifespan does not start.
    """
    with socket.create_server(("127.0.0.1", port)) as listening:
        server = _Server(_settings(app))
        thread = threading.Thread(target=server.run, args=([listening],), name="otel-genai-server", daemon=True)
        thread.start()
        try:
            server.settled.wait()
            if not server.started:
                raise RuntimeError("the application did not start: its lifespan failed")
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _settings(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ws="auto",
        access_log=False,
        log_config=None,
        log_level="error",
        timeout_graceful_shutdown=CANCEL_SECONDS,
    )
