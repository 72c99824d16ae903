"""Libraries that make GenAI spans of their own, as their users have them: each call counted once, on whichever way."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from otel_genai.demo.server import serve
from otel_genai.viewer import Receiver

PATH = "/v1"
EXAMPLES = Path(__file__).parent.parent.parent / "examples"
LIBRARIES = {
    "official": "opentelemetry.instrumentation.genai.openai",
    "openllmetry": "opentelemetry.instrumentation.openai",
    "openinference": "openinference.instrumentation.openai",
    "pydantic-ai": "pydantic_ai",
    "ours": "otel_genai_openai",
}
LAYERS = [
    ["official"],
    ["openllmetry"],
    ["openinference"],
    ["ours", "official"],
    ["official", "ours"],
    ["openinference", "openllmetry"],
    ["official", "openllmetry", "openinference"],
]
BEGIN = """
import importlib, json, sys
import openai
import otel_genai as genai
from otel_genai.events import HarnessRun, ModelCall, ModelUsage
from otel_genai.testing import capture

def instrument(module, captured):
    found = importlib.import_module(module)
    if module == "otel_genai_openai":
        found.instrument()
    else:
        found.OpenAIInstrumentor().instrument(tracer_provider=captured.tracer_provider)

def told(captured, kind, *fields):
    found = [[getattr(event, name) for name in fields] for event in captured.events if type(event) is kind]
    captured.clear()
    return found

url, *modules = sys.argv[1:]
out, MESSAGES = {}, [{"role": "user", "content": "why?"}]
CALL = ("model", "provider", "outcome", "input_tokens", "output_tokens", "error_type")
"""
CALLS = """
with capture(adopt=True) as captured, openai.OpenAI(base_url=url, api_key="k", max_retries=0) as client:
    for module in modules:
        instrument(module, captured)
    client.chat.completions.create(model="gpt-5.5", messages=MESSAGES)
    out["call"] = told(captured, ModelCall, *CALL)
    more = {"stream": True, "stream_options": {"include_usage": True}}
    list(client.chat.completions.create(model="gpt-5.5", messages=MESSAGES, **more))
    out["stream"] = told(captured, ModelCall, *CALL)
    try:
        client.chat.completions.create(model="broken", messages=MESSAGES)
    except openai.RateLimitError:
        out["failed"] = told(captured, ModelCall, *CALL)
    with genai.model_call("gpt-5.5"):
        client.chat.completions.create(model="gpt-5.5", messages=MESSAGES)
    out["block"] = told(captured, ModelCall, *CALL)
    out["billed"] = sum(p.value for p in captured.points("openclaw.tokens") if p["openclaw.token"] == "total")
print(json.dumps(out))
"""
AGENT = """
from pydantic_ai import Agent, InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.providers.openai import OpenAIProvider

def search(query: str) -> str:
    return f"found: {query}"

with capture(adopt=True) as captured:
    for module in modules:
        instrument(module, captured)
    Agent.instrument_all(InstrumentationSettings(tracer_provider=captured.tracer_provider))
    for name, model in {
        "real": OpenAIChatModel("gpt-5.5", provider=OpenAIProvider(base_url=url, api_key="k")),
        "test": TestModel(),
    }.items():
        Agent(model, name="planner", tools=[search]).run_sync("why?")
        events = list(captured.events)
        out[name] = told(captured, HarnessRun, "name", "inference_calls", "tool_calls", "input_tokens", "output_tokens")
        captured.events.extend(events)
        out[name + " calls"] = told(captured, ModelCall, *CALL)
print(json.dumps(out))
"""


def is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # what it is in is not there
        return False


def outcome(program: str, url: str, *layers: str) -> dict[str, Any]:
    """What a program of its own has been told: most of these libraries cannot be switched off again."""
    for name in layers:
        if not is_installed(LIBRARIES[name]):
            pytest.skip(f"{LIBRARIES[name]} is not installed")
    modules = [LIBRARIES[name] for name in layers if name != "pydantic-ai"]
    found: dict[str, Any] = json.loads(run(url, url, "-c", BEGIN + program, url, *modules).splitlines()[-1])
    return found


@pytest.mark.slow
@pytest.mark.parametrize("layers", LAYERS, ids=" in ".join)
def test_a_call_that_one_or_more_libraries_see_is_counted_once(url: str, layers: list[str]) -> None:
    found = outcome(CALLS, url, *layers)
    answered = ["gpt-5.5", "openai", "completed", 10, 13, None]
    assert (found["call"], found["stream"], found["block"]) == ([answered], [answered], [answered])
    ((model, provider, ended, _, _, error),) = found["failed"]
    assert (model, provider, ended) == ("broken", "openai", "error")
    assert str(error).endswith("RateLimitError")
    assert found["billed"] == 3 * (10 + 13)


@pytest.mark.slow
@pytest.mark.parametrize("layers", [[], ["official"], ["ours"], ["official", "ours"]], ids=" in ".join)
def test_an_agent_of_pydantic_ai_is_seen_with_its_calls_and_tools(url: str, layers: list[str]) -> None:
    found = outcome(AGENT, url, "pydantic-ai", *layers)
    for name in ("real", "test"):
        calls = found[f"{name} calls"]
        read, wrote = (sum(call[place] for call in calls) for place in (3, 4))
        assert len(calls) == 2
        assert found[name] == [["planner", 2, 1, read, wrote]]


# -- the global provider, in processes of their own


async def messages(request: Request) -> JSONResponse:
    """What the `anthropic` client takes for its provider."""
    body = await request.json()
    answer = [{"type": "text", "text": f"An answer to: {body['messages'][-1]['content']}"}]
    usage = {"input_tokens": 12, "output_tokens": 5, "cache_read_input_tokens": 0}
    said = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "stop_reason": "end_turn"}
    return JSONResponse({**said, "stop_sequence": None, "content": answer, "usage": usage})


@pytest.fixture(scope="module")
def anthropic_url() -> Iterator[str]:
    pytest.importorskip("anthropic", minversion="2.12")
    with serve(Starlette(routes=[Route("/v1/messages", messages, methods=["POST"])])) as url:
        yield url


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver()
    with serve(receiver) as url:
        yield receiver, url


def run(collector: str, provider: str, *command: str) -> str:
    environment = {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "ANTHROPIC_BASE_URL": provider,
        "ANTHROPIC_API_KEY": "none",
    }
    finished = subprocess.run(
        [sys.executable, *command], cwd=EXAMPLES, env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert "Traceback" not in finished.stderr
    return finished.stdout


ASK = """
import anthropic
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
import otel_genai as genai
import logging
logging.basicConfig()

