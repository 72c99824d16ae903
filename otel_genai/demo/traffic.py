"""A caller for the demo's gateway: a few requests and a WebSocket, with the trace context of a service before it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from websockets.sync.client import connect

CALLER = "0af7651916cd43dd8448eb211c80319c"
"""The trace of the service in front of the gateway."""


class Answer(NamedTuple):
    """What one request came back with."""

    what: str
    status: int
    text: str


def drive(url: str) -> Iterator[Answer]:
    """Ask, have something written, ask what fails, and chat, one after the other."""
    headers = {"traceparent": f"00-{CALLER}-b7ad6b7169203331-01", "x-conversation": "demo-1"}
    yield _get("ask", f"{url}/ask/slack", headers, {"question": "how much is 2 and 3, and why is the sky blue?"})
    yield _get("write", f"{url}/write?question={quote('a verse about spans')}", {})
    yield _get("broken", f"{url}/broken", {})
    yield _chat(f"{url.replace('http', 'ws', 1)}/chat")


def _get(what: str, url: str, headers: dict[str, str], body: object = None) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(url, data, headers), timeout=10) as response:
            return Answer(what, response.status, response.read().decode())
    except HTTPError as error:
        with error:
            return Answer(what, error.code, error.read().decode())


def _chat(url: str) -> Answer:
    with connect(url) as socket:
        socket.send("and what about 7 and 8?")
        return Answer("chat", 101, str(socket.recv(timeout=10)))
