"""A secret is masked at every way out, and what the user's own redaction cannot handle does not leave at all."""

from __future__ import annotations

import io
import json
import logging
import random
import re
import string
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import guard
from otel_genai.capture import CLASSES
from otel_genai.events import SecurityEvent
from otel_genai.testing import Captured, capture

log = logging.getLogger("shop")
_source = random.Random(0)


def letters(many: int) -> str:
    return "".join(_source.choices(string.ascii_letters + string.digits, k=many)) + "7z"


SECRETS = {
    "OpenAI": f"sk-proj-{letters(40)}",
    "GitHub": f"ghp_{letters(34)}",
    "Google": f"AIza{letters(33)}",
    "AWS": "AKIA" + "".join(_source.choices(string.ascii_uppercase + string.digits, k=16)),
    "JWT": f"eyJ{letters(20)}.eyJ{letters(30)}.{letters(30)}",
    "by its name": f'"password": "{letters(20)}"',
    "bearer": f"Authorization: Bearer {letters(30)}",
    "in a URL": f"https://ada:{letters(16)}@db.example/x",
    "in a query": f"https://x.example/?access_token={letters(24)}",
}
HIDDEN = {
    name: secret.split('": "')[-1].strip('"').split("ada:")[-1].split("@")[0].split("token=")[-1].split("Bearer ")[-1]
    for name, secret in SECRETS.items()
}


def failing(text: str) -> None:
    with suppress(ValueError), genai.tool("failing"):
        raise ValueError(text)


def declared(text: str) -> None:
    with genai.agent("planner") as block:
        block.fail(text)


def told(text: str) -> None:
    with genai.tool("told") as execution:
        execution.content(tool_inputs={"query": text}, tool_outputs=[text])
    with genai.model_call("m") as call:
        call.content(input_messages=text, output_messages=text, system_prompt=text, tool_definitions=[{"name": text}])


def named(text: str) -> None:
    with genai.agent(text), genai.tool(text, call_id=text, description=text), genai.model_call(text, provider=text):
        pass


def logged(text: str) -> None:
    log.error("it said %s", text)
    log.error(text, extra={"detail": text, text: 1})
    try:
        raise ValueError(text)
    except ValueError:
        log.exception("it failed")


def denied(text: str) -> None:
    genai.publish(SecurityEvent(reason=text, target_name=text, attributes={"detail": text}))


def bound(text: str) -> None:
    with genai.bind(channel=text, agent=text), genai.run(trigger=text):
        genai.publish(genai.events.MessageQueued(source=text))


WAYS: dict[str, Callable[[str], None]] = {
    way.__name__: way for way in (failing, declared, told, named, logged, denied, bound)
}


def everything(captured: Captured) -> str:
    """All that left, as text."""
    spans = [[s.name, s.attributes, s.status_message, s.events] for s in captured.spans]
    records = [[record.body, record.attributes] for record in captured.logs]
    points = [[name, point.attributes] for name, found in captured.metrics().items() for point in found]
    return json.dumps([spans, records, points], default=str, ensure_ascii=False)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("shape", [None, "gen_ai_latest_experimental"], ids=["default", "latest"])
@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_masked_wherever_it_leaves(way: Callable[[str], None], shape: str | None, name: str) -> None:
    with capture(logs=True, capture_content=True, semconv=shape) as captured:
        way(SECRETS[name])
        left = everything(captured)
    assert captured.spans or captured.logs
    assert HIDDEN[name] not in left
    if len(HIDDEN[name]) >= 18:
        assert HIDDEN[name][6:-4] not in left


def test_what_is_printed_is_what_is_redacted() -> None:
    printed = io.StringIO()
    options: dict[str, Any] = {"traces": False, "metrics": False, "logs": True, "logs_exporter": "stdout"}
    with redirect_stdout(printed), genai.configure(enabled=True, capture_content=True, **options):
        for secret in SECRETS.values():
            logged(secret)
            denied(secret)
    assert len(printed.getvalue().splitlines()) == 4 * len(SECRETS)
    assert not [name for name, secret in HIDDEN.items() if secret in printed.getvalue()]


# -- what users add


@pytest.mark.parametrize(
    "redact",
    [["acme-[0-9]+"], "acme-[0-9]+", lambda text: text.replace("acme-123456789", "[ours]")],
    ids=["patterns", "pattern", "function"],
)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_users_add_is_masked_beside_the_defaults(way: Callable[[str], None], redact: Any) -> None:
    with capture(logs=True, capture_content=True, redact=redact) as captured:
        way("our acme-123456789")
        way(SECRETS["OpenAI"])
        left = everything(captured)
    assert "acme-123456789" not in left
    assert HIDDEN["OpenAI"] not in left


def unreliable(text: str) -> str:
    if "canary" in text:
        raise RuntimeError("no")
    return text


@pytest.fixture
def failures() -> Callable[[], int]:
    """Counted instead of raised, as where no test runs."""
    before = sum(guard.counts().values())
    return lambda: sum(guard.counts().values()) - before


@pytest.mark.parametrize(
    "redact", [unreliable, lambda text: None if "canary" in text else text], ids=["raises", "None"]
)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_cannot_be_redacted_does_not_leave_and_nothing_breaks(
    way: Callable[[str], None], redact: Any, failures: Callable[[], int]
) -> None:
    with capture(logs=True, capture_content=True, redact=redact) as captured, guard.strict(False):
        way("a canary")
        left = everything(captured)
    assert captured.spans or captured.logs
    assert "canary" not in left
    assert failures() > 0


LONG = "a canary " * 20
"""Of a short text it is remembered what becomes of it."""


def test_redaction_sees_each_class_of_content() -> None:
    seen: list[str] = []

    def note(text: str) -> str:
        seen.append(text)
        return text

    with capture(capture_content=dict.fromkeys(CLASSES, True), redact=note):
        told(LONG)
    assert seen.count(LONG) >= len(CLASSES)


@pytest.mark.parametrize(("bad", "said"), [(5, "a function of a text"), (["("], "is none"), ([b"x"], "a function")])
def test_a_redaction_that_is_none_is_an_error_at_once(bad: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said), capture(redact=bad):
        pass


def test_a_conversation_leaves_as_a_hash_where_that_is_asked_for() -> None:
    with capture(hash_conversation_id=True) as captured:
        for conversation in ("c-42", "c-42", "c-43"):
            with genai.bind(conversation=conversation), genai.model_call("m"):
                pass
    said = [span["gen_ai.conversation.id"] for span in captured.spans]
    assert said[0] == said[1] != said[2]
    assert all(re.fullmatch("sha256:[0-9a-f]{12}", one) for one in said)


def test_what_looks_like_the_key_of_a_session_leaves_on_no_span(captured: Captured) -> None:
    with genai.bind(channel="agent:main:telegram:dm:42"), genai.model_call("m", provider="Agent:main:x"):
        pass
    span = captured.span("openclaw.model.call")
    assert span["openclaw.channel"] == span["openclaw.provider"] == "unknown"
    assert "telegram" not in repr(span.attributes)