def ask():
    with anthropic.Anthropic() as client:
        client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "why?"}])
"""


def tokens(receiver: Receiver) -> dict[str, float]:
    found: dict[str, float] = {}
    for point in receiver.points:
        if point.name == "openclaw.tokens":
            found[point.attributes["openclaw.token"]] = point.value
    return {kind: found[kind] for kind in ("input", "output") if kind in found}


def test_the_example_tells_what_its_call_used(receiver: tuple[Receiver, str], anthropic_url: str) -> None:
    seen, collector = receiver
    assert run(collector, anthropic_url, "adoption.py", "why?") == "An answer to: why?\n"
    (span,) = seen.spans
    assert (span.name, span.attributes["gen_ai.usage.input_tokens"]) == ("anthropic.messages.create", 12)
    assert span.attributes["otel_genai.cost.amount"] > 0
    assert tokens(seen) == {"input": 12, "output": 5}


def test_where_a_global_provider_is_installed_it_exports_as_before(
    receiver: tuple[Receiver, str], anthropic_url: str
) -> None:
    seen, collector = receiver
    program = """
theirs = TracerProvider()
theirs.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
trace.set_tracer_provider(theirs)
with genai.configure(enabled=True, adopt=True):
    ask()
    assert trace.get_tracer_provider() is theirs
ask()
"""
    said = run(collector, anthropic_url, "-c", ASK + program)
    assert said.count('"name": "anthropic.messages.create"') == 2
    assert "openclaw" not in said
    assert seen.spans == []
    assert tokens(seen) == {"input": 12, "output": 5}


def test_configuring_again_leads_the_spans_of_others_to_the_new_exporters(
    receiver: tuple[Receiver, str], anthropic_url: str
) -> None:
    seen, collector = receiver
    program = """
with anthropic.Anthropic() as client:
    for session in ("first", "second"):
        with genai.configure(enabled=True, adopt=True), genai.bind(session=session):
            ask()
            client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "why?"}])
    client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "why?"}])
"""
    run(collector, anthropic_url, "-c", ASK + program)
    assert len(seen.spans) == 4
    assert len({span.span_id for span in seen.spans}) == 4


def test_with_the_providers_of_the_host_its_spans_are_counted_once(
    receiver: tuple[Receiver, str], anthropic_url: str
) -> None:
    seen, collector = receiver
    program = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from otel_genai.events import ModelCall
trace.set_tracer_provider(TracerProvider())
metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()]))
genai.subscribe(lambda call: call.outcome and print(call.model, call.input_tokens), ModelCall)
for _ in range(2):
    with genai.configure(enabled=True, adopt=True, preloaded=True):
        ask()
ask()
"""
    assert run(collector, anthropic_url, "-c", ASK + program) == "m 12\nm 12\n"
    assert seen.spans == []


def test_a_provider_that_takes_no_processor_is_said_and_disturbs_nothing(
    receiver: tuple[Receiver, str], anthropic_url: str
) -> None:
    seen, collector = receiver
    program = """
trace.set_tracer_provider(trace.NoOpTracerProvider())
with genai.configure(enabled=True, adopt=True), genai.tool("search"):
    ask()
"""
    run(collector, anthropic_url, "-c", ASK + program)
    assert [span.name for span in seen.spans] == ["openclaw.tool.execution"]


def test_without_traces_the_metrics_are_there_all_the_same(receiver: tuple[Receiver, str], anthropic_url: str) -> None:
    seen, collector = receiver
    run(collector, anthropic_url, "-c", ASK + "genai.configure(enabled=True, adopt=True, traces=False)\nask()\n")
    assert (seen.spans, tokens(seen)) == ([], {"input": 12, "output": 5})


def test_without_the_option_no_global_is_touched(receiver: tuple[Receiver, str], anthropic_url: str) -> None:
    seen, collector = receiver
    program = """
genai.configure(enabled=True)
ask()
assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
"""
    run(collector, anthropic_url, "-c", ASK + program)
    assert (seen.spans, tokens(seen)) == ([], {})
