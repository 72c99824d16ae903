"""One of everything, made through the face as a user makes it: one small function per capability, in a flat list."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints
from zlib import crc32

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

import otel_genai as genai
from otel_genai import events, reference
from otel_genai.bus import bus

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
REPLY = {
    "id": "resp_1",
    "model": "gpt-5.5-2026",
    "choices": [{"finish_reason": "stop", "message": {"content": "secret"}}],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 40,
        "prompt_tokens_details": {"cached_tokens": 30, "audio_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 8},
    },
}
WHERE: dict[str, Any] = {"provider": "openai", "server_address": "api.openai.com", "server_port": 443}


class Clock:
    """Time stands still, but where somebody lets it pass: 2026-11-22 00:00 UTC, until then."""

    BEGINNING = 1_795_305_600_000_000_000

    def __init__(self) -> None:
        self.now = self.BEGINNING

    def read(self) -> int:
        return self.now

    def seconds(self) -> float:
        return self.now / 1e9

    def passes(self, milliseconds: int) -> None:
        self.now += milliseconds * 1_000_000


Capability = Callable[[Clock], None]
CAPABILITIES: dict[str, Capability] = {}


def capability(function: Capability) -> Capability:
    CAPABILITIES[function.__name__] = function
    return function


# -- what comes in


def served(app: Any, asgi_scope: dict[str, Any], *messages: dict[str, Any]) -> None:
    """Hand a request, or a WebSocket's messages, to an application as a server does."""
    incoming = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(incoming, {"type": f"{asgi_scope['type']}.disconnect", "code": 1000})

    async def send(_: dict[str, Any]) -> None:
        return None

    rest = {
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "query_string": b"verbose=1",
        "root_path": "",
        "client": ("127.0.0.1", 5),
    }
    asyncio.run(app({**rest, "server": ("127.0.0.1", 80), **asgi_scope}, receive, send))


def request(app: Any, method: str, path: str, body: bytes = b"", **headers: str) -> None:
    found = {"host": "shop.example:8080", "user-agent": "curl/8", **headers}
    pairs = [(name.encode(), value.encode()) for name, value in found.items()]
    asgi_scope = {"type": "http", "method": method, "path": path, "scheme": "https", "headers": pairs}
    served(app, asgi_scope, {"type": "http.request", "body": body})


def application(clock: Clock, trusted: bool = True) -> Any:
    async def chat(_: Any) -> PlainTextResponse:
        clock.passes(50)
        with genai.tool("look_up"):
            clock.passes(25)
        return PlainTextResponse("hello")

    async def pieces(_: Any) -> StreamingResponse:
        async def body() -> AsyncIterator[str]:
            for piece in ("a", "b"):
                clock.passes(10)
                yield piece

        return StreamingResponse(body())

    async def broken(_: Any) -> PlainTextResponse:
        clock.passes(5)
        raise KeyError("secret")

    async def talk(socket: Any) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            clock.passes(15)
            await socket.send_text(text)

    routes = [Route("/chat/{user}", chat, methods=["POST"]), Route("/pieces", pieces), Route("/broken", broken)]
    app = Starlette(routes=[*routes, WebSocketRoute("/talk/{user}", talk)])
    app.add_middleware(genai.Middleware, channel="web", trust_inbound=trusted)
    return app


@capability
def a_request_of_a_trusted_caller(clock: Clock) -> None:
    request(application(clock), "POST", "/chat/7", b"why?", traceparent=CALLER)


@capability
def a_request_of_a_caller_who_is_not_trusted(clock: Clock) -> None:
    request(application(clock, trusted=False), "POST", "/chat/7", b"why?", traceparent=CALLER)


@capability
def a_streamed_answer(clock: Clock) -> None:
    request(application(clock), "GET", "/pieces")


@capability
def a_request_that_nothing_serves(clock: Clock) -> None:
    request(application(clock), "BREW", "/coffee")


@capability
def a_request_that_fails(clock: Clock) -> None:
    try:
        request(application(clock), "GET", "/broken")
    except KeyError:
        return
    raise AssertionError("the error must reach the server")


