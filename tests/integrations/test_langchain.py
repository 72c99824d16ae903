"""LangChain and LangGraph as their users run them: which operations there are, inside of what, and how each ended."""

from __future__ import annotations

import asyncio
import gc
import operator
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from typing import Annotated, Any, TypedDict
from uuid import uuid4

import openai
import pytest

pytest.importorskip("langchain_core", reason="LangChain is not installed")
pytest.importorskip("langchain_openai", reason="langchain-openai is not installed")
pytest.importorskip("langchain", reason="LangChain's agents are not installed")

from langchain.agents import create_agent
from langchain_core.callbacks import CallbackManager, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.language_models.fake import FakeListLLM
from langchain_core.messages import HumanMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.runnables import config as runnables
from langchain_core.tools import tool
from langchain_core.tracers import context
from langchain_openai import ChatOpenAI, OpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

import otel_genai as genai
import otel_genai_langchain
import otel_genai_openai
from otel_genai.demo.provider import Provider
from otel_genai.demo.server import serve
from otel_genai.events import HarnessRun, ModelCall, ToolExecution, Workflow
from otel_genai.testing import Captured, capture
from otel_genai_langchain import runs

from .trees import calls, caught, check_tokens, check_traceparents, tree

QUESTION: Any = {"messages": [("user", "why?")]}
PATH = "/v1"


@pytest.fixture(autouse=True)
def undo() -> Iterator[Callable[[], None]]:
    """Both at once: the requests of LangChain's models are seen by the integration of `openai`, too."""
    both = otel_genai_langchain.instrument(), otel_genai_openai.instrument()

    def undo() -> None:
        for one in both:
            one()

    yield undo
    undo()
    assert not runs._runs


@contextmanager
def chat(url: str, name: str = "gpt-5.5", **settings: Any) -> Iterator[ChatOpenAI]:
    with openai.DefaultHttpxClient() as client:
        yield ChatOpenAI(
            model=name,
            base_url=url,
            api_key="k",
            max_retries=0,
            http_client=client,
            stream_usage=True,
            **settings,
        )


@asynccontextmanager
async def async_chat(url: str, name: str = "gpt-5.5") -> AsyncIterator[ChatOpenAI]:
    async with openai.DefaultAsyncHttpxClient() as client:
        yield ChatOpenAI(
            model=name, base_url=url, api_key="k", max_retries=0, http_async_client=client, stream_usage=True
        )


# -- an agent, run in every way, ending in every way


@tool
def search(query: str) -> str:
    """Searches."""
    return f"found {query}"


@tool
def fail(query: str) -> str:
    """Fails."""
    raise ValueError(query)


@tool
def stop(query: str) -> str:
    """Is interrupted."""
    raise KeyboardInterrupt


running: list[asyncio.Task[Any]] = []


@tool
async def asearch(query: str) -> str:
    """Searches."""
    return f"found {query}"


@tool
async def afail(query: str) -> str:
    """Fails."""
    raise ValueError(query)


@tool
async def astop(query: str) -> str:
    """Is cancelled, with everything around it."""
    running.pop().cancel()
    await asyncio.sleep(30)
    return query


def agent(llm: BaseChatModel, does: Any) -> Any:
    return create_agent(llm, [does], name="ada")


def drained(stream: Any, abandon: bool) -> None:
    with closing(stream):
        for _ in stream:
            assert not genai.headers()
            if abandon:
                break


async def adrained(stream: Any, abandon: bool) -> None:
    try:
        async for _ in stream:
            assert not genai.headers()
            if abandon:
                break
    finally:
        await stream.aclose()


async def arun(url: str, name: str, does: Any, stream: bool, abandon: bool) -> None:
    running[:] = [asyncio.current_task()]  # type: ignore[list-item]
    async with async_chat(url, name) as llm:
        ada = agent(llm, does)
        if stream:
            await adrained(ada.astream(QUESTION, stream_mode="messages"), abandon)
        else:
            await ada.ainvoke(QUESTION)
        assert not genai.headers()


def run(url: str, name: str, does: Any, stream: bool, abandon: bool) -> None:
    with chat(url, name) as llm:
        ada = agent(llm, does)
        if stream:
            drained(ada.stream(QUESTION, stream_mode="messages"), abandon)
        else:
            ada.invoke(QUESTION)


