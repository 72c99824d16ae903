"""A model provider on this machine that the real `openai` client takes for OpenAI, and that remembers what it was sent.

Its answers depend on the request alone: four characters are a token, half of the input was cached, and eight tokens of
every output are reasoning.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import json
import random
import struct
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Body = dict[str, Any]

BROKEN_MODEL = "broken"
REASONING_TOKENS = 8
DIMENSIONS = 16


class Seen(NamedTuple):
    """One request as the provider saw it; header names are lower-case."""

    path: str
    headers: dict[str, str]
    body: Body


class Provider:
    """An ASGI application for chat completions, responses, embeddings and legacy completions under `/v1`.

    A request that offers tools and brings no tool result is answered with a call of the first tool, any other one with
    text. The model `broken` is answered with status 429. `latency_seconds` is the range of the pause before an answer
    and before each piece of a stream. The newest `limit` requests are kept.
    """

    def __init__(self, *, latency_seconds: tuple[float, float] = (0.0, 0.0), limit: int = 10_000) -> None:
        self._latency_seconds = latency_seconds
        self._random = random.Random(0)
        self._numbers = itertools.count(1)
        self._seen: deque[Seen] = deque(maxlen=limit)
        answers = {
            "/v1/chat/completions": self._chat,
            "/v1/responses": self._responses,
            "/v1/embeddings": self._embeddings,
            "/v1/completions": self._completions,
        }
        routes = [Route(path, partial(self._answer, answer), methods=["POST"]) for path, answer in answers.items()]
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

    async def _answer(self, answer: Any, request: Request) -> Response:
        try:
            body = _object(await request.body())
        except ClientDisconnect:
            return Response(status_code=400)
        self._seen.append(Seen(request.url.path, dict(request.headers), body))
        number = next(self._numbers)
        await self._pause()
        response: Response = _refusal(body) or answer(body, number)
        response.headers["x-request-id"] = f"req_{number}"
        return response

    async def _pause(self) -> None:
        await asyncio.sleep(self._random.uniform(*self._latency_seconds))

    def _chat(self, body: Body, number: int) -> Response:
        messages = body.get("messages") or []
        answered = any(message.get("role") == "tool" for message in messages)
        reply = _reply(body, answered, _last_text(messages), f"call_{number}")
        head = {"id": f"chatcmpl-{number}", "created": int(time.time()), "model": body["model"]}
        usage = _usage(messages, reply.text)
        if body.get("stream"):
            head["object"] = "chat.completion.chunk"
            return self._stream(_chunks(head, reply.choices(), usage, body), done=True)
        choice = {"message": reply.message(), "finish_reason": reply.finish_reason, "logprobs": None}
        choices = [{"index": index, **choice} for index in range(int(body.get("n") or 1))]
        return JSONResponse({**head, "object": "chat.completion", "choices": choices, "usage": usage})

    def _responses(self, body: Body, number: int) -> Response:
        given = body.get("input") or ""
        items = [{"role": "user", "content": given}] if isinstance(given, str) else given
        answered = any(item.get("type") == "function_call_output" for item in items)
        reply = _reply(body, answered, _last_text(items), f"call_{number}")
        response = _response(body, number, reply, _usage(items, reply.text))
        if body.get("stream"):
            return self._stream(_response_events(response), done=False)
        return JSONResponse(response)

    def _embeddings(self, body: Body, number: int) -> Response:
        given = body.get("input") or ""
        inputs = given if isinstance(given, list) and not isinstance(next(iter(given), 0), int) else [given]
        tokens = sum(map(_tokens, inputs))
        encode = _base64 if body.get("encoding_format") == "base64" else list
        size = int(body.get("dimensions") or DIMENSIONS)
        data = [
            {"object": "embedding", "index": index, "embedding": encode(_vector(text, size))}
            for index, text in enumerate(inputs)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return JSONResponse({"object": "list", "model": body["model"], "data": data, "usage": usage})

    def _completions(self, body: Body, number: int) -> Response:
        prompt = body.get("prompt") or ""
        text = f"An answer to: {prompt if isinstance(prompt, str) else json.dumps(prompt)}"
        created = int(time.time())
        head = {"id": f"cmpl-{number}", "object": "text_completion", "created": created, "model": body["model"]}
        usage = _usage(prompt, text)
        if body.get("stream"):
            choices: list[Body] = [{"text": piece} for piece in _pieces(text)] + [{"text": "", "finish_reason": "stop"}]
            return self._stream(_chunks(head, choices, usage, body), done=True)
        whole = {"index": 0, "text": text, "finish_reason": "stop", "logprobs": None}
        return JSONResponse({**head, "choices": [whole], "usage": usage})

    def _stream(self, events: Iterable[Body], *, done: bool) -> Response:
        return StreamingResponse(self._sent(events, done), media_type="text/event-stream")

    async def _sent(self, events: Iterable[Body], done: bool) -> AsyncIterator[str]:
        for event in events:
            await self._pause()
            name = f"event: {event['type']}\n" if "type" in event else ""
            yield f"{name}data: {json.dumps(event)}\n\n"
        if done:
            yield "data: [DONE]\n\n"


class _Reply(NamedTuple):
    """What the model says: text, or the arguments of the tool it calls."""

    text: str
    tool: str = ""
    call_id: str = ""

    @property
    def finish_reason(self) -> str:
        return "tool_calls" if self.tool else "stop"

    def message(self) -> Body:
        if not self.tool:
            return {"role": "assistant", "content": self.text, "refusal": None}
        call = {"id": self.call_id, "type": "function", "function": {"name": self.tool, "arguments": self.text}}
        return {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}

    def choices(self) -> Iterator[Body]:
        """The same message in pieces, as a stream of chat completions has it."""
        if self.tool:
            call = {"id": self.call_id, "type": "function", "function": {"name": self.tool, "arguments": ""}}
            yield {"delta": {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **call}]}}
        else:
            yield {"delta": {"role": "assistant", "content": ""}}
        for piece in _pieces(self.text):
            arguments = [{"index": 0, "function": {"arguments": piece}}]
            yield {"delta": {"tool_calls": arguments} if self.tool else {"content": piece}}
        yield {"delta": {}, "finish_reason": self.finish_reason}


def _object(raw: bytes) -> Body:
    """The request's JSON object; empty when it is anything else, which is then refused for having no model."""
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refusal(body: Body) -> Response | None:
    if not isinstance(body.get("model"), str):
        error = {"message": "you must provide a model", "type": "invalid_request_error", "param": "model", "code": None}
        return JSONResponse({"error": error}, status_code=400)
    if body["model"] != BROKEN_MODEL:
        return None
    error = {"message": "Rate limit reached", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
    return JSONResponse({"error": error}, status_code=429, headers={"retry-after-ms": "1"})


def _reply(body: Body, answered: bool, question: str, call_id: str) -> _Reply:
    tools = [tool.get("function", tool) for tool in body.get("tools") or [] if tool.get("type") == "function"]
    if not tools or answered or body.get("tool_choice") == "none":
        return _Reply(f"An answer to: {question}")
    schema = tools[0].get("parameters") or {}
    return _Reply(json.dumps(_example(schema, question)), tools[0]["name"], call_id)


def _example(schema: Body, question: str) -> Any:
    """The smallest value that a JSON schema allows; the question stands for every text."""
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if kind == "object":
        properties = schema.get("properties") or {}
        return {name: _example(properties.get(name, {}), question) for name in schema.get("required") or properties}
    return {"integer": 1, "number": 1.0, "boolean": True, "array": [], "null": None}.get(str(kind), question)


def _last_text(messages: list[Body]) -> str:
    """The last words of the conversation: of a person, or of a tool."""
    content = next((it.get("content") or it.get("output") or "" for it in reversed(messages)), "")
    if isinstance(content, str):
        return content
    return " ".join(str(part["text"]) for part in content if "text" in part)


def _usage(given: Any, text: str) -> Body:
    prompt, completion = _tokens(given), _tokens(text) + REASONING_TOKENS
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": prompt // 2, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": REASONING_TOKENS, "audio_tokens": 0},
    }


