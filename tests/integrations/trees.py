"""What was told and what left, as the trees, calls and contexts that the tests of the integrations look at."""

from __future__ import annotations

import asyncio
import gc
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any

from otel_genai.demo.provider import Provider
from otel_genai.events import HarnessRun, ModelCall, Operation, Retrieval, ToolExecution, Workflow
from otel_genai.testing import Captured, CapturedSpan

AGENT, SPAN = "openclaw.harness.run", "openclaw.model.call"
USAGE = ("openclaw.model.usage", "UNSET", [])
KINDS = {HarnessRun: "agent", Workflow: "workflow", ToolExecution: "tool", ModelCall: "call", Retrieval: "retrieval"}
NUMBERED = re.compile(r"\b(chatcmpl-|cmpl-|resp_|msg_)\d+|\b1\d{9}\b")
"""The ids and times of an answer, which differ from one request to the next."""


def calls(captured: Captured) -> list[ModelCall]:
    """The calls that have ended, each of them a span."""
    gc.collect()
    spans = [span for span in captured.spans if span.name == SPAN]
    found = [event for event in captured.events if isinstance(event, ModelCall)]
    assert len(spans) == len(found)
    return found


def the_call(captured: Captured) -> ModelCall:
    (call,) = calls(captured)
    return call


def spans(captured: Captured, parent: str | None = None) -> list[Any]:
    """The spans as they lie within one another, each with its status, in the order of their beginning."""
    if parent is None:
        gc.collect()
    found = sorted((span for span in captured.spans if span.parent_id == parent), key=lambda span: span.start_ns)
    return [(span.name, span.status, spans(captured, span.span_id)) for span in found]


def tree(captured: Captured) -> list[str]:
    """A line per operation, indented by how deep it is, siblings in the order in which they began."""
    ops = [event for event in captured.events if isinstance(event, Operation)]
    made = {span.span_id: span for span in captured.spans}
    for op in ops:
        around = op.scope.operation
        assert made[span_id(op)].parent_id == (span_id(around) if around is not None else None)
    return list(lines(ops, None, ""))


def lines(ops: list[Any], around: object, indent: str) -> Iterator[str]:
    for op in sorted((op for op in ops if op.scope.operation is around), key=lambda op: op.started_ns):
        name = "" if isinstance(op, ModelCall) else f" {getattr(op, 'name', None) or op.data_source}"
        yield f"{indent}{KINDS[type(op)]}{name} {op.outcome}"
        yield from lines(ops, op, f"{indent}  ")


def span_id(op: Any) -> str:
    return f"{op.trace.span.get_span_context().span_id:016x}"


OUTCOMES = {"ok": "completed", "error": "error", "cancelled": "cancelled", "abandoned": "cancelled"}


@contextmanager
def interrupting(client: Any) -> Iterator[None]:
    """A `KeyboardInterrupt` while the answer is awaited: the only way to cancel what does not run in an event loop."""

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    hooks = client._client.event_hooks
    client._client.event_hooks = {"response": [interrupt], "request": []}
    try:
        yield
    finally:
        client._client.event_hooks = hooks


def check_agent_and_call(captured: Captured, ending: str, counted: bool) -> None:
    """All that is there is an agent, its call, which ended so, and below it what that has used, as far as is known."""
    status = "ERROR" if ending == "error" else "UNSET"
    assert spans(captured) == [(AGENT, "UNSET", [(SPAN, status, [USAGE] if counted else [])])]
    assert the_call(captured).outcome == OUTCOMES[ending]


# -- beside what the provider has seen


def traceparent(span: CapturedSpan) -> str:
    return f"00-{span.trace_id}-{span.span_id}-{span.flags:02x}"


def check_traceparents(captured: Captured, provider: Provider) -> None:
    """Each request named the span of its call."""
    named = {seen.headers["traceparent"].split("-")[2] for seen in provider.seen}
    assert named == {span_id(call) for call in calls(captured)}


def check_tokens(captured: Captured, provider: Provider) -> None:
    """What was told is what the provider has billed, once."""
    billed = [seen.usage for seen in provider.seen if seen.usage]
    told = sum(point.sum or 0 for point in captured.points("gen_ai.client.token.usage"))
    assert told == sum(usage["total_tokens"] for usage in billed) > 0


# -- asking, and what comes of it


def run(
    client: AbstractAsyncContextManager[Any],
    way: Callable[..., Awaitable[object]],
    *asked: Any,
    seconds: float | None = None,
) -> object:
    """Ask in an event loop, and give up after `seconds`."""

    async def main() -> object:
        async with client as opened, asyncio.timeout(seconds):
            return await way(opened, *asked)

    return asyncio.run(main())


async def everything(stream: Any) -> list[Any]:
    return [item async for item in stream]


def answer(reply: Any) -> Any:
    """What an answer says, without what differs from one request to the next."""
    if isinstance(reply, list):
        return [answer(item) for item in reply]
    said = reply.model_dump_json() if hasattr(reply, "model_dump_json") else ""
    return type(reply), NUMBERED.sub("", said)


def caught(function: Callable[[], object]) -> BaseException | None:
    try:
        function()
    except (Exception, KeyboardInterrupt, asyncio.CancelledError) as error:  # noqa: BLE001 (the test looks at it)
        return error
    return None
