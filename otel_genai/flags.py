"""Debug output of one part of a program, turned on by name, without a lower level for all the others.

log = flag("telegram.http")
log("sent %d bytes to %s", size, url)  # silent, unless OTEL_GENAI_DIAGNOSTICS=telegram.http, telegram.* or *
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from typing import Final

from . import guard, privacy

VARIABLES: Final = ("OTEL_GENAI_DIAGNOSTICS", "OPENCLAW_DIAGNOSTICS")
ALL: Final = frozenset({"1", "true", "all", "*"})
NONE: Final = frozenset({"0", "false", "off", "none"})

_given: tuple[str, ...] = ()
_flags: dict[str, Flag] = {}


class Flag:
    """The output of one flag: nothing while it is off, else the logger `otel_genai.flags.<name>`, redacted."""

    __slots__ = ("_logger", "name", "on")

    def __init__(self, name: str) -> None:
        self.name = name
        self.on = is_on(name)
        self._logger = logging.getLogger(f"{__name__}.{name}")
        if self._logger.level == logging.NOTSET:
            self._logger.setLevel(logging.INFO)

    def __bool__(self) -> bool:
        return self.on

    def __call__(self, message: str, *args: object) -> None:
        """Log `message % args`, at INFO, whatever the level of other loggers; what cannot be written is not."""
        if self.on:
            guard.call("writing the output of a flag", self._write, message, args)

    def _write(self, message: str, args: tuple[object, ...]) -> None:
        line = privacy.text(message % args if args else message)
        if line is not None:
            self._logger.info("%s", line)


def flag(name: str) -> Flag:
    """The flag of that name, always the same object; names are compared without case.

    The environment is read when the name is first asked for, and again by `turn_on`.
    """
    return _flags.setdefault(name.lower(), Flag(name.lower()))


def turn_on(patterns: Iterable[str]) -> Callable[[], None]:
    """Turn on the flags that one of `patterns` names, beside those of the environment; returns the undo.

    Parameters:
        patterns: names, `telegram.*` for all below one, `*` for all. One of `0 false off none` turns all off, also
            those of the environment.
    """
    before = _given
    _use(tuple(patterns))
    return lambda: _use(before)


def is_on(name: str) -> bool:
    """Whether a flag is on, by what the program turned on and by one of `VARIABLES`."""
    wanted = [pattern.strip().lower() for pattern in (*_given, *_in_environment()) if pattern.strip()]
    if NONE.intersection(wanted):
        return False
    return any(pattern in ALL or re.match(translate(pattern), name.lower()) for pattern in wanted)


def _in_environment() -> list[str]:
    return [pattern for variable in VARIABLES for pattern in os.environ.get(variable, "").split(",")]


def _use(patterns: tuple[str, ...]) -> None:
    global _given
    _given = patterns
    for each in list(_flags.values()):
        each.on = is_on(each.name)
