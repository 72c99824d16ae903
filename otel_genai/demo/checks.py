"""Whether what arrived is what was done: the demo ends with an error where it is not.

What arrived over OTLP is held against what the provider was asked and billed, and what the gateway did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isclose
from typing import Any, NamedTuple

from ..catalog import attributes as a
from ..viewer.decode import Log, Point, Span
from . import agent
from .provider import Seen
from .show import propagations
from .traffic import CALLER, MESSAGES, PEOPLE, SPOKEN, Answer

ANSWERS = [("message", 202)] * 4 + [("nonsense", 400), ("chat", 101)]
WEBHOOK, MESSAGE, DELIVERY = "openclaw.webhook.processed", "openclaw.message.processed", "openclaw.message.delivery"
RUN, CONTEXT, FAILOVER = "openclaw.run", "openclaw.context.assembled", "openclaw.model.failover"
AGENT, TOOL, CALL, SERVER = "an agent", "a tool", "a model call", "a request"
KINDS = {"invoke_agent": AGENT, "execute_tool": TOOL}

PARENTS: Mapping[str, set[str]] = {
    WEBHOOK: {SERVER},
    "openclaw.webhook.error": {SERVER},
    MESSAGE: {WEBHOOK},
    DELIVERY: {MESSAGE},
    RUN: {MESSAGE, SERVER},
    CONTEXT: {RUN},
    AGENT: {RUN},
    TOOL: {AGENT},
    CALL: {AGENT, TOOL},
    FAILOVER: {AGENT},
    "openclaw.skill.used": {TOOL},
    "openclaw.exec": {TOOL},
}
"""What each kind of span happens in, the turn over the WebSocket in no message."""

COUNTED: Mapping[str, str] = {
    "openclaw.webhook.received": "update",
    "openclaw.webhook.error": "bad update",
    "openclaw.message.received": "message",
    "openclaw.message.processed": "message",
    "openclaw.message.queued": "queued",
    "openclaw.queue.lane.enqueue": "queued",
    "openclaw.queue.lane.dequeue": "taken",
    "openclaw.queue.wait_ms": "taken",
    "openclaw.message.dispatch.started": "taken",
    "openclaw.message.dispatch.completed": "taken",
    "openclaw.message.delivery.started": "delivered",
    "openclaw.message.delivery.duration_ms": "delivered",
    "openclaw.session.turn.created": "turn",
    "openclaw.run.attempt": "turn",
    "openclaw.run.duration_ms": "turn",
    "openclaw.model.failover": "failover",
}
"""Metrics, and which of the gateway's deeds they count."""

ERRORS = Counter({CALL: 1, TOOL: 1, "openclaw.webhook.error": 1})
"""What of all that failed: the model that was over its limit, the calendar, and what was no update."""


class Check(NamedTuple):
    """Something that must hold, and whether it does."""

    what: str
    holds: bool


@dataclass(frozen=True)
class Day:
    """What was done, by those who did it, and what of it arrived."""

    answers: Sequence[Answer] = ()
    seen: Sequence[Seen] = ()
    deeds: Mapping[str, int] = field(default_factory=Counter)
    spans: Sequence[Span] = ()
    points: Sequence[Point] = ()
    logs: Sequence[Log] = ()

    def of(self, kind: str) -> list[Span]:
        return [span for span in self.spans if kind_of(span) == kind]

    def asked(self) -> dict[str, list[Seen]]:
        """The requests that the provider saw, by the model call whose span their `traceparent` names."""
        found: dict[str, list[Seen]] = {}
        for request, row in zip(self.seen, propagations(self.seen, self.spans), strict=True):
            found.setdefault(row.span.span_id if row.span else "", []).append(request)
        return found

    def total(self, metric: str, **labels: str) -> float:
        """What a counter has come to, or how often a histogram was recorded."""
        points = [point for point in self.points if point.name == metric]
        having = {f"openclaw.{name}": value for name, value in labels.items()}
        chosen = [point for point in points if having.items() <= point.attributes.items()]
        return sum((point.value if point.count is None else point.count) or 0 for point in chosen)


def kind_of(span: Span) -> str:
    """What a span is of, in whichever shape its name is; its name, where that is the same in all."""
    if span.kind in {"SERVER", "CLIENT"}:
        return SERVER if span.kind == "SERVER" else CALL
    return KINDS.get(span.attributes.get(a.OPERATION.name, ""), span.name)


def checks(day: Day) -> list[Check]:
    """Everything that must hold of a day."""
    return [Check(what, check(day)) for what, check in CHECKS.items()]


def _answered(day: Day) -> bool:
    return [(answer.what, answer.status) for answer in day.answers] == ANSWERS


def _one_trace_per_message(day: Day) -> bool:
    """From the caller's request to the delivery; a message that was skipped has no turn and no delivery."""
    counts = Counter((span.trace_id, kind_of(span)) for span in day.spans)
    messages = day.of(MESSAGE)
    skipped = [message for message in messages if message.attributes.get(a.OUTCOME.name) == "skipped"]
    for message in messages:
        turns = 0 if message in skipped else 1
        wanted = {SERVER: 1, WEBHOOK: 1, MESSAGE: 1, RUN: turns, CONTEXT: turns, DELIVERY: turns}
        if any(counts[message.trace_id, kind] != count for kind, count in wanted.items()):
            return False
    complete = len(messages) == day.deeds["message"] > 0 and len(skipped) == day.deeds["duplicate"]
    return complete and counts[CALLER, MESSAGE] == 1


