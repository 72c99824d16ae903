"""A collector of other people, in another language, takes what we send and passes it on as it understood it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import otel_genai as genai
from otel_genai.demo.server import serve
from otel_genai.viewer import Receiver

pytestmark = pytest.mark.real


def executable() -> str:
    spec = find_spec("rotel")
    if spec is None or spec.origin is None:
        pytest.skip("rotel is not installed")
    return str(Path(spec.origin).parent / "rotel-agent")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def downstream() -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver()
    with serve(receiver) as url:
        yield receiver, url


@pytest.fixture(scope="module")
def rotel(downstream: tuple[Receiver, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("rotel"), free_port()
    options = {
        "--otlp-http-endpoint": f"127.0.0.1:{port}",
        "--otlp-grpc-endpoint": f"127.0.0.1:{free_port()}",
        "--exporter": "otlp",
        "--otlp-exporter-endpoint": downstream[1],
        "--otlp-exporter-protocol": "http",
        "--batch-timeout": "100ms",
        "--pid-file": str(folder / "pid"),
    }
    words = [word for pair in options.items() for word in pair]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "ROTEL_"))}
    with (folder / "log").open("w+") as log:
        process = subprocess.Popen([executable(), "start", *words], env=environment, stdout=log, stderr=log)
        try:
            until_it_listens(process, port, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            said = log.read_text()
            if "libpython" in said:
                pytest.skip("rotel needs the shared library of the interpreter it was built for: libpython3.11")
            pytest.fail(f"rotel did not start: {said}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"rotel did not listen: {log.read_text()}")


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_collector_takes_and_understands_what_we_send(
    rotel: str, downstream: tuple[Receiver, str], compression: str
) -> None:
    receiver = downstream[0]
    receiver.clear()
    with genai.configure(
        enabled=True, endpoint=rotel, compression=compression, service_name="gateway", service_version="1.2"
    ) as telemetry:
        with genai.bind(channel="web"), genai.agent("planner"), genai.model_call("gpt-5.5", provider="openai") as call:
            headers = genai.headers()
            call.update(input_tokens=12, output_tokens=3)
        assert telemetry.flush()
        assert receiver.wait(lambda so_far: len(so_far.spans) >= 3 and bool(so_far.points))
    spans = {span.name: span for span in receiver.spans}
    call_span, agent_span = spans["openclaw.model.call"], spans["openclaw.harness.run"]
    assert headers["traceparent"].split("-")[1:3] == [call_span.trace_id, call_span.span_id]
    assert call_span.parent_id == agent_span.span_id
    assert call_span.attributes["gen_ai.request.model"] == "gpt-5.5"
    tokens = {point.attributes["openclaw.token"]: point for point in receiver.points if point.name == "openclaw.tokens"}
    assert (tokens["input"].value, tokens["output"].value) == (12, 3)
    for resource in (call_span.resource, tokens["input"].resource):
        assert resource["service.name"] == "gateway"
        assert resource["service.instance.id"]