OK = ["agent ada completed", "  call completed", "  tool {search} completed", "  call completed"]
BROKEN = ["agent ada error", "  call error"]
FAILED = ["agent ada error", "  call completed", "  tool {fail} error"]
STOPPED = ["agent ada cancelled", "  call completed", "  tool {stop} cancelled"]
ENDS: dict[str, tuple[str, str, type[BaseException] | None, list[str]]] = {
    "ok": ("gpt-5.5", "search", None, OK),
    "error": ("broken", "search", openai.RateLimitError, BROKEN),
    "error of a tool": ("gpt-5.5", "fail", ValueError, FAILED),
    "cancelled": ("gpt-5.5", "stop", BaseException, STOPPED),
}
TOOLS = {"search": (search, asearch), "fail": (fail, afail), "stop": (stop, astop)}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("way", ["sync", "async", "stream", "async stream"])
def test_an_agent_is_a_span_with_its_calls_and_tools_however_it_ends(
    captured: Captured, url: str, provider: Provider, way: str, end: str
) -> None:
    name, does, error, expected = ENDS[end]
    asynchronous, stream = "async" in way, "stream" in way
    arguments = (url, name, TOOLS[does][asynchronous], stream, False)
    outcome = caught(lambda: asyncio.run(arun(*arguments)) if asynchronous else run(*arguments))
    assert isinstance(outcome, error or type(None))
    prefix = "a" if asynchronous else ""
    assert tree(captured) == [line.replace("{", prefix).replace("}", "") for line in expected]
    if end != "error":
        check_traceparents(captured, provider)
        check_tokens(captured, provider)
    assert not genai.headers()


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_agent_whose_stream_is_abandoned_is_cancelled(captured: Captured, url: str, asynchronous: bool) -> None:
    if asynchronous:
        asyncio.run(arun(url, "gpt-5.5", asearch, True, True))
    else:
        run(url, "gpt-5.5", search, True, True)
    assert tree(captured)[0] == "agent ada cancelled"
    assert {line.split()[0] for line in tree(captured)[1:]} <= {"call", "tool"}


def test_an_agent_says_what_its_calls_used_and_how_many_steps_it_took(captured: Captured, url: str) -> None:
    run(url, "gpt-5.5", search, False, False)
    (ada,) = (event for event in captured.events if isinstance(event, HarnessRun))
    assert (ada.items_started, ada.items_completed, ada.items_active) == (3, 3, 0)
    assert (ada.inference_calls, ada.tool_calls, ada.plugin) == (2, 1, "langchain")
    assert ada.input_tokens == sum(call.input_tokens or 0 for call in calls(captured))


def test_an_agent_that_is_the_tool_of_another_is_inside_of_that_tool(captured: Captured, url: str) -> None:
    with chat(url) as llm:
        expert = create_agent(llm, [], name="expert")

        @tool
        def ask(question: str) -> str:
            """Asks the expert."""
            return str(expert.invoke({"messages": [("user", question)]})["messages"][-1].content)

        agent(llm, ask).invoke(QUESTION)
    inner = ["    agent expert completed", "      call completed"]
    assert tree(captured) == [*OK[:2], "  tool ask completed", *inner, OK[3]]


def test_an_agent_that_asks_a_person_has_yielded_and_not_failed(captured: Captured, url: str) -> None:
    @tool
    def approve(query: str) -> str:
        """Asks a person."""
        return str(interrupt(query))

    with chat(url) as llm:
        ada = create_agent(llm, [approve], name="ada", checkpointer=InMemorySaver())
        ada.invoke(QUESTION, {"configurable": {"thread_id": "1"}})
    assert tree(captured) == ["agent ada completed", "  call completed", "  tool approve completed"]
    assert next(event for event in captured.events if isinstance(event, HarnessRun)).yield_detected is True


# -- a model alone


@pytest.mark.parametrize(("name", "outcome"), [("gpt-5.5", "completed"), ("broken", "error")])
@pytest.mark.parametrize("way", ["invoke", "batch", "stream", "ainvoke", "abatch", "astream"])
def test_a_model_is_one_call_with_everything_known_of_it(
    captured: Captured, url: str, provider: Provider, way: str, name: str, outcome: str
) -> None:
    error = caught(lambda: asyncio.run(ask_async(url, name, way)) if way.startswith("a") else ask(url, name, way))
    assert isinstance(error, openai.RateLimitError) == (outcome == "error")
    (call,) = calls(captured)
    assert tree(captured) == [f"call {outcome}"]
    assert (call.provider, call.model, call.operation, call.api) == ("openai", name, "chat", "openai-completions")
    assert (call.server_address, call.stream) == ("127.0.0.1", "stream" in way)
    check_traceparents(captured, provider)
    if outcome == "completed":
        assert (call.finish_reasons, call.response_model) == (("stop",), "gpt-5.5")
        assert (call.first_chunk_ns is not None) == ("stream" in way)
        check_tokens(captured, provider)


