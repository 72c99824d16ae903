"""Publishes what is logged by the standard library's logging, and a formatter that names the trace.

structlog and loguru reach it, too: the one through the standard library, the other with `logger.add(LogHandler())`.
"""

from __future__ import annotations

import json
import logging
import re
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from types import TracebackType
from typing import Any, Final

from .. import config, guard, privacy, scope
from ..bus import bus
from ..events import LogRecord
from ..events.logs import Scalar

MOST_ATTRIBUTES: Final = 32
LONGEST_VALUE: Final = 2048
LONGEST_NAME: Final = 120
LONGEST_JSON: Final = 8192
LEVELS: Final = ((50, "FATAL"), (40, "ERROR"), (30, "WARN"), (20, "INFO"), (10, "DEBUG"), (0, "TRACE"))
OF_EVERY_RECORD: Final = frozenset(
    {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "extra", "color_message"}
)
SKIPPED: Final = frozenset({"trace", "exc_info"})
MESSAGES: Final = ("event", "message", "msg")
"""Where structured records keep their message."""
OURS: Final = ("otel_genai", "opentelemetry")
"""Loggers of who exports: what they say about exports is never exported."""

Raised = tuple[type[BaseException], BaseException | None, TracebackType | None]

_name = re.compile(r"[A-Za-z0-9_.:-]{1,120}").fullmatch
_busy = threading.local()


class LogHandler(logging.Handler):
    """Publishes each record as a `log.record` event, which is exported where `logs` is on.

    For what does not reach the root logger, as loguru's; what does is seen by `configure(logs=True)` alone. The message
    leaves only under `capture_content=True`; level, logger, place in the code, plain attributes (`extra=`) and the
    trace always do. What the exporter itself logs, however low the level, is left out.
    """

    def emit(self, record: logging.LogRecord) -> None:
        see(record)


def see(record: logging.LogRecord) -> None:
    """Publish a record, unless it is of who exports, or of who is told of one."""
    if not bus.listening or guard.exporting() or getattr(_busy, "on", False) or is_ours(record.name):
        return
    _busy.on = True
    try:
        guard.call("publishing a log record", _publish, record)
    finally:
        _busy.on = False


_attached = 0
_hooked = False
_call_handlers = logging.Logger.callHandlers
"""What logging does with a record by itself."""


def attach_to_root() -> Callable[[], None]:
    """Have everything that reaches the root logger published, after its handlers had it; returns the undo.

    There is no handler for it: with one, `logging.basicConfig` would do nothing, warnings would not be printed where
    nobody configured logging, and `logging.config.dictConfig` would take it off.
    """
    global _attached, _hooked, _call_handlers
    _attached += 1
    if not _hooked:
        _call_handlers, _hooked = logging.Logger.callHandlers, True
        logging.Logger.callHandlers = _call_and_see  # type: ignore[assignment,method-assign]
    return _detach


def _detach() -> None:
    """Where somebody else has hooked in above, the hook must stay, and sees nothing."""
    global _attached, _hooked
    _attached -= 1
    if not _attached and logging.Logger.callHandlers is _call_and_see:
        logging.Logger.callHandlers, _hooked = _call_handlers, False  # type: ignore[method-assign]


def _call_and_see(logger: logging.Logger, record: logging.LogRecord) -> None:
    _call_handlers(logger, record)
    if _attached and _reaches_root(logger):
        see(record)


def _reaches_root(logger: logging.Logger) -> bool:
    above: logging.Logger | None = logger
    while above is not None and above is not logging.root:
        above = above.parent if above.propagate else None
    return above is not None


def is_ours(name: str) -> bool:
    return name.startswith(OURS) and name.partition(".")[0] in OURS


