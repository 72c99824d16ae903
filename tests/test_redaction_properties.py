"""What holds of redaction for every text, however odd or hostile."""

from __future__ import annotations

import json
import random
import string
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from otel_genai.redaction import Redactor, mask, redact
from otel_genai.redaction.names import CARD, COOKIES, IN_QUERY, SCHEMED, SECRET, SECRET_ENDINGS, UPPER_ENDINGS
from otel_genai.redaction.vendors import VENDORS

DATA = Path(__file__).parent / "data" / "redaction"
STEMS = [stem for vendor in VENDORS for stem in vendor.stems.split()]
NAMES = sorted({*SECRET, *SECRET_ENDINGS, *UPPER_ENDINGS, *IN_QUERY, *SCHEMED, *COOKIES, *CARD})
TEMPLATES = [template for template, _ in json.loads((DATA / "places.json").read_text(encoding="utf-8"))]
SIGNS = [
    "=",
    ":",
    '"',
    "'",
    "\\",
    '\\"',
    "&",
    "?",
    ";",
    "://",
    "@",
    "--",
    "%3D",
    "%",
    "…",
    "***",
    "eyJ",
    ".",
    "4111",
    "${",
    "{{",
    "<",
    "(",
    "[",
    "�",
    "İ",
]
SIGNS += [" ", "\n", "-u ", "Bearer ", "card ", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"]

anything = st.text(st.characters(), max_size=80)
"""Lone surrogates included."""
words = st.text(string.ascii_letters + string.digits, min_size=1, max_size=40)
long_words = st.text(string.ascii_letters + string.digits, min_size=10, max_size=40)
fragments = st.one_of(st.sampled_from(SIGNS), st.sampled_from(NAMES), st.sampled_from(STEMS), words, anything)
odd = st.lists(fragments, max_size=12).map("".join)
filled = st.builds(lambda template, secret: template.format(secret), st.sampled_from(TEMPLATES), words)
texts = st.one_of(odd, filled, st.builds("{}{}{}".format, odd, filled, odd))


@given(texts)
@settings(max_examples=300, deadline=None)
@example("glsa_aaaaaaaaaaaaaaaaaaaa_KEY=val")
@example("password=abcdef…wxyz password=***")
@example("token='token='token='")
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@given(texts)
@settings(max_examples=300, deadline=None)
def test_a_mask_never_blows_a_text_up(text: str) -> None:
    assert len(redact(text)) <= 2 * len(text) + 3


@given(texts)
@settings(max_examples=300, deadline=None)
def test_what_could_be_encoded_still_can(text: str) -> None:
    readable = text.encode("utf-8", "ignore").decode()
    assert redact(readable).encode().decode() == redact(readable)


@given(before=anything, after=anything, secret=st.text(string.ascii_letters + string.digits, min_size=36, max_size=60))
@settings(max_examples=80, deadline=None)
@pytest.mark.parametrize("stem", ["ghp_", "sk-", "hf_", "npm_", "glsa_"])
def test_a_token_in_any_text_is_masked(stem: str, before: str, after: str, secret: str) -> None:
    assert stem + secret not in redact(f"{before} {stem}{secret} {after}")


@given(before=anything, after=anything, secret=long_words)
@settings(max_examples=80, deadline=None)
@pytest.mark.parametrize("template", ['{{"password": "{}"}}', " DB_PASSWORD={}", "?api_key={}&", " https://u:{}@h/"])
def test_a_named_secret_in_any_text_is_masked(template: str, before: str, after: str, secret: str) -> None:
    hidden = redact(f"{before}\n{template.format(secret)}\n{after}")
    assert hidden.count(secret) <= before.count(secret) + after.count(secret) + template.count(secret)


@given(text=texts, at_most=st.integers(0, 60))
@settings(max_examples=300, deadline=None)
def test_a_bound_keeps_a_beginning_and_is_no_matter_of_what_is_shorter(text: str, at_most: int) -> None:
    assert len(redact(text, at_most)) <= 2 * at_most + len("\r\n…redacted…\r\n")
    assert redact(text, len(text)) == redact(text)


@given(text=texts)
@settings(max_examples=200, deadline=None)
def test_a_pattern_that_matches_everything_still_settles(text: str) -> None:
    redactor = Redactor([r"\S+"])
    once = redactor(text)
    assert once is not None
    assert redactor(once) == once


@given(words)
def test_a_mask_of_a_mask_is_itself(secret: str) -> None:
    assert mask(mask(secret)) == mask(secret)


HOSTILE: dict[str, str] = {
    **{f"stem {stem}": stem for stem in STEMS},
    **{f"stem {stem} and more": f"{stem}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa." for stem in STEMS},
    **{f"name {name}": f"{name}=" for name in NAMES},
    **{f"header {name}": f"x-{name}:" for name in NAMES},
    **{f"quoted {name}": f'"{name}":"' for name in NAMES},
    **{f"half {name}": f'{name}="\\' for name in NAMES},
    "credentials": "a:b@",
    "schemes": "://a:b",
    "schemes that end": "postgres://a:b@",
    "database": "postgres://a:b/",
    "colons": "://" + "a:" * 50,
    "calls": "token=a(",
    "members": "token=self.a",
    "prose": "auth:aaaaaaaaaaaaaaaa.auth:",
    "cookies": "cookie:a",
    "authorization": "authorization:digest ",
    "placeholders": "token=<",
    "escaped quotes": 'password=\\"',
    "deep quotes": 'password:\\\\\\"a',
    "pem begin": "-----BEGIN PRIVATE KEY-----",
    "pem begin and lines": "-----BEGIN PRIVATE KEY-----\n" + "A" * 64,
    "pem headers": "-----BEGIN PRIVATE KEY-----\nProc-Type: ",
    "pem end": "-----END PRIVATE KEY-----",
    "dashes": "-",
    "options": "--a",
    "options of secrets": "--token ",
    "curl": " -u a",
    "bearer": "Bearer ",
    "bearers": "Bearera",
    "digits": "1",
    "cards": "card 4111 ",
    "telegram": "123456:",
    "telegram body": "123456:aaaaaaaaaaaaaaaaaaaa",
    "token parts": "eyJaaaaaaa.",
    "token dashes": "-eyJaaaaaa",
    "percents": "%3D",
    "encoded names": "%26token%3D",
    "spaces": "token \t",
    "quotes": '"',
    "backslashes": "\\",
    "masks": "token=***&",
    "many blocks": "-----BEGIN PRIVATE KEY-----a-----END PRIVATE KEY-----token=b ",
}  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def least(work: Callable[[], object]) -> float:
    return min(seconds(work) for _ in range(3))


@pytest.mark.parametrize("part", HOSTILE.values(), ids=HOSTILE.keys())
def test_ten_times_the_text_is_not_a_hundred_times_the_work(part: str) -> None:
    """There is no count of a regex's steps to be had, so CPU time stands in for it, far from both answers: ten times
    the text costs about 10 times as much where the work is linear, 100 times where it is quadratic. What is cheap in
    either case proves nothing and need not be compared.
    """
    small, large = (part * (size // len(part)) for size in (3_000, 30_000))
    long = seconds(lambda: redact(large))
    assert long < 0.05 or least(lambda: redact(large)) < 40 * least(lambda: redact(small))


def test_a_shuffle_of_all_that_is_hostile_is_read_to_its_end() -> None:
    parts = [*HOSTILE.values(), *SIGNS]
    random.Random(1).shuffle(parts)
    text = "".join(parts * 3)
    assert redact(redact(text)) == redact(text)
