"""Read by mypy, not run: what it reveals stands beside each line."""

from collections.abc import AsyncIterator, Iterator
from typing import reveal_type

import otel_genai as genai
from otel_genai.testing import capture


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

lane = genai.Lane("main")
counted: genai.Lane[int] = genai.Lane("main")
threaded = genai.ThreadLane("main", maxsize=3)
reveal_type(lane)  # Lane[Any]
reveal_type(counted.get_nowait())  # int
reveal_type(threaded)  # ThreadLane[Any]

on = bool(counted.maxsize)
reveal_type(genai.exec.run(["ls"], text=True))  # CompletedProcess[str]
reveal_type(genai.exec.run(["ls"], check=True, encoding="utf-8"))  # CompletedProcess[str]
reveal_type(genai.exec.run(["ls"], errors="replace"))  # CompletedProcess[str]
reveal_type(genai.exec.run(["ls"], universal_newlines=True))  # CompletedProcess[str]
reveal_type(genai.exec.run("ls", shell=True, timeout=3.0))  # CompletedProcess[bytes]
reveal_type(genai.exec.run(["ls"], text=on))  # CompletedProcess[Any]

reveal_type(genai.configure(enabled=True, docker={"labels": ["a"]}, headers={"x": "y"}))  # Telemetry
reveal_type(genai.configure({"docker": {"intervalMs": 5000}}, sample_rate="0.5"))  # Telemetry


async def main() -> None:
    async with genai.model_call("m") as awaited:
        reveal_type(awaited)  # ModelCallBlock


bare(3)  # error: Argument 1 to "bare" has incompatible type "int"; expected "str"
bare("a", mots=3)  # error: Unexpected keyword argument "mots" for "bare"
genai.tool("search", nmae="x")  # error: No overload variant of "tool" matches argument types "str", "str"
genai.tool(3)  # error: No overload variant of "tool" matches argument type "int"


def on_call(event: genai.events.ModelCall) -> None: ...


def on_either(event: genai.events.ModelCall | genai.events.ToolExecution) -> None: ...


def on_any(event: genai.events.Event) -> None: ...


reveal_type(genai.subscribe(on_call, genai.events.ModelCall))  # def ()
reveal_type(genai.subscribe(on_any, genai.events.ModelCall, "tool.*", content=True))  # def ()
reveal_type(genai.subscribe(on_any))  # def ()
genai.subscribe(on_either, genai.events.ModelCall)
genai.subscribe(lambda event: print(event.model), genai.events.ModelCall)
genai.subscribe(on_call)  # error: Argument 1 has incompatible type
genai.subscribe(on_call, "model.*")  # error: Argument 1 has incompatible type
genai.subscribe(on_call, genai.events.Run)  # error: Argument 1 has incompatible type
genai.configure(endpont="x")  # error: Unexpected keyword argument "endpont" for "configure"; did you mean "endpoint"?
with capture(semconvv="x"):  # error: Unexpected keyword argument "semconvv" for "capture"; did you mean "semconv"?
    pass