def _publish(record: logging.LogRecord) -> None:
    if not bus.wants(LogRecord):
        return
    bound, message = _structured(record)
    raised = _raised(record, bound)
    texts = config.active().capture_content.texts
    event = LogRecord(
        level=level_of(record.levelno),
        logger=_named(record.name),
        parents=tuple(filter(None, map(_named, record.name.split(".")[:-1]))),
        attributes=attributes_of({**bound, **_extra(record)}),
        line=record.lineno or None,
        function=_named(record.funcName) if record.funcName else None,
        error_type=raised[0].__qualname__ if raised else None,
        message=privacy.text(_text(message)) if texts else None,
        stacktrace=privacy.text(_stacktrace(raised)) if texts and raised else None,
    )
    bus.publish(event)


def level_of(number: int) -> str:
    """The severity's word for a level of the standard library; of one in between, that of the next lower one."""
    return next(word for least, word in LEVELS if number >= least or least == 0)


def _named(name: str) -> str | None:
    trimmed = name[:LONGEST_NAME].strip()
    return trimmed if _name(trimmed) else None


def _structured(record: logging.LogRecord) -> tuple[Mapping[str, Any], object]:
    """The bindings and the message of a record that is a mapping, or JSON; of another: none, and itself."""
    said: object = record.msg
    if isinstance(said, str) and not record.args and said[:1] == "{" and len(said) <= LONGEST_JSON:
        said, _ = guard.attempt(json.loads, said)
    if not isinstance(said, dict):
        return {}, record
    message = next((said[name] for name in MESSAGES if name in said), None)
    return {name: value for name, value in said.items() if name not in MESSAGES}, message


def _text(message: object) -> str:
    """A record's message; the literal `log` where it has none."""
    if isinstance(message, logging.LogRecord):
        formatted, _ = guard.attempt(message.getMessage)
        return formatted if isinstance(formatted, str) else "log"
    return str(message) if isinstance(message, (str, int, float, bool)) else "log"


def _extra(record: logging.LogRecord) -> Mapping[str, Any]:
    extra: dict[str, Any] = {name: value for name, value in vars(record).items() if name not in OF_EVERY_RECORD}
    bound = getattr(record, "extra", None)  # loguru's
    return {**bound, **extra} if isinstance(bound, dict) else extra


def attributes_of(given: Mapping[Any, Any]) -> dict[str, Scalar]:
    """The plain values among them, under names that are fit to be exported: redacted, bounded, so many."""
    said = {name: value for name, value in given.items() if name not in SKIPPED}
    return dict(islice(privacy.attributes(said, LONGEST_VALUE), MOST_ATTRIBUTES))


def _raised(record: logging.LogRecord, bound: Mapping[str, Any]) -> Raised | None:
    """The exception that was logged; structlog has it among the bindings."""
    found: Any = record.exc_info or bound.get("exc_info")
    if isinstance(found, BaseException):
        return type(found), found, found.__traceback__
    if found is True:
        found = sys.exc_info()
    return found if isinstance(found, tuple) and len(found) == 3 and found[0] is not None else None


def _stacktrace(raised: Raised) -> str:
    return "".join(traceback.format_exception(*raised))


class JsonlFormatter(logging.Formatter):
    """Writes a record as one line of JSON that names its trace: `traceId`, `spanId`, `parentSpanId`, `traceFlags`.

    For log files of your own: the message is there, redacted. Beside it: `time`, `level`, `logger`, `hostname`,
    `agent_id`, `session_id`, `channel`, and the plain attributes of the record.
    """

    def format(self, record: logging.LogRecord) -> str:
        bound, message = _structured(record)
        raised = _raised(record, bound)
        around = scope.current()
        line = {
            "time": stamp(record.created),
            "level": level_of(record.levelno),
            "logger": record.name,
            "message": privacy.text(_text(message)),
            "hostname": _hostname(),
            "agent_id": around.agent,
            "session_id": around.session,
            "channel": around.channel,
            **bus.trace_ids(),
            **attributes_of({**bound, **_extra(record)}),
            "error": privacy.text(_stacktrace(raised)) if raised else None,
        }
        return json.dumps({name: value for name, value in line.items() if value is not None}, ensure_ascii=False)


def stamp(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cache
def _hostname() -> str:
    return socket.gethostname()
