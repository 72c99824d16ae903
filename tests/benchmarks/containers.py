"""A pass over containers, beside the time that the engine itself takes, at an engine in a process of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from otel_genai.config import Config
from otel_genai.sources.containers.poller import Poller
from otel_genai.tables import Docker

from .rounds import Row, Subject

FRAMES = json.loads((Path(__file__).parent.parent / "data" / "docker_frames.json").read_text(encoding="utf-8"))
SAMPLE_SECONDS = 0.0035
"""What a real engine takes for one sample, one after another."""
TENTH_OF_A_CORE_US = 1e6
"""Processor time in ten seconds of which a tenth of a core has."""
MANY = 500


def reply(body: Any) -> bytes:
    text = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text) + text


class Recorded:
    """An engine that has so many containers. It samples at once, or where it `ticks` once a second whoever waits."""

    def __init__(self, number: int, ticks: bool) -> None:
        names = [f"{index:064x}" for index in range(number)]
        self.listed = reply([{"Id": name, "Names": [f"/{name[-8:]}"], "Labels": {}, "Image": "a"} for name in names])
        self.stats = reply(FRAMES["cgroup_v2"])
        self.ticks = ticks
        self.turn = asyncio.Lock()
        self.began = time.monotonic()

    async def answer(self, path: str) -> bytes:
        if path.endswith("/version"):
            return reply({"ApiVersion": "1.41"})
        if "/containers/json" in path:
            return self.listed
        if "/stats" not in path:
            return reply([])
        if self.ticks:
            await asyncio.sleep(1 - (time.monotonic() - self.began) % 1)
        async with self.turn:
            await asyncio.sleep(SAMPLE_SECONDS)
        return self.stats

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                writer.write(await self.answer(head.split(b" ", 2)[1].decode()))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def engine(path: str, number: int, ticks: bool) -> None:
    server = await asyncio.start_unix_server(Recorded(number, ticks).serve, path, backlog=1024)
    print("listening", flush=True)
    await server.serve_forever()


async def alone(path: str, number: int) -> None:
    """Everything asked at once, by the least that asks: what is left is the engine's own time."""

    async def ask(name: str) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"GET /v1.41/containers/%b/stats HTTP/1.1\r\nHost: d\r\n\r\n" % name.encode())
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(len(json.dumps(FRAMES["cgroup_v2"])))
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(ask(str(index)) for index in range(number)))


@contextmanager
def running(number: int, ticks: bool) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/engine.sock"
        program = f"import asyncio; from {__name__} import engine; asyncio.run(engine({path!r}, {number}, {ticks}))"
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                yield path
            finally:
                process.kill()


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the wall, and of this process's processor."""
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - processor


def passes(number: int, ticks: bool, processor: bool) -> Row:
    with running(number, ticks) as path:
        poller = Poller(Config(docker=Docker(enabled=True, host=f"unix://{path}"), semconv_containers=True))
        poll = partial(lambda: poller._tell(*poller._ask()))
        poll()  # from here on it knows how many to ask at the same time
        rounds = [(*timed(poll), *timed(lambda: asyncio.run(alone(path, number)))) for _ in range(1 if ticks else 3)]
        poller.stop()
    ours, ours_cpu, engines, _ = (median(column) for column in zip(*rounds, strict=True))
    what = f"{number} containers: " + ("processor time" if processor else "a pass")
    if processor:
        return Row(
            what, "0.1 core, 10 s", ours_cpu * 1e6, TENTH_OF_A_CORE_US, ours_cpu * 1e6 / TENTH_OF_A_CORE_US, target=1
        )
    against = "ticking engine" if ticks else "engine alone"
    return Row(what, against, ours * 1e6, engines * 1e6, ours / engines, target=1.2)


def subject(number: int, ticks: bool = False, processor: bool = False) -> Subject:
    return Subject({}, (), partial(passes, number, ticks, processor))


SUBJECTS = {
    "containers, few": partial(subject, 50),
    "containers, many": partial(subject, MANY),
    "containers, many, ticking": partial(subject, MANY, ticks=True),
    "containers, few, processor": partial(subject, 50, processor=True),
    "containers, many, processor": partial(subject, MANY, processor=True),
}
