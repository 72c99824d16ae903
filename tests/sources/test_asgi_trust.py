"""Whose trace is continued: the caller's where the middleware trusts it, and one of our own with a link elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from otel_genai import Middleware, guard
from otel_genai.testing import Captured, CapturedSpan, capture

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{CALLER}-01"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def call(
    captured: Captured,
    trust: Any,
    client: Any = ("127.0.0.1", 5),
    server: Any = ("127.0.0.1", 80),
    headers: dict[bytes, bytes] | None = None,
) -> CapturedSpan:
    """The server span of a request with a traceparent."""
    sent = [(b"traceparent", TRACEPARENT.encode())] if headers is None else list(headers.items())
    scope = {"type": "http", "method": "GET", "path": "/", "headers": sent, "client": client, "server": server}

    async def send(_: Any) -> None:
        pass

    asyncio.run(Middleware(hello, trust_inbound=trust)(scope, None, send))
    return captured.span("GET")


def continued(span: CapturedSpan) -> bool:
    """Whether the caller's trace goes on; otherwise a new one must be linked to it."""
    if span.trace_id == TRACE:
        return span.parent_id == CALLER and not span.links
    assert span.parent_id is None
    assert span.links == [CALLER]
    return False


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("172.32.0.1", False),
        ("192.168.9.9", True),
        ("169.254.1.1", True),
        ("fe80::1%eth0", True),
        ("fd12::1", True),
        ("::ffff:10.0.0.1", True),
        ("::ffff:8.8.8.8", False),
        ("8.8.8.8", False),
        ("2001:db8::1", False),
        ("192.0.2.1", False),
        ("0.0.0.0", False),
        ("100.64.0.1", False),
        ("testclient", False),
        ("", False),
    ],
)
def test_by_default_only_private_callers_are_trusted(captured: Captured, address: str, trusted: bool) -> None:
    assert continued(call(captured, "private", (address, 5))) is trusted


@pytest.mark.parametrize(
    ("server", "trusted"), [(("/run/app.sock", None), True), (("10.0.0.1", 80), False), (None, False)]
)
def test_a_caller_without_an_address_is_trusted_on_a_unix_socket_only(
    captured: Captured, server: Any, trusted: bool
) -> None:
    assert continued(call(captured, "private", None, server)) is trusted


@pytest.mark.parametrize("client", [("8.8.8.8", 5), ("10.0.0.1", 5), None])
@pytest.mark.parametrize("trust", [True, False])
def test_everybody_or_nobody_can_be_trusted(captured: Captured, trust: bool, client: Any) -> None:
    assert continued(call(captured, trust, client)) is trust


@pytest.mark.parametrize(
    ("address", "trusted"), [("203.0.113.9", True), ("2001:db8::9", True), ("10.0.0.1", False), ("nonsense", False)]
)
def test_a_list_of_networks_says_who_is_trusted(captured: Captured, address: str, trusted: bool) -> None:
    assert continued(call(captured, ["203.0.113.0/24", "2001:db8::/32"], (address, 5))) is trusted


@pytest.mark.parametrize("trusted", [True, False])
def test_a_callable_on_the_asgi_scope_decides(captured: Captured, trusted: bool) -> None:
    assert continued(call(captured, lambda scope: (scope["client"][0] == "127.0.0.1") is trusted)) is trusted


@pytest.mark.parametrize("trust", [lambda scope: scope["nothing"], lambda scope: "yes"])
def test_a_callable_that_fails_or_does_not_say_true_means_no(captured: Captured, trust: Any) -> None:
    with guard.strict(False):
        assert not continued(call(captured, trust))


@pytest.mark.parametrize("client", [7, [None, None], ("10.0.0.1",)])
def test_an_odd_client_is_not_trusted_and_not_refused(captured: Captured, client: Any) -> None:
    answered = []

    async def send(message: Any) -> None:
        answered.append(message)

    scope = {"type": "http", "headers": [(b"traceparent", TRACEPARENT.encode())], "client": client}
    with guard.strict(False):
        asyncio.run(Middleware(hello)(scope, None, send))
    assert len(answered) == 2
    assert TRACE not in {span.trace_id for span in captured.spans}


@pytest.mark.parametrize(
    "traceparent",
    [
        *(b"", b"garbage", b"\xff\xfe", b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01", TRACEPARENT.upper().encode()),
        *(TRACEPARENT.encode() + b"-more", b"ff" + TRACEPARENT[2:].encode()),
    ],
)
def test_a_malformed_header_neither_continues_nor_links_nor_raises(captured: Captured, traceparent: bytes) -> None:
    span = call(captured, True, headers={b"traceparent": traceparent})
    assert (span.parent_id, span.links) == (None, [])
    assert span.trace_id != TRACE


@pytest.mark.parametrize(("trust", "flags", "kept"), [(True, b"00", 0), (True, b"01", 1), (False, b"00", 1)])
def test_only_a_trusted_caller_decides_whether_we_sample(trust: bool, flags: bytes, kept: int) -> None:
    with capture() as captured:
        scope_header = TRACEPARENT[:-2].encode() + flags
        if kept:
            assert call(captured, trust, headers={b"traceparent": scope_header}).flags & 1
        else:
            with pytest.raises(AssertionError, match="0 spans"):
                call(captured, trust, headers={b"traceparent": scope_header})


def test_the_tracestate_of_a_trusted_caller_is_kept(captured: Captured) -> None:
    call(captured, True, headers={b"traceparent": TRACEPARENT.encode(), b"tracestate": b"vendor=1"})
    (span,) = captured.exporter.get_finished_spans()
    assert span.context is not None
    assert span.context.trace_state.to_header() == "vendor=1"
