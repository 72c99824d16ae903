import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from otel_genai.demo.provider import Seen
from otel_genai.demo.show import (
    Propagation,
    cost_table,
    metric_table,
    propagation_table,
    propagations,
    trace_trees,
)
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
        "otel_genai.cost.amount": 0.0125,
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
        "└── POST /chat                      12.5 ms  server",
        "    └── invoke_agent planner        12.5 ms",
        "        ├── execute_tool search     12.5 ms  TimeoutError",
        "        └── chat gpt-5.5            12.5 ms  1,200 in / 0 out  $0.012500",
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


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"attributes": {"gen_ai.tool.name": "search"}}, "search"),
        ({"attributes": {"gen_ai.request.model": "gpt-5.5", "openclaw.tokens.input": 3}}, "gpt-5.5"),
        ({"attributes": {"openclaw.failover.to_model": "gpt-5.5"}}, "to gpt-5.5"),
        ({"attributes": {"openclaw.outcome": "skipped", "openclaw.reason": "duplicate"}}, "skipped: duplicate"),
        ({"attributes": {"openclaw.outcome": "blocked", "openclaw.deniedReason": "policy"}}, "blocked: policy"),
        ({"kind": "CLIENT", "attributes": {"gen_ai.usage.input_tokens": 9}}, "9 in  unpriced"),
        ({"kind": "CLIENT", "attributes": {"gen_ai.usage.input_tokens": 0}}, "0 in"),
        ({"attributes": {"openclaw.outcome": "completed", "openclaw.reason": "replied"}}, "ms"),
    ],
)
def test_a_span_says_what_its_name_does_not(fields: dict[str, Any], expected: str) -> None:
    assert shown(span("step", "1" * 16, **fields))[1].endswith(f" {expected}")


def rows(*points: Point) -> list[str]:
    return [" ".join(line.split()) for line in printed(metric_table(points))][2:]


def test_metrics_are_listed_by_name_with_what_all_their_series_come_to() -> None:
    done, skipped = {"openclaw.outcome": "completed"}, {"openclaw.outcome": "skipped"}
    assert rows(
        point("openclaw.message.processed", value=1, attributes={"openclaw.channel": "web", **skipped}),
        point("openclaw.message.processed", value=3, attributes={"openclaw.channel": "web", **done}),
        point("nora.agent.cost.usd", unit="{USD}", kind="gauge", value=0.0049),
        point("duration", kind="histogram", unit="s", count=4, sum=1.25),
        point("duration", kind="histogram", unit="s", count=1, sum=0.25, attributes={"x.unknown": "unknown"}),
    ) == [
        "duration s 5 1.5 unknown=unknown",
        "nora.agent.cost.usd {USD} 0.0049 no labels",
        "openclaw.message.processed 1 4 outcome=completed,skipped channel…",
    ]


def test_what_overlaps_is_never_added_up() -> None:
    kinds = {"input": 12, "total": 1712}
    points = [
        point("openclaw.tokens", value=value, attributes={"openclaw.token": kind}) for kind, value in kinds.items()
    ]
    assert rows(*points) == ["openclaw.tokens 1 12 token=input", "openclaw.tokens 1 1,712 token=total"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"value": 0}, "0"),
        ({"value": 12345.678912}, "12,345.6789"),
        ({"value": 0.00001234567, "unit": "s"}, "1.235e-05"),
        ({"value": -2.0}, "-2"),
        ({"value": float("nan")}, "nan"),
        ({"value": None}, "none"),
        ({"count": 0, "sum": 0.0, "unit": "s"}, "0 0"),
        ({"count": 3, "sum": None}, "3 none"),
    ],
)
def test_a_value_is_shown_as_it_is(fields: dict[str, Any], expected: str) -> None:
    unit = fields.get("unit", "1")
    assert rows(point("m", **fields)) == [f"m {unit} {expected} no labels"]


def test_long_labels_never_cut_the_value() -> None:
    labels = {f"openclaw.label.number.{number}": "x" * 30 for number in range(5)}
    lines = printed(metric_table([point("m" * 60, value=123456, attributes=labels)]))
    assert "m" * 60 in lines[-1]
    assert " 123,456 " in lines[-1]
    assert max(map(len, lines)) <= 100


def test_what_each_model_costs_is_added_up_and_what_nobody_can_price_is_said_to_be_so() -> None:
    unpriced = replace(MODEL_CALL, attributes={"gen_ai.request.model": "own", "gen_ai.usage.input_tokens": 7})
    failed = replace(MODEL_CALL, attributes={"gen_ai.request.model": "pro"})
    lines = printed(cost_table([unpriced, MODEL_CALL, AGENT, failed, MODEL_CALL]))
    assert [" ".join(line.split()) for line in lines[2:]] == [
        "gpt-5.5 2 2,400 0 0.025000",
        "own 1 7 0 unpriced",
        "pro 1 0 0 none",
        "all that was priced 0.025000",
    ]


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
