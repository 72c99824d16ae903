"""A gateway, written as a user would write one: webhooks, a lane with a worker, answers delivered, and a WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from typing import NamedTuple

import openai
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

import otel_genai as genai
from otel_genai.events import MessageQueued, RunAttempt, SessionTurnCreated
from otel_genai.sources.messages import MessageBlock

from .agent import Agents


class Work(NamedTuple):
    """A message that waits for the worker, in the context in which it was taken in."""

    message: MessageBlock
    text: str
    context: Context
    begun: asyncio.Future[asyncio.Task[None]]
    """Whoever answers it, once somebody does."""


class Gateway:
    """An ASGI application: `/webhooks/{channel}` takes messages in, and `/chat` is a WebSocket.

    `deeds` counts what it did, so that telemetry can be held against that.
    """

    def __init__(self, provider_url: str) -> None:
        self._client = openai.AsyncOpenAI(base_url=f"{provider_url}/v1", api_key="none", max_retries=1)
        self._known: set[str] = set()
        self._taken_in: set[asyncio.Task[None]] = set()
        self._lane: genai.Lane[Work] = genai.Lane("main")
        self.deeds: Counter[str] = Counter()
        self._agents = Agents(self._client, self.deeds)
        routes = [Route("/webhooks/{channel}", self._called, methods=["POST"]), WebSocketRoute("/chat", self._chat)]
        self._app = Starlette(routes=routes, lifespan=self._at_work)
        self._app.add_middleware(genai.Middleware, channel="web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    @asynccontextmanager
    async def _at_work(self, _: Starlette) -> AsyncIterator[None]:
        """The worker runs until everything that was taken in is answered."""
        worker = asyncio.create_task(self._work())
        yield
        await asyncio.gather(*self._taken_in, return_exceptions=True)
        worker.cancel()
        await self._client.close()

    async def _called(self, request: Request) -> Response:
        """A channel calls: the answer is that the update has been taken, the message itself is for later."""
        self.deeds["update"] += 1
        with genai.webhook(request.path_params["channel"], update_type="message") as webhook:
            try:
                update = json.loads(await request.body())
            except ValueError:
                self.deeds["bad update"] += 1
                webhook.fail("bad_update")
                return Response(status_code=400)
            task = asyncio.create_task(self._take_in(request.path_params["channel"], update))
            self._taken_in.add(task)
            task.add_done_callback(self._taken_in.discard)
            return Response(status_code=202)

    async def _take_in(self, channel: str, update: dict[str, str]) -> None:
        self.deeds["message"] += 1
        with (
            genai.bind(session=f"{channel}:{update['chat']}", conversation=f"{channel}-1", user=update["user"]),
            genai.message(channel, source="dispatcher", message_id=update["id"], chat_id=update["chat"]) as message,
        ):
            if update["id"] in self._known:
                self.deeds["duplicate"] += 1
                message.outcome("skipped", reason="duplicate")
                return
            self._known.add(update["id"])
            await self._queued(message, update["text"])

    async def _queued(self, message: MessageBlock, text: str) -> None:
        """The worker goes on in this context, and so in the trace of the message."""
        self.deeds["queued"] += 1
        genai.publish(MessageQueued(source="dispatcher", queue_depth=self._lane.qsize()))
        work = Work(message, text, copy_context(), asyncio.get_running_loop().create_future())
        await self._lane.put(work)
        await (await work.begun)

    async def _work(self) -> None:
        while True:
            work = await self._lane.get()
            self.deeds["taken"] += 1
            answering = asyncio.create_task(self._answer(work), context=work.context)
            work.begun.set_result(answering)
            await asyncio.wait({answering})

    async def _answer(self, work: Work) -> None:
        with work.message.dispatch("replyResolver"):
            answer = await self._turn(work.text)
        with work.message.delivery("text") as sent:
            self.deeds["delivered"] += 1
            await self._send(answer)
            sent.results(1)

    async def _send(self, _: str) -> None:
        """The channel takes its time."""
        await asyncio.sleep(0.002)

    @genai.run(trigger="user")
    async def _turn(self, text: str) -> str:
        self.deeds["turn"] += 1
        genai.publish(SessionTurnCreated(trigger="user"))
        genai.publish(RunAttempt(attempt=1))
        notes = await self._agents.plan(self._agents.assemble(text))
        return "".join([piece async for piece in self._agents.write(notes)])

    async def _chat(self, socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(await self._turn(text))
