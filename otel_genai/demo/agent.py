"""The demo's agents and their tools, written as a user would write them: a few decorators, and their own work."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from typing import Any

import openai

import otel_genai as genai

MODEL, STRONGEST_MODEL, EMBEDDING_MODEL = "gpt-5.5", "gpt-5.5-pro", "house-embeddings"
RATES = {
    "openai/gpt-5.5": {"input_per_1k": 0.005, "output_per_1k": 0.03, "cache_read_per_1k": 0.0005},
    "openai/gpt-5.5-pro": {"input_per_1k": 0.03, "output_per_1k": 0.18, "cache_read_per_1k": 0.003},
}
"""US dollars, as in COST_MODEL_RATES_JSON. Nobody knows what the embeddings cost, so they are counted as unpriced."""
SYSTEM_PROMPT = "You are the planner of a household. Say what is needed, and nothing else."


@genai.tool
async def search(question: str) -> str:
    """Looks a question up, as the skill "research" says."""
    genai.publish(genai.events.SkillUsed(name="research", source="bundled", activation="read", tool="search"))
    await asyncio.sleep(0.004)
    return f"what is known of {question!r}"


@genai.tool(source="plugin", owner="arithmetic")
async def add(question: str) -> str:
    """Adds the numbers that stand in a text."""
    return str(sum(int(word) for word in question.split() if word.isdigit()))


@genai.tool(source="mcp", owner="calendar")
async def calendar(question: str) -> str:
    """Asks a calendar that does not answer."""
    raise TimeoutError(f"no answer to {question!r}")


@genai.tool
async def shell(question: str) -> str:
    """Runs a process; what is told of it is how it ended, never what it was."""
    process = await genai.exec.create(sys.executable, "-S", "-c", "import sys; sys.exit(0)", question)
    return f"exit code {await process.wait()}"


async def delete(question: str) -> str:
    """Would delete what it is told to, but is not allowed to."""
    with genai.tool("delete", description="deletes files") as execution:
        execution.blocked("policy")
        return "that is not allowed"


class Agents:
    """A planner that finds out with tools, and a writer that streams the answer."""

    def __init__(self, client: openai.AsyncOpenAI, deeds: Counter[str]) -> None:
        self._client = client
        self._deeds = deeds
        named = (search, add, calendar, shell, delete, self.recall)
        self._tools: dict[str, Callable[[str], Awaitable[str]]] = {tool.__name__: tool for tool in named}

    @genai.tool(type="datastore")
    async def recall(self, question: str) -> str:
        """Looks for what was said before, by its meaning."""
        found = await self._client.embeddings.create(model=EMBEDDING_MODEL, input=question)
        return f"{len(found.data)} memory"

    def assemble(self, question: str) -> list[Any]:
        """What the model is going to be given; how much that is, is told."""
        genai.publish(
            genai.events.ContextAssembled(
                provider="openai",
                model=MODEL,
                message_count=2,
                system_prompt_chars=len(SYSTEM_PROMPT),
                prompt_chars=len(question),
                token_budget=128_000,
            )
        )
        return [{"role": "system", "content": SYSTEM_PROMPT}, {"role": "user", "content": question}]

    @genai.agent("planner", description="finds out what is needed")
    async def plan(self, messages: list[Any]) -> str:
        question = messages[-1]["content"]
        wanted = {name: tool for name, tool in self._tools.items() if name in question.split()}
        self._deeds["tool"] += len(wanted)
        models = (STRONGEST_MODEL, MODEL) if "carefully" in question else (MODEL,)
        first = await self._ask(models, messages=messages, tools=[_described(name) for name in wanted])
        found = " ".join([await _used(tool, question) for tool in wanted.values()])
        calls = first.choices[0].message.tool_calls or ()
        results = [{"role": "tool", "tool_call_id": call.id, "content": found} for call in calls]
        second = await self._ask((MODEL,), messages=[*messages, first.choices[0].message, *results])
        return second.choices[0].message.content or ""

    @genai.agent("writer")
    async def write(self, notes: str) -> AsyncIterator[str]:
        stream = await self._client.responses.create(model=MODEL, input=notes, stream=True)
        async for event in stream:
            if event.type == "response.output_text.delta":
                yield event.delta

    async def _ask(self, models: tuple[str, ...], **request: Any) -> Any:
        """The answer of the first model that is not over its limit; each that is gives way to the next."""
        for depth, (model, other) in enumerate(pairwise(models)):
            try:
                return await self._client.chat.completions.create(model=model, **request)
            except openai.RateLimitError:
                self._deeds["failover"] += 1
                genai.publish(
                    genai.events.ModelFailover(
                        provider="openai",
                        model=model,
                        to_provider="openai",
                        to_model=other,
                        reason="rate_limit",
                        lane="main",
                        cascade_depth=depth,
                    )
                )
        return await self._client.chat.completions.create(model=models[-1], **request)


def _described(name: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"question": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


async def _used(tool: Callable[[str], Awaitable[str]], question: str) -> str:
    """What a tool found; the agent goes on without one that fails."""
    try:
        return await tool(question)
    except TimeoutError:
        return "nothing"
