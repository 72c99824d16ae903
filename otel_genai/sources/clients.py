"""Makes the model calls of a client library operations, where one generator wrote that: OpenAI's and Anthropic's.

Wrapped is the one method that all its requests go through, so that every endpoint is seen alike, plain or streamed,
parsed or raw, with the library's retries inside of one operation. Nothing that is sent or returned is another than
without it. The library itself is handed in: nothing here imports one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from .. import guard, scope
from ..bus import Entry, bus
from ..events import ModelCall
from . import transcripts
from .answers import READING, follow
from .replacing import Function, Undo, Wanted, replaced, together
from .settings import Settings

READING_REQUEST = "reading a request"
MOST_SERVERS = 256
DEFAULT_PORTS = {"https": 443, "http": 80}
IDENTITY = ("operation", "provider", "model")
"""What two descriptions of the same call agree about, as far as they say it."""
ALIASES = {"generate_content": "chat"}


class Endpoint(NamedTuple):
    operation: str
    api: str


class Library(NamedTuple):
    """What differs from one of these libraries to the next."""

    requests: ModuleType
    """Its `_base_client`."""
    streaming: ModuleType
    """Its `_streaming`."""
    raw: tuple[type, ...]
    """The classes of the responses that a user asks for in place of what they say."""
    endpoints: Mapping[str, Endpoint]
    """The paths of its model calls, whatever query comes after; a request to any other is passed on."""
    settings: Settings
    provider: Callable[[Any, str], str]
    """The value of `gen_ai.provider.name` for a client and the host that it asks."""

    def endpoint(self, url: object) -> Endpoint | None:
        """Which of its model calls a path is, with any query left aside."""
        return self.endpoints.get(str(url).partition("?")[0])


# How a host ends, and whose API it is there.
HOSTS = {
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "api.anthropic.com": "anthropic",
    "api.cohere.ai": "cohere",
    "api.cohere.com": "cohere",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "models.inference.ai.azure.com": "azure.ai.inference",
    "openai.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
}


def provider_at(host: str, otherwise: str) -> str:
    """Whose API is at this host; `otherwise` where that is not known."""
    if host.startswith("bedrock"):
        return "aws.bedrock"
    return next((provider for end, provider in HOSTS.items() if host.endswith(end)), otherwise)


# -- the wrapping


def observe(library: Library) -> Undo:
    """Observe the clients of this process, also those that exist already; returns the undo."""
    begins, streams = partial(begun, library), (library.streaming.Stream, library.streaming.AsyncStream)
    followed = partial(follow, stream_kinds=streams, raw_kinds=library.raw)
    ends, ends_async = (partial(answered, partial(followed, asynchronous=one)) for one in (False, True))
    return together(
        replaced(library.requests.SyncAPIClient, "request", partial(asking, begins, ends)),
        replaced(library.requests.AsyncAPIClient, "request", partial(asking_async, begins, ends_async)),
    )


def asking(begin: Begin, end: End, original: Function, wanted: Wanted) -> Function:
    """What asks as `original` does, between what makes a call of a request and what makes an answer of a reply."""

    def ask(*asked: Any, **how: Any) -> Any:
        running = begin(*asked, **how) if wanted() else None
        if running is None:
            return original(*asked, **how)
        try:
            reply = original(*asked, **how)
        except BaseException as error:
            running.failed(error)
            raise
        return end(running, reply)

    return ask


def asking_async(begin: Begin, end: End, original: Function, wanted: Wanted) -> Function:
    """The same in an event loop."""

    async def ask(*asked: Any, **how: Any) -> Any:
        running = begin(*asked, **how) if wanted() else None
        if running is None:
            return await original(*asked, **how)
        try:
            reply = await original(*asked, **how)
        except BaseException as error:
            running.failed(error)
            raise
        return end(running, reply)

    return ask


class Running(NamedTuple):
    """A request that is under way."""

    call: ModelCall
    ours: bool
    """Whether it is ours to begin and end."""
    entry: Entry

    def failed(self, error: BaseException) -> None:
        bus.leave(self.call, self.entry)
        if self.ours:
            bus.finish(self.call, error)

    def settled(self, lasts: bool | None) -> None:
        """The request is over; the call is not where it lasts as long as a stream."""
        if self.ours:
            if not lasts:
                bus.finish(self.call)
        elif lasts:
            self.call.holds += 1


class Fallible(Protocol):
    """What `asking` knows of a request that is under way: `Running`, or what holds one."""

    def failed(self, error: BaseException) -> None: ...


Begin = Callable[..., Fallible | None]
End = Callable[[Any, Any], Any]


def begun(library: Library, client: Any, cast_to: Any, options: Any, *_: Any, **__: Any) -> Running | None:
    """Begin the call that a request is, and make it current; `None` for a request of another kind."""
    found = guard.call(READING_REQUEST, call_for, library, client, options)
    return None if found is None else begin(*found, options.json_data)


def answered(followed: Callable[[ModelCall, Any], bool], running: Running, reply: Any) -> Any:
    call, _, entry = running
    bus.leave(call, entry)
    running.settled(guard.call(READING, followed, call, reply))
    return reply


def begin(call: ModelCall, ours: bool, asked: object) -> Running:
    """Begin a call, where it is ours to begin, and make it current."""
    if ours:
        bus.start(call)
    if call.contents is not None:
        transcripts.asked(call, asked)
    return tuple.__new__(Running, (call, ours, bus.enter(call)))  # what `_make` does, for every call


# -- what a request says


def call_for(library: Library, client: Any, options: Any) -> tuple[ModelCall, bool] | None:
    """The call that a request is, and whether it is ours to begin and end; `None` for a request of another kind."""
    url = getattr(client, "_base_url", None) or client.base_url  # OpenAI's property imports a module
    key = options.url, options.method, type(client), id(url)
    held, facts = _facts.get(key, _NOTHING)
    if held is not url:
        facts = facts_of(library, client, url, options)
        if facts is None:
            return None
        remember(key, url, facts)
    body = options.json_data
    if type(body) is not dict or options.extra_json is not None:
        body = body_of(options)
    return claimed({**facts[body.get("stream") is True], **library.settings(body)})


def body_of(options: Any) -> Mapping[str, Any]:
    """What is sent, with what the caller adds to it."""
    body, extra = options.json_data, options.extra_json
    body = body if isinstance(body, Mapping) else {}
    return {**body, **extra} if isinstance(extra, Mapping) else body


Facts = tuple[dict[str, Any], dict[str, Any]]
"""What is known before a body is read, by the fields of the call: where nothing is streamed, and where it is."""
_facts: dict[tuple[Any, ...], tuple[Any, Facts]] = {}
"""Of requests to the same place, by the identity of a client's URL; with the URL, which thereby keeps its identity."""
_NOTHING: tuple[Any, Any] = (object(), None)


