"""What an inbound trace context makes the outbound one, through real spans: all that the W3C suite asks for."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
)

from otel_genai.emitters.propagation import LevelTwoState, inbound, read, rows

TRACE, CALLER = "12345678901234567890123456789012", "1234567890123456"
OTHER_TRACE = "12345678901234567890123456789011"
UNSAMPLED = f"00-{TRACE}-{CALLER}-00"
SAMPLED = f"00-{TRACE}-{CALLER}-01"
WELL_FORMED = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]")
KEY_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
VALUE_CHARACTERS = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ",=")
LONG = ",".join(f"key{number}={'v' * 250}" for number in range(31))
FUZZ = settings(max_examples=200, deadline=None, database=None)

Headers = list[tuple[str, str]]


@pytest.fixture
def provider() -> Iterator[TracerProvider]:
    provider = TracerProvider(shutdown_on_exit=False)
    yield provider
    provider.shutdown()


@pytest.fixture
def tracer(provider: TracerProvider) -> Tracer:
    return provider.get_tracer("test")


def scope_with(headers: Headers) -> dict[str, Any]:
    return {"type": "http", "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers]}


def write(context: SpanContext) -> dict[str, str]:
    return {name.decode(): value.decode() for name, _, value in rows(context)}


def outbound(tracer: Tracer, headers: Headers) -> dict[str, str]:
    """The headers of the first call that is made while a request with these headers is served."""
    caller = inbound(scope_with(headers))
    parent = set_span_in_context(NonRecordingSpan(caller)) if caller else None
    with tracer.start_as_current_span("serve", context=parent) as span:
        return write(span.get_span_context())


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([("traceparent", SAMPLED)], id="one header"),
        pytest.param([("TraceParent", SAMPLED)], id="name in camel case"),
        pytest.param([("TrAcEpArEnT", SAMPLED)], id="name in mixed case"),
        pytest.param([("TRACEPARENT", SAMPLED)], id="name in upper case"),
        pytest.param([("traceparent", f"cc-{TRACE}-{CALLER}-01")], id="future version"),
        pytest.param([("traceparent", f"01-{TRACE}-{CALLER}-01")], id="next version"),
        pytest.param([("traceparent", f"fe-{TRACE}-{CALLER}-01-")], id="last version, an empty fifth field"),
        pytest.param([("traceparent", f"cc-{TRACE}-{CALLER}-01-what-the-future-brings")], id="future fields"),
        pytest.param([("traceparent", f" {SAMPLED}")], id="space in front"),
        pytest.param([("traceparent", f"\t{SAMPLED}")], id="tab in front"),
        pytest.param([("traceparent", f"{SAMPLED} ")], id="space behind"),
        pytest.param([("traceparent", f"{SAMPLED}\t")], id="tab behind"),
        pytest.param([("traceparent", f"\t {SAMPLED} \t")], id="white space around"),
    ],
)
def test_a_valid_traceparent_continues_the_trace_with_a_new_span(tracer: Tracer, headers: Headers) -> None:
    sent = outbound(tracer, headers)
    assert WELL_FORMED.fullmatch(sent["traceparent"])
    assert sent["traceparent"].split("-")[1] == TRACE
    assert sent["traceparent"].split("-")[2] != CALLER


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="no header"),
        pytest.param([("traceparent", f"00-{OTHER_TRACE}-{CALLER}-01"), ("traceparent", SAMPLED)], id="two headers"),
        pytest.param([("traceparent", SAMPLED), ("traceparent", SAMPLED)], id="the same header twice"),
        pytest.param([("traceparent", SAMPLED), ("traceparent", "")], id="a second header, empty"),
        pytest.param([("traceparent", SAMPLED), ("traceparent", "\xff")], id="a second header, not UTF-8"),
        pytest.param([("traceparent", f"{SAMPLED},{SAMPLED}")], id="two headers joined"),
        pytest.param([("trace-parent", SAMPLED)], id="name with a dash"),
        pytest.param([("trace.parent", SAMPLED)], id="name with a dot"),
        pytest.param([("traceparent", "")], id="empty"),
        pytest.param([("traceparent", f"{SAMPLED}.")], id="version 00 with a character more"),
        pytest.param([("traceparent", f"{SAMPLED}-")], id="version 00 with a dash more"),
        pytest.param([("traceparent", f"{SAMPLED}-what-the-future-brings")], id="version 00 with a field more"),
        pytest.param([("traceparent", f"{SAMPLED}\n")], id="line break behind"),
        pytest.param([("traceparent", f"{SAMPLED}\xa0")], id="unusual white space behind"),
        pytest.param([("traceparent", f"cc-{TRACE}-{CALLER}-01.what-the-future-brings")], id="future without dash"),
        pytest.param([("traceparent", f"cc-{TRACE}-{CALLER}-0")], id="future version cut short"),
        pytest.param([("traceparent", f"ff-{TRACE}-{CALLER}-01")], id="version ff"),
        pytest.param([("traceparent", f"ff-{TRACE}-{CALLER}-01-more")], id="version ff with a field more"),
        pytest.param([("traceparent", f".0-{TRACE}-{CALLER}-01")], id="version starts with a dot"),
        pytest.param([("traceparent", f"0.-{TRACE}-{CALLER}-01")], id="version ends with a dot"),
        pytest.param([("traceparent", f"CC-{TRACE}-{CALLER}-01")], id="version in upper case"),
        pytest.param([("traceparent", f"000-{TRACE}-{CALLER}-01")], id="version of three digits"),
        pytest.param([("traceparent", f"0000-{TRACE}-{CALLER}-01")], id="version of four digits"),
        pytest.param([("traceparent", f"0-{TRACE}-{CALLER}-01")], id="version of one digit"),
        pytest.param([("traceparent", f"00-{'0' * 32}-{CALLER}-01")], id="trace id of zeros"),
        pytest.param([("traceparent", f"cc-{'0' * 32}-{CALLER}-01")], id="future trace id of zeros"),
        pytest.param([("traceparent", f"00-.{TRACE[1:]}-{CALLER}-01")], id="trace id starts with a dot"),
        pytest.param([("traceparent", f"00-{TRACE[:-1]}.-{CALLER}-01")], id="trace id ends with a dot"),
        pytest.param([("traceparent", f"00-{'A' * 32}-{CALLER}-01")], id="trace id in upper case"),
        pytest.param([("traceparent", f"00-{TRACE}3-{CALLER}-01")], id="trace id too long"),
        pytest.param([("traceparent", f"00-{TRACE[:-1]}-{CALLER}-01")], id="trace id too short"),
        pytest.param([("traceparent", f"00-{TRACE}-{'0' * 16}-01")], id="parent id of zeros"),
        pytest.param([("traceparent", f"00-{TRACE}-.{CALLER[1:]}-01")], id="parent id starts with a dot"),
        pytest.param([("traceparent", f"00-{TRACE}-{CALLER[:-1]}.-01")], id="parent id ends with a dot"),
        pytest.param([("traceparent", f"00-{TRACE}-{'B' * 16}-01")], id="parent id in upper case"),
        pytest.param([("traceparent", f"00-{TRACE}-{CALLER}7-01")], id="parent id too long"),
        pytest.param([("traceparent", f"00-{TRACE}-{CALLER[:-1]}-01")], id="parent id too short"),
        pytest.param([("traceparent", f"00-{TRACE}-{CALLER}-.0")], id="flags start with a dot"),
        pytest.param([("traceparent", f"00-{TRACE}-{CALLER}-0.")], id="flags end with a dot"),
        pytest.param([("traceparent", f"00-{TRACE}-{CALLER}-0A")], id="flags in upper case"),
        pytest.param([("traceparent", f"00-{TRACE}-{CALLER}-001")], id="flags too long"),
        pytest.param([("traceparent", f"00-{TRACE}-{CALLER}-1")], id="flags too short"),
    ],
)
def test_without_one_valid_traceparent_a_new_trace_starts(tracer: Tracer, headers: Headers) -> None:
    sent = outbound(tracer, [*headers, ("tracestate", "foo=1")])
    assert WELL_FORMED.fullmatch(sent["traceparent"])
    assert not any(sent["traceparent"].split("-")[1] in value for _, value in headers)
    assert "tracestate" not in sent


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        pytest.param(["foo=1,bar=2"], "foo=1,bar=2", id="one header"),
        pytest.param(["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], "foo=1,bar=2,rojo=1,congo=2,baz=3", id="in order"),
        pytest.param([""], None, id="empty"),
        pytest.param([" ,\t,"], None, id="white space only"),
        pytest.param(["foo=1", ""], "foo=1", id="empty header behind"),
        pytest.param(["", "foo=1"], "foo=1", id="empty header in front"),
        pytest.param(["foo=1,,bar=2"], "foo=1,bar=2", id="empty member"),
        pytest.param(["," * 100 + "foo=1"], "foo=1", id="empty members do not count"),
        pytest.param(["foo=1,foo=1"], "foo=1", id="key twice, same value"),
        pytest.param(["foo=1,bar=3,foo=2"], "foo=1,bar=3", id="key twice, the newer is in front"),
        pytest.param(["foo=1", "foo=1"], "foo=1", id="key in two headers, same value"),
        pytest.param(["foo=1", "foo=2"], "foo=1", id="key in two headers, the newer is in front"),
        pytest.param([f"{KEY_CHARACTERS}={VALUE_CHARACTERS}"], f"{KEY_CHARACTERS}={VALUE_CHARACTERS}", id="all"),
        pytest.param([f"{KEY_CHARACTERS}@a-z0-9_-*/=1"], f"{KEY_CHARACTERS}@a-z0-9_-*/=1", id="all, with a vendor"),
        pytest.param(["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3", id="spaces outside, tabs inside"),
        pytest.param(["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], "foo=1,bar=2,baz=3", id="tabs outside, spaces inside"),
        pytest.param([" foo=1"], "foo=1", id="space in front"),
        pytest.param(["\tfoo=1"], "foo=1", id="tab in front"),
        pytest.param(["foo=1 "], "foo=1", id="space behind"),
        pytest.param(["foo=1\t"], "foo=1", id="tab behind"),
        pytest.param(["\t foo=1 \t"], "foo=1", id="white space around"),
        pytest.param(["foo=  1"], "foo=  1", id="spaces that start a value belong to it"),
        pytest.param(["foo =1"], None, id="space in a key"),
        pytest.param(["FOO=1"], None, id="key in upper case"),
        pytest.param(["foo.bar=1"], None, id="dot in a key"),
        pytest.param(["_foo=1"], None, id="key starts with an underscore"),
        pytest.param(["0foo=1"], "0foo=1", id="key starts with a digit"),
        pytest.param(["foo@=1,bar=2"], "foo@=1,bar=2", id="key ends with an at sign"),
        pytest.param(["@foo=1,bar=2"], None, id="key starts with an at sign"),
        pytest.param(["foo@@bar=1,bar=2"], "foo@@bar=1,bar=2", id="two at signs together"),
        pytest.param(["foo@bar@baz=1,bar=2"], "foo@bar@baz=1,bar=2", id="two at signs apart"),
        pytest.param(["foo=1", f"{'z' * 256}=1"], f"foo=1,{'z' * 256}=1", id="key of 256"),
        pytest.param(["foo=1", f"{'z' * 257}=1"], None, id="key of 257"),
        pytest.param(["foo=1", f"{'t' * 241}@{'v' * 14}=1"], f"foo=1,{'t' * 241}@{'v' * 14}=1", id="241 and 14"),
        pytest.param(["foo=1", f"{'t' * 242}@v=1"], f"foo=1,{'t' * 242}@v=1", id="tenant of 242"),
        pytest.param(["foo=1", f"t@{'v' * 15}=1"], f"foo=1,t@{'v' * 15}=1", id="system of 15"),
        pytest.param([f"foo={'v' * 256}"], f"foo={'v' * 256}", id="value of 256"),
        pytest.param([f"bar=1,foo={'v' * 257}"], None, id="value of 257"),
        pytest.param(["foo=bar=baz"], None, id="equals sign in a value"),
        pytest.param(["foo=,bar=3"], None, id="empty value"),
        pytest.param(["foo=\x7f,bar=3"], None, id="control character in a value"),
        pytest.param(["foo=\xe9,bar=3"], None, id="value not ASCII"),
        pytest.param(["foo=1\xa0"], None, id="unusual white space behind"),
        pytest.param(["foo,bar=3"], None, id="member without a value"),
        pytest.param([LONG], LONG, id="near 8192 characters"),
        pytest.param([LONG, LONG[:255]], None, id="over 8192 characters"),
    ],
)
def test_a_tracestate_is_kept_whole_or_discarded_whole(tracer: Tracer, states: list[str], kept: str | None) -> None:
    sent = outbound(tracer, [("traceparent", UNSAMPLED), *[("tracestate", state) for state in states]])
    assert sent["traceparent"].split("-")[1] == TRACE
    assert sent.get("tracestate") == kept


@pytest.mark.parametrize(("count", "kept"), [(32, True), (33, False)])
def test_a_tracestate_has_32_members_at_most(tracer: Tracer, count: int, kept: bool) -> None:
    members = [f"bar{number:02}={number:02}" for number in range(1, count + 1)]
    states = [("tracestate", ",".join(members[start : start + 10])) for start in range(0, count, 10)]
    sent = outbound(tracer, [("traceparent", UNSAMPLED), *states])
    assert sent.get("tracestate") == (",".join(members) if kept else None)


@pytest.mark.parametrize("name", ["TraceState", "TrAcEsTaTe", "TRACESTATE"])
def test_the_name_of_a_tracestate_has_any_case(tracer: Tracer, name: str) -> None:
    assert outbound(tracer, [("traceparent", UNSAMPLED), (name, "foo=1")])["tracestate"] == "foo=1"


@pytest.mark.parametrize("name", ["trace-state", "trace.state"])
def test_a_tracestate_of_another_name_is_discarded(tracer: Tracer, name: str) -> None:
    assert "tracestate" not in outbound(tracer, [("traceparent", UNSAMPLED), (name, "foo=1")])


@pytest.mark.parametrize("state", ["foo=1", "foo=1,bar=2"])
def test_a_tracestate_alone_is_discarded(tracer: Tracer, state: str) -> None:
    assert outbound(tracer, [("tracestate", state)]).keys() == {"traceparent"}


@pytest.mark.parametrize(
    ("headers", "continues"),
    [([("traceparent", SAMPLED)], True), ([], False), ([("traceparent", f"00-{'0' * 32}-{CALLER}-01")], False)],
    ids=["valid", "none", "illegal"],
)
def test_several_calls_of_one_request_have_a_span_each(tracer: Tracer, headers: Headers, continues: bool) -> None:
    sent = [outbound(tracer, headers)["traceparent"].split("-") for _ in range(3)]
    assert len({span for _, _, span, _ in sent}) == 3
    assert ({trace for _, trace, _, _ in sent} == {TRACE}) is continues
    assert "0" * 32 not in {trace for _, trace, _, _ in sent}


@pytest.mark.parametrize("version", ["00", "cc"])
@pytest.mark.parametrize(
    ("received", "sent"), [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("ff", "03"), ("fc", "00")]
)
def test_only_the_sampled_and_the_random_flag_are_passed_on(
    tracer: Tracer, version: str, received: str, sent: str
) -> None:
    headers = outbound(tracer, [("traceparent", f"{version}-{TRACE}-{CALLER}-{received}")])
    assert headers["traceparent"].endswith(f"-{sent}")


@pytest.mark.parametrize(("sampler", "flags"), [(ALWAYS_OFF, "02"), (ALWAYS_ON, "03")])
@pytest.mark.parametrize("received", ["02", "03"])
def test_the_sampled_flag_is_what_our_sampler_decided(sampler: Sampler, flags: str, received: str) -> None:
    tracer = TracerProvider(sampler=sampler, shutdown_on_exit=False).get_tracer("test")
    sent = outbound(tracer, [("traceparent", f"00-{TRACE}-{CALLER}-{received}"), ("tracestate", "foo@=1")])
    assert sent["traceparent"].endswith(f"-{flags}")
    assert sent["tracestate"] == "foo@=1"


class Marking(Sampler):
    """Writes its own member into the tracestate, as samplers by probability do."""

    def should_sample(self, parent_context: Any, *rest: Any, **named: Any) -> SamplingResult:
        state = get_current_span(parent_context).get_span_context().trace_state
        return SamplingResult(Decision.RECORD_AND_SAMPLE, trace_state=state.update("ot", "th:8"))

    def get_description(self) -> str:
        return "marking"


def test_a_sampler_that_writes_its_member_loses_none_of_the_others() -> None:
    tracer = TracerProvider(sampler=Marking(), shutdown_on_exit=False).get_tracer("test")
    sent = outbound(tracer, [("traceparent", SAMPLED), ("tracestate", "0foo=1,ot=th:0,foo@=2")])
    assert sent["tracestate"] == "ot=th:8,0foo=1,foo@=2"


def test_a_state_is_changed_by_making_another() -> None:
    state = LevelTwoState.from_header(["foo@=1,bar=2"])
    assert state.add("0new@", "3").to_header() == "0new@=3,foo@=1,bar=2"
    assert state.update("bar", "3").to_header() == "bar=3,foo@=1"
    assert state.delete("bar").to_header() == "foo@=1"
    assert state.to_header() == "foo@=1,bar=2"


def test_a_change_that_level_two_forbids_is_none() -> None:
    state = LevelTwoState.from_header(["foo@=1"])
    assert state.add("foo@", "2") is state
    assert state.add("Upper", "2") is state
    assert state.update("foo@", "a,b") is state
    assert state.delete("absent").to_header() == "foo@=1"


def test_the_last_member_makes_room_for_the_33rd() -> None:
    full = LevelTwoState.from_header([",".join(f"k{number}=1" for number in range(32))])
    assert list(full.add("new", "1")) == ["new", *[f"k{number}" for number in range(31)]]


def test_what_was_read_is_a_remote_parent() -> None:
    caller = read([SAMPLED], ["foo=1"])
    assert caller is not None
    assert caller.is_remote
    assert caller.trace_flags.sampled
    assert (f"{caller.trace_id:032x}", f"{caller.span_id:016x}") == (TRACE, CALLER)


def test_no_valid_span_writes_no_header() -> None:
    assert write(INVALID_SPAN_CONTEXT) == {}


def test_flags_that_level_two_does_not_know_are_written_as_zero() -> None:
    context = SpanContext(int(TRACE, 16), int(CALLER, 16), is_remote=False, trace_flags=TraceFlags(0xFD))
    assert write(context) == {"traceparent": SAMPLED}


@pytest.mark.parametrize(
    "scope",
    [
        {},
        None,
        {"headers": None},
        {"headers": 7},
        {"headers": [None]},
        {"headers": [(b"traceparent",)]},
        {"headers": [(b"traceparent", SAMPLED.encode(), b"")]},
        {"headers": [("traceparent", SAMPLED)]},
        {"headers": [(b"traceparent", None)]},
        *[{"headers": [(b"traceparent", b"\xff" + odd)]} for odd in (b"", b"\\x", b"\\q", b"\\N{", b"\\777", b"\\")],
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("error")
def test_an_odd_scope_starts_a_new_trace(scope: Any) -> None:
    assert inbound(scope) is None


@pytest.mark.parametrize("state", [b"foo=\xff", b"foo=\xff\\x", b"foo=\xff\\q", None], ids=repr)
@pytest.mark.filterwarnings("error")
def test_an_unreadable_tracestate_leaves_the_traceparent(state: Any) -> None:
    caller = inbound({"headers": [(b"traceparent", SAMPLED.encode()), (b"tracestate", state)]})
    assert caller is not None
    assert not caller.trace_state


def assert_sound(context: SpanContext | None) -> None:
    if context is not None:
        assert context.is_valid
        assert WELL_FORMED.fullmatch(write(context)["traceparent"])
        assert read(*[[value] for value in write(context).values()], *[[]] * (not context.trace_state)) == context


almost = st.from_regex(r"[\t ]?(00|cc|ff)-[0-9a-fA]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,5})?[\t ]?", fullmatch=True)
member = st.from_regex(r"[\t ]?[0-9a-z][a-z@*/.]{0,4}=[ -~]{1,4}[\t ]?", fullmatch=True)
members = st.lists(member, max_size=35).map(",".join)


@FUZZ
@given(st.lists(st.text() | almost, max_size=3), st.lists(st.text() | members, max_size=3))
def test_any_text_is_read_as_a_valid_context_or_as_none(traceparents: list[str], tracestates: list[str]) -> None:
    assert_sound(read(traceparents, tracestates))


@FUZZ
@given(almost, st.lists(members, max_size=3))
def test_any_text_of_about_the_right_form_is_read_soundly(traceparent: str, tracestates: list[str]) -> None:
    assert_sound(read([traceparent], tracestates))


names = st.sampled_from([b"traceparent", b"TraceParent", b"tracestate"]) | st.binary()
values = st.binary() | st.binary().map(lambda tail: b"\xff\\" + tail) | (almost | members).map(str.encode)


@FUZZ
@pytest.mark.filterwarnings("error")
@given(st.lists(st.tuples(names, values), max_size=4))
def test_any_bytes_are_read_as_a_valid_context_or_as_none(headers: list[tuple[bytes, bytes]]) -> None:
    assert_sound(inbound({"type": "http", "headers": headers}))
