"""Whose call a request of Anthropic's client is, and whose span: the library traces itself. Nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anthropic
import anthropic._base_client
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel_genai as genai
import otel_genai_anthropic
from otel_genai.bus import bus
from otel_genai.testing import Captured

from .trees import SPAN, calls

http: Any = getattr(anthropic._base_client, "httpx2", None) or anthropic._base_client.httpx

INSTRUMENT = otel_genai_anthropic.instrument
BODY: Any = {"model": "claude-opus-4-6", "max_tokens": 9, "messages": [{"role": "user", "content": "why?"}]}
USAGE = {"input_tokens": 10, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2, "output_tokens": 4}
WHOLE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-6-20260101",
    "content": [{"type": "text", "text": "Because."}],
    "stop_reason": "end_turn",
    "usage": {**USAGE, "output_tokens_details": {"thinking_tokens": 1}},
}


def transport(seen: list[Any], answer: Any = WHOLE) -> Any:
    def handle(request: Any) -> Any:
        seen.append(request)
        if isinstance(answer, dict):
            return http.Response(200, json=answer)
        return http.Response(200, headers={"content-type": "text/event-stream"}, content=answer)

    return http.Client(transport=http.MockTransport(handle))


def answering(seen: list[Any], answer: Any = WHOLE, **settings: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="k", http_client=transport(seen, answer), max_retries=0, **settings)


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(b"event: %s\ndata: %s\n\n" % (one["type"].encode(), json.dumps(one).encode()) for one in events)


@pytest.fixture
def theirs() -> tuple[InMemorySpanExporter, dict[str, Any]]:
    """What the library's own spans are exported to, and the option of a client that has them so."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter, {"tracer_provider": provider}


# -- the library traces itself


def test_one_call_has_one_span_and_the_request_names_it(captured: Captured, theirs: Any) -> None:
    seen: list[Any] = []
    with answering(seen, open_telemetry=theirs[1]) as client:
        client.messages.create(**BODY)
        list(client.with_options(max_retries=1).messages.create(**BODY, stream=True))
        client.beta.messages.create(**BODY)
    spans = [span for span in captured.spans if span.name == SPAN]
    assert theirs[0].get_finished_spans() == ()
    assert [request.headers["traceparent"] for request in seen] == [
        f"00-{span.trace_id}-{span.span_id}-{span.flags:02x}" for span in spans
    ]


def test_a_path_that_its_user_wrote_with_a_query_has_one_span_too(captured: Captured, theirs: Any) -> None:
    seen: list[Any] = []
    with answering(seen, open_telemetry=theirs[1]) as client:
        traced: Any = {"span_name": "anthropic.messages.create"}
        client.post("/v1/messages?beta=true", body=BODY, cast_to=anthropic.types.Message, options=traced)
    (span,) = (span for span in captured.spans if span.name == SPAN)
    assert theirs[0].get_finished_spans() == ()
    assert seen[0].headers["traceparent"] == f"00-{span.trace_id}-{span.span_id}-{span.flags:02x}"


def test_the_globally_installed_tracer_gets_one_span_and_after_the_undo_the_librarys(
    undo: Callable[[], None], monkeypatch: pytest.MonkeyPatch, theirs: Any
) -> None:
    exporter, option = theirs
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", option["tracer_provider"])
    seen: list[Any] = []
    with genai.testing.capture() as captured, answering(seen) as client:
        client.messages.create(**BODY)
        assert (len(calls(captured)), exporter.get_finished_spans()) == (1, ())
        undo()
        client.messages.create(**BODY)
        assert len(calls(captured)) == 1
    (span,) = exporter.get_finished_spans()
    assert span.name == "anthropic.messages.create"
    assert f"{span.context.span_id:016x}" in seen[1].headers["traceparent"]


def test_what_we_do_not_observe_keeps_the_librarys_span(captured: Captured, theirs: Any) -> None:
    exporter, option = theirs
    with answering([], {"input_tokens": 3}, open_telemetry=option) as client, genai.model_call("m"):
        client.messages.count_tokens(model="m", messages=BODY["messages"])
    assert [span.name for span in exporter.get_finished_spans()] == ["anthropic.messages.count_tokens"]


def test_a_subscriber_without_tracing_takes_no_span_away(theirs: Any) -> None:
    exporter, option = theirs
    stop = bus.subscribe(lambda event: None)
    try:
        with answering([], open_telemetry=option) as client:
            client.messages.create(**BODY)
    finally:
        stop()
    assert [span.name for span in exporter.get_finished_spans()] == ["anthropic.messages.create"]