@capability
def a_websocket(clock: Clock) -> None:
    asgi_scope = {"type": "websocket", "path": "/talk/7", "scheme": "wss", "headers": [(b"host", b"shop.example")]}
    frames = [{"type": "websocket.receive", "text": text} for text in ("one", "three")]
    served(application(clock), asgi_scope, {"type": "websocket.connect"}, *frames)


@capability
def a_webhook(clock: Clock) -> None:
    with genai.webhook("telegram", update_type="message", chat_id=42):
        clock.passes(20)


@capability
def a_webhook_that_fails(clock: Clock) -> None:
    try:
        with genai.webhook("telegram", update_type="callback_query"):
            clock.passes(3)
            raise PermissionError("secret")
    except PermissionError:
        return


@capability
def a_message_with_its_dispatch_and_delivery(clock: Clock) -> None:
    with genai.bind(session="s-1"), genai.message("slack", source="dispatcher", message_id="m-1") as message:
        with message.dispatch():
            clock.passes(100)
        with message.delivery("text") as sent:
            clock.passes(30)
            sent.results(2)
        message.outcome("completed", reason="replied")


@capability
def a_message_that_is_skipped(clock: Clock) -> None:
    with genai.message("slack", source="poller") as message:
        clock.passes(1)
        message.outcome("skipped", reason="duplicate")


@capability
def lanes(clock: Clock) -> None:
    async def through() -> None:
        lane: genai.Lane[int] = genai.Lane("main:s-1")
        await lane.put(1)
        clock.passes(40)
        await lane.get()

    asyncio.run(through())
    threads: genai.ThreadLane[int] = genai.ThreadLane("background")
    threads.put(1)
    clock.passes(4)
    threads.get()


# -- agents at work


@capability
def a_run(clock: Clock) -> None:
    turn = genai.run("run-1", trigger="user", provider="openai", model="gpt-5.5")
    with genai.bind(channel="slack", conversation="c-1"), turn:
        clock.passes(500)


@capability
def a_run_that_fails(clock: Clock) -> None:
    try:
        with genai.run("run-2", trigger="cron"):
            clock.passes(70)
            raise TimeoutError("secret")
    except TimeoutError:
        return


@capability
def an_agent_with_a_model_and_a_tool(clock: Clock) -> None:
    settings: dict[str, Any] = {"temperature": 0, "seed": 3, "stop_sequences": ["END"], "output_type": "json"}
    told: dict[str, Any] = {"description": "Plans.", "data_source": "handbook", **settings}
    agent = genai.agent("planner", plugin="core", provider="openai", model="gpt-5.5", **told)
    with genai.bind(channel="slack", conversation="c-1", session="s-1"), agent:
        with genai.model_call("gpt-5.5", **WHERE) as call:
            clock.passes(250)
            call.reply(REPLY)
        with genai.tool("search"):
            clock.passes(100)
        with genai.model_call("gpt-5.5", **WHERE) as call:
            clock.passes(125)
            call.reply(REPLY)


@capability
def an_agent_that_fails(clock: Clock) -> None:
    try:
        with genai.agent("helper"):
            clock.passes(10)
            raise ConnectionResetError("secret")
    except ConnectionResetError:
        return


@capability
def what_runs_an_agent(clock: Clock) -> None:
    with genai.harness("codex", plugin="codex") as harness:
        with harness.phase("send"), harness.item():
            clock.passes(60)
        harness.classify("empty")
        harness.yielded()


@capability
def a_tool(clock: Clock) -> None:
    @genai.tool(source="mcp", owner="server-1", type="function", call_id="call_1", description="Finds.")
    def search(query: str) -> list[str]:
        clock.passes(80)
        return [query]

    with genai.bind(channel="slack", agent="planner", conversation="c-1"):
        search("secret")


@capability
def a_tool_that_streams(clock: Clock) -> None:
    @genai.tool
    def lines() -> Iterator[str]:
        for line in ("a", "b"):
            clock.passes(5)
            yield line

    list(lines())


@capability
def a_tool_that_fails(clock: Clock) -> None:
    try:
        with genai.tool("write", source="plugin", owner="files"):
            clock.passes(2)
            raise FileNotFoundError("secret")
    except FileNotFoundError:
        return


