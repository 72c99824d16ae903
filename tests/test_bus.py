"""The bus: who is told of what, in which order, and that nobody disturbs anybody."""

from __future__ import annotations

import contextvars
import gc
import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import guard
from otel_genai.bus import Bus, bus
from otel_genai.collector import collecting
from otel_genai.events import Event, HarnessRun, MessageQueued, ModelCall, ModelUsage, Operation, ToolExecution
from otel_genai.sources import streams
from otel_genai.testing import Captured, capture


def kinds(told: list[Event]) -> list[str]:
    return [event.kind for event in told]


def test_without_subscribers_a_publish_leaves_the_event_as_it_was() -> None:
    event = MessageQueued(source="dispatcher")
    Bus().publish(event)
    assert event.at_ns == 0


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ((), ["message.queued", "tool", "tool"]),
        ((ToolExecution,), ["tool", "tool"]),
        ((Operation,), ["tool", "tool"]),
        ((Event,), ["message.queued", "tool", "tool"]),
        (("tool.*",), ["tool", "tool"]),
        (("tool.execution.started",), ["tool"]),
        (("message.queued", ToolExecution), ["message.queued", "tool", "tool"]),
        ((ModelCall,), []),
        (("tool",), []),
    ],
)
def test_a_subscriber_names_types_or_wire_names(what: tuple[Any, ...], expected: list[str]) -> None:
    one, told = Bus(), []
    one.subscribe(lambda event: told.append("tool" if isinstance(event, ToolExecution) else event.kind), *what)
    one.publish(MessageQueued(source="dispatcher"))
    tool = ToolExecution(name="search")
    one.start(tool)
    one.finish(tool)
    assert told == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("model.*", print), "subscribe\\(\\) takes a function first, and 'model.\\*' is none"),
        ((ModelCall, print), "takes a function first"),
        ((print, 5), "subscribe\\(\\) takes types of events and wire names such as 'model.\\*', not 5"),
        ((print, ModelCall, int), "not <class 'int'>"),
        ((print, ["model.*"]), "not \\['model"),
    ],
)
def test_what_cannot_be_subscribed_is_said_at_once(arguments: Any, said: str) -> None:
    one = Bus()
    with pytest.raises(TypeError, match=said):
        one.subscribe(*arguments)
    assert not one.listening


def test_a_pattern_that_no_event_matches_is_a_warning_and_that_of_a_users_own_event_is_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Parcel(Event):
        """Something of somebody's own."""

        kind = "parcel.sent"

    one = Bus()
    for pattern in ("modell.*", "*", "mcp.*", "model.call.error", "parcel.*"):
        one.subscribe(print, pattern)
    assert [record.getMessage() for record in caplog.records] == [
        "subscribe: 'modell.*' is the wire name of no event that is known: nobody may be told"
    ]


@pytest.mark.parametrize("thing", ["x", MessageQueued, ModelCall, Event, None])
def test_what_is_no_event_is_not_published_to_those_who_listen(thing: Any) -> None:
    one = Bus()
    one.publish(thing)
    one.subscribe(print)
    with pytest.raises(TypeError, match=r"publish\(\) takes an event, such as MessageQueued\(source='web'\), not "):
        one.publish(thing)
    assert MessageQueued.at_ns == 0


def test_an_error_in_an_event_of_the_users_own_is_his() -> None:
    class Broken(MessageQueued):
        """Its wire name cannot be read."""

        @property
        def kind(self) -> str:  # type: ignore[override]
            raise AttributeError("theirs")

    one = Bus()
    one.subscribe(print)
    with pytest.raises(AttributeError, match="theirs"):
        one.publish(Broken(source="x"))


def test_an_operation_comes_twice_and_its_kind_says_how_far_it_is() -> None:
    one, told = Bus(), []
    one.subscribe(lambda event: told.append(event.kind))
    for error in (None, ValueError(), KeyboardInterrupt()):
        tool = ToolExecution(name="search")
        one.start(tool)
        one.finish(tool, error)
    started, completed, failed = (f"tool.execution.{word}" for word in ("started", "completed", "error"))
    assert told == [started, completed, started, failed, started, completed]


def test_subscribers_are_told_in_the_order_in_which_they_came() -> None:
    one, told = Bus(), []
    for name in "abc":
        one.subscribe(lambda _, name=name: told.append(name))
    one.publish(MessageQueued(source="x"))
    assert told == ["a", "b", "c"]


def test_one_call_undoes_a_subscription_and_a_second_changes_nothing() -> None:
    one, told = Bus(), []
    undo, _ = one.subscribe(told.append), one.subscribe(told.append)
    undo()
    undo()
    one.publish(MessageQueued(source="x"))
    assert len(told) == 1


