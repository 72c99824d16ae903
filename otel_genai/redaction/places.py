"""Secrets that are known by their place: in a URL before the host, after `Bearer`, between the lines of a PEM block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

Span = tuple[int, int]

_DATABASES: Final = [
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "mongodb",
    "mongodb+srv",
    "redis",
    "rediss",
    "amqp",
    "amqps",
    "mssql",
    "oracle",
    "clickhouse",
    "cockroachdb",
]
_CREDENTIALS: Final = re.compile(r"://([^\s/?#@:\"'<>\\]*+)(?::([^\s/?#\"'<>\\]+)|)@")
_DATABASE_CREDENTIALS: Final = re.compile(r"://[^\s/?#@:\"'<>\\]{0,128}+:([^\s\"'<>\\]{1,256})@")
_SCHEME_REVERSED: Final = re.compile(r"[A-Za-z0-9+.-]++")
_BEARER: Final = re.compile(r"[Bb](?:earer|EARER)[ \t]++([A-Za-z0-9._~+/=-]{18,}+)")
_CURL_USER: Final = re.compile(
    r"-(?:u|-user)(?<![\w-]-u)(?<![\w-]--user)[ \t=]{1,8}+[\"']?+[^\s:\"']{1,128}+:"
    r"(?![0-9]{1,10}(?:\s|\Z))([^\s\"']{1,512}+)"
)
_TELEGRAM: Final = re.compile(r":(?<=[0-9]{6}:)[A-Za-z0-9_-]{20,}+")
_DIGITS: Final = re.compile(r"[0-9]++")
_CARD: Final = re.compile(r"[0-9](?<![0-9.][0-9])(?:[ -]?[0-9]){12,18}(?![0-9])")
_CARD_WORDS: Final = ("card", "visa", "amex", "maestro")
_CARD_WORD_WITHIN: Final = 40
_BREAK: Final = r"(?:\s|\\[nr])"
_BASE64_LINE: Final = r"[A-Za-z0-9+/=]"
_PEM_BEGIN: Final = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_PEM: Final = re.compile(
    rf"{_PEM_BEGIN}(?:(?P<whole>(?:(?!-----BEGIN ).)*?)-----END [A-Z0-9 ]{{0,40}}PRIVATE KEY(?: BLOCK)?-----"
    rf"|(?P<cut>(?:{_BREAK}++(?:Proc-Type|DEK-Info|Version|Comment): ?[^\n\\]{{0,120}}){{0,4}}"
    rf"(?:{_BREAK}*+{_BASE64_LINE}{{20,}}+)++{_BREAK}*+{_BASE64_LINE}*+))",
    re.DOTALL,
)


def placed_secrets(text: str) -> Iterator[Span]:
    """Where a secret stands that its surroundings give away."""
    if "://" in text:
        yield from _url_credentials(text)
    if "earer" in text or "EARER" in text:
        yield from (found.span(1) for found in _BEARER.finditer(text))
    if "-u" in text:
        yield from (found.span(1) for found in _CURL_USER.finditer(text))
    if ":" in text:
        yield from (_telegram(text, found) for found in _TELEGRAM.finditer(text))
    folded = text.lower()
    if any(word in folded for word in _CARD_WORDS):
        yield from (found.span() for found in _CARD.finditer(text) if _is_card(text, found))


def pem_blocks(text: str) -> Iterator[Span]:
    """What stands between the first and the last line of a private key, or after the first, if the last is cut off."""
    if "PRIVATE KEY" in text:
        for block in _PEM.finditer(text):
            yield block.span("whole" if block["whole"] is not None else "cut")


def _url_credentials(text: str) -> Iterator[Span]:
    for found in _CREDENTIALS.finditer(text):
        if found[2]:
            yield found.span(2)
        elif len(found[1]) >= 20 and found[1].isalnum():
            yield found.span(1)
    for found in _DATABASE_CREDENTIALS.finditer(text):
        if _scheme(text, found.start()) in _DATABASES:
            yield found.span(1)


def _scheme(text: str, end: int) -> str:
    run = _SCHEME_REVERSED.match(text[max(0, end - 20) : end][::-1])
    return run[0][::-1].lower() if run else ""


def _telegram(text: str, found: re.Match[str]) -> Span:
    digits = _DIGITS.match(text[max(0, found.start() - 16) : found.start()][::-1])
    return found.start() - (digits.end() if digits else 0), found.end()


def _is_card(text: str, found: re.Match[str]) -> bool:
    """Long numbers are everywhere, and one in ten passes Luhn's test: a word for a card must stand before it too."""
    before = text[max(0, found.start() - _CARD_WORD_WITHIN) : found.start()].lower()
    return any(word in before for word in _CARD_WORDS) and _passes_luhn(found[0])


def _passes_luhn(written: str) -> bool:
    digits = [int(letter) for letter in reversed(written) if letter.isdecimal()]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + doubled) % 10 == 0
