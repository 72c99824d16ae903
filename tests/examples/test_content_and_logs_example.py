"""The example of content and logs: what it prints is what leaves, and nothing else of what is said in it does."""

from __future__ import annotations

import json

from .programs import EXAMPLES, run


def test_only_the_classes_that_are_on_leave_and_secrets_are_masked() -> None:
    printed = run("content_and_logs.py")
    lines = printed.splitlines()
    (record,) = [json.loads(line) for line in lines if line.startswith("{")]
    assert (record["body"], record["attributes"]["openclaw.amount"]) == ("log", 9.5)
    assert record["trace_id"]
    spans = [line for line in lines if not line.startswith("{")]
    assert any("gen_ai.tool.call.arguments" in line and '"customer":"Ada"' in line for line in spans)
    assert any("gen_ai.output.messages" in line and "I charge Ada ***." in line for line in spans)
    for said in ("0123", "You are a cashier", "R-1", "this-is-never-seen", "ACME-42", "charging"):
        assert said not in printed


def test_it_is_short() -> None:
    assert len((EXAMPLES / "content_and_logs.py").read_text(encoding="utf-8").splitlines()) < 80