def test_without_its_last_subscriber_the_bus_stops_listening() -> None:
    one = Bus()
    undo = one.subscribe(print)
    assert one.listening
    undo()
    assert not one.listening


def test_who_comes_late_is_told_of_what_follows_and_who_leaves_meanwhile_is_not() -> None:
    one, told = Bus(), []
    undo = one.subscribe(told.append)
    one.publish(MessageQueued(source="a"))
    undo()
    one.subscribe(told.append, "message.*")
    one.publish(MessageQueued(source="b"))
    assert [event.source for event in told] == ["a", "b"]


def test_a_subscriber_may_unsubscribe_while_it_is_told() -> None:
    one, told = Bus(), []

    def once(event: Event) -> None:
        told.append(event)
        undo()

    undo = one.subscribe(once)
    one.publish(MessageQueued(source="a"))
    one.publish(MessageQueued(source="b"))
    assert len(told) == 1


def test_a_class_of_the_users_own_may_share_the_wire_name_of_its_parent() -> None:
    class Search(ToolExecution):
        """A tool that somebody wants to tell apart."""

    one, told = Bus(), []
    one.subscribe(told.append, Search)
    for event in (ToolExecution(name="a"), Search(name="b")):
        one.start(event)
    assert [event.name for event in told] == ["b"]


def test_a_misbehaving_subscriber_is_logged_once_and_counted_and_the_others_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Unheard(Exception):
        """Not seen before in this process."""

    def broken(_: Event) -> None:
        raise Unheard

    one, told = Bus(), []
    one.subscribe(broken)
    one.subscribe(told.append)
    with caplog.at_level(logging.WARNING, logger="otel_genai"):
        for _ in range(3):
            one.publish(MessageQueued(source="x"))
    assert len(told) == 3
    assert len(caplog.records) == 1
    assert guard.counts()["telling a subscriber", "Unheard"] == 3


def test_a_broken_resolver_disturbs_nobody() -> None:
    def resolver(event_type: type[Event], kind: str) -> None:
        raise LookupError(kind)

    one, told = Bus(), []
    one.connect(resolver)
    one.subscribe(told.append)
    one.publish(MessageQueued(source="x"))
    assert kinds(told) == ["message.queued"]


def test_a_subscriber_may_publish() -> None:
    one, told = Bus(), []
    one.subscribe(lambda _: one.publish(MessageQueued(source="b")), ToolExecution)
    one.subscribe(told.append)
    one.start(ToolExecution(name="search"))
    assert kinds(told) == ["message.queued", "tool.execution.started"]


def answered_call(one: Bus) -> ModelCall:
    call = ModelCall(model="m", input_tokens=2)
    one.start(call)
    one.finish(call)
    return call


def test_what_follows_from_an_operation_is_told_after_its_end_as_a_part_of_it() -> None:
    one, told = Bus(), []
    one.subscribe(told.append)
    call = answered_call(one)
    *_, usage = told
    assert kinds(told[-2:]) == ["model.call.completed", "model.usage"]
    assert (usage.parent, usage.scope.operation, usage.at_ns) == (call, call, call.at_ns)


def test_who_works_out_himself_what_follows_is_told_only_of_what_follows_from_nothing() -> None:
    one, told = Bus(), []
    one.connect(lambda event_type, kind: told.append, derives=True)
    answered_call(one)
    one.publish(ModelUsage(model="m"))
    assert [type(event) for event in told] == [ModelCall, ModelCall, ModelUsage]


def test_what_follows_is_not_made_where_nobody_wants_to_be_told() -> None:
    one, made = Bus(), []

    class Counted(ModelCall):
        def used(self) -> ModelUsage:
            made.append(self)
            return super().used()

    one.connect(lambda event_type, kind: lambda event: None, derives=True)
    call = Counted(model="m", input_tokens=2)
    one.start(call)
    one.finish(call)
    assert made == []
    assert [event.input_tokens for event in call.following()] == [2]


def test_an_operation_ends_once_whoever_ends_it_again() -> None:
    one, told = Bus(), []
    one.subscribe(told.append, "tool.execution.completed", "tool.execution.error")
    tool = ToolExecution(name="search")
    one.start(tool)
    threads = [threading.Thread(target=one.finish, args=(tool, error)) for error in (None, ValueError()) * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1


def test_an_operation_that_others_hold_ends_with_the_last_of_them() -> None:
    one = Bus()
    call = ModelCall(model="m")
    one.start(call)
    call.holds = 2
    for expected in (None, None, "completed"):
        one.finish(call)
        assert call.outcome == expected


def test_an_error_ends_an_operation_that_others_hold_at_once() -> None:
    one = Bus()
    call = ModelCall(model="m")
    one.start(call)
    call.holds = 1
    one.finish(call, ValueError())
    assert call.outcome == "error"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), GeneratorExit(), BaseException()])
