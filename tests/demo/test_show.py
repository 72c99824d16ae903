import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from otel_genai.demo.provider import Seen
from otel_genai.demo.show import Propagation, metric_table, propagation_table, propagations, trace_trees
from otel_genai.viewer import Point, Span

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
MILLISECOND = 1_000_000


def span(name: str, span_id: str, parent_id: str = "", start_ms: float = 0, **fields: Any) -> Span:
    given = {"attributes": {}, "kind": "INTERNAL", "status": "UNSET", "status_message": "", "links": ()} | fields
    return Span(
        name=name,
        trace_id=fields.pop("trace_id", TRACE),
        span_id=span_id,
        parent_id=parent_id,
        start_ns=int(start_ms * MILLISECOND),
        end_ns=int((start_ms + 12.5) * MILLISECOND),
        events=(),
        flags=1,
        tracestate="",
        resource={"service.name": "gateway"},
        scope="test",
        **{key: value for key, value in given.items() if key != "trace_id"},
    )


def point(name: str, **fields: Any) -> Point:
    given = {"kind": "sum", "unit": "1", "attributes": {}} | fields
    return Point(name=name, resource={}, scope="test", start_ns=0, time_ns=1, **given)


def printed(*shown: object, width: int = 100, encoding: str = "utf-8") -> list[str]:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=file, width=width).print(*shown, sep="\n")
    file.seek(0)
    return [line.rstrip() for line in file.read().splitlines()]


def shown(*spans: Span) -> list[str]:
    return printed(*trace_trees(spans))


MODEL_CALL = span(
    "chat gpt-5.5",
    "c" * 16,
    "b" * 16,
    start_ms=2,
    kind="CLIENT",
    attributes={
        "gen_ai.request.model": "gpt-5.5",
        "gen_ai.usage.input_tokens": 1200,
        "gen_ai.usage.output_tokens": 0,
    },
)
FAILED_TOOL = span(
    "execute_tool search", "d" * 16, "b" * 16, start_ms=1, status="ERROR", attributes={"error.type": "TimeoutError"}
)
AGENT = span("invoke_agent planner", "b" * 16, "a" * 16)
REQUEST = span("POST /chat", "a" * 16, kind="SERVER")


def test_a_trace_is_a_tree_with_its_children_in_the_order_they_began() -> None:
    assert shown(MODEL_CALL, FAILED_TOOL, AGENT, REQUEST) == [
        f"trace {TRACE}  gateway  4 spans  14.5 ms",
        "└── POST /chat                       12.5 ms  server",
        "    └── invoke_agent planner         12.5 ms",
        "        ├── execute_tool search      12.5 ms  TimeoutError",
        "        └── chat gpt-5.5             12.5 ms  client  gpt-5.5  1,200 in / 0 out tokens",
    ]


def test_each_trace_has_its_own_tree_and_the_earliest_comes_first() -> None:
    later = span("later", "1" * 16, start_ms=9, trace_id="2" * 32)
    assert [line for line in shown(later, REQUEST) if line.startswith("trace")] == [
        f"trace {TRACE}  gateway  1 span  12.5 ms",
        f"trace {'2' * 32}  gateway  1 span  12.5 ms",
    ]


def test_a_span_whose_parent_did_not_arrive_is_a_root() -> None:
    assert [line[:12] for line in shown(FAILED_TOOL, REQUEST)[1:]] == ["├── POST /ch", "└── execute_"]


def test_spans_in_a_ring_are_each_shown_once() -> None:
    first, second = span("first", "1" * 16, "2" * 16), span("second", "2" * 16, "1" * 16, start_ms=1)
    lines = shown(first, second, span("own", "3" * 16, "3" * 16, start_ms=2))
    assert [line.split("── ")[1].split()[0] for line in lines[1:]] == ["first", "second", "own"]


def test_a_very_deep_trace_is_rendered() -> None:
    chain = [span("step", f"{depth:016x}", f"{depth - 1:016x}" if depth else "", start_ms=depth) for depth in range(60)]
    assert "".join(shown(*chain)).count("── step") == 60


def test_a_link_is_shown_below_its_span() -> None:
    lines = shown(replace(REQUEST, links=(("9" * 32, "8" * 16),)))
    assert lines[-1] == f"    └── linked to span {'8' * 16} of trace {'9' * 32}"


