"""The example gateway as its users run it: uvicorn in a process of its own, the real client, a receiver on the wire."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from otel_genai.demo.provider import Provider
from otel_genai.demo.server import serve
from otel_genai.viewer import Receiver, Span

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
CALLER_TRACE, CALLER_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def ask(url: str, flags: str) -> dict[str, str]:
    headers = {"traceparent": f"00-{CALLER_TRACE}-{CALLER_SPAN}-{flags}"}
    request = Request(f"{url}/ask", json.dumps({"question": "why?"}).encode(), headers)
    for _ in range(200):
        try:
            with urlopen(request, timeout=10) as response:
                return dict(json.load(response))
        except URLError:
            time.sleep(0.05)
    raise AssertionError("the gateway did not start")


@pytest.fixture
def wire() -> Iterator[tuple[Receiver, Provider, dict[str, str]]]:
    """A receiver and a provider on this machine, and the environment that points a program at them."""
    receiver, provider = Receiver(), Provider()
    with serve(receiver) as collector, serve(provider) as provider_url:
        yield (
            receiver,
            provider,
            {
                **os.environ,
                "OTEL_GENAI_ENABLED": "true",
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
                "OTEL_SERVICE_NAME": "gateway",
                "OPENAI_BASE_URL": f"{provider_url}/v1",
                "OPENAI_API_KEY": "none",
            },
        )


def run_gateway(environment: dict[str, str], flags: str) -> dict[str, str]:
    """Start it, ask it once, and stop it as an operator would."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "gateway:app", "--port", str(port), "--log-level", "warning"]
    with subprocess.Popen(command, cwd=EXAMPLES, env=environment) as process:
        try:
            return ask(f"http://127.0.0.1:{port}", flags)
        finally:
            process.terminate()
            assert process.wait(timeout=10) in {0, -15}


def test_one_trace_goes_from_the_caller_to_the_provider(wire: tuple[Receiver, Provider, dict[str, str]]) -> None:
    receiver, provider, environment = wire
    assert run_gateway(environment, "01")["answer"]
    spans = {span.name: span for span in receiver.spans}
    server, agent, tool, call = chain(spans)
    assert (server.trace_id, server.parent_id) == (CALLER_TRACE, CALLER_SPAN)
    assert agent.parent_id == server.span_id
    assert tool.parent_id == call.parent_id == agent.span_id
    assert {span.trace_id for span in receiver.spans} == {CALLER_TRACE}
    assert provider.seen[0].headers["traceparent"] == f"00-{CALLER_TRACE}-{call.span_id}-01"
    assert server.resource["service.name"] == "gateway"
    assert {"http.server.request.duration", "gen_ai.client.token.usage"} <= {point.name for point in receiver.points}


def chain(spans: dict[str, Span]) -> tuple[Span, ...]:
    names = ("POST /ask", "openclaw.harness.run", "openclaw.tool.execution", "openclaw.model.call")
    return tuple(spans[name] for name in names)


def test_what_the_caller_did_not_sample_is_not_sampled_but_measured(
    wire: tuple[Receiver, Provider, dict[str, str]],
) -> None:
    receiver, provider, environment = wire
    run_gateway(environment, "00")
    assert receiver.spans == []
    assert provider.seen[0].headers["traceparent"].startswith(f"00-{CALLER_TRACE}-")
    assert provider.seen[0].headers["traceparent"].endswith("-00")
    assert "gen_ai.client.token.usage" in {point.name for point in receiver.points}