def ask(url: str, name: str, way: str) -> None:
    with chat(url, name) as llm:
        if way == "stream":
            drained(llm.stream("why?"), False)
        else:
            getattr(llm, way)(["why?"] if way == "batch" else "why?")


async def ask_async(url: str, name: str, way: str) -> None:
    async with async_chat(url, name) as llm:
        if way == "astream":
            await adrained(llm.astream("why?"), False)
        else:
            await getattr(llm, way)(["why?"] if way == "abatch" else "why?")
        assert not genai.headers()


def test_a_stream_that_is_abandoned_is_a_cancelled_call(captured: Captured, url: str) -> None:
    with chat(url) as llm:
        drained(llm.stream("why?"), True)
    assert tree(captured) == ["call cancelled"]
    assert calls(captured)[0].chunks == 1


def test_an_async_stream_that_is_abandoned_is_a_cancelled_call(captured: Captured, url: str) -> None:
    async def main() -> None:
        async with async_chat(url) as llm:
            await adrained(llm.astream("why?"), True)

    asyncio.run(main())
    assert tree(captured) == ["call cancelled"]


def test_a_task_that_is_cancelled_cancels_its_call(captured: Captured) -> None:
    async def main(url: str) -> None:
        async with async_chat(url) as llm:
            task = asyncio.create_task(llm.ainvoke("why?"))
            while not slow.seen:
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    slow = Provider(latency_seconds=(0.5, 0.5))
    with serve(slow) as url:
        asyncio.run(main(f"{url}/v1"))
    assert tree(captured) == ["call cancelled"]


@pytest.mark.filterwarnings("ignore:Unexpected type for token usage")
@pytest.mark.parametrize("asynchronous", [False, True])
def test_requests_of_one_batch_are_calls_of_their_own(
    captured: Captured, url: str, provider: Provider, asynchronous: bool
) -> None:
    async def main() -> None:
        async with async_chat(url) as llm:
            await llm.agenerate(batch)

    batch: Any = [[HumanMessage("why?")], [HumanMessage("how?")]]
    if asynchronous:
        asyncio.run(main())
    else:
        with chat(url) as llm:
            llm.generate(batch)
    assert tree(captured) == ["call completed", "call completed"]
    check_traceparents(captured, provider)
    check_tokens(captured, provider)


def test_a_completion_of_several_prompts_has_its_tokens_once(captured: Captured, url: str, provider: Provider) -> None:
    with openai.DefaultHttpxClient() as client:
        llm = OpenAI(model="davinci", base_url=url, api_key="k", max_retries=0, http_client=client)
        llm.invoke("why?")
    (call,) = calls(captured)
    assert (call.operation, call.model, call.provider) == ("text_completion", "davinci", "openai")
    check_tokens(captured, provider)
    check_traceparents(captured, provider)