@capability
def a_tool_that_is_blocked(clock: Clock) -> None:
    with genai.tool("exec") as execution:
        clock.passes(1)
        execution.blocked("policy")


@capability
def a_tool_that_is_cancelled(clock: Clock) -> None:
    async def work() -> None:
        with genai.tool("wait"):
            clock.passes(9)
            raise asyncio.CancelledError

    try:
        asyncio.run(work())
    except asyncio.CancelledError:
        return


@capability
def tools_that_go_round_in_circles(clock: Clock) -> None:
    undo = genai.detect_loops(warning=2, critical=3)
    try:
        with genai.bind(session="s-1"):
            for _ in range(3):
                with genai.tool("search", params_hash="same"):
                    clock.passes(10)
    finally:
        undo()


@capability
def processes(clock: Clock) -> None:
    genai.exec.run(["sh", "-c", "exit 3"], target="sandbox")

    async def started() -> None:
        process = await genai.exec.create("sh", "-c", "exit 0")
        clock.passes(35)
        await process.wait()

    asyncio.run(started())


@capability
def a_process_that_there_is_not(clock: Clock) -> None:
    try:
        genai.exec.run(["there-is-no-such-program"], mode="pty")
    except FileNotFoundError:
        return


# -- models


@capability
def a_model_call_with_a_reply(clock: Clock) -> None:
    asked: dict[str, Any] = {
        "temperature": 1,
        "top_p": 0.9,
        "max_tokens": 256,
        "seed": 7,
        "choice_count": 2,
        "top_k": 40,
        "stop_sequences": "END",
        "frequency_penalty": 0.5,
        "presence_penalty": 0.25,
        "reasoning_level": "low",
        "output_type": "text",
        "previous_response_id": "resp_0",
        "prompt_name": "greeting",
        "prompt_version": "3",
    }
    asking = genai.model_call("gpt-5.5", api="openai-responses", transport="http", **WHERE, **asked)
    with genai.bind(channel="slack", agent="planner", conversation="c-1", session="s-1", user="u-1"), asking as call:
        clock.passes(640)
        call.reply(REPLY)


