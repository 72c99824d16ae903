"""Requests within a model call carry its span, whoever sends them; everything else goes out as it was written."""

from __future__ import annotations

import asyncio
import functools
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import httpx2
import openai
import pytest
import requests
import urllib3
import wrapt
from multidict import CIMultiDict
from opentelemetry import context as otel_context
from opentelemetry import trace
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from yarl import URL

import otel_genai as genai
import otel_genai_openai
from otel_genai import guard
from otel_genai.bus import bus
from otel_genai.sources import carriers, outbound
from otel_genai.sources.identity import asks_for_token
from otel_genai.testing import Captured, capture

SPAN = "openclaw.model.call"
FORGED = "00-11111111111111111111111111111111-2222222222222222-01"
CALLERS = {"TraceParent": FORGED, "TRACESTATE": "forged=1", "X-Kept": "yes"}
BODY = b'{"model": "m"}'
ANSWER = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []}).encode()

Headers = list[tuple[str, str]]
Within = Callable[[], AbstractContextManager[Any]]
Send = Callable[..., object]


class Server(ThreadingHTTPServer):
    """Answers by path: `/redirect` leads to `/`, `/busy` refuses once, `/stream` does not say how long it is."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[Headers] = []
        self.refused = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def contexts(self) -> list[Headers]:
        """Of each request what it said of a trace, with the names as they were sent."""
        return [[(k, v) for k, v in headers if k.lower() in ("traceparent", "tracestate")] for headers in self.seen]


class Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = 10

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(self.headers.items())
        if self.path == "/redirect":
            self.answer(307, b"moved", Location="/")
        elif self.path.startswith("/busy") and not self.server.refused:
            self.server.refused = True
            self.answer(503, b"come again", **{"Retry-After-Ms": "1"})
        else:
            self.answer(200, ANSWER)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        if self.path != "/stream":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def untraced() -> Iterator[None]:
    """Somebody listens, and nobody traces."""
    undo = [bus.subscribe(lambda event: None), outbound.install()]
    with guard.strict():
        yield
    for step in undo:
        step()


def by_httpx(module: ModuleType) -> Send:
    def send(url: str, headers: Any = None, defaults: Any = None, within: Within = nullcontext) -> object:
        with module.Client(headers=defaults, follow_redirects=True) as client, within():
            return client.post(url, headers=headers, content=BODY)

    return send


def by_async_httpx(module: ModuleType) -> Send:
    def send(url: str, headers: Any = None, defaults: Any = None, within: Within = nullcontext) -> object:
        async def main() -> object:
            async with module.AsyncClient(headers=defaults, follow_redirects=True) as client:
                with within():
                    return await client.post(url, headers=headers, content=BODY)

        return asyncio.run(main())

    return send


def by_aiohttp(url: str, headers: Any = None, defaults: Any = None, within: Within = nullcontext) -> object:
    async def main() -> object:
        async with aiohttp.ClientSession(headers=defaults) as session:
            with within():
                async with session.post(url, headers=headers, data=BODY) as response:
                    return await response.read()

    return asyncio.run(main())


def by_requests(url: str, headers: Any = None, defaults: Any = None, within: Within = nullcontext) -> object:
    with requests.Session() as session:
        session.headers.update(defaults or {})
        session.mount("http://", HTTPAdapter(max_retries=RETRY))
        with within():
            return session.post(url, headers=headers, data=BODY)


def by_urllib3(url: str, headers: Any = None, defaults: Any = None, within: Within = nullcontext) -> object:
    with urllib3.PoolManager(headers=defaults, retries=RETRY) as pool, within():
        return pool.request("POST", url, headers=headers, body=BODY)


def by_urllib3_pool(url: str, headers: Any = None, defaults: Any = None, within: Within = nullcontext) -> object:
    parts = urlsplit(url)
    with urllib3.HTTPConnectionPool(str(parts.hostname), parts.port, headers=defaults, retries=RETRY) as pool, within():
        return pool.urlopen("POST", parts.path or "/", BODY, headers)


RETRY = urllib3.Retry(2, status_forcelist=[503], allowed_methods=None)
SENDERS: dict[str, Send] = {
    "httpx": by_httpx(httpx),
    "httpx-async": by_async_httpx(httpx),
    "httpx2": by_httpx(httpx2),
    "httpx2-async": by_async_httpx(httpx2),
    "aiohttp": by_aiohttp,
    "requests": by_requests,
    "urllib3": by_urllib3,
    "urllib3-pool": by_urllib3_pool,
}
every_sender = pytest.mark.parametrize("send", SENDERS.values(), ids=SENDERS)
retrying = pytest.mark.parametrize("send", [by_requests, by_urllib3, by_urllib3_pool])
httpxes = pytest.mark.parametrize("module", [httpx, httpx2])
METHODS = [
    (httpx.Client, "send"),
    (httpx.AsyncClient, "send"),
    (httpx2.Client, "send"),
    (httpx2.AsyncClient, "send"),
    (aiohttp.ClientSession, "_request"),
    (aiohttp.ClientSession, "_prepare_headers"),
    (requests.Session, "send"),
    (urllib3.HTTPConnectionPool, "urlopen"),
]


def named(captured: Captured) -> Headers:
    """What a request has to say within the one model call that was captured."""
    span = captured.span(SPAN)
    return [("traceparent", f"00-{span.trace_id}-{span.span_id}-{span.flags:02x}")]


# -- what a request carries


@every_sender
def test_a_request_within_a_model_call_names_its_span(captured: Captured, server: Server, send: Send) -> None:
    send(server.url, within=genai.model_call)
    assert server.contexts() == [named(captured)]


@every_sender
def test_what_the_caller_and_the_client_put_there_is_replaced(captured: Captured, server: Server, send: Send) -> None:
    send(server.url, headers=CALLERS, defaults={"traceparent": FORGED, "Tracestate": "old=1"}, within=genai.model_call)
    assert server.contexts() == [named(captured)]
    assert ("x-kept", "yes") in [(k.lower(), v) for k, v in server.seen[0]]


@every_sender
def test_the_tracestate_goes_along_where_there_is_one(captured: Captured, server: Server, send: Send) -> None:
    state = trace.TraceState([("vendor", "7")])
    remote = trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(1), trace_state=state)
    token = otel_context.attach(trace.set_span_in_context(trace.NonRecordingSpan(remote)))
    send(server.url, headers=CALLERS, within=genai.model_call)
    otel_context.detach(token)
    assert sorted(server.contexts()[0]) == [*named(captured), ("tracestate", "vendor=7")]


@every_sender
def test_without_a_valid_context_nothing_is_carried(untraced: None, server: Server, send: Send) -> None:
    send(server.url, headers=CALLERS, defaults=CALLERS, within=genai.model_call)
    assert server.contexts() == [[]]


@every_sender
def test_an_unsampled_call_says_so(server: Server, send: Send) -> None:
    with capture(sample_rate=0.0):
        send(server.url, within=genai.model_call)
    [[(_, traceparent)]] = server.contexts()
    assert int(traceparent[-2:], 16) & trace.TraceFlags.SAMPLED == 0


@every_sender
def test_outside_of_a_model_call_nothing_is_touched(captured: Captured, server: Server, send: Send) -> None:
    send(server.url, headers=CALLERS)
    assert sorted(value for _, value in server.contexts()[0]) == [FORGED, "forged=1"]


@contextmanager
def tool_of_a_call() -> Iterator[None]:
    with genai.model_call(), genai.tool("search"):
        yield


@contextmanager
def finished_call() -> Iterator[None]:
    with genai.model_call() as call:
        bus.finish(call.event)
        yield


@every_sender
@pytest.mark.parametrize("within", [tool_of_a_call, finished_call])
def test_a_tool_or_a_finished_call_carries_nothing(
    captured: Captured, server: Server, send: Send, within: Within
) -> None:
    send(server.url, within=within)
    assert server.contexts() == [[]]


@every_sender
@pytest.mark.parametrize("within", [genai.model_call, functools.partial(genai.remote_agent, "writer")])
def test_a_token_that_is_fetched_within_a_call_is_asked_for_as_it_was_written(
    captured: Captured, server: Server, send: Send, within: Any
) -> None:
    block = within()
    send(f"{server.url}/oauth2/token?v=2", headers=CALLERS, within=lambda: block)
    assert sorted(value for _, value in server.contexts()[0]) == [FORGED, "forged=1"]
    said = [getattr(block.event, name, None) for name in ("server_address", "server_port", "request_bytes")]
    assert said == [None, None, None]


@every_sender
def test_the_request_after_that_of_a_token_is_the_calls(captured: Captured, server: Server, send: Send) -> None:
    with genai.model_call() as call:
        send(f"{server.url}/oauth2/token")
        assert call.event.response_bytes is None
        send(f"{server.url}/v1/chat")
    assert server.contexts() == [[], named(captured)]
    assert (call.event.server_address, call.event.response_bytes) == ("127.0.0.1", len(ANSWER))


@pytest.mark.parametrize(
    ("url", "whether"),
    [
        ("https://login.microsoftonline.com/t/discovery/instance", True),
        ("https://LOGIN.microsoftonline.com:443/", True),
        ("http://169.254.169.254/latest/meta-data/iam", True),
        ("https://sts.eu-west-1.amazonaws.com/", True),
        ("https://iam.test/identity/token?grant=1", True),
        ("https://sts.test/v1/chat/completions", False),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/invoke", False),
        ("https://api.anthropic.com/v1/messages/count_tokens", False),
        ("https://gateway.test/v1/models/gemini:countTokens", False),
        ("http://[::1]:80", False),
    ],
)
def test_what_asks_for_a_token_is_told_by_its_host_or_its_path(url: str, whether: bool) -> None:
    assert [asks_for_token(kind(url)) for kind in (str, httpx.URL, httpx2.URL, URL)] == [whether] * 4


def test_the_token_of_azures_client_is_not_what_its_model_answers(captured: Captured, server: Server) -> None:
    def token() -> str:
        with httpx2.Client() as client:
            return str(client.post(f"{server.url}/tenant/oauth2/v2.0/token", data={"a": "b"}).status_code)

    client = openai.AzureOpenAI(azure_endpoint=server.url, api_version="1", azure_ad_token_provider=token)
    undo = otel_genai_openai.instrument()
    client.with_options(max_retries=0).chat.completions.create(model="m", messages=[])
    undo()
    assert server.contexts() == [[], named(captured)]
    assert captured.span(SPAN).attributes["openclaw.model_call.response_bytes"] == len(ANSWER)


@every_sender
def test_a_redirected_request_carries_one_header_too(captured: Captured, server: Server, send: Send) -> None:
    send(f"{server.url}/redirect", headers=CALLERS, within=genai.model_call)
    assert server.contexts() == [named(captured)] * 2


@retrying
def test_a_retried_request_carries_one_header_each_time(captured: Captured, server: Server, send: Send) -> None:
    send(f"{server.url}/busy", headers=CALLERS, within=genai.model_call)
    assert server.contexts() == [named(captured)] * 2


@httpxes
def test_a_streamed_answer_was_asked_for_with_the_header(
    captured: Captured, server: Server, module: ModuleType
) -> None:
    url = f"{server.url}/stream"
    with module.Client() as client, genai.model_call() as call, client.stream("POST", url) as response:
        assert not response.is_stream_consumed
        assert response.read() == ANSWER
    assert server.contexts() == [named(captured)]
    assert call.event.response_bytes is None


@httpxes
def test_concurrent_calls_over_one_client_carry_their_own(
    captured: Captured, server: Server, module: ModuleType
) -> None:
    async def ask(client: Any) -> None:
        with genai.model_call():
            await client.post(server.url)

    async def main() -> None:
        async with module.AsyncClient() as client:
            await asyncio.gather(*(ask(client) for _ in range(5)))

    asyncio.run(main())
    carried = {value.split("-")[2] for [(_, value)] in server.contexts()}
    assert carried == {span.span_id for span in captured.spans}


def test_openai_with_the_users_client_carries_it_at_each_attempt(captured: Captured, server: Server) -> None:
    with httpx2.Client() as http_client, genai.model_call() as call:
        client = openai.OpenAI(api_key="k", base_url=f"{server.url}/busy", http_client=http_client, max_retries=1)
        client.chat.completions.create(model="m", messages=[], extra_headers={"TRACEPARENT": FORGED})
    assert server.contexts() == [named(captured)] * 2
    assert call.event.response_bytes == len(ANSWER)


@httpxes
def test_a_custom_transport_is_handed_the_header(captured: Captured, module: ModuleType) -> None:
    handed = []

    def answer(request: Any) -> Any:
        handed.append(request.headers["traceparent"])
        return module.Response(200)

    with module.Client(transport=module.MockTransport(answer)) as client, genai.model_call():
        response = client.get("http://provider.test/")
    assert [("traceparent", handed[0])] == named(captured)
    assert response.request.headers["traceparent"] == handed[0]


@httpxes
def test_the_span_of_an_http_instrumentation_is_named(captured: Captured, server: Server, module: ModuleType) -> None:
    instrumentation = pytest.importorskip("opentelemetry.instrumentation.httpx")
    name = "HTTPXClientInstrumentor" if module is httpx else "HTTPX2ClientInstrumentor"
    instrumentor = getattr(instrumentation, name)()
    instrumentor.instrument(tracer_provider=captured.tracer_provider)
    try:
        by_httpx(module)(server.url, headers=CALLERS, within=genai.model_call)
    finally:
        instrumentor.uninstrument()
    http_span = captured.span("POST")
    assert [value.split("-")[2] for _, value in server.contexts()[0]] == [http_span.span_id]
    assert captured.parent(http_span).name == SPAN  # type: ignore[union-attr]


# -- what stays the caller's


@every_sender
def test_the_callers_headers_are_not_changed(captured: Captured, server: Server, send: Send) -> None:
    headers, defaults = dict(CALLERS), dict(CALLERS)
    send(server.url, headers=headers, defaults=defaults, within=genai.model_call)
    assert headers == defaults == CALLERS


@pytest.mark.parametrize(
    ("send", "form"),
    [
        (by_aiohttp, CIMultiDict),
        (by_aiohttp, list),
        (by_urllib3, urllib3.HTTPHeaderDict),
        (by_urllib3_pool, urllib3.HTTPHeaderDict),
        (by_httpx(httpx), list),
        (by_httpx(httpx2), httpx2.Headers),
    ],
)
def test_headers_of_every_form_keep_what_they_have_twice(
    captured: Captured, server: Server, send: Send, form: Any
) -> None:
    pairs = [("Traceparent", FORGED), ("traceparent", FORGED), ("X-Two", "1"), ("X-Two", "2")]
    headers = form(pairs)
    send(server.url, headers=headers, within=genai.model_call)
    assert headers == form(pairs)
    assert server.contexts() == [named(captured)]
    values = ", ".join(value for name, value in server.seen[0] if name.lower() == "x-two")
    assert values == "1, 2"


@httpxes
def test_a_request_that_the_user_built_does_not_keep_our_header(
    captured: Captured, server: Server, module: ModuleType
) -> None:
    request = module.Request("POST", server.url, headers=CALLERS, content=BODY)
    before = request.headers.raw
    with module.Client() as client:
        with genai.model_call():
            client.send(request)
            client.send(request=request)
        client.send(request)
    assert request.headers.raw == before
    assert server.contexts()[:2] == [named(captured)] * 2
    assert ("TraceParent", FORGED) in server.contexts()[2]


def test_a_prepared_request_does_not_keep_our_header(captured: Captured, server: Server) -> None:
    prepared = requests.Request("POST", server.url, headers=CALLERS, data=BODY).prepare()
    with requests.Session() as session, genai.model_call():
        session.send(prepared)
    assert prepared.headers["traceparent"] == FORGED
    assert server.contexts() == [named(captured)]


@httpxes
def test_an_error_of_the_user_is_raised_as_the_same_object(captured: Captured, module: ModuleType) -> None:
    error = RuntimeError("of the user")

    def fail(_: object) -> None:
        raise error

    client = module.Client(transport=module.MockTransport(fail))
    with pytest.raises(RuntimeError) as caught, client, genai.model_call() as call:
        client.get("https://provider.test/")
    assert caught.value is error
    assert (call.event.server_address, call.event.server_port) == ("provider.test", 443)


@httpxes
def test_a_mistake_of_the_caller_gets_the_librarys_own_error(captured: Captured, module: ModuleType) -> None:
    with module.Client() as client:
        with pytest.raises(AttributeError) as without:
            client.send("no request")
        with guard.strict(False), pytest.raises(AttributeError) as within, genai.model_call():
            client.send("no request")
    assert str(within.value) == str(without.value)


# -- what a call learns from its request


@every_sender
def test_a_call_learns_server_and_sizes(captured: Captured, server: Server, send: Send) -> None:
    call = genai.model_call()
    send(f"{server.url}/redirect", within=lambda: call)
    event = call.event
    assert (event.server_address, event.server_port) == ("127.0.0.1", server.server_port)
    assert (event.request_bytes, event.response_bytes) == (len(BODY), len(ANSWER))


@retrying
def test_a_refusal_is_not_taken_for_the_answer(captured: Captured, server: Server, send: Send) -> None:
    call = genai.model_call()
    send(f"{server.url}/busy", within=lambda: call)
    assert call.event.response_bytes == len(ANSWER)


@every_sender
def test_what_is_known_already_stays(captured: Captured, server: Server, send: Send) -> None:
    call = genai.model_call()
    call.update(server_address="api.test", server_port=1, response_bytes=2)
    send(server.url, within=lambda: call)
    event = call.event
    assert (event.server_address, event.server_port, event.response_bytes) == ("api.test", 1, 2)


# -- on and off


@every_sender
def test_a_client_made_before_the_installation_is_covered(server: Server, send: Send) -> None:
    @contextmanager
    def later() -> Iterator[None]:
        with capture() as captured:
            with genai.model_call():
                yield
            expected.extend(named(captured))

    expected: Headers = []
    send(server.url, within=later)
    assert server.contexts() == [expected]


@pytest.mark.parametrize(("owner", "name"), METHODS)
@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 0, 1), (1, 1, 0)])
def test_the_last_undo_restores_the_very_function(owner: type, name: str, order: tuple[int, ...]) -> None:
    original = vars(owner)[name]
    undo = [outbound.install(), outbound.install()]
    for index in order[:-1]:
        undo[index]()
        assert wrapt.is_wrapped_by(vars(owner)[name], predicate=lambda one: type(one) is wrapt.FunctionWrapper)
    undo[order[-1]]()
    assert vars(owner)[name] is original


def test_a_wrapper_under_somebody_elses_does_nothing_once_undone(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = requests.Session.send
    undo = [bus.subscribe(lambda event: None), outbound.install()]
    ours = requests.Session.send
    monkeypatch.setattr(requests.Session, "send", functools.wraps(original)(lambda *a, **k: ours(*a, **k)))
    undo.pop()()
    by_requests(server.url, headers=CALLERS, within=genai.model_call)
    undo.pop()()
    assert ("TraceParent", FORGED) in server.contexts()[0]
    monkeypatch.undo()
    assert requests.Session.send is not original
    outbound.install()()
    assert requests.Session.send is original


def test_a_library_that_is_hidden_or_not_itself_does_not_hinder_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    monkeypatch.setitem(sys.modules, "aiohttp", ModuleType("something_else"))
    original = requests.Session.send
    undo = outbound.install()
    assert requests.Session.send is not original
    undo()
    assert requests.Session.send is original


LATER = """
import importlib, sys
from otel_genai.sources import outbound
libraries = {"httpx", "httpx2", "aiohttp", "requests", "urllib3"}
assert not libraries & sys.modules.keys()
undo = outbound.install()
assert not libraries & sys.modules.keys()
if "undone" in sys.argv:
    undo()
