"""Content as JSON: valid and bounded whatever it is made of, redacted, and made without running anybody's code."""

from __future__ import annotations

import json
from collections import OrderedDict, UserDict, defaultdict, namedtuple
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from hashlib import sha256
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any
from uuid import UUID

import attrs
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_genai import content, privacy
from otel_genai.content import Contents, as_json
from otel_genai.redaction import redact

SECRET = "sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2M3n4"


class Untouchable:
    """Whoever runs any of its code is told so."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")

    __repr__ = __str__ = __iter__ = __len__ = __bool__ = __hash__ = __eq__ = __getattribute__  # type: ignore[assignment]


class Pretender:
    """Says that it is a text."""

    @property
    def __class__(self) -> type:  # type: ignore[override]
        raise AssertionError("its class was asked for")


def _raises(*_: Any, **__: Any) -> Any:
    raise AssertionError("a method of the object was called")


METHODS = (
    "__len__",
    "__iter__",
    "__getitem__",
    "__contains__",
    "items",
    "keys",
    "values",
    "get",
    "__repr__",
    "__str__",
)


def overridden(kind: type, value: Any) -> Any:
    """`value` as a subclass of its type whose every method raises."""
    names = [name for name in METHODS if hasattr(kind, name)]
    return type(f"Hostile_{kind.__name__}", (kind,), dict.fromkeys(names, _raises))(value)


@dataclass
class Question:
    text: str
    tags: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Slotted:
    text: str


@attrs.define
class Attrs:
    text: str
    deep: Any = None


class Model(pydantic.BaseModel):
    model_config = {"extra": "allow"}
    text: str
    nothing: str | None = None


class Colour(Enum):
    RED = "red"


class Number(IntEnum):
    ONE = 1


class Hidden(Enum):
    A = "a"

    @property
    def value(self) -> Any:
        raise AssertionError("its value was asked for")


Point = namedtuple("Point", "x y")


def marker(reason: str, kind: str) -> dict[str, Any]:
    return {"truncated": True, "reason": reason, "type": kind}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        (None, None),
        (True, True),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (2**100, 2**100),
        (10**5000, {"truncated": True, "type": "int", "bits": 16610}),
        ("half \ud83d", "half ?"),
        (b"abc", {"type": "bytes", "size": 3, "sha256": sha256(b"abc").hexdigest()}),
        (bytearray(b"abc"), {"type": "bytes", "size": 3, "sha256": sha256(b"abc").hexdigest()}),
        (memoryview(b"aXbX")[::2], {"type": "bytes", "size": 2}),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02 00:00:00+00:00"),
        (Decimal("1.10"), "1.10"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("/a/b"), "/a/b"),
        (Colour.RED, "red"),
        (Number.ONE, 1),
        (Hidden.A, "a"),
        ((1, "a"), [1, "a"]),
        (Point(1, 2), [1, 2]),
        ({"a"}, ["a"]),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(list, a=1), {"a": 1}),
        ({1: "a", None: "b", (1,): "c"}, {"1": "a", "?": "c"}),
        (Question("why?", ["a"]), {"text": "why?", "tags": ["a"]}),
        (Slotted("why?"), {"text": "why?"}),
        (Attrs("why?"), {"text": "why?", "deep": None}),
        (Model(text="why?", more=1), {"text": "why?", "more": 1}),
        (object(), marker("unserializable_value", "object")),
        (Untouchable(), marker("unserializable_value", "Untouchable")),
        (Pretender(), marker("unserializable_value", "Pretender")),
        (UserDict(a=1), marker("unserializable_value", "UserDict")),
        (MappingProxyType({"a": 1}), marker("unserializable_value", "mappingproxy")),
        (overridden(str, "text"), "text"),
        (overridden(dict, {"a": 1}), {"a": 1}),
        (overridden(list, [1]), [1]),
        (overridden(tuple, (1,)), [1]),
        (overridden(bytes, b"abc"), {"type": "bytes", "size": 3, "sha256": sha256(b"abc").hexdigest()}),
        (pydantic.SecretStr("hunter2"), marker("unserializable_value", "SecretStr")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_copied_as_plain_data_and_anything_else_is_only_named(value: object, expected: object) -> None:
    assert json.loads(as_json(value)) == expected


def test_a_slot_without_a_value_and_a_view_that_was_released_are_only_named() -> None:
    view = memoryview(b"abc")
    view.release()
    assert json.loads(as_json([Slotted.__new__(Slotted), view, 1])) == [
        marker("unserializable_value", "Slotted"),
        marker("unserializable_value", "memoryview"),
        1,
    ]


def test_nothing_is_taken_from_generators_and_iterators() -> None:
    generator, iterator = (number for number in range(3)), iter([1, 2])
    as_json([generator, iterator])
    assert list(generator) == [0, 1, 2]
    assert list(iterator) == [1, 2]


def test_what_holds_itself_ends_where_it_comes_round() -> None:
    circle: dict[str, Any] = {"a": 1}
    circle["self"] = [circle]
    assert json.loads(as_json(circle)) == {"a": 1, "self": [marker("circular_reference", "dict")]}
    twice = {"b": 1}
    assert json.loads(as_json([twice, twice])) == [twice, twice]


def nested(depth: int) -> Any:
    return {"in": nested(depth - 1)} if depth else "bottom"


def test_depth_items_and_fields_are_bounded_and_what_is_left_out_is_counted() -> None:
    assert "bottom" in as_json(nested(content.DEEPEST))
    assert marker("max_depth", "dict")["reason"] in as_json(nested(content.DEEPEST + 1))
    assert json.loads(as_json(list(range(1000))))[-1] == {"truncated": True, "omitted_items": 800}
    wide = json.loads(as_json({f"f{number}": number for number in range(100)}))
    assert wide["truncated"] is True
    assert wide["omitted_fields"] == 100 - content.MOST_FIELDS


def test_the_number_of_nodes_is_bounded() -> None:
    copier = content.Copier(200)
    copied = copier.copy([[[0] * 200] * 200] * 200)
    assert copier.nodes < content.MOST_NODES * 2
    assert "max_nodes" in json.dumps(copied)


# -- how much is read


class Recorder:
    """Redaction that records how much it is given."""

    def __init__(self) -> None:
        self.read = 0

    def __call__(self, text: str, longest: int) -> str:
        self.read += min(len(text), longest + content.BEYOND_THE_CUT)
        return text[:longest]


HUGE = "x" * 100_000_000


@pytest.mark.parametrize(
    "value",
    [
        HUGE,
        {"a": [HUGE] * 150},
        [{f"f{field}": "\x00" * 5000 for field in range(60)} for _ in range(190)],
        {f"f{number}": {f"g{other}": "\x01" * 5000 for other in range(60)} for number in range(60)},
        ["\n" * 131_072] * 3,
        [list(range(10**30, 10**30 + 190))] * 190,
        {HUGE: HUGE},
    ],
    ids=["text", "list", "rows", "fields", "escapes", "numbers", "name"],
)
def test_huge_content_costs_bounded_work(value: object) -> None:
    clean = Recorder()
    written = as_json(value, clean=clean)
    assert len(written) <= content.LONGEST
    assert clean.read <= content.TRIES * content.MOST_READ
    assert json.loads(written)


def test_a_long_text_is_cut_and_says_how_long_it_was() -> None:
    written = json.loads(as_json("x" * 200_000))
    assert written.endswith("...(truncated, 200000 characters)")
    assert len(written) > 100_000


def test_texts_share_the_room_and_short_ones_stay_whole() -> None:
    written = json.loads(as_json({"short": "why?", "long": "x" * 10**6, "longer": "y" * 10**6}, 10_000))
    assert written["short"] == "why?"
    assert min(len(written["long"]), len(written["longer"])) > 4000


# -- secrets


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"api_key": "abc"}, {"api_key": "***"}),
        ({"apiKey": "correct horse battery staple"}, {"apiKey": "correc…aple"}),
        ({"user": "ada", "password": "hunter2"}, {"user": "ada", "password": "***"}),
        ({"password": 12345}, {"password": "***"}),
        ({"Authorization": "Bearer abc"}, {"Authorization": "***"}),
        ({"set-cookie": ["a=b", "c=d"]}, {"set-cookie": ["***", "***"]}),
        ({"cvv": 123, "card_number": 4111111111111111}, {"cvv": "***", "card_number": "***"}),
        ({"env": {"DB_PASSWORD": "a b c"}}, {"env": {"DB_PASSWORD": "***"}}),
        (Question("x", []), {"text": "x", "tags": []}),
        ({"password": None, "token": True, "max_tokens": 100}, {"password": None, "token": True, "max_tokens": 100}),
        ({"properties": {"password": {"type": "string"}}}, {"properties": {"password": {"type": "string"}}}),
        ({"required": ["password"]}, {"required": ["password"]}),
        ({"api_key": "${OPENAI_API_KEY}"}, {"api_key": "${OPENAI_API_KEY}"}),
        ({"key": "name", "auth": "basic"}, {"key": "name", "auth": "basic"}),
    ],
    ids=str,
)
def test_a_value_is_masked_where_the_name_of_its_field_says_that_it_is_secret(value: Any, expected: Any) -> None:
    assert json.loads(as_json(value, clean=privacy.redact)) == expected


@pytest.mark.parametrize("before", [0, 10, 131_000, 131_050, 131_065, 131_072, 135_000, 135_100])
def test_no_part_of_a_secret_across_the_cut_is_left(before: int) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\n" + "QUJD" * 1200 + "\n-----END PRIVATE KEY-----\n"
    text = pem + "x " * (before // 2) + SECRET + " y" * 10_000
    written = as_json(text, clean=privacy.redact)
    assert SECRET[6:-4] not in written
    assert "QUJDQUJD" not in written
    assert SECRET[:12] not in written


def test_a_secret_in_a_long_name_of_a_field_is_masked_before_the_name_is_cut() -> None:
    written = as_json({"n" * 240 + " " + SECRET: 1}, clean=privacy.redact)
    assert SECRET[:12] not in written


def test_where_a_text_cannot_be_redacted_nothing_of_the_class_is_kept() -> None:
    contents = Contents(frozenset({"tool_inputs"}), lambda text, _: None if "secret" in text else text)
    contents.keep("tool_inputs", {"a": "fine"})
    assert contents.kept
    contents.keep("tool_inputs", {"a": ["fine", "a secret"]})
    assert contents.kept == {}
    assert contents.left == content.MOST_OF_A_SPAN


def test_the_content_of_a_span_has_a_bound_of_its_own() -> None:
    names = ("input_messages", "output_messages", "system_prompt", "tool_definitions")
    contents = Contents(frozenset(names), content.as_is)
    for _ in range(2):
        for name in names:
            contents.keep(name, "x" * 200_000)
    assert sum(map(len, contents.kept.values())) <= content.MOST_OF_A_SPAN
    assert all(len(kept) <= content.LONGEST for kept in contents.kept.values())


# -- whatever it is

texts = st.one_of(
    st.text(),
    st.text(st.characters(categories=["Cs", "Cc", "Lu"])),
    st.sampled_from([SECRET, f"password={SECRET}", "api_key", '{"token": "abc"}', "Bearer " + SECRET]),
)
leaves = st.one_of(
    texts,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.binary(max_size=20),
    st.builds(object),
    st.builds(Untouchable),
    st.builds(Attrs, texts),
    st.decimals(allow_nan=True),
)


def branches(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner, max_size=8),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(texts, st.integers(), st.floats(allow_nan=False)), inner, max_size=8),
        st.builds(Attrs, texts, inner),
    )


anything = st.recursive(leaves, branches, max_leaves=30)


@given(anything, st.integers(18, 400))
@settings(max_examples=150, deadline=None)
def test_any_value_is_valid_json_within_the_limit(value: object, longest: int) -> None:
    written = as_json(value, longest, privacy.redact)
    assert len(written) <= longest
    json.loads(written, parse_constant=_raises)
    assert written.encode("utf-8")


@given(anything)
@settings(max_examples=100, deadline=None)
def test_what_is_redacted_once_stays_as_it_is(value: object) -> None:
    once = as_json(value, clean=privacy.redact)
    assert as_json(json.loads(once), clean=privacy.redact) == once
    assert SECRET[6:-4] not in once


def items() -> Iterator[int]:
    yield 1


def test_a_generator_function_is_only_named() -> None:
    assert json.loads(as_json(items)) == marker("unserializable_value", "function")
    assert redact(as_json(items)) == as_json(items)
