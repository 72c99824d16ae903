"""Makes every completion and embedding of `litellm` a model call, whichever provider it asks and by whatever means.

Observed are its functions: its own callbacks come from threads, after the call, and never for a stream that is left.
Whoever took a function out of the module before then calls it unobserved. A request below, where it is observed by the
integration of the provider's library, is the same call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import litellm

from otel_genai import guard, scope
from otel_genai.bus import bus
from otel_genai.events import ModelCall
from otel_genai.sources import answers, clients
from otel_genai.sources.clients import Running
from otel_genai.sources.fields import field, first_word, word
from otel_genai.sources.replacing import Function, Undo, replaced, together
from otel_genai_openai.settings import SETTINGS

from . import following


class Kind(NamedTuple):
    """What a function of litellm does, and the parameters that may be given without their names."""

    operation: str
    parameters: tuple[str, ...]


CHAT = Kind("chat", ("model", "messages"))
EMBEDDINGS = Kind("embeddings", ("model", "input"))
# litellm's words, where those of the GenAI conventions are others.
PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "azure_text": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "cohere_chat": "cohere",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "vertex_ai": "gcp.vertex_ai",
    "vertex_ai_beta": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "watsonx_text": "ibm.watsonx.ai",
    "xai": "x_ai",
}
SAYS_PROVIDER = ("custom_llm_provider", "llm_provider")


def instrument() -> Callable[[], None]:
    """Observe litellm's functions, and thereby its `Router`; returns the undo."""
    return together(
        _observed("completion", CHAT, clients.asking),
        _observed("acompletion", CHAT, clients.asking_async),
        _observed("embedding", EMBEDDINGS, clients.asking),
        _observed("aembedding", EMBEDDINGS, clients.asking_async),
    )


def _observed(name: str, kind: Kind, asking: Function) -> Undo:
    return replaced(litellm, name, partial(asking, partial(begun, kind), Asking.answered))


class Asking(NamedTuple):
    """A call that is under way, and whose it is as far as its user has said so."""

    running: Running
    provider: str | None

    def failed(self, error: BaseException) -> None:
        guard.call(answers.READING, self.tell_provider, error)
        self.running.failed(error)

    def answered(self, reply: Any) -> Any:
        bus.leave(self.running.call, self.running.entry)
        guard.call(answers.READING, self.tell_provider, reply)
        self.running.settled(bool(guard.call(answers.READING, read, self.running.call, reply)))
        return reply

    def tell_provider(self, ended: object) -> None:
        """Whose the call was, now that a request below it, where that is observed, has said so better."""
        call = self.running.call
        call.adopted = True
        if call.provider is None:
            said = first_word((ended, field(ended, "_hidden_params")), SAYS_PROVIDER) or self.provider
            call.provider = None if said is None else PROVIDERS.get(said, said)


def begun(kind: Kind, /, *args: Any, **named: Any) -> Asking | None:
    """Begin the call that this is, and make it current; `None` where it cannot be read."""
    asked = {**dict(zip(kind.parameters, args, strict=False)), **named}
    found = guard.call(clients.READING_REQUEST, call_for, kind, asked)
    return None if found is None else Asking(clients.begin(found[0], found[1], asked), found[2])


def call_for(kind: Kind, asked: Mapping[str, Any]) -> tuple[ModelCall, bool, str | None]:
    """The call, whether it is ours to begin and end, and its provider. That stays open in the call itself."""
    known = {"operation": kind.operation, "stream": asked.get("stream") is True, **SETTINGS(asked)}
    provider = word(asked.get("custom_llm_provider"))
    prefix, slash, name = known.get("model", "").partition("/")
    if slash and prefix in litellm.provider_list:
        known["model"] = name
        provider = provider or prefix
    return *claimed(known), provider


def claimed(known: dict[str, Any]) -> tuple[ModelCall, bool]:
    """A call that was made by hand around this one is this one; the provider's request may still be it, too."""
    running = scope.current().operation
    if not isinstance(running, ModelCall) or not clients.may_be(running, known):
        return ModelCall(**known), True
    clients.adopt(running, known)
    running.adopted = False
    return running, False


def read(call: ModelCall, reply: Any) -> bool:
    """Read an answer, or follow it while it is read; says whether the call lasts longer than the request."""
    if following.is_stream(reply):
        return following.follow(call, reply)
    if call.input_tokens is None and not call.counted_inside:
        answers.read(call, reply)
    return False
