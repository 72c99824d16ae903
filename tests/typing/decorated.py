"""Read by mypy, not run: what it reveals stands beside each line."""

from collections.abc import AsyncIterator, Iterator
from typing import reveal_type

import otel_genai as genai


@genai.tool
def bare(query: str, *, most: int = 3) -> list[str]:
    return [query] * most


@genai.tool("search", source="mcp")
def named(query: str, *, most: int = 3) -> list[str]:
    return [query] * most


@genai.agent("planner")
async def coroutine(query: str) -> int:
    return len(query)


@genai.model_call
def generator(query: str) -> Iterator[str]:
    yield query


@genai.model_call(provider="openai", temperature=0.5)
async def async_generator(query: str) -> AsyncIterator[str]:
    yield query


@genai.run
def turn() -> None: ...


@genai.agent("outer")
@genai.tool
def stacked(query: str) -> bytes:
    return query.encode()


class Box:
    @genai.tool
    def method(self, query: str) -> int:
        return len(query)

    @genai.tool("named")
    async def async_method(self, query: str) -> int:
        return len(query)

    @classmethod
    @genai.tool
    def inner_class(cls, query: str) -> int:
        return len(query)

    @genai.tool
    @classmethod
    def outer_class(cls, query: str) -> int:
        return len(query)

    @staticmethod
    @genai.tool
    def inner_static(query: str) -> int:
        return len(query)

    @genai.tool
    @staticmethod
    def outer_static(query: str) -> int:
        return len(query)


reveal_type(bare)  # def (query: str, *, most: int =) -> list[str]
reveal_type(named)  # def (query: str, *, most: int =) -> list[str]
reveal_type(coroutine)  # def (query: str) -> Coroutine[Any, Any, int]
reveal_type(generator)  # def (query: str) -> Iterator[str]
reveal_type(async_generator)  # def (query: str) -> AsyncIterator[str]
reveal_type(turn)  # def ()
reveal_type(stacked)  # def (query: str) -> bytes
reveal_type(Box().method)  # def (query: str) -> int
reveal_type(Box.method)  # def (self: Box, query: str) -> int
reveal_type(Box().async_method)  # def (query: str) -> Coroutine[Any, Any, int]
reveal_type(Box.inner_class)  # def (query: str) -> int
reveal_type(Box.outer_class)  # def (query: str) -> int
reveal_type(Box.inner_static)  # def (query: str) -> int
reveal_type(Box.outer_static)  # def (query: str) -> int
reveal_type(genai.tool(lambda query: len(query)))  # def (query: Any) -> int

with genai.agent("planner") as working:
    reveal_type(working)  # HarnessBlock
    reveal_type(working.event.name)  # str | None
with genai.tool("search") as execution:
    reveal_type(execution)  # ToolBlock
with genai.run("r-1") as running:
    reveal_type(running)  # RunBlock
with genai.model_call("m") as call:
    reveal_type(call)  # ModelCallBlock
    reveal_type(call.event)  # ModelCall
    reveal_type(call.stream(generator("a")))  # Iterator[str]


async def main() -> None:
    async with genai.model_call("m") as awaited:
        reveal_type(awaited)  # ModelCallBlock


bare(3)  # error: Argument 1 to "bare" has incompatible type "int"; expected "str"
bare("a", mots=3)  # error: Unexpected keyword argument "mots" for "bare"
genai.tool("search", nmae="x")  # error: No overload variant of "tool" matches argument types "str", "str"
genai.tool(3)  # error: No overload variant of "tool" matches argument type "int"