@pytest.mark.parametrize(
    ("attributes", "message", "expected"),
    [({"error.type": "429"}, "slow down", "429"), ({}, "slow down", "slow down"), ({}, "", "error")],
)
def test_a_failure_says_what_is_known_of_it(attributes: dict[str, Any], message: str, expected: str) -> None:
    lines = shown(replace(REQUEST, status="ERROR", attributes=attributes, status_message=message))
    assert lines[1].endswith(f"12.5 ms  server  {expected}")


def test_nothing_that_arrived_can_steer_the_terminal() -> None:
    lines = shown(replace(REQUEST, name="[red]\x1b[2Jgone\nnext"))
    assert lines[1].startswith("└── [red]?[2Jgone?next")


def test_a_terminal_without_unicode_shows_the_same() -> None:
    lines = printed(*trace_trees([AGENT, REQUEST]), metric_table([point("calls", value=1)]), encoding="ascii")
    assert lines[1].startswith("`-- POST /chat")
    assert any(line.startswith("calls ") for line in lines)


def test_metrics_are_listed_by_name_with_a_row_for_each_series() -> None:
    points = [
        point("openclaw.tokens", value=1700, attributes={"openclaw.token": "output", "openclaw.agent": "ada"}),
        point("openclaw.tokens", value=12, attributes={"openclaw.token": "input", "openclaw.agent": "ada"}),
        point("nora.agent.cost", unit="{USD}", kind="gauge", value=0.0049),
        point("duration", kind="histogram", unit="s", count=4, sum=1.25),
    ]
    lines = [" ".join(line.split()) for line in printed(metric_table(points))]
    assert lines[2:] == [
        "duration",
        "no labels 4 x, avg 0.3125 s, sum 1.25 s",
        "nora.agent.cost",
        "no labels 0.0049 USD",
        "openclaw.tokens",
        "openclaw.agent=ada openclaw.token=input 12",
        "openclaw.agent=ada openclaw.token=output 1,700",
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"value": 0}, "0"),
        ({"value": 12345.678912}, "12,345.6789"),
        ({"value": 0.00001234567, "unit": "s"}, "1.235e-05 s"),
        ({"value": -2.0}, "-2"),
        ({"value": float("nan")}, "nan"),
        ({"value": None}, "no value"),
        ({"count": 0, "sum": 0.0, "unit": "s"}, "0 x"),
        ({"count": 3, "sum": None}, "3 x"),
        ({"value": 3, "unit": "{token}"}, "3 token"),
    ],
)
def test_a_value_is_shown_with_its_unit(fields: dict[str, Any], expected: str) -> None:
    assert printed(metric_table([point("m", **fields)]))[-1].endswith(f" {expected}")


def test_long_labels_never_cut_the_value() -> None:
    labels = {f"openclaw.label.number.{number}": "x" * 30 for number in range(5)}
    text = "\n".join(printed(metric_table([point("m" * 120, value=123456, attributes=labels)])))
    assert "123,456" in text
    assert text.count("m" * 60) >= 1
    assert max(map(len, text.splitlines())) <= 100


def test_a_traceparent_is_set_beside_the_span_it_names() -> None:
    seen = [
        Seen("/v1/chat/completions", {"traceparent": f"00-{TRACE}-{'c' * 16}-01"}, {}),
        Seen("/v1/embeddings", {"traceparent": f"00-{TRACE}-{'0' * 15}1-01"}, {}),
        Seen("/v1/embeddings", {"traceparent": "nonsense"}, {}),
        Seen("/v1/embeddings", {}, {}),
    ]
    rows = propagations(seen, [MODEL_CALL, REQUEST])
    assert rows[0] == Propagation("/v1/chat/completions", f"00-{TRACE}-{'c' * 16}-01", MODEL_CALL)
    assert [row.span for row in rows[1:]] == [None, None, None]
    lines = [" ".join(line.split()) for line in printed(propagation_table(rows))]
    assert lines[2:] == [
        f"chat/completions 00-{TRACE}-{'c' * 16}-01 chat gpt-5.5",
        f"embeddings 00-{TRACE}-{'0' * 15}1-01 no span that arrived",
        "embeddings nonsense no span that arrived",
        "embeddings none",
    ]


def test_a_long_span_name_never_cuts_the_traceparent() -> None:
    row = Propagation("/v1/chat/completions", f"00-{TRACE}-{'c' * 16}-01", replace(MODEL_CALL, name="chat " + "m" * 80))
    text = printed(propagation_table([row]))
    assert any(row.traceparent in line for line in text)
    assert max(map(len, text)) <= 100
