"""OpenTelemetry's context is read and made in single steps, and as its own functions do it."""

from __future__ import annotations

import pytest
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext

from otel_genai.emitters.current import SPAN, span_context_in, steps

HERE = trace.SpanContext(1, 2, is_remote=False)


class Elsewhere(ContextVarsRuntimeContext):
    """A context that somebody else keeps in a way of his own."""

    def get_current(self) -> Context:
        return Context({"of": "somebody else"})


def test_what_is_made_current_is_what_opentelemetry_gives_and_the_token_brings_back_what_was_before() -> None:
    get, attach = steps()
    before, other = get(), Context({"a": 1})
    token = attach(other)
    assert get() is context.get_current() is other
    context.detach(token)  # type: ignore[arg-type]  # (it is one)
    assert get() is context.get_current() is before


def test_where_it_is_kept_otherwise_opentelemetry_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "_RUNTIME_CONTEXT", Elsewhere())
    get, attach = steps()
    assert (get, attach) == (context.get_current, context.attach)
    assert get() == {"of": "somebody else"}


@pytest.mark.parametrize("span", [trace.NonRecordingSpan(HERE), None, "no span"])
def test_the_span_in_a_context_is_the_one_that_opentelemetry_finds(span: object) -> None:
    within = Context({"a": 1}) if span is None else Context({SPAN: span})
    assert span_context_in(within) is trace.get_current_span(within).get_span_context()


def test_a_context_with_a_span_is_the_one_that_opentelemetry_makes() -> None:
    span, within = trace.NonRecordingSpan(HERE), Context({"a": 1})
    assert Context({**within, SPAN: span}) == trace.set_span_in_context(span, within)