def remember(key: tuple[Any, ...], url: Any, facts: Facts) -> None:
    if len(_facts) >= MOST_SERVERS:
        _facts.clear()
    _facts[key] = url, facts


def facts_of(library: Library, client: Any, url: Any, options: Any) -> Facts | None:
    """What requests to the same place have in common; it is worked out once, for a URL takes its time to be read."""
    endpoint = library.endpoint(options.url)
    if endpoint is None or options.method.lower() != "post":
        return None
    known = {"operation": endpoint.operation, "api": endpoint.api, **server_at(library, client, url)}
    return {**known, "transport": "http", "stream": False}, {**known, "transport": "sse", "stream": True}


def server_at(library: Library, client: Any, url: Any) -> dict[str, Any]:
    return {
        "provider": library.provider(client, url.host),
        "server_address": url.host or None,
        "server_port": url.port or DEFAULT_PORTS.get(url.scheme),
    }


# -- whose call it is


def claimed(known: dict[str, Any]) -> tuple[ModelCall, bool]:
    """The call of which this is known, and whether it is ours to begin and end.

    A call that is running already and may be this one, made by hand around the request, is this one, once.
    """
    running = scope.current().operation
    if isinstance(running, ModelCall) and may_be(running, known):
        adopt(running, known)
        return running, False
    call = ModelCall.__new__(ModelCall)  # sixty fields that are not set have their defaults on the class
    call.__dict__.update(known, adopted=True)
    return call, True


def may_be(running: ModelCall, known: Mapping[str, Any]) -> bool:
    """Whether a call that runs already is this one: it is not another request's, and says nothing else."""
    if running.adopted or running.outcome is not None:
        return False
    said = ((getattr(running, name), known.get(name)) for name in IDENTITY)
    return all(one is None or one == other or plain(one) == plain(other) for one, other in said)


def plain(said: str | None) -> str:
    """What is meant: Google's content is what others call a chat, and its models may be named with their path."""
    name = (said or "").rpartition("models/")[2]
    return ALIASES.get(name, name)


def adopt(running: ModelCall, known: Mapping[str, Any]) -> None:
    """Tell a call that was made by hand what it does not know."""
    running.adopted = True
    for name, value in known.items():
        if getattr(running, name) is None:
            setattr(running, name, value)
