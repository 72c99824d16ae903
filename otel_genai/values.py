"""How the value of an option is read: a parser returns it, or raises ValueError with what was expected."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

TRUE: Final = frozenset({"true", "1", "yes", "on"})
FALSE: Final = frozenset({"false", "0", "no", "off"})
_NAMESPACE: Final = r"[A-Za-z][A-Za-z0-9_.-]{0,127}"
_HEADER_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEADER_VALUE: Final = r"[\t\x20-\x7e\x80-\xff]*"


def flag(value: object) -> bool:
    word = str(value).strip().lower() if isinstance(value, str | bool) else ""
    if word not in TRUE | FALSE:
        raise ValueError("true or false")
    return word in TRUE


def only(word: str) -> Callable[[object], bool]:
    """A flag of a variable that one word alone turns on."""

    def parse(value: object) -> bool:
        given = str(value).strip().lower()
        if given != word and given not in FALSE:
            raise ValueError(f"{word!r} (nothing else turns it on)")
        return given == word

    return parse


def text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("text")
    return value.strip()


def one_of(*choices: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if not isinstance(value, str) or value.strip().lower() not in choices:
            raise ValueError(" or ".join(choices))
        return value.strip().lower()

    return parse


def whole(low: int, high: int | None = None) -> Callable[[object], int]:
    def parse(value: object) -> int:
        number = _numeric(int, value)
        if not isinstance(number, int) or number < low or (high is not None and number > high):
            raise ValueError(f"a whole number, {low} or more" if high is None else f"a whole number, {low} to {high}")
        return number

    return parse


def ratio(value: object) -> float:
    number = _numeric(float, value)
    if number is None or not 0 <= number <= 1:
        raise ValueError("a number, 0 to 1")
    return float(number)


def _numeric(kind: type[int] | type[float], value: object) -> int | float | None:
    try:
        number = kind(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return number if isinstance(number, int | float) and not isinstance(number, bool) else None


def namespace(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(_NAMESPACE, value.strip()):
        raise ValueError("a letter, then up to 127 letters, digits, '_', '.' or '-'")
    return value.strip()


def patterns(value: object) -> tuple[str, ...]:
    """Regular expressions: a sequence of them, or text that separates them by commas."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not all(isinstance(item, str) for item in items):
        raise ValueError("regular expressions, in a list or separated by commas")
    found = tuple(item.strip() for item in items if item.strip())
    for pattern in found:
        try:
            re.compile(pattern)
        except re.error as problem:
            raise ValueError(f"regular expressions, and {pattern!r} is none: {problem}") from None
    return found


def words(value: object) -> tuple[str, ...]:
    """Words: a sequence of them, or text that separates them by commas."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not all(isinstance(item, str) for item in items):
        raise ValueError("words, in a list or separated by commas")
    return tuple(item.strip() for item in items if item.strip())


def redaction(value: object) -> object:
    """A function of a text, or regular expressions of what is secret."""
    if callable(value):
        return value
    items = [value] if isinstance(value, str | re.Pattern) else value
    if not isinstance(items, Sequence) or not all(isinstance(item, str | re.Pattern) for item in items):
        raise ValueError("a function of a text, or regular expressions in a list")
    for item in items:
        try:
            re.compile(item)
        except re.error as problem:
            raise ValueError(f"regular expressions, and {item!r} is none: {problem}") from None
    return tuple(items)


def headers(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(_is_header(name, content) for name, content in value.items()):
        raise ValueError("a mapping of HTTP header names to text on one line")
    return {name: content.strip() for name, content in value.items()}


def _is_header(name: object, value: object) -> bool:
    if not isinstance(name, str) or not isinstance(value, str):
        return False
    return bool(re.fullmatch(_HEADER_NAME, name) and re.fullmatch(_HEADER_VALUE, value.strip()))


def attributes(value: object) -> dict[str, object]:
    if not isinstance(value, Mapping) or not all(_is_attribute(name, content) for name, content in value.items()):
        raise ValueError("a mapping of names to text, numbers, true or false, or lists of one of these")
    return dict(value)


def _is_attribute(name: object, value: object) -> bool:
    items = value if isinstance(value, list | tuple) else (value,)
    one_type = len({type(item) for item in items}) <= 1
    return isinstance(name, str) and bool(name) and one_type and all(isinstance(i, str | int | float) for i in items)


def table(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError("a table of options")
    return value