def test_what_is_no_exception_cancels(error: BaseException) -> None:
    one = Bus()
    tool = ToolExecution(name="search")
    one.start(tool)
    one.finish(tool, error)
    assert tool.outcome == "cancelled"


def test_a_subscriber_sees_the_error_and_it_is_let_go_of_afterwards() -> None:
    """Its traceback holds the user's frames, and they would hold the operation."""
    one, seen = Bus(), []
    one.subscribe(lambda event: seen.append(event.error), "tool.execution.error")
    tool, error = ToolExecution(name="search"), ValueError("x")
    one.start(tool)
    one.finish(tool, error)
    assert seen == [error]
    assert tool.error is None
    assert tool.error_type == "ValueError"


def test_an_operation_that_is_over_is_freed_without_the_garbage_collector(captured: Captured) -> None:
    tool = ToolExecution(name="search")
    freed = weakref.ref(tool)
    gc.disable()
    try:
        bus.start(tool)
        bus.leave(tool, bus.enter(tool))
        bus.finish(tool)
        captured.events.clear()
        del tool
        assert freed() is None
    finally:
        gc.enable()


def test_what_is_told_of_an_operation_that_is_over_happened_inside_of_it() -> None:
    one, agent, late = Bus(), HarnessRun(name="ada"), MessageQueued(source="dispatcher")
    one.subscribe(lambda event: None)
    one.start(agent)
    one.finish(agent)
    one.publish(late, agent)
    assert (late.scope.operation, late.scope.agent) == (agent, "ada")


def test_what_is_entered_is_current_inside_and_nothing_is_left_of_it() -> None:
    tool = ToolExecution(name="search")
    one = Bus()
    one.start(tool)
    with one.inside(tool):
        assert genai.scope.current().operation is tool
    assert genai.scope.current().operation is None
    assert tool.outcome is None


