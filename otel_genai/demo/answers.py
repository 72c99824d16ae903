"""What the demo's provider says to a request, and how that is written in OpenAI's shapes, and in Anthropic's.

It depends on the request alone: four characters are a token, half of the input was cached, and eight tokens of every
output are reasoning.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import struct
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

Body = dict[str, Any]

REASONING_TOKENS = 8
DIMENSIONS = 16


class Answer(NamedTuple):
    """An answer to one request: what it used, whole, and in pieces where the request asked for a stream."""

    usage: Body
    whole: Body
    pieces: Iterable[Body] | None = None
    says_done: bool = False
    """Whether a stream of it ends with `[DONE]`."""


def chat(body: Body, number: int) -> Answer:
    """A chat completion."""
    messages = body.get("messages") or []
    answered = any(message.get("role") == "tool" for message in messages)
    reply = _reply(body, answered, _last_text(messages), f"call_{number}")
    head = {"id": f"chatcmpl-{number}", "created": int(time.time()), "model": body["model"]}
    usage = _usage(messages, reply.text)
    choice = {"message": reply.message(), "finish_reason": reply.finish_reason, "logprobs": None}
    choices = [{"index": index, **choice} for index in range(int(body.get("n") or 1))]
    whole = {**head, "object": "chat.completion", "choices": choices, "usage": usage}
    chunks = _chunks({**head, "object": "chat.completion.chunk"}, reply.choices(), usage, body)
    return Answer(usage, whole, chunks if body.get("stream") else None, says_done=True)


def response(body: Body, number: int) -> Answer:
    """A response of the Responses API."""
    given = body.get("input") or ""
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    answered = any(item.get("type") == "function_call_output" for item in items)
    reply = _reply(body, answered, _last_text(items), f"call_{number}")
    usage = _usage(items, reply.text)
    whole = _response(body, number, reply, usage)
    return Answer(usage, whole, _response_events(whole) if body.get("stream") else None)


def message(body: Body, number: int) -> Answer:
    """A message of Anthropic's Messages API."""
    messages = body.get("messages") or []
    answered = any(_type(part) == "tool_result" for message in messages for part in message["content"])
    offered = [{"type": "function", **tool, "parameters": tool.get("input_schema")} for tool in body.get("tools") or []]
    reply = _reply({**body, "tools": offered}, answered, _last_text(messages), f"toolu_{number}")
    usage = _usage(messages, reply.text)
    whole = _message(body, number, reply, usage)
    return Answer(usage, whole, _message_events(whole) if body.get("stream") else None)


def embeddings(body: Body, _: int) -> Answer:
    """A vector for each input."""
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
    return Answer(usage, {"object": "list", "model": body["model"], "data": data, "usage": usage})


def completion(body: Body, number: int) -> Answer:
    """A legacy completion."""
    prompt = body.get("prompt") or ""
    text = f"An answer to: {prompt if isinstance(prompt, str) else json.dumps(prompt)}"
    created = int(time.time())
    head = {"id": f"cmpl-{number}", "object": "text_completion", "created": created, "model": body["model"]}
    usage = _usage(prompt, text)
    choices: list[Body] = [{"text": piece} for piece in _pieces(text)] + [{"text": "", "finish_reason": "stop"}]
    whole = {"index": 0, "text": text, "finish_reason": "stop", "logprobs": None}
    chunks = _chunks(head, choices, usage, body) if body.get("stream") else None
    return Answer(usage, {**head, "choices": [whole], "usage": usage}, chunks, says_done=True)


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
    said = (part.get("text") or part.get("content") for part in content)
    return " ".join(str(words) for words in said if words)


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


def _type(part: Any) -> Any:
    return part.get("type") if isinstance(part, dict) else None


def _message(body: Body, number: int, reply: _Reply, usage: Body) -> Body:
    """Its input is what was neither read from a cache nor written to one."""
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    given = json.loads(reply.text) if reply.tool else None
    text = {"type": "text", "text": reply.text, "citations": None}
    call = {"type": "tool_use", "id": reply.call_id, "name": reply.tool, "input": given}
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [call if reply.tool else text],
        "stop_reason": "tool_use" if reply.tool else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": usage["prompt_tokens"] - cached,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": 0,
            "output_tokens": usage["completion_tokens"],
        },
    }


def _message_events(message: Body) -> Iterator[Body]:
    (block,), usage = message["content"], message["usage"]
    begun: Body = {"content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield {"type": "message_start", "message": {**message, **begun}}
    called = block["type"] == "tool_use"
    empty = {**block, "input": {}} if called else {**block, "text": ""}
    yield {"type": "content_block_start", "index": 0, "content_block": empty}
    yield {"type": "ping"}
    for piece in _pieces(json.dumps(block["input"]) if called else block["text"]):
        said = {"type": "input_json_delta", "partial_json": piece} if called else {"type": "text_delta", "text": piece}
        yield {"type": "content_block_delta", "index": 0, "delta": said}
    yield {"type": "content_block_stop", "index": 0}
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": usage["output_tokens"]}}
    yield {"type": "message_stop"}


def _vector(given: Any, size: int) -> list[float]:
    """The same input gives the same numbers, each between -1 and 1."""
    seed = hashlib.sha256(json.dumps(given).encode()).digest()
    numbers = random.Random(seed)
    return [round(numbers.uniform(-1.0, 1.0), 6) for _ in range(size)]


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