def test_without_the_openai_integration_a_call_says_the_same(
    captured: Captured, url: str, provider: Provider, undo: Callable[[], None]
) -> None:
    undo()
    with chat(url, "gpt-4o", temperature=0.5) as llm:
        ask_by_hand = {"callbacks": [otel_genai_langchain.Handler(), otel_genai_langchain.Handler()]}
        llm.invoke("why?", ask_by_hand)
        drained(llm.stream("why?", ask_by_hand), False)
    whole, streamed = calls(captured)
    for call in (whole, streamed):
        assert (call.provider, call.model, call.finish_reasons) == ("openai", "gpt-4o", ("stop",))
        assert (call.cache_read_tokens, call.temperature) == (call.input_tokens // 2 if call.input_tokens else 0, 0.5)
    assert streamed.chunks
    assert streamed.first_chunk_ns
    assert (whole.response_id, whole.reasoning_tokens) == (provider_id(whole), 8)
    check_tokens(captured, provider)
    check_traceparents(captured, provider)


def provider_id(call: ModelCall) -> str:
    assert call.response_id is not None
    assert call.response_id.startswith("chatcmpl-")
    return call.response_id


def test_a_call_made_by_hand_around_a_model_is_that_call(captured: Captured, url: str, provider: Provider) -> None:
    with chat(url) as llm, genai.model_call() as call:
        call.reply(llm.invoke("why?"))
    assert tree(captured) == ["call completed"]
    assert (calls(captured)[0], call.event.provider) == (call.event, "openai")
    check_tokens(captured, provider)
    check_traceparents(captured, provider)


@pytest.mark.parametrize(("model", "operation"), [(FakeListChatModel, "chat"), (FakeListLLM, "text_completion")])
def test_a_model_that_sends_nothing_is_a_call_too(captured: Captured, model: Any, operation: str) -> None:
    llm = model(responses=["a", "b"])
    llm.invoke("why?")
    drained(llm.stream("why?"), False)
    asyncio.run(llm.ainvoke("why?"))
    assert tree(captured) == ["call completed"] * 3
    assert {call.operation for call in calls(captured)} == {operation}
    assert captured.points("gen_ai.client.token.usage") == []


# -- chains, graphs, tools and retrievers


class State(TypedDict):
    found: Annotated[list[str], operator.add]


def graph(llm: BaseChatModel) -> Any:
    """Two nodes beside each other, and one after them."""
    builder = StateGraph(State)
    for name in ("left", "right"):
        builder.add_node(name, lambda _, name=name: {"found": [str(llm.invoke(name).content)]})
        builder.add_edge(START, name)
    builder.add_node("join", lambda state: {"found": [str(len(state["found"]))]})
    builder.add_edge(["left", "right"], "join")
    return builder.compile(name="research")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_nodes_of_a_graph_are_steps_and_have_their_own_calls(
    captured: Captured, url: str, provider: Provider, asynchronous: bool
) -> None:
    with chat(url) as llm:
        research = graph(llm)
        found = asyncio.run(research.ainvoke({"found": []})) if asynchronous else research.invoke({"found": []})
    assert found["found"][-1] == "2"
    top, *steps = tree(captured)
    pairs = {(steps[0], steps[1]), (steps[2], steps[3])}
    assert top == "workflow research completed"
    assert pairs == {(f"  workflow {name} completed", "    call completed") for name in ("left", "right")}
    assert steps[4:] == ["  workflow join completed"]
    check_traceparents(captured, provider)


def test_only_the_outermost_chain_is_a_span_and_branches_are_its_children(
    captured: Captured, url: str, provider: Provider
) -> None:
    with chat(url) as llm:
        both = RunnableParallel(a=RunnableLambda(str) | llm, b=RunnableLambda(str) | llm)
        (RunnableLambda(str) | both | RunnableLambda(str)).invoke("why?", {"run_name": "twice"})
    assert tree(captured) == ["workflow twice completed", "  call completed", "  call completed"]
    check_traceparents(captured, provider)
    check_tokens(captured, provider)


@pytest.mark.parametrize(("abandon", "outcome"), [(False, "completed"), (True, "cancelled")])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_chain_that_is_streamed_ends_with_its_stream(
    captured: Captured, url: str, provider: Provider, asynchronous: bool, abandon: bool, outcome: str
) -> None:
    async def main() -> None:
        async with async_chat(url) as llm:
            await adrained((RunnableLambda(str) | llm).astream("why?"), abandon)

    if asynchronous:
        asyncio.run(main())
    else:
        with chat(url) as llm:
            drained((RunnableLambda(str) | llm).stream("why?"), abandon)
    told = outcome if asynchronous else "completed"  # LangChain tells of an abandoned one as if it had come to its end
    assert tree(captured) == [f"workflow RunnableSequence {told}", f"  call {outcome}"]
    check_traceparents(captured, provider)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_happens_in_a_step_and_in_a_tool_is_inside_of_it(captured: Captured, asynchronous: bool) -> None:
    def plain(query: str) -> str:
        with genai.tool("inner"):
            return query

    async def aplain(query: str) -> str:
        return plain(query)

    step = RunnableLambda(plain, afunc=aplain) | tool("outer", description="Does.")(aplain if asynchronous else plain)
    assert (asyncio.run(step.ainvoke("x")) if asynchronous else step.invoke("x")) == "x"
    inside = ["  tool inner completed", "  tool outer completed", "    tool inner completed"]
    assert tree(captured) == ["workflow RunnableSequence completed", *inside]


class Shelf(BaseRetriever):
    """A retriever that asks a model, and fails for nothing."""

    llm: Any

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        if not query:
            raise LookupError
        with genai.tool("read"):
            return [Document(self.llm.invoke(query, {"callbacks": run_manager.get_child()}).content)]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_retriever_is_a_retrieval_and_what_it_does_is_inside(captured: Captured, asynchronous: bool) -> None:
    shelf = Shelf(llm=FakeListChatModel(responses=["a"]))
    assert len(asyncio.run(shelf.ainvoke("q")) if asynchronous else shelf.invoke("q")) == 1
    assert isinstance(caught(lambda: shelf.invoke("")), LookupError)
    done = ["retrieval Shelf completed", "  tool read completed", "    call completed"]
    assert tree(captured) == [*done, "retrieval Shelf error"]
    assert not genai.headers()


def test_a_tool_says_what_it_is_and_not_what_it_was_given(captured: Captured) -> None:
    search.invoke({"type": "tool_call", "id": "call_7", "name": "search", "args": {"query": "x"}})
    (one,) = (event for event in captured.events if isinstance(event, ToolExecution))
    assert (one.name, one.call_id, one.description) == ("search", "call_7", "Searches.")
    assert (one.type, one.params_kind) == ("function", "object")


def test_a_tool_that_tells_the_model_of_its_failure_has_failed(captured: Captured) -> None:
    handled = tool("handled", description="Fails.")(lambda query: fail.invoke(query))
    handled.handle_tool_error = handled.handle_validation_error = True
    message = handled.invoke({"type": "tool_call", "id": "c", "name": "handled", "args": {}})
    assert message.status == "error"
    assert tree(captured) == ["tool handled error"]


# -- content


def test_nothing_of_the_content_leaves_unless_it_is_switched_on(captured: Captured, url: str) -> None:
    run(url, "gpt-5.5", search, False, False)
    assert "why?" not in str([span.attributes for span in captured.spans])


@pytest.mark.parametrize("below", [True, False])
def test_content_is_kept_of_calls_and_tools(url: str, undo: Callable[[], None], below: bool) -> None:
    if not below:
        undo()
    config: Any = {} if below else {"callbacks": [otel_genai_langchain.Handler()]}
    with capture(capture_content=True, semconv="gen_ai_latest_experimental") as captured, chat(url) as llm:
        create_agent(llm, [search], name="ada", system_prompt="be kind").invoke(QUESTION, config)
    first, last = (span for span in captured.spans if span.name == "chat gpt-5.5")
    executed = captured.span("execute_tool search")
    assert "why?" in first["gen_ai.input.messages"]
    assert "be kind" in first["gen_ai.system_instructions"]
    assert "tool_call" in first["gen_ai.output.messages"]
    assert "An answer to: found why?" in last["gen_ai.output.messages"]
    assert "search" in first["gen_ai.tool.definitions"]
    assert "why?" in executed["gen_ai.tool.call.arguments"]
    assert "found why?" in executed["gen_ai.tool.call.result"]


# -- switching it on and off


def test_the_undo_leaves_langchain_as_it_was(captured: Captured, undo: Callable[[], None]) -> None:
    undo()
    gc.collect()
    hooks = list(context._configure_hooks)
    before = runnables._set_config_context, BaseChatModel.stream, BaseRetriever.ainvoke
    again = otel_genai_langchain.instrument()
    assert (runnables._set_config_context, BaseChatModel.stream, BaseRetriever.ainvoke) != before
    again()
    assert (runnables._set_config_context, BaseChatModel.stream, BaseRetriever.ainvoke) == before
    assert context._configure_hooks == hooks
    FakeListChatModel(responses=["a"]).invoke("why?")
    assert captured.events == []


def test_runs_that_nobody_ends_are_not_kept_for_ever(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MOST_RUNS", 2)
    for _ in range(3):
        runs.begin(uuid4(), None, Workflow(name="w"))
    assert len(runs._runs) == 2
    assert tree(captured) == ["workflow w cancelled"]
    for run_id in list(runs._runs):
        runs.end(run_id)


def test_langchain_is_given_no_handler_while_nobody_listens(undo: Callable[[], None]) -> None:
    assert CallbackManager.configure().handlers == []
    with capture():
        (handler,) = CallbackManager.configure().handlers
    assert isinstance(handler, otel_genai_langchain.Handler)
    FakeListChatModel(responses=["a"]).invoke("why?", {"callbacks": [handler]})
    assert not runs._runs
