"""The OpenAI Agents SDK as its users run it: which operations there are, inside of what, and how each ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest

pytest.importorskip("agents", reason="the OpenAI Agents SDK is not installed")

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    UserError,
    function_tool,
    set_trace_processors,
    trace,
)
from agents.models.interface import Model
from agents.tracing import get_trace_provider

import otel_genai as genai
import otel_genai_openai
import otel_genai_openai_agents
from otel_genai.demo.provider import Provider
from otel_genai.events import HarnessRun, Operation, Workflow
from otel_genai.testing import Captured, capture

from .trees import calls, caught, check_tokens, check_traceparents, tree

PATH = "/v1"
MODELS: dict[str, Callable[..., Model]] = {"chat": OpenAIChatCompletionsModel, "responses": OpenAIResponsesModel}


@pytest.fixture(autouse=True)
def undo() -> Iterator[dict[str, Callable[[], None]]]:
    """Both at once: the requests of the SDK's models are seen by the integration of `openai`, too."""
    set_trace_processors([])  # the SDK's own sends every trace to OpenAI
    both = {"agents": otel_genai_openai_agents.instrument(), "openai": otel_genai_openai.instrument()}
    yield both
    for one in both.values():
        one()


@asynccontextmanager
async def model(url: str, kind: str, name: str = "gpt-5.5") -> AsyncIterator[Model]:
    async with openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as client:
        yield MODELS[kind](name, client)


# -- an agent, run in every way, ending in every way

running: list[asyncio.Task[Any]] = []


@function_tool
def search(query: str) -> str:
    """Searches."""
    with genai.tool("inner"):
        return f"found {query}"


@function_tool(failure_error_function=None)
async def fail(query: str) -> str:
    """Fails."""
    raise ValueError(query)


@function_tool
async def forgive(query: str) -> str:
    """Fails, which the model is told of."""
    raise ValueError(query)


@function_tool
async def stop(query: str) -> str:
    """Is cancelled, with everything around it."""
    running.pop().cancel()
    await asyncio.sleep(30)
    return query


async def run(url: str, kind: str, name: str, does: Any, stream: bool) -> None:
    running[:] = [asyncio.current_task()]  # type: ignore[list-item]
    async with model(url, kind, name) as asked:
        settings = ModelSettings(include_usage=True)  # a chat completion tells it of a stream only where it is asked to
        ada = Agent(name="ada", model=asked, tools=[does], model_settings=settings)
        if stream:
            async for _ in Runner.run_streamed(ada, "why?").stream_events():
                assert not genai.headers()
        else:
            await Runner.run(ada, "why?")
    assert not genai.headers()


