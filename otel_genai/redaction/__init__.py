"""Masks secrets in text before it leaves: known by their name, by their place, or by their look.

A secret of fewer than 18 characters becomes `***`, a longer one its first 6 and last 4 characters around `…`, and the
lines of a private key `…redacted…`. What is masked already stays, so that masking twice changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from .. import guard
from .names import SCHEME, holds_secret, named_secrets
from .places import pem_blocks, placed_secrets
from .vendors import vendor_tokens

__all__ = ["LOOK_AHEAD", "Redactor", "redact"]

Span = tuple[int, int]
Pattern = str | re.Pattern[str]
Finder = Callable[[str], Iterator[Span]]

LOOK_AHEAD: Final = 4096
"""Every secret is known within so many characters of its beginning."""

SHORTEST_SHOWN: Final = 18
MOST_PASSES: Final = 8
REDACTED: Final = "…redacted…"

_DEFAULTS: Final[tuple[Finder, ...]] = (named_secrets, placed_secrets, vendor_tokens)
_BREAK_BEFORE: Final = re.compile(r"(?:\r?\n|(?:\\r)?\\n)?")
_BREAK_AFTER: Final = re.compile(r"(?:\r?\n|(?:\\r)?\\n)\Z")


def redact(text: str, at_most: int | None = None) -> str:
    """`text` with its secrets masked.

    `at_most` bounds the work on a huge text of which only the beginning is kept: what is returned comes from the first
    `at_most` characters, and `LOOK_AHEAD` more are looked at, so that a secret that begins before the cut is known and
    masked whole. The result may be a little longer than `at_most`: truncate it, never the text before.
    """
    return _redacted(text, at_most, _DEFAULTS)


class Redactor:
    """What the option `redact` asks for, after the defaults.

    Parameters:
        redact: more patterns, whose groups (or, without groups, whose matches) are masked as secrets are; or a function
            of the text, handed what the defaults have masked and trusted with what it returns. Nothing turns the
            defaults off. Of a long text it gets only what `privacy.redact` hands in: as much as is kept, and
            `LOOK_AHEAD` characters more, within which it must know a secret that crosses the cut.

    Raises re.error for a pattern that is none.
    """

    __slots__ = ("_finders", "_function")

    def __init__(self, redact: Callable[[str], str] | Pattern | Iterable[Pattern] | None = None) -> None:
        self._function = redact if callable(redact) else None
        given = () if redact is None or callable(redact) else redact
        patterns = [given] if isinstance(given, str | re.Pattern) else list(given)
        self._finders = (*_DEFAULTS, *(_finder(re.compile(pattern)) for pattern in patterns))

    def __call__(self, text: str, at_most: int | None = None) -> str | None:
        """`text` with its secrets masked, or None: the user's function failed, and the value must not leave at all.

        The function is handed all of `text`, whatever `at_most` says: only it knows how long its secrets are.
        """
        if self._function is None:
            return _redacted(text, at_most, self._finders)
        found = guard.call("redacting with the function of the option redact", self._applied, text)
        return found if found is None or at_most is None else found[:at_most]

    def _applied(self, text: str) -> str:
        found: object = self._function(_redacted(text, None, self._finders)) if self._function else text
        if not isinstance(found, str):
            raise TypeError(f"redact returned {type(found).__name__} instead of str")
        return found


def _finder(pattern: re.Pattern[str]) -> Finder:
    groups = range(1, pattern.groups + 1) if pattern.groups else (0,)

    def find(text: str) -> Iterator[Span]:
        for found in pattern.finditer(text):
            yield from (found.span(group) for group in groups if found[group])

    return find


def _redacted(text: str, at_most: int | None, finders: tuple[Finder, ...]) -> str:
    """A mask may give something else away, as a name that now stands alone: it is done again until nothing changes."""
    kept = len(text) if at_most is None else max(0, min(at_most, len(text)))
    text = text[: kept + LOOK_AHEAD]
    for _ in range(MOST_PASSES):
        masked = _masked(text, kept, finders)
        if masked == text[:kept] and kept < len(text):
            return masked
        if masked == text:
            break
        text, kept = masked, len(masked)
    return text


def _masked(text: str, kept: int, finders: tuple[Finder, ...]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end, mask in _found(text, finders):
        if start >= kept:
            break
        pieces += (text[done:start], mask)
        done = end
    pieces.append(text[done : max(done, kept)])
    return "".join(pieces)


def _found(text: str, finders: tuple[Finder, ...]) -> Iterator[tuple[int, int, str]]:
    """Each secret with its mask, in order; secrets that overlap are one."""
    blocks = set(pem_blocks(text))
    spans = (span for find in finders for span in find(text) if span[0] < span[1])
    for span in _merged(sorted(blocks.union(spans))):
        yield *span, (_body if span in blocks else mask)(text[slice(*span)])


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def mask(secret: str) -> str:
    """What is shown of a secret."""
    if secret == "***" or (len(secret) == 11 and secret[6] == "…"):
        return secret
    return "***" if len(secret) < SHORTEST_SHOWN else f"{secret[:6]}…{secret[-4:]}"


def masked_field(name: str, value: str | bool | int | float) -> str | bool | int | float:
    """What a field holds, masked where its name says that it is secret, however harmless it looks by itself."""
    if isinstance(value, bool) or not holds_secret(name, value):
        return value
    text = str(value)
    scheme = SCHEME.match(text)
    secret = text[scheme.end() :] if scheme else text
    return value if secret == mask(secret) else mask(text)  # what is masked already stays


def _body(body: str) -> str:
    """The breaks stay as they were written: an escaped one inside of JSON must not become a real one."""
    before = _BREAK_BEFORE.match(body)
    after = _BREAK_AFTER.search(body)
    return f"{before[0] if before else ''}{REDACTED}{after[0] if after else ''}"
