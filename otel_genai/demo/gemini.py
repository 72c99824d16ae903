"""What the demo's provider says in Google's shapes: the same that it says in OpenAI's, told otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from . import answers
from .answers import Answer, Body


def content(body: Body, number: int) -> Answer:
    """Generated content."""
    return _content(body, number, False)


def streamed(body: Body, number: int) -> Answer:
    """The same in pieces."""
    return _content(body, number, True)


def embeddings(body: Body, number: int) -> Answer:
    """A vector for each text of the Gemini API."""
    texts = [_text(request["content"]) for request in body.get("requests") or []]
    answer = answers.embeddings({**body, "input": texts}, number)
    return answer._replace(whole={"embeddings": [{"values": one["embedding"]} for one in answer.whole["data"]]})


def prediction(body: Body, number: int) -> Answer:
    """A vector for each text of Vertex AI, which counts their tokens."""
    texts = [instance["content"] for instance in body.get("instances") or []]
    each = [answers.embeddings({**body, "input": text}, number) for text in texts]
    made = [
        {"values": one.whole["data"][0]["embedding"], "statistics": {"token_count": one.usage["prompt_tokens"]}}
        for one in each
    ]
    used = {"prompt_tokens": sum(one.usage["prompt_tokens"] for one in each)}
    return Answer(used, {"predictions": [{"embeddings": one} for one in made]})


ANSWERS = {
    "generateContent": content,
    "streamGenerateContent": streamed,
    "batchEmbedContents": embeddings,
    "predict": prediction,
}
"""By what comes after the colon of a path."""
SCHEMAS = ("parametersJsonSchema", "parameters_json_schema", "parameters")


def _content(body: Body, number: int, stream: bool) -> Answer:
    settings = body.get("generationConfig") or {}
    asked = {
        "model": body["model"],
        "messages": [message for one in body.get("contents") or [] for message in _messages(one)],
        "tools": list(_tools(body.get("tools") or [])),
        "n": settings.get("candidateCount"),
        "stream": stream,
    }
    answer = answers.chat(asked, number)
    head = {"responseId": f"resp-{number}", "modelVersion": body["model"], "usageMetadata": _usage(answer.usage)}
    whole = {**head, "candidates": [_candidate(choice) for choice in answer.whole["choices"]]}
    return Answer(answer.usage, whole, _pieces(head, whole, answer) if stream else None)


def _pieces(head: Body, whole: Body, answer: Answer) -> Iterator[Body]:
    """A tool's call comes in one piece, and words one by one, the last with the reason why there are no more."""
    last = whole["candidates"][0]
    if "functionCall" in last["content"]["parts"][0]:
        yield whole
        return
    deltas = [chunk["choices"][0]["delta"].get("content") for chunk in answer.pieces or () if chunk["choices"]]
    *words, final = [word for word in deltas if word]
    for word in words:
        yield {**head, "candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": word}]}}]}
    yield {**whole, "candidates": [{**last, "content": {"role": "model", "parts": [{"text": final}]}}]}


def _messages(one: Body) -> Iterator[Body]:
    for part in one.get("parts") or []:
        if "functionResponse" in part:
            yield {"role": "tool", "content": json.dumps(part["functionResponse"].get("response"))}
        else:
            yield {"role": one.get("role") or "user", "content": part.get("text") or ""}


def _tools(tools: list[Body]) -> Iterator[Body]:
    for tool in tools:
        for declared in tool.get("functionDeclarations") or []:
            schema: Body = next((declared[name] for name in SCHEMAS if declared.get(name)), {})
            yield {"type": "function", "function": {"name": declared["name"], "parameters": _lowered(schema)}}


def _lowered(schema: Any) -> Any:
    """A schema of Google's, which shouts its types, as one of JSON Schema."""
    if isinstance(schema, dict):
        return {
            key: value.lower() if key == "type" and isinstance(value, str) else _lowered(value)
            for key, value in schema.items()
        }
    return schema


def _candidate(choice: Body) -> Body:
    said = choice["message"]
    calls = [call["function"] for call in said.get("tool_calls") or []]
    called = [{"functionCall": {"name": call["name"], "args": json.loads(call["arguments"])}} for call in calls]
    parts = called or [{"text": said["content"]}]
    return {"index": choice["index"], "finishReason": "STOP", "content": {"role": "model", "parts": parts}}


def _usage(usage: Body) -> Body:
    return {
        "promptTokenCount": usage["prompt_tokens"],
        "cachedContentTokenCount": usage["prompt_tokens_details"]["cached_tokens"],
        "candidatesTokenCount": usage["completion_tokens"] - answers.REASONING_TOKENS,
        "thoughtsTokenCount": answers.REASONING_TOKENS,
        "totalTokenCount": usage["total_tokens"],
    }


def _text(one: Body) -> str:
    return " ".join(part.get("text") or "" for part in one.get("parts") or [])
