"""A day of the demo's gateway: channels call its webhooks, one of them twice, one with nonsense, and somebody chats."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from websockets.sync.client import connect

CALLER = "0af7651916cd43dd8448eb211c80319c"
"""The trace of the service in front of the gateway, for the first message."""
CALLING = {"traceparent": f"00-{CALLER}-b7ad6b7169203331-01"}

MESSAGES = (
    ("slack", "m-4711", "search why the sky is blue, then add 2 and 3 and recall what I said of it"),
    ("telegram", "m-4712", "carefully look into my calendar for tomorrow, then shell out to print it"),
    ("slack", "m-4713", "please delete my old letters and search for a better place"),
)
"""Channel, id, and text; the tools that are used are those that the text names."""
SPOKEN = "and what do 7 and 8 add up to?"
PEOPLE = {"slack": ("U-maria", "D-maria"), "telegram": ("U-jonas", "C-jonas")}
"""Of each channel the person who writes, and the conversation."""


class Answer(NamedTuple):
    """What one request came back with."""

    what: str
    status: int
    text: str


def drive(url: str) -> Iterator[Answer]:
    """Every message once, the first one again, something that is no update, and a turn over the WebSocket."""
    for number, (channel, message_id, text) in enumerate((*MESSAGES, MESSAGES[0])):
        user, chat = PEOPLE[channel]
        update = {"id": message_id, "user": user, "chat": chat, "text": text}
        headers = CALLING if number == 0 else {}
        yield _post("message", f"{url}/webhooks/{channel}", json.dumps(update).encode(), headers)
    yield _post("nonsense", f"{url}/webhooks/telegram", b"not json", {})
    yield _chat(f"{url.replace('http', 'ws', 1)}/chat")


def _post(what: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
    try:
        with urlopen(Request(url, body, headers), timeout=10) as response:
            return Answer(what, response.status, response.read().decode())
    except HTTPError as error:
        with error:
            return Answer(what, error.code, error.read().decode())


def _chat(url: str) -> Answer:
    with connect(url) as socket:
        socket.send(SPOKEN)
        return Answer("chat", 101, str(socket.recv(timeout=10)))
