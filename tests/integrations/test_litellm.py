"""Every way to call the real litellm, against a provider on this machine: one call each, and the same answer."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

import otel_genai as genai
from otel_genai.bus import bus
from otel_genai.demo.provider import Provider
from otel_genai.events import ModelCall, ModelUsage
from otel_genai.testing import Captured

from . import trees
from .trees import AGENT, spans

INSTALLED = find_spec("litellm") is not None
pytestmark = [
    pytest.mark.skipif(not INSTALLED, reason="litellm needs openai 2: make test-majors"),
    pytest.mark.filterwarnings("default"),  # litellm warns of itself, and leaves its connections open
]
PATH = "/v1"
SPAN = "openclaw.model.call"
MODEL = "openai/gpt-5.5"
QUESTION = [{"role": "user", "content": "why?"}]
USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}
WAYS = ["sync", "sync stream", "async", "async stream"]


@pytest.fixture(scope="module")
def litellm() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        library = import_module("litellm")
    library.suppress_debug_info = True
    return library


@pytest.fixture(params=[False, True], ids=["alone", "above openai"])
def instrumented(request: pytest.FixtureRequest, litellm: Any) -> Iterator[Callable[[], None]]:
    """Switched on; also with what sees the client of OpenAI's that it asks by."""
    others = [import_module("otel_genai_openai").instrument()] if request.param else []
    undo = import_module("otel_genai_litellm").instrument()
    yield undo
    for one in (undo, *others):
        one()


def ask(litellm: Any, way: str, url: str, model: str = MODEL, leave: bool = False) -> Any:
    given: Any = {"api_base": url, "api_key": "k", "max_retries": 0, "messages": QUESTION}
    if "stream" in way:
        given |= {"stream": True, **USAGE}
    if "async" in way:
        return asyncio.run(ask_async(litellm, model, given, leave))
    reply = litellm.completion(model, **given)
    if leave:
        return next(reply)
    return list(reply) if "stream" in way else reply


async def ask_async(litellm: Any, model: str, given: Any, leave: bool) -> Any:
    reply = await litellm.acompletion(model, **given)
    if leave:
        item = await anext(reply)
        await reply.aclose()
        return item
    return [item async for item in reply] if "stream" in given else reply


def calls(captured: Captured) -> list[ModelCall]:
    """Those that are over: litellm's threads keep a stream for a moment after its user has dropped it."""
    for _ in range(50):
        gc.collect()
        bus.settle()
        if found := [event for event in captured.events if isinstance(event, ModelCall)]:
            return found
        time.sleep(0.01)
    return []


def text(reply: Any) -> str:
    if isinstance(reply, list):
        return "".join(choice.delta.content or "" for chunk in reply for choice in chunk.choices)
    return str(reply.choices[0].message.content)


@pytest.mark.parametrize("way", WAYS)
def test_a_completion_is_one_call_with_its_tokens_once(
    captured: Captured, litellm: Any, instrumented: Any, url: str, provider: Provider, way: str
) -> None:
    with genai.agent("ada"):
        assert text(ask(litellm, way, url)) == "An answer to: why?"
    (call,) = calls(captured)
    assert (call.outcome, call.operation, call.provider, call.model) == ("completed", "chat", "openai", "gpt-5.5")
    assert (call.input_tokens, call.output_tokens, call.finish_reasons) == (10, 13, ("stop",))
    assert (call.stream, call.first_chunk_ns is not None) == ("stream" in way, "stream" in way)
    assert len([event for event in captured.events if isinstance(event, ModelUsage)]) == 1
    span = captured.span(SPAN)
    assert spans(captured) == [(AGENT, "UNSET", [(SPAN, "UNSET", [trees.USAGE])])]
    assert [seen.headers["traceparent"][:52] for seen in provider.seen] == [f"00-{span.trace_id}-{span.span_id}"]


@pytest.mark.parametrize("way", WAYS)
def test_a_refused_completion_is_one_error(
    captured: Captured, litellm: Any, instrumented: Any, url: str, way: str
) -> None:
    with pytest.raises(litellm.RateLimitError):
        ask(litellm, way, url, "openai/broken")
    (call,) = calls(captured)
    assert (call.outcome, call.provider, call.model, call.input_tokens) == ("error", "openai", "broken", None)
    assert str(call.error_type).endswith("RateLimitError")
    assert spans(captured) == [(SPAN, "ERROR", [])]


