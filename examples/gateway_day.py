"""A chat gateway: a channel's webhook, a lane with a worker that answers, and the delivery, each message one trace.

Run it with a collector on this machine, and a provider's key in OPENAI_API_KEY:

    pip install "otel-genai[openai]" uvicorn
    OTEL_GENAI_ENABLED=true OTEL_SERVICE_NAME=gateway uvicorn gateway_day:app
    curl -d '{"id": "m-1", "user": "u-1", "text": "why is the sky blue?"}' localhost:8000/webhooks/slack
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import Any

from openai import AsyncOpenAI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import otel_genai as genai

genai.configure()
genai.instrument("openai")
client = AsyncOpenAI()
lane: genai.Lane[Any] = genai.Lane("main")
under_way: set[asyncio.Task[None]] = set()


async def called(request: Request) -> Response:
    """The channel is answered at once; the message goes on in a task of its own, in the trace of this request."""
    channel = request.path_params["channel"]
    with genai.webhook(channel, update_type="message"):
        task = asyncio.create_task(take_in(channel, await request.json()))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        return Response(status_code=202)


async def take_in(channel: str, update: dict[str, str]) -> None:
    with genai.bind(user=update["user"]), genai.message(channel, message_id=update["id"]) as message:
        begun = asyncio.get_running_loop().create_future()
        await lane.put((update["text"], begun, copy_context()))  # the worker goes on in this trace
        with message.dispatch():
            text = await (await begun)
        with message.delivery("text"):
            print(channel, text, flush=True)


async def work() -> None:
    while True:
        text, begun, context = await lane.get()
        turn = asyncio.create_task(respond(text), context=context)
        begun.set_result(turn)
        await asyncio.wait({turn})


@genai.run(trigger="user")
@genai.agent("planner")
async def respond(text: str) -> str:
    genai.publish(genai.events.ContextAssembled(provider="openai", message_count=1, prompt_chars=len(text)))
    reply = await client.chat.completions.create(model="gpt-5.5", messages=[{"role": "user", "content": text}])
    return reply.choices[0].message.content or ""


@asynccontextmanager
async def at_work(_: Starlette) -> AsyncIterator[None]:
    worker = asyncio.create_task(work())
    yield
    await asyncio.gather(*under_way, return_exceptions=True)
    worker.cancel()


app = Starlette(routes=[Route("/webhooks/{channel}", called, methods=["POST"])], lifespan=at_work)
app.add_middleware(genai.Middleware)
