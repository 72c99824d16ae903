"""What is masked, and what must survive: a corpus of secrets in their places, and of what merely looks like one."""

from __future__ import annotations

import json
import random
import re
import string
from pathlib import Path
from typing import Any

import pytest

from otel_genai import guard
from otel_genai.redaction import LOOK_AHEAD, Redactor, mask, redact

DATA = Path(__file__).parent / "data" / "redaction"
ALPHABETS = {
    "letters": string.ascii_letters + string.digits,
    "dashed": string.ascii_letters + string.digits + "_-",
    "hex": "0123456789abcdef",
    "upper": string.ascii_uppercase + string.digits,
    "digits": "123456789",
}


def made(parts: list[Any]) -> str:
    """A secret from its recipe: texts, each followed by the kind and the number of letters that come after it."""
    source = random.Random(repr(parts))
    recipe = iter(parts)
    return "".join(
        text + "".join(source.choices(ALPHABETS[kind], k=many)) + ("7z" if many > 3 and kind == "letters" else "")
        for text, kind, many in zip(recipe, recipe, recipe, strict=False)
    )


def loaded(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


VENDORS: list[tuple[str, str]] = [
    (f"{name} #{number}", made(parts)) for number, (name, parts) in enumerate(loaded("vendors.json"))
]
PLACES: list[tuple[str, str, str]] = [
    (f"{template} #{number}", template, made(parts)) for number, (template, parts) in enumerate(loaded("places.json"))
]
NEAR_MISSES: list[str] = (DATA / "near_misses.txt").read_text(encoding="utf-8").splitlines()
REFERENCE: list[dict[str, str]] = loaded("reference.json")


def leaks(secret: str, text: str) -> bool:
    """Whether `redact` lets more of a secret through than its mask shows."""
    return secret in redact(text) or (len(secret) >= 18 and secret[6:-4] in redact(text))


@pytest.mark.parametrize("case", REFERENCE, ids=lambda case: case["input"][:40])
def test_the_reference_function_is_matched(case: dict[str, str]) -> None:
    assert redact(case["input"]) == case["output"]


@pytest.mark.parametrize("secret", [secret for _, secret in VENDORS], ids=[name for name, _ in VENDORS])
@pytest.mark.parametrize(
    "template", ["{}", "it said {} to me", '{{"text": "{}"}}', "x=({}), y", "a\n{}\nb", "ключ {}。"]
)
def test_the_token_of_a_vendor_is_masked_wherever_it_stands(template: str, secret: str) -> None:
    assert redact(template.format(secret)) == template.format(mask(secret))


@pytest.mark.parametrize(("template", "secret"), [row[1:] for row in PLACES], ids=[row[0] for row in PLACES])
def test_a_secret_is_masked_by_its_name_or_place(template: str, secret: str) -> None:
    text = template.format(secret)
    assert not leaks(secret, text)
    assert redact(text)[:2] == text[:2]


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_what_is_no_secret_survives(text: str) -> None:
    assert redact(text) == text


def test_recall_is_whole_and_nothing_is_masked_by_mistake(
    capsys: pytest.CaptureFixture[str], record_testsuite_property: Any
) -> None:
    found = [leaks(secret, secret) for _, secret in VENDORS]
    found += [leaks(secret, template.format(secret)) for _, template, secret in PLACES]
    wrong = [text for text in NEAR_MISSES if redact(text) != text]
    line = f"redaction: {found.count(False)} of {len(found)} secrets masked, {len(wrong)} of {len(NEAR_MISSES)} others"
    record_testsuite_property("redaction", line)
    with capsys.disabled():
        print(f"\n{line}")
    assert len(found) >= 200
    assert len(NEAR_MISSES) >= 80
    assert not any(found)
    assert not wrong


@pytest.mark.parametrize(
    ("secret", "shown"),
    [("a" * 17, "***"), ("abcdefghijklmnopqr", "abcdef…opqr"), ("***", "***"), ("abcdef…wxyz",) * 2],
)
def test_a_mask_shows_six_and_four_of_eighteen_or_more(secret: str, shown: str) -> None:
    assert mask(secret) == shown


def test_what_stands_around_a_secret_stays() -> None:
    assert redact('f(token="abc", n=1)') == 'f(token="***", n=1)'
    assert redact("?api_key=abc&n=1#x") == "?api_key=***&n=1#x"
    assert redact("(password=hunter2).") == "(password=***)."
    assert redact("postgres://u:pw@h/db") == "postgres://u:***@h/db"
    assert redact("password=password1, PASSWORD=$PASSWORD1") == "password=***, PASSWORD=***"
    assert redact("a=1&password=hunter2&b=2") == "a=1&password=***&b=2"
    assert redact("Cookie: sid=1; theme=dark\nHost: x") == "Cookie: ***\nHost: x"
    assert redact('{"authorization": "Basic dTpw"}') == '{"authorization": "Basic ***"}'


def test_an_escaped_key_stays_valid_json() -> None:
    block = "-----BEGIN PRIVATE KEY-----\nMIIabc\ndef\n-----END PRIVATE KEY-----"
    assert json.loads(redact(json.dumps({"pem": block})))["pem"].splitlines()[1] == "…redacted…"


def test_lone_surrogates_are_no_trouble() -> None:
    assert redact("\ud800password=hunter2\udfff \udc00") == "\ud800password=*** \udc00"


def test_letters_that_grow_in_lower_case_do_not_move_what_is_masked() -> None:
    assert redact("İİİ password=hunter2 İ") == "İİİ password=*** İ"


def test_a_secret_that_begins_before_the_cut_is_masked_whole() -> None:
    secret = "ghp_" + "a" * 400
    text = "x" * 90 + " " + secret + " password=hunter2 " + "y" * 1_000_000
    assert redact(text, 100) == "x" * 90 + " " + mask(secret)


def test_what_comes_after_the_cut_is_neither_returned_nor_read() -> None:
    assert redact("a b " * 50_000, 100) == "a b " * 25
    assert redact("password=hunter2", 3) == "pas"
    assert redact("password=hunter2", 0) == ""
    begun = "-----BEGIN PRIVATE KEY-----\n" + "Ab1" * LOOK_AHEAD
    assert redact(begun, 60) == "-----BEGIN PRIVATE KEY-----\n…redacted…"


def test_patterns_are_masked_after_the_defaults_and_groups_alone_if_there_are_some() -> None:
    redactor = Redactor([r"customer-\d+", re.compile(r"room (\w+) of (\w+)")])
    assert redactor("customer-17 in room 12 of bob") == "*** in room *** of ***"
    assert redactor("password=hunter2 and customer-123456789012") == "password=*** and custom…9012"
    assert redactor("x" * 20 + " customer-17", 25) == "x" * 20 + " ***"


def test_one_pattern_may_stand_alone_and_a_wrong_one_is_refused() -> None:
    assert Redactor("bob")("hello bob") == "hello ***"
    assert Redactor(re.compile("b(o)b"))("hello bob") == "hello b***b"
    assert Redactor("")("hello") == "hello"
    with pytest.raises(re.error):
        Redactor(["("])


def test_a_function_is_handed_what_the_defaults_masked_and_its_answer_is_kept() -> None:
    seen: list[str] = []
    redactor = Redactor(lambda text: seen.append(text) or text.upper())
    assert redactor("password=hunter2, hi") == "PASSWORD=***, HI"
    assert redactor("a" * 50, 10) == "A" * 10
    assert seen == ["password=***, hi", "a" * 50]


def test_no_option_is_the_defaults() -> None:
    assert Redactor()("password=hunter2") == redact("password=hunter2")


@pytest.mark.parametrize("broken", [lambda text: None, lambda text: text.encode(), lambda text: 1 // 0])
def test_a_function_that_fails_drops_the_value(broken: Any, caplog: pytest.LogCaptureFixture) -> None:
    before = sum(guard.counts().values())
    redactor = Redactor(broken)
    assert [redactor("password=hunter2"), redactor("hi")] == [None, None]
    assert sum(guard.counts().values()) == before + 2
    assert "hunter2" not in caplog.text
