"""A model provider on this machine that the real clients take for OpenAI, Anthropic or Google, with a memory."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Container, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from . import answers, gemini
from .answers import Answer, Body

BROKEN_MODEL = "broken"

ANSWERS: Mapping[str, Callable[[Body, int], Answer]] = {
    "/v1/chat/completions": answers.chat,
    "/v1/responses": answers.response,
    "/v1/embeddings": answers.embeddings,
    "/v1/completions": answers.completion,
    "/v1/messages": answers.message,
    **{f"/{{version}}/{{place:path}}:{method}": answer for method, answer in gemini.ANSWERS.items()},
}


class Seen(NamedTuple):
    """One request as the provider saw it; header names are lower-case."""

    path: str
    headers: dict[str, str]
    body: Body
    """With the model, also where that is in the path."""
    usage: Body | None = None
    """What it is billed for, as chat completions write it; `None` where it was refused."""


class Provider:
    """An ASGI application that answers as OpenAI, Anthropic and Google do, each at its own paths.

    A request that offers tools and brings no tool result is answered with a call of the first tool, any other one with
    text. A model in `over_limit` is answered with status 429. `latency_seconds` is the range of the pause before an
    answer and before each piece of a stream. The newest `limit` requests are kept.
    """

    def __init__(
        self,
        *,
        latency_seconds: tuple[float, float] = (0.0, 0.0),
        over_limit: Container[str] = (BROKEN_MODEL,),
        limit: int = 10_000,
    ) -> None:
        self._latency_seconds = latency_seconds
        self._over_limit = over_limit
        self._random = random.Random(0)
        self._numbers = itertools.count(1)
        self._seen: deque[Seen] = deque(maxlen=limit)
        routes = [Route(path, partial(self._answer, answer), methods=["POST"]) for path, answer in ANSWERS.items()]
        self._app = Starlette(routes=routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    @property
    def seen(self) -> list[Seen]:
        """What was asked, the newest last."""
        return list(self._seen)

    def clear(self) -> None:
        """Forgets what was asked."""
        self._seen.clear()

    async def _answer(self, answer: Callable[[Body, int], Answer], request: Request) -> Response:
        try:
            body = _object(await request.body())
        except ClientDisconnect:
            return Response(status_code=400)
        if (place := request.path_params.get("place")) is not None:
            body["model"] = place.rpartition("models/")[2]
        number = next(self._numbers)
        response, made = self._refusal(body), None
        if response is None:
            made = answer(body, number)
            response = self._response(made)
        self._seen.append(Seen(request.url.path, dict(request.headers), body, made.usage if made else None))
        await self._pause()
        response.headers["x-request-id"] = response.headers["request-id"] = f"req_{number}"
        return response

    async def _pause(self) -> None:
        await asyncio.sleep(self._random.uniform(*self._latency_seconds))

    def _refusal(self, body: Body) -> Response | None:
        if not isinstance(body.get("model"), str):
            return _error(400, "you must provide a model", "invalid_request_error", param="model")
        if body["model"] not in self._over_limit:
            return None
        return _error(429, "Rate limit reached", "requests", code="rate_limit_exceeded")

    def _response(self, answer: Answer) -> Response:
        if answer.pieces is None:
            return JSONResponse(answer.whole)
        return StreamingResponse(self._sent(answer.pieces, answer.says_done), media_type="text/event-stream")

    async def _sent(self, events: Iterable[Body], done: bool) -> AsyncIterator[str]:
        for event in events:
            await self._pause()
            name = f"event: {event['type']}\n" if "type" in event else ""
            yield f"{name}data: {json.dumps(event)}\n\n"
        if done:
            yield "data: [DONE]\n\n"


def _object(raw: bytes) -> Body:
    """The request's JSON object; empty when it is anything else, which is then refused for having no model."""
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _error(status: int, message: str, kind: str, *, param: str | None = None, code: str | None = None) -> Response:
    error = {"message": message, "type": kind, "param": param, "code": code}
    headers = {"retry-after-ms": "1"} if status == 429 else None
    return JSONResponse({"error": error}, status_code=status, headers=headers)