@pytest.mark.parametrize("way", ["async", "async stream"])
def test_a_cancelled_completion_is_cancelled(
    captured: Captured, litellm: Any, instrumented: Any, slow_url: str, way: str
) -> None:
    given: Any = {"api_base": slow_url, "api_key": "k", "max_retries": 0, "messages": QUESTION}
    given |= {"stream": True} if "stream" in way else {}

    async def main() -> None:
        asked = asyncio.ensure_future(ask_async(litellm, MODEL, given, False))
        await asyncio.sleep(0.1)
        asked.cancel()
        with suppress(asyncio.CancelledError):
            await asked

    asyncio.run(main())
    (call,) = calls(captured)
    assert (call.outcome, call.error_type) == ("cancelled", "cancelled")
    assert spans(captured) == [(SPAN, "UNSET", [])]


@pytest.mark.parametrize("way", ["sync", "sync stream"])
def test_an_interrupt_cancels_a_completion(
    captured: Captured, litellm: Any, instrumented: Any, url: str, way: str
) -> None:
    client = import_module("openai").OpenAI(base_url=url, api_key="k", max_retries=0)
    with trees.interrupting(client), pytest.raises(KeyboardInterrupt):
        litellm.completion(MODEL, messages=QUESTION, client=client, stream="stream" in way)
    (call,) = calls(captured)
    assert (call.outcome, call.error_type) == ("cancelled", "cancelled")
    assert spans(captured) == [(SPAN, "UNSET", [])]


@pytest.mark.parametrize("way", ["sync stream", "async stream"])
def test_a_stream_that_is_left_ends_its_call_once(
    captured: Captured, litellm: Any, instrumented: Any, url: str, way: str
) -> None:
    ask(litellm, way, url, leave=True)
    (call,) = calls(captured)
    assert (call.outcome, call.error_type, call.output_tokens) == ("cancelled", None, None)
    assert spans(captured) == [(SPAN, "UNSET", [])]


def test_a_call_made_by_hand_is_the_completion_in_it(
    captured: Captured, litellm: Any, instrumented: Any, url: str
) -> None:
    with genai.model_call("gpt-5.5") as made:
        ask(litellm, "sync stream", url)
    assert calls(captured) == [made.event]
    assert (made.event.input_tokens, made.event.provider) == (10, "openai")


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_of_which_nothing_else_is_observed_is_read_off_the_answer(
    captured: Captured, litellm: Any, instrumented: Any, served: tuple[Provider, str], stream: bool
) -> None:
    given: Any = {"api_base": served[1], "api_key": "k", "messages": QUESTION, "stream": stream}
    reply = litellm.completion("anthropic/claude", **given)
    assert text(list(reply) if stream else reply)
    (call,) = calls(captured)
    assert (call.provider, call.model, call.input_tokens, call.output_tokens) == ("anthropic", "claude", 17, 13)


def test_embeddings_are_a_call(captured: Captured, litellm: Any, instrumented: Any, url: str) -> None:
    litellm.embedding("openai/e", ["why"], api_base=url, api_key="k", max_retries=0)
    (call,) = calls(captured)
    assert (call.operation, call.provider, call.model, call.input_tokens) == ("embeddings", "openai", "e", 1)


@pytest.mark.parametrize("way", WAYS)
def test_the_answer_is_what_it_is_without_us(
    captured: Captured, litellm: Any, instrumented: Callable[[], None], url: str, provider: Provider, way: str
) -> None:
    seen = ask(litellm, way, url)
    assert len(calls(captured)) == 1
    instrumented()
    unseen = ask(litellm, way, url)
    assert (type(seen), text(seen)) == (type(unseen), text(unseen))
    assert provider.seen[0].body == provider.seen[1].body


def test_a_stream_passes_for_what_litellm_made(litellm: Any, captured: Captured, instrumented: Any, url: str) -> None:
    given: Any = {"api_base": url, "api_key": "k", "max_retries": 0, "messages": QUESTION}
    stream = litellm.completion(MODEL, stream=True, **given)
    assert isinstance(stream, litellm.CustomStreamWrapper)
    assert type(stream).__qualname__ == "CustomStreamWrapper"
    assert text(list(stream)) == "An answer to: why?"
    assert len(calls(captured)) == 1
