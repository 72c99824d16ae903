"""Whether what arrived is what was sent: the demo ends with an error where it is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..catalog import attributes as a
from ..viewer.decode import Point, Span
from .provider import Seen
from .show import propagations
from .traffic import CALLER, Answer

EXPECTED = {"ask": 200, "write": 200, "broken": 502, "chat": 101}
CALL, USAGE = "openclaw.model.call", "gen_ai.client.token.usage"


class Check(NamedTuple):
    """Something that must hold, and whether it does."""

    what: str
    holds: bool


def checks(
    answers: Sequence[Answer], seen: Sequence[Seen], spans: Sequence[Span], points: Iterable[Point]
) -> list[Check]:
    """Hold answers, the provider's memory, spans and metrics against each other."""
    calls = [span for span in spans if span.name == CALL]
    named = [row.span for row in propagations(seen, spans)]
    return [
        Check("every request was answered as it should be", {a.what: a.status for a in answers} == EXPECTED),
        Check("the provider saw one request per model call", len(seen) == len(calls) > 0),
        Check("every traceparent names the span of a model call", all(span in calls for span in named)),
        Check("the caller's trace goes on through server, turn, agent, tools and model calls", _continued(spans)),
        Check("every span has its parent, but for the caller's", _complete(spans)),
        Check("the call that failed is an error, and the others are not", _one_failed(calls)),
        Check("tokens on spans and tokens in metrics are the same", _tokens(calls) == _measured(points)),
    ]


def _continued(spans: Sequence[Span]) -> bool:
    names = {span.name for span in spans if span.trace_id == CALLER}
    wanted = {"POST /ask/{channel}", "openclaw.run", "openclaw.harness.run", "openclaw.tool.execution", CALL}
    return wanted <= names


def _complete(spans: Sequence[Span]) -> bool:
    known = {span.span_id for span in spans}
    strangers = [span for span in spans if span.parent_id and span.parent_id not in known]
    return all(span.trace_id == CALLER and span.kind == "SERVER" for span in strangers)


def _one_failed(calls: Sequence[Span]) -> bool:
    failed = [span for span in calls if span.status == "ERROR"]
    return len(failed) == 1 and failed[0].attributes.get(a.REQUEST_MODEL.name) == "broken"


def _tokens(calls: Sequence[Span]) -> int:
    sides = (a.INPUT_TOKENS.name, a.OUTPUT_TOKENS.name)
    return sum(int(span.attributes.get(side, 0)) for span in calls for side in sides)


def _measured(points: Iterable[Point]) -> int:
    return int(sum(point.sum or 0 for point in points if point.name == USAGE))
