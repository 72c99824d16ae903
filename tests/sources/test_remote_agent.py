"""`remote_agent`: who asks an agent elsewhere sends the trace context along, and is continued only where trusted."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

import otel_genai as genai
from otel_genai.demo.server import serve
from otel_genai.testing import Captured, capture


def agent_elsewhere(**middleware: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            with genai.agent("writer"):
                await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"done"})

    return genai.Middleware(app, **middleware)


def ask(url: str) -> None:
    with genai.agent("editor"), genai.remote_agent("writer", provider="a2a", agent_id="w-1"):
        httpx.post(url).raise_for_status()


def test_what_an_agent_elsewhere_does_is_below_who_asked_it(captured: Captured) -> None:
    with serve(agent_elsewhere()) as url:
        ask(url)
    asked, served = captured.span("invoke_agent writer"), captured.span("POST")
    assert captured.parent(served) == asked
    assert (asked.kind, asked["gen_ai.operation.name"], asked["gen_ai.agent.id"]) == ("client", "invoke_agent", "w-1")
    assert f"http://{asked['server.address']}:{asked['server.port']}" == url


def test_one_that_does_not_trust_who_asks_links_to_it(captured: Captured) -> None:
    with serve(agent_elsewhere(trust_inbound=False)) as url:
        ask(url)
    asked, served = captured.span("invoke_agent writer"), captured.span("POST")
    assert (served.parent_id, served.links) == (None, [asked.span_id])


def test_outside_of_it_nothing_is_sent_along(captured: Captured) -> None:
    with serve(agent_elsewhere()) as url, genai.agent("editor"):
        httpx.post(url).raise_for_status()
    assert captured.span("POST").parent_id is None


def test_what_another_agent_at_work_inside_of_it_sends_is_its_own(captured: Captured) -> None:
    with serve(agent_elsewhere()) as url, genai.remote_agent("writer"), genai.tool("look"):
        httpx.post(url).raise_for_status()
    assert captured.span("POST").parent_id is None


def test_an_error_is_the_callers_and_on_the_span() -> None:
    with capture(semconv="gen_ai_latest_experimental") as captured:
        with pytest.raises(httpx.ConnectError), genai.remote_agent("writer", provider="a2a"):
            httpx.post("http://127.0.0.1:1")
        span = captured.span("invoke_agent writer")
        assert (span["error.type"], span.status) == ("httpx.ConnectError", "ERROR")
        (point,) = captured.points("gen_ai.client.operation.duration")
        assert point["error.type"] == "httpx.ConnectError"
        assert (point["gen_ai.operation.name"], point["gen_ai.provider.name"]) == ("invoke_agent", "a2a")