@capability
def a_model_call_with_a_stream(clock: Clock) -> None:
    def pieces() -> Iterator[dict[str, Any]]:
        for text in ("se", "cret"):
            clock.passes(100)
            yield {"model": "gpt-5.5-2026", "choices": [{"delta": {"content": text}, "finish_reason": None}]}
        clock.passes(50)
        yield {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": REPLY["usage"]}

    with genai.model_call("gpt-5.5", stream=True, **WHERE) as call:
        for _ in call.stream(pieces()):
            clock.passes(1)


@capability
def a_model_call_that_fails(clock: Clock) -> None:
    try:
        with genai.model_call("gpt-5.5", api="openai-completions", **WHERE):
            clock.passes(30)
            raise TimeoutError("secret")
    except TimeoutError:
        return


@capability
def a_model_call_that_says_nothing(clock: Clock) -> None:
    with genai.model_call():
        clock.passes(1)


@capability
def a_model_whose_price_nobody_knows(clock: Clock) -> None:
    with genai.model_call("unheard-of", provider="somebody") as call:
        clock.passes(10)
        call.reply({"usage": {"input_tokens": 3, "output_tokens": 1}})


@capability
def embeddings(clock: Clock) -> None:
    asking = genai.embeddings("embed-1", dimensions=256, encoding_formats="float", **WHERE)
    with genai.bind(conversation="c-1"), asking as call:
        clock.passes(20)
        call.reply({"model": "embed-1", "usage": {"prompt_tokens": 12, "total_tokens": 12}})


@capability
def a_retrieval(clock: Clock) -> None:
    with genai.bind(conversation="c-1"), genai.retrieval("handbook", model="embed-1", top_k=5, **WHERE):
        clock.passes(45)


@capability
def a_memory(clock: Clock) -> None:
    with genai.memory("search_memory", store="facts", provider="mem", record="r-1") as memory:
        clock.passes(15)
        memory.update(record_count=3)


@capability
def a_workflow_and_its_plan(clock: Clock) -> None:
    with genai.bind(conversation="c-1"), genai.workflow("support"), genai.plan("strategist"):
        clock.passes(1500)


@capability
def the_making_of_an_agent(clock: Clock) -> None:
    told = {"agent_id": "asst_1", "description": "Helps.", "version": "2", "model": "gpt-5.5"}
    with genai.create_agent("support", **WHERE, **told):
        clock.passes(300)


@capability
def an_agent_elsewhere(clock: Clock) -> None:
    told = {"agent_id": "w-1", "description": "Writes.", "version": "2"}
    with genai.bind(conversation="c-1"), genai.remote_agent("writer", **WHERE, **told):
        clock.passes(700)


@capability
def an_exchange(clock: Clock) -> None:
    where = {"runtime_family": "hermes", "sandbox_profile": "standard", "source": "hermes-ui"}
    with genai.exchange("ada", model="gpt-5.5", provider="openai", conversation="s-1", **where) as exchange:
        clock.passes(900)
        exchange.reply({"usage": {"total_tokens": 150, "input_tokens": 100, "output_tokens": 50}})


@capability
def an_exchange_that_is_told_later(clock: Clock) -> None:
    began = clock.seconds()
    clock.passes(2000)
    genai.exchange("ada", model="gpt-5.5", provider="openai", started_at=began).record(total_tokens=60)


@capability
def an_evaluation(clock: Clock) -> None:
    with genai.model_call("gpt-5.5", provider="openai") as call:
        clock.passes(10)
    genai.publish(events.EvaluationResult(name="relevance", score=1, label="pass", response_id="resp_1"), call.event)


@capability
def a_phase(clock: Clock) -> None:
    with genai.phase("plugins.load", plugins=3) as phase:
        clock.passes(40)
        phase.update(cpu_user_ms=20, cpu_system_ms=10)  # else it is measured


@capability
def a_log_record_within_a_tool(clock: Clock) -> None:
    record = {
        "name": "shop.orders",
        "levelno": logging.WARNING,
        "levelname": "WARNING",
        "msg": "secret %s",
        "args": (1,),
    }
    place = {"lineno": 7, "funcName": "order", "pathname": "/srv/shop/orders.py", "order_count": 3}
    with genai.tool("order"):
        clock.passes(5)
        genai.LogHandler().handle(logging.makeLogRecord({**record, **place}))


# -- every type of event, with a value in each field that a user may set

LEFT_OUT = {"started_at", "fresh_ms"}
"""Fields that say when, or until when."""


def filled(kind: type[events.Event]) -> Any:
    """An event that says something in every field: a text its own name, and each number another one."""
    hints = get_type_hints(kind)
    names = [each.name for each in fields(kind) if each.init and each.repr and each.name not in LEFT_OUT]
    said = {name: example(hints[name], name) for name in names}
    return kind(**{name: value for name, value in said.items() if value is not None})


def example(hint: Any, name: str) -> Any:
    """A value of one of a field's types; `None` where it takes none that can be written down."""
    kinds = [part for each in (hint, *get_args(hint)) for part in (each, get_origin(each))]
    literal = next((get_args(each)[0] for each in (hint, *get_args(hint)) if get_origin(each) is Literal), None)
    if literal is not None:
        return literal
    if Mapping in kinds:
        return {name: True}
    if tuple in kinds:
        return (name,)
    number = 100 + crc32(name.encode()) % 900
    examples = ((bool, True), (str, name), (int, number), (float, float(number)))
    return next((value for kind, value in examples if kind in kinds), None)


def told(kind: type[events.Event]) -> Capability:
    """What happens when an event of a type is published, or an operation of it has been."""

    def happens(clock: Clock) -> None:
        event = filled(kind)
        with genai.bind(channel="slack", agent="ada", session="s-1", conversation="c-1", user="u-1", run="run-1"):
            if not isinstance(event, events.Operation):
                genai.publish(event)
                return
            bus.start(event)
            clock.passes(10)
            bus.finish(event)

    return happens


EVENTS: dict[str, Capability] = {kind.__name__: told(kind) for kind in reference.event_types()}
