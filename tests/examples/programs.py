"""Example programs as their users run them: in processes of their own, sending to what is on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import Request, urlopen

from otel_genai.demo.provider import Provider
from otel_genai.viewer import Receiver, Span

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
LATEST = {"OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental"}


def run(*command: str, **settings: str) -> str:
    """What Python prints when it runs a command there."""
    where = {**os.environ, **settings}
    done = subprocess.run(
        [sys.executable, *command], cwd=EXAMPLES, env=where, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class Gateway(NamedTuple):
    """What a gateway has answered, and printed until it ended."""

    status: int
    answer: bytes
    printed: str


class Wire(NamedTuple):
    """A receiver and a provider on this machine, and the settings that point a program at them."""

    receiver: Receiver
    provider: Provider
    settings: dict[str, str]

    @property
    def spans(self) -> list[Span]:
        return self.receiver.spans

    def run(self, *command: str, **settings: str) -> str:
        return run(*command, **self.settings, **settings)

    def ask(self, app: str, path: str, body: object, **headers: str) -> Gateway:
        """Start a gateway, ask it once, and stop it at once, as an operator would."""
        port, where = free_port(), {**os.environ, **self.settings}
        command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning"]
        with subprocess.Popen(command, cwd=EXAMPLES, env=where, stdout=subprocess.PIPE, text=True) as process:
            try:
                status, answer = post(f"http://127.0.0.1:{port}{path}", body, headers)
            finally:
                process.terminate()
                printed, _ = process.communicate(timeout=20)
        assert process.returncode in {0, -15}
        return Gateway(status, answer, printed)


def post(url: str, body: object, headers: Mapping[str, str]) -> tuple[int, bytes]:
    request = Request(url, json.dumps(body).encode(), dict(headers))
    for _ in range(200):
        try:
            with urlopen(request, timeout=10) as response:
                return response.status, response.read()
        except URLError:
            time.sleep(0.05)
    raise AssertionError("the gateway did not start")