def test_a_client_that_does_not_trace_itself_is_observed_alike(captured: Captured) -> None:
    seen: list[Any] = []
    with answering(seen, open_telemetry=False) as client:
        client.messages.create(**BODY)
    assert seen[0].headers["traceparent"].split("-")[2] == captured.span(SPAN).span_id


# -- what a call says


def test_cached_tokens_are_part_of_the_input_and_thinking_of_the_output(captured: Captured) -> None:
    with answering([]) as client:
        client.messages.create(**BODY)
    (call,) = calls(captured)
    assert (call.input_tokens, call.cache_read_tokens, call.cache_write_tokens) == (15, 3, 2)
    assert (call.output_tokens, call.reasoning_tokens) == (4, 1)


def test_the_settings_of_the_model_are_those_of_the_body(captured: Captured) -> None:
    schema = {"type": "json_schema", "schema": {"type": "object"}}
    asked: dict[str, Any] = {"extra_body": {"temperature": 0, "top_p": 0.5, "top_k": 3}, "stop_sequences": ["END"]}
    with answering([]) as client:
        client.messages.create(**BODY, **asked, output_config={"effort": "low", "format": schema})
    (call,) = calls(captured)
    assert (call.max_tokens, call.temperature, call.top_p, call.top_k) == (9, 0.0, 0.5, 3)
    assert (call.stop_sequences, call.reasoning_level, call.output_type) == (("END",), "low", "json")


@pytest.mark.parametrize(
    ("base_url", "provider"),
    [
        ("https://api.anthropic.com", "anthropic"),
        ("https://gateway.example.com", "anthropic"),
        ("https://api.deepseek.com/anthropic", "deepseek"),
        ("https://api.moonshot.ai/anthropic", "moonshot_ai"),
    ],
)
def test_a_well_known_host_names_the_provider(captured: Captured, base_url: str, provider: str) -> None:
    with answering([], base_url=base_url) as client:
        client.messages.create(**BODY)
    (call,) = calls(captured)
    assert (call.provider, call.server_address, call.server_port) == (provider, base_url.split("/")[2], 443)


def test_bedrock_and_vertex_are_what_their_clients_are(captured: Captured) -> None:
    seen: list[Any] = []
    bedrock = anthropic.AnthropicBedrock(
        api_key="k", aws_region="eu-west-1", base_url="https://proxy.example.com", http_client=transport(seen)
    )
    vertex = anthropic.AnthropicVertex(region="global", project_id="p", access_token="t", http_client=transport(seen))
    for client in (bedrock, vertex):
        client.messages.create(**BODY)
    assert [call.provider for call in calls(captured)] == ["aws.bedrock", "gcp.vertex_ai"]
    assert [call.model for call in calls(captured)] == ["claude-opus-4-6"] * 2
    assert seen[0].url.path == "/model/claude-opus-4-6/invoke"
    assert all("traceparent" in request.headers for request in seen)


# -- a call that was made by hand, and streams that end in other ways


def test_a_call_made_by_hand_is_the_request_in_it(captured: Captured, theirs: Any) -> None:
    with answering([], open_telemetry=theirs[1]) as client, genai.model_call("claude-opus-4-6") as call:
        client.messages.create(**BODY)
        assert call.event.outcome is None
    (event,) = calls(captured)
    assert event is call.event
    assert (event.provider, event.input_tokens, theirs[0].get_finished_spans()) == ("anthropic", 15, ())


def test_an_error_in_the_middle_of_a_stream_is_the_same_error(captured: Captured) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "overloaded"}}
    with answering([], sse({"type": "message_start", "message": WHOLE}, error)) as client:
        stream = client.messages.create(**BODY, stream=True)
        assert next(stream).type == "message_start"
        with pytest.raises(anthropic.APIStatusError, match="overloaded"):
            next(stream)
    (call,) = calls(captured)
    assert (call.outcome, call.chunks, call.input_tokens) == ("error", 1, 15)


def test_the_undo_puts_back_what_was_there(undo: Callable[[], None]) -> None:
    undo()
    undo()
    clients = anthropic._base_client
    for owner, name in (
        (clients.SyncAPIClient, "request"),
        (clients.AsyncAPIClient, "request"),
        (clients, "start_api_call_span"),
    ):
        assert not hasattr(vars(owner)[name], "__wrapped__")
