"""Finds agents that go round in circles: watches the tools of each session and run, and tells of calls that repeat.

It sees no arguments and no results, only their fingerprints, which are taken while somebody looks for loops. It tells
and never interferes: whoever wants to stop a loop subscribes to `ToolLoop`.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal, NamedTuple, TypeVar

from ..bus import bus
from ..events import Event, ToolExecution, ToolLoop
from ..listeners import Handler
from .hashing import hashed
from .observe import ToolBlock

BUCKET = 10
"""A loop is warned of again when it has had about that many more calls."""
MOST_SESSIONS = 256
MOST_LOOPS = 256
UNKNOWN_TOOL = frozenset({"unknown-tool", "unknown_tool", "tool-not-found", "tool_not_found"})
"""Reasons to deny a tool that say that there is no such tool."""

T = TypeVar("T")
Signature = tuple[str, str]
Level = Literal["warning", "critical"]


class Call(NamedTuple):
    """What is remembered of one call."""

    number: int
    tool: str
    signature: Signature | None
    result: str | None
    unknown: bool
    began_ns: int
    ended_ns: int


class Loop(NamedTuple):
    """Calls that repeat, the newest first."""

    detector: str
    level: Level
    calls: list[Call]


@dataclass
class Session:
    """The newest calls of one session, or of one run in it."""

    calls: deque[Call]
    count: int = 0


@dataclass
class Told:
    """What has been told of a loop."""

    bucket: int = 0
    number: int = 0


@dataclass(frozen=True)
class Thresholds:
    """How many calls are too many; each level needs more of them than the one before."""

    warning: int
    critical: int
    breaker: int
    unknown_tool: int
    polls: frozenset[str]


# -- what repeats


def judge(calls: list[Call], limits: Thresholds) -> Loop | None:
    """The gravest loop that the newest call is part of; `calls` are the newest first."""
    newest = calls[0]
    unknown = unknown_streak(calls)
    if len(unknown) >= limits.unknown_tool:
        return Loop("unknown_tool_repeat", "critical", unknown)
    if newest.signature is None:
        return None
    stuck = no_progress(calls)
    if len(stuck) >= limits.breaker:
        return Loop("global_circuit_breaker", "critical", stuck)
    if newest.tool in limits.polls and (level := level_of(len(stuck), len(stuck), limits)):
        return Loop("known_poll_no_progress", level, stuck)
    turns = alternating(calls)
    if level := level_of(len(turns), len(turns) if without_progress(turns) else 0, limits):
        return Loop("ping_pong", level, turns)
    same = [call for call in calls if call.signature == newest.signature]
    level = None if newest.tool in limits.polls else level_of(len(same), len(stuck), limits)
    return Loop("generic_repeat", level, stuck if level == "critical" else same) if level else None


def level_of(repeated: int, stuck: int, limits: Thresholds) -> Level | None:
    """Critical needs calls that came to nothing new; for a warning it is enough that they repeat."""
    if stuck >= limits.critical:
        return "critical"
    return "warning" if repeated >= limits.warning else None


def unknown_streak(calls: list[Call]) -> list[Call]:
    """The newest calls, as long as they were all of one tool that there is not."""
    found: list[Call] = []
    for call in calls:
        if not call.unknown or call.tool != calls[0].tool:
            break
        found.append(call)
    return found


def no_progress(calls: list[Call]) -> list[Call]:
    """The newest calls like the first one whose results are all the same; others in between do not matter."""
    found: list[Call] = []
    for call in calls:
        if call.signature != calls[0].signature or call.result is None:
            continue
        if found and call.result != found[0].result:
            break
        found.append(call)
    return found


def alternating(calls: list[Call]) -> list[Call]:
    """The newest calls, as long as two that differ take turns."""
    if len(calls) < 2 or calls[1].signature in (None, calls[0].signature):
        return []
    found: list[Call] = []
    for place, call in enumerate(calls):
        if call.signature != calls[place % 2].signature:
            break
        found.append(call)
    return found


def without_progress(turns: list[Call]) -> bool:
    """Whether each of the two always had the same result."""
    return all(
        one is not None and one == before for one, before in zip(results(turns[2:]), results(turns), strict=False)
    )


def results(calls: Iterable[Call]) -> list[str | None]:
    return [call.result for call in calls]


# -- who watches


@dataclass
class Detector:
    """Remembers the calls of each session, and tells of loops among them."""

    limits: Thresholds
    history: int
    sessions: OrderedDict[Hashable, Session] = field(default_factory=OrderedDict)
    told: OrderedDict[Hashable, Told] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def handler(self, event_type: type[Event], kind: str) -> Handler | None:
        is_end = issubclass(event_type, ToolExecution) and kind != event_type.started_kind
        return self.watch if is_end else None

    def watch(self, event: Event) -> None:
        """Remember a call that is over; tell if it is one too many."""
        assert isinstance(event, ToolExecution)
        whose = session_of(event)
        if whose is None:
            return
        with self.lock:
            loop = judge(self._remember(whose, event), self.limits)
            news = self._news(whose, loop) if loop else None
        if loop and news is not None:
            bus.publish(described(loop, news), event.scope.operation)

    def _remember(self, whose: Hashable, event: ToolExecution) -> list[Call]:
        session = recent(self.sessions, whose, lambda: Session(deque(maxlen=self.history)), MOST_SESSIONS)
        session.count += 1
        session.calls.appendleft(remembered(event, session.count))
        return list(session.calls)

    def _news(self, whose: Hashable, loop: Loop) -> int | None:
        """How many of its calls have not been told of; `None` where there is no need to tell of them yet."""
        told = recent(self.told, (whose, frozenset(call.signature for call in loop.calls)), Told, MOST_LOOPS)
        bucket = len(loop.calls) // BUCKET
        if loop.level == "warning" and bucket <= told.bucket and told.number:
            return None
        news = sum(call.number > told.number for call in loop.calls)
        told.bucket, told.number = bucket, loop.calls[0].number
        return news


def recent(kept: OrderedDict[Hashable, T], key: Hashable, make: Callable[[], T], most: int) -> T:
    """What is kept under `key`, made if need be; what was not asked for longest gives way."""
    found = kept.get(key)
    if found is None:
        found = kept[key] = make()
        if len(kept) > most:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return found


def session_of(event: ToolExecution) -> Hashable | None:
    """Whose calls belong together: those of a session and run, or else of whatever is the outermost around them."""
    if event.scope.session or event.scope.run:
        return event.scope.session, event.scope.run
    around = event.scope.operation
    while around is not None and around.scope.operation is not None:
        around = around.scope.operation
    return None if around is None else (id(around), around.started_ns)


def remembered(event: ToolExecution, number: int) -> Call:
    """What is remembered of a call. A failure is a result too, named after its class."""
    tool = event.name or "tool"
    signature = None if event.params_hash is None else (tool, event.params_hash)
    failure = event.denied_reason or event.error_category
    result = event.result_hash if failure is None else f"{event.outcome}:{failure}"
    unknown = event.denied_reason in UNKNOWN_TOOL
    return Call(number, tool, signature, result, unknown, event.started_ns, event.at_ns)


def described(loop: Loop, news: int) -> ToolLoop:
    newest, oldest = loop.calls[0], loop.calls[-1]
    return ToolLoop(
        tool=newest.tool,
        level=loop.level,
        detector=loop.detector,
        count=len(loop.calls),
        new_count=news,
        paired_tool=loop.calls[1].tool if loop.detector == "ping_pong" else None,
        duration_ns=newest.ended_ns - oldest.began_ns,
    )


# -- fingerprints


def fingerprint(value: Any) -> str | None:
    """What tells equal arguments or results from others, and nothing about them, for `params_hash` and `result_hash`.

    It is a SHA-256 of the value as JSON, its keys in order. There is none for what is not JSON or is very large, nor
    while nobody looks for loops. It stays in the process.

    Args:
        value: arguments or a result: texts, numbers, lists and dictionaries of them.
    """
    return hashed(value) if _detectors else None


def sign(event: ToolExecution, name: str, value: Any) -> None:
    """Set a fingerprint of a decorated call, unless its caller has set one."""
    if getattr(event, name) is None:
        setattr(event, name, hashed(value))


_detectors: list[Detector] = []


# -- the face


def detect_loops(
    *,
    history: int = 30,
    warning: int = 10,
    critical: int = 20,
    breaker: int = 30,
    unknown_tool: int = 10,
    polls: Collection[str] = (),
) -> Callable[[], None]:
    """Look for agents that go round in circles, and publish a `ToolLoop` event for each; returns its undo.

    Looked at are the newest calls of a session and run (`genai.bind`, `genai.run`), or of the outermost operation where
    neither is said. Calls are alike where tool and `params_hash` are, and came to nothing new where `result_hash`, or
    the class of the error, is the same as well. Decorated tools have both by themselves, as far as their arguments and
    results are JSON; a block is given them: `genai.tool(name, params_hash=genai.fingerprint(arguments))`.

    Args:
        history: calls that are remembered per session; at least as many as `breaker` and `unknown_tool`.
        warning: like calls, or turns of two calls, that are worth a warning; again with every 10 more.
        critical: of those that came to nothing new, as many as are critical; at least one more than `warning`.
        breaker: as many of one call as trip the breaker; at least one more than `critical`.
        unknown_tool: calls in a row of a tool that there is not (denied as `unknown-tool`) that are critical.
        polls: names of tools that are meant to be called again and again: only calls that come to nothing new count.
    """
    critical = max(critical, warning + 1)
    breaker = max(breaker, critical + 1)
    limits = Thresholds(warning, critical, breaker, unknown_tool, frozenset(polls))
    detector = Detector(limits, max(history, breaker, unknown_tool))
    disconnect = bus.connect(detector.handler)
    _detectors.append(detector)
    ToolBlock.sign = staticmethod(sign)

    def undo() -> None:
        disconnect()
        if detector in _detectors:
            _detectors.remove(detector)
        if not _detectors:
            ToolBlock.sign = None

    return undo