def test_an_operation_left_in_another_context_leaves_nothing_current_there(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    before = genai.headers()
    tool = ToolExecution(name="search")
    bus.start(tool)
    entry = bus.enter(tool)
    copied = contextvars.copy_context()

    def leave() -> tuple[object, dict[str, str]]:
        bus.leave(tool, entry)
        return genai.scope.current().operation, genai.headers()

    assert copied.run(leave) == (None, before)
    bus.leave(tool, entry)
    bus.finish(tool)
    assert (genai.scope.current().operation, genai.headers()) == (None, before)
    assert not caplog.records


def test_wants_says_whether_anybody_would_be_told() -> None:
    one = Bus()
    one.subscribe(print, "tool.execution.error")
    assert one.wants(ToolExecution)
    assert not one.wants(ModelCall)


def test_what_follows_from_an_end_is_a_child_of_it() -> None:
    one, told = Bus(), []
    one.subscribe(told.append, "model.usage")
    call = ModelCall(model="m", input_tokens=0)
    one.start(call)
    one.finish(call)
    assert [(event.parent, event.input_tokens) for event in told] == [(call, 0)]


def test_without_anybody_who_traces_there_are_no_headers() -> None:
    assert (Bus().headers(), Bus().rows()) == ({}, [])


class Failing:
    """Who traces, and does not know what is current."""

    def rows(self) -> Any:
        raise LookupError

    trace_ids = rows

    def restore(self, operation: Operation) -> None:
        raise LookupError


def test_rows_are_the_headers_of_who_traces_now(captured: Captured) -> None:
    with genai.model_call():
        assert {name.decode(): value.decode() for _, name, value in bus.rows() or ()} == genai.headers() != {}
        undo = bus.trace_with(Failing())
        with guard.strict(False):
            assert (bus.headers(), bus.rows() or []) == ({}, [])
        undo()
        assert bus.rows()
    assert guard.counts()["reading the trace context", "LookupError"] == 2


# -- the garbage collector


class Unreachable:
    """Something in a reference cycle, which only the garbage collector ends."""

    def __init__(self, one: Bus, ends: Any) -> None:
        self.itself, self.one, self.ends = self, one, ends

    def __del__(self) -> None:
        self.ends(self.one)


def test_what_happens_while_the_garbage_collector_runs_is_told_afterwards_and_in_order() -> None:
    one, told = Bus(), []
    one.subscribe(lambda event: told.append((event.kind, collecting())))
    tool = ToolExecution(name="search")

    def ends(at: Bus) -> None:
        at.start(tool)
        at.publish(MessageQueued(source="x"))
        at.finish(tool)

    Unreachable(one, ends)
    gc.collect()
    assert not told
    one.settle()
    assert told == [("message.queued", False), ("tool.execution.completed", False)]


def test_the_next_event_tells_of_what_ended_while_the_garbage_collector_ran() -> None:
    one, told = Bus(), []
    one.subscribe(told.append)
    tool = ToolExecution(name="search")
    one.start(tool)
    Unreachable(one, lambda at: at.finish(tool))
    gc.collect()
    one.publish(MessageQueued(source="x"))
    assert kinds(told)[1:] == ["tool.execution.completed", "message.queued"]


def test_what_ended_while_the_garbage_collector_ran_keeps_its_place_in_the_trace(captured: Captured) -> None:
    def ends(_: Bus) -> None:
        with genai.tool("late"):
            pass

    with genai.agent("planner"):
        Unreachable(bus, ends)
        gc.collect()
    assert captured.parent(captured.span("openclaw.tool.execution")) == captured.span("openclaw.harness.run")


def abandon() -> None:
    """An unread stream in a reference cycle."""
    stream = streams.Stream(ModelCall(model="m", input_tokens=1), (number for number in range(3)))
    next(stream)
    cycle: list[Any] = [stream]
    cycle.append(cycle)


def collected_within(work: Callable[[], object], most: int) -> int:
    """Have the garbage collector end an abandoned stream after each number of allocations of `work`, up to `most`."""
    for allocations in range(most):
        gc.collect()
        gc.disable()
        abandon()
        gc.set_threshold(gc.get_count()[0] + allocations)
        gc.enable()
        work()
    return most


def test_a_stream_that_is_collected_while_the_sdk_holds_a_lock_does_not_wait_for_itself(captured: Captured) -> None:
    def record() -> None:
        with genai.model_call("m") as call:
            call.update(input_tokens=1)

    done: list[int] = []

    def work() -> None:
        done.append(collected_within(record, 60))
        done.append(collected_within(captured.reader.get_metrics_data, 60))
        done.append(collected_within(captured.exporter.get_finished_spans, 5))

    before = gc.get_threshold()
    gc.collect()
    gc.freeze()  # so that each of the collections is short
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(30)
    gc.unfreeze()
    gc.set_threshold(*before)
    assert done == [60, 60, 5]
    gc.collect()
    assert len([span for span in captured.spans if span.name == "openclaw.model.call"]) == 5 + 60 + 2 * 60


def test_work_that_starts_its_own_next_round_holds_no_rounds_before() -> None:
    one, alive = Bus(), weakref.WeakSet[Operation]()
    one.subscribe(lambda event: None)

    def run(left: int) -> None:
        alive.add(operation := ToolExecution(name="tick"))
        one.start(operation)
        with one.inside(operation):
            next_round = contextvars.copy_context()
        one.finish(operation)
        if left:
            del operation
            rounds.append((next_round, left - 1))

    rounds = [(contextvars.copy_context(), 100)]
    while rounds:
        context, left = rounds.pop()
        context.run(run, left)
    del context
    assert len(alive) <= 1


def test_what_begins_inside_of_what_is_over_is_still_inside_of_what_runs() -> None:
    one, agent, over, late = Bus(), HarnessRun(name="planner"), ToolExecution(name="spawn"), ToolExecution(name="late")
    one.start(agent)
    with one.inside(agent):
        one.start(over)
        with one.inside(over):
            spawned = contextvars.copy_context()
        one.finish(over)
    spawned.run(one.start, late)
    assert late.scope.operation is over
    assert over.scope.operation is agent


@pytest.mark.parametrize("tokens", ["12", [1], {"input": 3}, object()])
def test_tokens_that_are_no_numbers_are_no_error_of_the_program(tokens: Any) -> None:
    with capture() as captured, guard.strict(False):
        with genai.agent("planner"), genai.model_call("m", provider="p") as call:
            call.update(input_tokens=tokens, output_tokens=2)
        genai.publish(ModelUsage(provider="p", model="m", input_tokens=tokens))
        captured.metrics()  # which is where some of it is noticed
        assert {span.name for span in captured.spans} >= {"openclaw.model.call", "openclaw.harness.run"}
    assert call.event.outcome == "completed"


def test_a_harness_run_tells_its_name_to_what_happens_inside() -> None:
    one, told = Bus(), []
    one.subscribe(told.append, MessageQueued)
    run = HarnessRun(name="planner")
    one.start(run)
    with one.inside(run):
        one.publish(MessageQueued(source="x"))
    assert told[0].scope.agent == "planner"
