"""A small agent gateway, written as a user would write one: a middleware, a few decorators, and its own work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

import otel_genai as genai

MODEL = "gpt-5.5"
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {"name": name, "parameters": {"type": "object", "properties": {argument: {"type": "string"}}}},
    }
    for name, argument in (("search", "query"), ("add", "numbers"))
]


@genai.tool
async def search(query: str) -> list[str]:
    """Looks a question up."""
    await asyncio.sleep(0.004)
    return [f"what is known of {query!r}"]


@genai.tool(source="plugin", owner="arithmetic")
def add(numbers: str) -> int:
    """Adds numbers that stand in a text."""
    return sum(int(word) for word in numbers.split() if word.isdigit())


class Agent:
    """A planner with two tools, and a writer that streams."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client

    @genai.agent("planner", description="finds out, counts, then answers")
    async def plan(self, question: str) -> str:
        messages: list[Any] = [{"role": "user", "content": question}]
        first = await self._client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
        message = first.choices[0].message
        found, total = await search(question), add(question)
        messages += [message, *(_answer(call, f"{found} {total}") for call in message.tool_calls or ())]
        second = await self._client.chat.completions.create(model=MODEL, messages=messages)
        return second.choices[0].message.content or ""

    @genai.agent("writer")
    async def write(self, question: str) -> AsyncIterator[str]:
        stream = await self._client.responses.create(model=MODEL, input=question, stream=True)
        async for event in stream:
            if event.type == "response.output_text.delta":
                yield event.delta

    @genai.agent("unlucky")
    async def fail(self, question: str) -> str:
        reply = await self._client.chat.completions.create(
            model="broken", messages=[{"role": "user", "content": question}]
        )
        return str(reply)


def _answer(call: Any, result: str) -> dict[str, str]:
    return {"role": "tool", "tool_call_id": call.id, "content": result}


def gateway(provider_url: str) -> Starlette:
    """The service: `/ask/{channel}` answers, `/write` streams, `/broken` fails, and `/chat` is a WebSocket."""
    client = openai.AsyncOpenAI(base_url=f"{provider_url}/v1", api_key="none", max_retries=0)
    agent = Agent(client)

    async def ask(request: Request) -> JSONResponse:
        question = (await request.json())["question"]
        with (
            genai.bind(channel=request.path_params["channel"], conversation=request.headers.get("x-conversation")),
            genai.run(trigger="user"),
        ):
            return JSONResponse({"answer": await agent.plan(question)})

    async def write(request: Request) -> StreamingResponse:
        return StreamingResponse(agent.write(request.query_params["question"]), media_type="text/plain")

    async def broken(_: Request) -> JSONResponse:
        try:
            return JSONResponse({"answer": await agent.fail("why?")})
        except openai.RateLimitError:
            return JSONResponse({"error": "the provider is busy"}, status_code=502)

    async def chat(socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(json.dumps({"answer": await agent.plan(text)}))

    routes = [
        Route("/ask/{channel}", ask, methods=["POST"]),
        Route("/write", write),
        Route("/broken", broken),
        WebSocketRoute("/chat", chat),
    ]
    app = Starlette(routes=routes)
    app.add_middleware(genai.Middleware, channel="web")
    return app