if "again" in sys.argv:
    undo = outbound.install()
for library in libraries:
    module = importlib.import_module(library)
    for path in outbound.LIBRARIES[library]:
        owner, name = path.split(".")
        method = vars(getattr(module, owner))[name]
        print(hasattr(method, "__wrapped__"))
"""


@pytest.mark.parametrize(("steps", "wrapped"), [((), "True"), (("undone",), "False"), (("undone", "again"), "True")])
def test_a_library_imported_later_is_covered_unless_undone(steps: tuple[str, ...], wrapped: str) -> None:
    done = subprocess.run([sys.executable, "-c", LATER, *steps], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [wrapped] * len(METHODS)


class Folded(CaseInsensitiveDict[str]):
    """Headers that know no case, and keep what they hold in a way that we do not know."""

    raw = ()


class Request:
    def __init__(self, headers: Folded) -> None:
        self.headers = headers


def test_headers_that_are_kept_in_a_way_that_we_do_not_know_are_copied_and_changed_by_their_own_methods(
    captured: Captured,
) -> None:
    theirs = Folded({"Traceparent": "theirs", "TraceState": "theirs", "accept": "*/*"})
    with genai.model_call(provider="openai", model="gpt-5.5"):
        sent = outbound.carrying(Request(theirs)).headers
    span = captured.span("openclaw.model.call")
    assert dict(sent.lower_items()) == {"accept": "*/*", "traceparent": f"00-{span.trace_id}-{span.span_id}-03"}
    assert dict(theirs) == {"Traceparent": "theirs", "TraceState": "theirs", "accept": "*/*"}


@httpxes
@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("Accept", "*/*"), ("X-Two", "1"), ("x-two", "2")],
        [("TraceParent", FORGED), ("tracestate", "forged=1"), (b"X-Kept", "\u00e9".encode())],
        [("traceparent", FORGED), ("Traceparent", FORGED), ("TRACESTATE", "forged=1")],
    ],
    ids=len,
)
def test_headers_made_of_what_they_hold_are_those_that_their_own_methods_make(
    captured: Captured, module: ModuleType, pairs: Any
) -> None:
    for headers in (module.Headers([("accept", "*/*")]), module.Headers(pairs)):  # of a class that is known then
        with genai.model_call():
            made, changed = carriers.with_context(headers), carriers.changed(headers)
        assert type(made) is type(headers)
        assert sorted(made.multi_items()) == sorted(changed.multi_items())
        assert made.encoding == changed.encoding
    assert headers.multi_items() == module.Headers(pairs).multi_items()


def test_headers_of_a_class_that_is_known_may_hold_nothing(captured: Captured) -> None:
    carriers.with_context(httpx.Headers({"accept": "*/*"}))
    with genai.model_call():
        assert list(carriers.with_context(httpx.Headers())) == ["traceparent"]
