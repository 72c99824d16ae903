"""Secrets that are known by their name: `password=...`, `"apiKey": "..."`, `X-Api-Key: ...`, `?sig=...`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Final

Span = tuple[int, int]

LONGEST_NAME: Final = 80


def _listed(names: str) -> tuple[str, ...]:
    return tuple(names.split())


# All names are compared in lower case, without `_`, `-` and `.`.
SECRET: Final = ("token", "pwd", "jwt", "auth", "passcode", "bearer")
SECRET_ENDINGS: Final = _listed(
    """password passwd passphrase secret apikey accesskey secretkey privatekey signingkey encryptionkey masterkey
    accountkey sharedaccesskey subscriptionkey accesstoken refreshtoken idtoken authtoken authorizationtoken
    sessiontoken bearertoken securitytoken csrftoken xsrftoken bottoken apitoken oauthtoken usertoken
    clienttoken devicetoken pushtoken webhooktoken verificationtoken vaulttoken gitlabtoken githubtoken
    slacktoken privatetoken personalaccesstoken registrytoken npmtoken hftoken jwttoken collectortoken ingestkey
    sessionsecret clientsecret secretvalue userpassword passwordhash"""
)
UPPER_ENDINGS: Final = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "_PASS", "_PWD")
IN_QUERY: Final = frozenset(
    _listed(
        """code session sessionid sid signature sig key auth pass passcode assertion clientassertion ticket otp
    credential samlresponse xamzsignature xamzcredential xamzsecuritytoken xgoogsignature xgoogcredential hmac"""
    )
)
SCHEMED: Final = ("authorization", "proxyauthorization")
COOKIES: Final = ("cookie", "setcookie")
CARD: Final = _listed(
    """cardnumber creditcard creditcardnumber ccnumber cardcvc cardcvv cvv cvc cvv2 cvc2 cardsecuritycode cardpin"""
)
# Names that other things have too: their value must look like a secret.
WEAK: Final = frozenset({"auth", "bearer", "key", "pass"})

_ends = {name[-3:] for name in (*SECRET, *SECRET_ENDINGS, *IN_QUERY, *SCHEMED, *COOKIES, *CARD)}
_ends |= {name[-3:].lower() for name in UPPER_ENDINGS}
_END: Final = "(?:" + "|".join([*sorted(_ends), "%[0-9a-f]{2}"]) + ")"
_AFTER: Final = r"[\"'\\\s]"
_NAME_REVERSED: Final = re.compile(r"[A-Za-z0-9_.%-]++")
_IN_NAME: Final = re.compile(r"[^\s\"'&;,)\]}]")
_QUERY_MARK: Final = re.compile("[?&;]")
_QUERY_MARKS: Final = ("?", "&", ";")
_ENCODED: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_OPENING: Final = re.compile(r"\s{0,8}+\[?+\s{0,8}+(\\{0,7}+)([\"'])")
_QUOTED: Final = {
    '"': re.compile(r'(?:[^"\\\n]++|\\.)*+\\?+'),
    "'": re.compile(r"(?:[^'\\\n]++|\\.)*+\\?+"),
}
_QUOTED_ESCAPED: Final = {'"': re.compile(r'[^"\n]*+'), "'": re.compile(r"[^'\n]*+")}
_BARE: Final = re.compile(r"[^\s\"'\\&;]++")
_BARE_ENCODED: Final = re.compile(r"(?:(?!%26)[^\s\"'\\&;])++", re.IGNORECASE)
_BARE_UPPER: Final = re.compile(r"[^\s\"'\\]++")
_WORD_TO_END: Final = re.compile(r"[^\s\"'\\&;()\[\]{},<>|]{6,256}+(?=[ \t]{0,8}+(?:[\r\n]|\Z))")
_DIGIT_OR_SIGN: Final = re.compile(r"[0-9!@#$%^*+=~?]")
_JUDGED: Final = re.compile(r"[^\s\"'\\&;]{1,256}+")
_COOKIE: Final = re.compile(r"[^\r\n\"'=\s]{1,128}+=[^\r\n\"']*+")
_LINE: Final = re.compile(r"[^\r\n]++")
_LINE_IN_QUOTES: Final = re.compile(r"[^\r\n\"']++")
_NUMBER: Final = re.compile(r"\s{0,8}+([0-9][0-9 -]{1,30}+)")
_GAP: Final = re.compile(r"[ \t]{0,8}+")
SCHEME: Final = re.compile(
    r"(?:(?P<one>Bearer|Basic|Bot|Token|ApiKey|Key|Negotiate|NTLM)"
    r"|Digest|AWS4-HMAC-SHA256|Hawk|OAuth|Signature)[ \t]++",
    re.IGNORECASE,
)
_CLI: Final = re.compile(r"--([A-Za-z0-9][A-Za-z0-9_-]{0,63}+)[ \t]{1,8}+([\"']?)((?!-)[^\s\"']++)")
_PLACEHOLDER: Final = (
    r"(?:None|null|nil|[Tt]rue|[Ff]alse|undefined|\.\.\.|…|%s|%\(\w{1,64}\)s"
    r"|\$\{[^{}\s]{0,64}\}|\{\{?[\w. ]{0,64}\}?\}|<[\w .:/-]{0,64}>)"
)
_IS_PLACEHOLDER: Final = re.compile(_PLACEHOLDER)
# Bounded, and looked for before the value is read: what is no secret is never read twice.
_REFERENCE: Final = re.compile(
    rf"(?:{_PLACEHOLDER}|\$[A-Z][A-Z0-9]{{0,32}}_[A-Z0-9_]{{1,64}})(?=[\s\"'\\&;,:)\]}}>`|]|\Z)"
    r"|\$\(|(?:self|os|process|config|settings|env|this|args|options|request)\.[A-Za-z_]|[A-Za-z_.]{1,64}[(\[]"
)
_DELIMITERS: Final = ",.:;)]}>`|"


@cache
def _separators() -> list[re.Pattern[str]]:
    """Where the name before may be one of a secret: it ends as one does. Compiled when it is first needed."""
    return [
        re.compile(
            rf"{sign}(?:(?<={_END}.)|(?<=%[0-9a-f]{{2}}\w.)|(?<=%[0-9a-f]{{2}}\w{{2}}.)|(?<={_AFTER}.)(?:(?<={_END}{_AFTER}.)"
            rf"|(?<={_AFTER}{{2}}.)(?:(?<={_END}{_AFTER}{{2}}.)|(?<={_END}{_AFTER}{{3}}.)|(?<={_END}{_AFTER}{{4}}.))))",
            re.ASCII,
        )
        for sign in "=:%"
    ]


def named_secrets(text: str) -> Iterator[Span]:
    """Where a value stands whose name says that it is secret."""
    folded = _folded(text)
    for separator in _separators():
        done = 0
        for hit in separator.finditer(folded):
            found = _value(text, hit.start()) if hit.start() >= done else None
            if found is not None:
                done = found[1]
                yield found
    if "--" in text:
        yield from _command_line(text)


def holds_secret(name: str, value: str | float) -> bool:
    """Whether what a field of this name holds is secret, as `"apiKey": "..."` is in a text."""
    holding = _holding(name[-LONGEST_NAME:])
    return holding is not None and holding(value if isinstance(value, str) else str(value))


@lru_cache(maxsize=4096)
def _holding(name: str) -> Callable[[str], bool] | None:
    """What says of a value of this name whether it is secret; `None` where none is."""
    named = _Named(name, False, True, ":")
    if named.compact.endswith((*SCHEMED, *COOKIES, *CARD)):
        return bool
    if named.name == "KEY" or not (_is_secret(named.compact) or named.is_upper):
        return None
    return _may_be_secret if named.compact in WEAK else _is_no_placeholder


def _is_no_placeholder(value: str) -> bool:
    return not _IS_PLACEHOLDER.fullmatch(value)


def _may_be_secret(value: str) -> bool:
    return _is_no_placeholder(value) and _looks_secret(value)


def _folded(text: str) -> str:
    """In lower case, letter by letter: one that would become two stays."""
    folded = text.lower()
    return folded if len(folded) == len(text) else "".join(min(letter.lower(), letter, key=len) for letter in text)


def _command_line(text: str) -> Iterator[Span]:
    for option in _CLI.finditer(text):
        if _is_secret(_compact(option[1])) and not _REFERENCE.match(text, option.start(3)):
            yield option.span(3)


def _value(text: str, at: int) -> Span | None:
    """The secret value behind the separator at `at`, if the name before it is one of a secret."""
    after = at + 1
    if text[at] == "%":
        if text[at + 1 : at + 3] not in ("3D", "3d"):
            return None
        after = at + 3
    before = text[max(0, at - LONGEST_NAME) : at].rstrip()
    bare = before.rstrip("\"'\\")
    run = _NAME_REVERSED.match(bare[::-1])
    if run is None:
        return None
    name = run[0][::-1]
    mark = bare[-len(name) - 1 : -len(name)]
    decoded = _ENCODED.sub(lambda code: chr(int(code[1], 16)), name.replace("u0026", "&"))
    name = _QUERY_MARK.split(decoded)[-1]
    in_query = mark in _QUERY_MARKS or name != decoded
    return _masked(text, after, _Named(name, in_query, bare != before, text[at]))


class _Named:
    """A name in its place: whether a query has it, whether it is quoted, and the separator after it."""

    __slots__ = ("compact", "in_query", "is_upper", "name", "quoted", "separator")

    def __init__(self, name: str, in_query: bool, quoted: bool, separator: str) -> None:
        self.name = name.strip("-.")
        self.compact = _compact(self.name)
        self.in_query = in_query
        self.quoted = quoted
        self.separator = separator
        self.is_upper = self.name.isupper() and self.name.endswith(UPPER_ENDINGS)


def _compact(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(".", "")


def _is_secret(compact: str) -> bool:
    return compact in SECRET or compact.endswith(SECRET_ENDINGS)


def _masked(text: str, after: int, named: _Named) -> Span | None:
    if named.compact.endswith(SCHEMED):
        return _authorization(text, after, named)
    if named.compact.endswith(COOKIES):
        return _cookie(text, after)
    if named.compact.endswith(CARD):
        return _quoted(text, after) or _card(text, after)
    if _is_secret(named.compact) or named.is_upper:
        return _secret(text, after, named)
    return _query(text, after, named) if named.in_query and named.compact in IN_QUERY else None


def _secret(text: str, after: int, named: _Named) -> Span | None:
    if named.separator == ":" and named.name == "KEY":
        return None
    if not _OPENING.match(text, after):
        return _bare(text, after, named)
    found = _quoted(text, after)
    return None if found and named.compact in WEAK and not _looks_secret(text[slice(*found)]) else found


def _query(text: str, after: int, named: _Named) -> Span | None:
    if named.compact in WEAK and not _judged(text, after):
        return None
    return _read(text, after, _BARE_ENCODED if named.separator == "%" else _BARE)


def _bare(text: str, after: int, named: _Named) -> Span | None:
    """A value without quotes. After a colon, or with spaces around it, it must look like a secret: it may be prose."""
    start = _past_gap(text, after)
    is_header = "-" in named.name
    if named.separator == ":" and not (named.is_upper or is_header):
        return _alone(text, start)
    if _names_itself(text, start, named.name) or (named.compact == "pwd" and text.startswith("/", start)):
        return None
    sure = named.separator != ":" and start == after and named.compact not in WEAK
    sure = sure or (named.is_upper and "_" in named.name) or named.name[:2] in ("x-", "X-")
    return _read(text, start, _pattern(named)) if sure or _judged(text, start) else None


def _alone(text: str, start: int) -> Span | None:
    """A value that is alone after its name, as in YAML, and not made of letters only, as a type or a word of prose."""
    found = _WORD_TO_END.match(text, start)
    return _read(text, start, _BARE) if found and _DIGIT_OR_SIGN.search(found[0]) else None


def _names_itself(text: str, start: int, name: str) -> bool:
    """`password=password`, `TOKEN=$TOKEN`: a variable, not a value."""
    end = start + text.startswith("$", start) + len(name)
    return text.endswith(name, start, end) and not _IN_NAME.match(text, end)


def _pattern(named: _Named) -> re.Pattern[str]:
    if named.separator == "%":
        return _BARE_ENCODED
    return _BARE_UPPER if named.is_upper and not named.in_query else _BARE


def _past_gap(text: str, at: int) -> int:
    gap = _GAP.match(text, at)
    return gap.end() if gap else at


def _read(text: str, start: int, pattern: re.Pattern[str]) -> Span | None:
    """The value that begins here, without the delimiters at its end; none, if it refers to one that is elsewhere."""
    found = None if _REFERENCE.match(text, start) else pattern.match(text, start)
    value = found[0].rstrip(_DELIMITERS) if found else ""
    return (start, start + len(value)) if value else None


def _judged(text: str, start: int) -> bool:
    found = _JUDGED.match(text, start)
    return found is not None and _looks_secret(found[0].rstrip(_DELIMITERS))


def _looks_secret(value: str) -> bool:
    if "(" in value or "[" in value:
        return False
    return (len(value) >= 8 and any(letter.isdigit() for letter in value)) or (len(value) >= 18 and "." not in value)


def _quoted(text: str, after: int) -> Span | None:
    opening = _OPENING.match(text, after)
    if opening is None:
        return None
    inside = (_QUOTED_ESCAPED if opening[1] else _QUOTED)[opening[2]].match(text, opening.end())
    value = inside[0] if inside else ""
    value = value.rstrip("\\") if opening[1] else value
    return (opening.end(), opening.end() + len(value)) if value and not _IS_PLACEHOLDER.fullmatch(value) else None


def _authorization(text: str, after: int, named: _Named) -> Span | None:
    """The scheme stays. One token follows those that have one; what follows any other scheme goes to the line's end."""
    opening = _OPENING.match(text, after)
    start = opening.end() if opening else _past_gap(text, after)
    scheme = SCHEME.match(text, start)
    if scheme is None:
        return _read(text, start, _BARE) if named.quoted or opening or _judged(text, start) else None
    line = _LINE_IN_QUOTES if opening else _LINE
    return _read(text, scheme.end(), _BARE if scheme["one"] else line)


def _cookie(text: str, after: int) -> Span | None:
    opening = _OPENING.match(text, after)
    start = opening.end() if opening else _past_gap(text, after)
    found = (_LINE_IN_QUOTES if opening else _COOKIE).match(text, start)
    value = found[0].rstrip(" \t\\") if found else ""
    return (start, start + len(value)) if value else None


def _card(text: str, after: int) -> Span | None:
    number = _NUMBER.match(text, after)
    return (number.start(1), number.start(1) + len(number[1].rstrip(" -"))) if number else None