def _nested(day: Day) -> bool:
    kinds = {span.span_id: kind_of(span) for span in day.spans}
    placed = all(
        kinds.get(span.parent_id) in PARENTS.get(kinds[span.span_id], {kinds.get(span.parent_id)}) for span in day.spans
    )
    return placed and PARENTS.keys() <= set(kinds.values())


def _complete(day: Day) -> bool:
    known = {(span.trace_id, span.span_id) for span in day.spans}
    strangers = [span for span in day.spans if span.parent_id and (span.trace_id, span.parent_id) not in known]
    return [(span.trace_id, kind_of(span)) for span in strangers] == [(CALLER, SERVER)]


def _propagated(day: Day) -> bool:
    return day.asked().keys() == {span.span_id for span in day.of(CALL)} != set()


def _retried(day: Day) -> bool:
    """The library asked twice, within one call, and then another model took over."""
    refused = [len(requests) for requests in day.asked().values() if requests[-1].usage is None]
    return refused == [2] and len(day.of(FAILOVER)) == 1


def _failed(day: Day) -> bool:
    kinds = Counter(kind_of(span) for span in day.spans if span.status == "ERROR")
    return {kind: count for kind, count in kinds.items() if kind in PARENTS or kind == SERVER} == ERRORS


def _tools(day: Day) -> bool:
    blocked = [span for span in day.of(TOOL) if span.attributes.get(a.OUTCOME.name) == "blocked"]
    ran = day.total("openclaw.tool.execution.duration_ms")
    return len(day.of(TOOL)) == day.deeds["tool"] == ran + 1 and len(blocked) == 1


def _counted(day: Day) -> bool:
    return all(day.total(metric) == day.deeds[deed] > 0 for metric, deed in COUNTED.items())


def _idle(day: Day) -> bool:
    """Nobody publishes these states: they follow from the messages of each session."""
    begun, ended = (day.total("openclaw.session.state", state=state) for state in ("processing", "idle"))
    return len(PEOPLE) <= begun == ended <= day.deeds["message"]


def _tokens(day: Day) -> bool:
    asked, billed = day.asked(), [request.usage or {} for request in day.seen]
    for side, attribute, token in (
        ("prompt_tokens", a.INPUT_TOKENS, "prompt"),
        ("completion_tokens", a.OUTPUT_TOKENS, "output"),
    ):
        for call in day.of(CALL):
            told = sum((request.usage or {}).get(side, 0) for request in asked.get(call.span_id, ()))
            if call.attributes.get(attribute.name, 0) != told:
                return False
        if day.total("openclaw.tokens", token=token) != sum(usage.get(side, 0) for usage in billed):
            return False
    return bool(billed)


def _cost(day: Day) -> bool:
    due = {span_id: [_dollars(request) for request in requests] for span_id, requests in day.asked().items()}
    for call in day.of(CALL):
        known = [dollars for dollars in due.get(call.span_id, ()) if dollars is not None]
        if not isclose(call.attributes.get(a.COST_AMOUNT.name, 0.0), sum(known)):
            return False
    total = sum(dollars or 0 for bills in due.values() for dollars in bills)
    metrics = ("openclaw.cost.usd", "nora.agent.cost.usd")
    return total > 0 and all(isclose(day.total(metric), total) for metric in metrics)


def _unpriced(day: Day) -> bool:
    without = [request for request in day.seen if request.usage and _dollars(request) is None]
    return day.total("otel_genai.cost.unpriced") == len(without) > 0


def _dollars(request: Seen) -> float | None:
    """What the provider's bill of a request comes to by the demo's rates; `None` where they do not name the model."""
    usage, rate = request.usage, agent.RATES.get(f"openai/{request.body.get('model')}")
    if usage is None or rate is None:
        return None
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    read = (usage["prompt_tokens"] - cached) * rate["input_per_1k"] + cached * rate["cache_read_per_1k"]
    return float(read + usage["completion_tokens"] * rate["output_per_1k"]) / 1000


def _private(day: Day) -> bool:
    """Nothing that a person, a model or a tool said, and none of their ids, is in anything that arrived."""
    said = {text for request in day.seen for text in _texts(request.body) if " " in text}
    people = {name for names in PEOPLE.values() for name in names}
    written = {SPOKEN, *(text for *_, text in MESSAGES), *(message_id for _, message_id, _ in MESSAGES)}
    arrived = repr((day.spans, day.points, day.logs))
    return bool(said and day.spans) and not any(text in arrived for text in said | people | written)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


CHECKS: Mapping[str, Callable[[Day], bool]] = {
    "every request was answered as it should be": _answered,
    "every message is one trace, from the caller's request to the delivery": _one_trace_per_message,
    "webhook > message > run > context, agent > tool, model call": _nested,
    "every span has its parent, but for the caller's": _complete,
    "every traceparent the provider saw names a model call that arrived, and all did": _propagated,
    "the call that was over its limit was asked again within one span, then gave way": _retried,
    "what failed is an error, and nothing else is": _failed,
    "every tool has its span, and the blocked one did not run": _tools,
    "metrics count what the gateway did": _counted,
    "every session that was at work is idle again": _idle,
    "tokens on spans and in metrics are what the provider billed": _tokens,
    "cost on spans and in metrics is rates x tokens": _cost,
    "a call that nobody can price is counted as unpriced, and in no cost": _unpriced,
    "nothing that anybody said arrived, and nobody's id": _private,
}