def _tokens(given: Any) -> int:
    text = given if isinstance(given, str) else json.dumps(given)
    return -(-len(text) // 4)


def _pieces(text: str) -> Iterator[str]:
    """Words, each with the space before it, so that they join to the text again."""
    words = text.split(" ")
    yield words[0]
    yield from (f" {word}" for word in words[1:])


def _chunks(head: Body, choices: Iterable[Body], usage: Body, body: Body) -> Iterator[Body]:
    with_usage = (body.get("stream_options") or {}).get("include_usage")
    head = {**head, "usage": None} if with_usage else head
    for choice in choices:
        yield {**head, "choices": [{"index": 0, "finish_reason": None, **choice}]}
    if with_usage:
        yield {**head, "choices": [], "usage": usage}


def _response(body: Body, number: int, reply: _Reply, usage: Body) -> Body:
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "model": body["model"],
        "output": [_output_item(reply, number)],
        "parallel_tool_calls": True,
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "error": None,
        "incomplete_details": None,
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "input_tokens_details": {
                "cached_tokens": usage["prompt_tokens_details"]["cached_tokens"],
                "cache_write_tokens": 0,
            },
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": REASONING_TOKENS},
            "total_tokens": usage["total_tokens"],
        },
    }


def _output_item(reply: _Reply, number: int) -> Body:
    if reply.tool:
        call = {"type": "function_call", "call_id": reply.call_id, "name": reply.tool, "arguments": reply.text}
        return {**call, "id": f"fc_{number}", "status": "completed"}
    content = [{"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}]
    return {"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed", "content": content}


def _response_events(response: Body) -> Iterator[Body]:
    started = {**response, "status": "in_progress", "output": [], "usage": None}
    item = response["output"][0]
    steps = _text_steps(item) if item["type"] == "message" else _call_steps(item)
    events = [
        {"type": "response.created", "response": started},
        {"type": "response.in_progress", "response": started},
        *steps,
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": response},
    ]
    for sequence_number, event in enumerate(events):
        yield {**event, "sequence_number": sequence_number}


def _text_steps(item: Body) -> Iterator[Body]:
    part = item["content"][0]
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    started = {**item, "status": "in_progress", "content": []}
    yield {"type": "response.output_item.added", "output_index": 0, "item": started}
    yield {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}
    for piece in _pieces(part["text"]):
        yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": part}


def _call_steps(item: Body) -> Iterator[Body]:
    place = {"item_id": item["id"], "output_index": 0}
    started = {**item, "status": "in_progress", "arguments": ""}
    yield {"type": "response.output_item.added", "output_index": 0, "item": started}
    for piece in _pieces(item["arguments"]):
        yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
    finished = {"name": item["name"], "arguments": item["arguments"]}
    yield {"type": "response.function_call_arguments.done", **place, **finished}


def _vector(given: Any, size: int) -> list[float]:
    """The same input gives the same numbers, each between -1 and 1."""
    seed = hashlib.sha256(json.dumps(given).encode()).digest()
    numbers = random.Random(seed)
    return [round(numbers.uniform(-1.0, 1.0), 6) for _ in range(size)]


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