TOP = "workflow Agent workflow"
DONE = [f"{TOP} completed", "  agent ada completed", "    call completed"]
ENDS: dict[str, tuple[str, Any, type[BaseException] | None, list[str]]] = {
    "ok": (
        "gpt-5.5",
        search,
        None,
        [*DONE, "    tool search completed", "      tool inner completed", "    call completed"],
    ),
    "error": ("broken", search, openai.RateLimitError, [f"{TOP} error", "  agent ada error", "    call error"]),
    "error of a tool": (
        "gpt-5.5",
        fail,
        UserError,
        [f"{TOP} error", "  agent ada error", "    call completed", "    tool fail error"],
    ),
    "error that the model is told of": (
        "gpt-5.5",
        forgive,
        None,
        [*DONE, "    tool forgive error", "    call completed"],
    ),
    "cancelled": (
        "gpt-5.5",
        stop,
        asyncio.CancelledError,
        [f"{TOP} cancelled", "  agent ada cancelled", "    call completed", "    tool stop cancelled"],
    ),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", MODELS)
def test_an_agent_is_a_span_with_its_calls_and_tools_however_it_ends(
    captured: Captured, url: str, provider: Provider, kind: str, stream: bool, end: str
) -> None:
    name, does, error, expected = ENDS[end]
    outcome = caught(lambda: asyncio.run(run(url, kind, name, does, stream)))
    assert isinstance(outcome, error or type(None))
    assert tree(captured) == expected
    check_traceparents(captured, provider)
    if end != "error":
        check_tokens(captured, provider)


@pytest.mark.parametrize("kind", MODELS)
def test_a_stream_that_is_abandoned_leaves_nothing_under_way(captured: Captured, url: str, kind: str) -> None:
    async def main() -> None:
        async with model(url, kind) as asked:
            result = Runner.run_streamed(Agent(name="ada", model=asked, tools=[search]), "why?")
            async for _ in result.stream_events():
                result.cancel()
                break
        assert not genai.headers()

    asyncio.run(main())
    assert tree(captured)[0].startswith(TOP)
    assert {type(event) for event in captured.events if isinstance(event, Operation)} >= {Workflow, HarnessRun}
    assert not processor()._running


def processor() -> otel_genai_openai_agents.Processor:
    (found,) = vars(get_trace_provider())["_multi_processor"]._processors
    assert isinstance(found, otel_genai_openai_agents.Processor)
    return found


@pytest.mark.parametrize("kind", MODELS)
def test_without_the_openai_integration_a_call_says_the_same(
    captured: Captured, url: str, provider: Provider, undo: dict[str, Callable[[], None]], kind: str
) -> None:
    undo["openai"]()
    asyncio.run(run(url, kind, "gpt-5.5", search, False))
    for call in calls(captured):
        assert (call.provider is not None, call.model, call.operation) == (True, "gpt-5.5", "chat")
        assert call.input_tokens
    check_tokens(captured, provider)
    check_traceparents(captured, provider)


def test_a_handoff_is_two_agents_in_one_workflow(captured: Captured, url: str) -> None:
    async def main() -> None:
        async with model(url, "responses") as asked:
            expert = Agent(name="expert", model=asked)
            await Runner.run(Agent(name="ada", model=asked, handoffs=[expert]), "why?")

    asyncio.run(main())
    inside = ["  agent ada completed", "    call completed", "  agent expert completed", "    call completed"]
    assert tree(captured) == [f"{TOP} completed", *inside]


def test_runs_in_one_trace_of_the_sdk_are_one_workflow_in_what_is_around(captured: Captured, url: str) -> None:
    async def main() -> None:
        async with model(url, "responses") as asked:
            ada = Agent(name="ada", model=asked)
            with genai.agent("outer"), trace("twice"):
                await asyncio.gather(Runner.run(ada, "why?"), Runner.run(ada, "how?"))

    asyncio.run(main())
    both = ["    agent ada completed", "      call completed"] * 2
    assert tree(captured) == ["agent outer completed", "  workflow twice completed", *both]


def test_a_run_inside_of_the_handling_of_an_error_has_not_failed(captured: Captured, url: str) -> None:
    try:
        raise LookupError
    except LookupError:
        asyncio.run(run(url, "chat", "gpt-5.5", search, False))
    assert {line.split()[-1] for line in tree(captured)} == {"completed"}


@pytest.mark.parametrize("below", [True, False])
@pytest.mark.parametrize("kind", MODELS)
def test_content_is_kept_of_calls_and_tools(
    url: str, undo: dict[str, Callable[[], None]], kind: str, below: bool
) -> None:
    if not below:
        undo["openai"]()
    with capture(capture_content=True, semconv="gen_ai_latest_experimental") as captured:
        asyncio.run(run(url, kind, "gpt-5.5", search, False))
    first, last = (span for span in captured.spans if span.name == "chat gpt-5.5")
    executed = captured.span("execute_tool search")
    assert "why?" in first["gen_ai.input.messages"]
    assert "tool_call" in first["gen_ai.output.messages"]
    assert "An answer to: found why?" in last["gen_ai.output.messages"]
    assert "why?" in executed["gen_ai.tool.call.arguments"]
    assert "found why?" in executed["gen_ai.tool.call.result"]


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_is_switched_on_twice_counts_once_until_the_last_undo(
    captured: Captured, url: str, undo: dict[str, Callable[[], None]], by_hand: bool
) -> None:
    if by_hand:
        set_trace_processors([otel_genai_openai_agents.Processor()])
    again = otel_genai_openai_agents.instrument()
    undo["openai"]()
    for step in (again, again, undo["agents"]):
        captured.clear()
        asyncio.run(run(url, "chat", "gpt-5.5", search, False))
        assert tree(captured).count("  agent ada completed") == 1
        step()
    assert len(vars(get_trace_provider())["_multi_processor"]._processors) == by_hand


def test_the_undo_takes_the_processor_away(captured: Captured, url: str, undo: dict[str, Callable[[], None]]) -> None:
    undo["agents"]()
    asyncio.run(run(url, "chat", "gpt-5.5", search, False))
    assert vars(get_trace_provider())["_multi_processor"]._processors == ()
    assert "agent ada completed" not in tree(captured)
