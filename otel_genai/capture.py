"""Which content may leave (prompts, answers, what tools get and give back): none, unless a class is switched on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from . import values
from .options import Variable, camel, option

CLASSES: Final = (
    "input_messages",
    "output_messages",
    "tool_inputs",
    "tool_outputs",
    "system_prompt",
    "tool_definitions",
)
MODES: Final = ("NO_CONTENT", "SPAN_ONLY", "EVENT_ONLY", "SPAN_AND_EVENT")
MODE_VARIABLE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
LIST_VARIABLE: Final = "OTEL_GENAI_CAPTURE_CONTENT"
_EVERYTHING: Final = object()
"""Stands in the table for `capture_content=True`; nobody can write it into a file."""


def _mode(*on: str) -> Variable:
    def parse(value: object) -> bool:
        mode = str(value).strip().upper()
        if mode not in MODES:
            raise ValueError(f"one of {', '.join(MODES)}")
        return mode in on

    return Variable(MODE_VARIABLE, parse)


def _listed(name: str | None) -> Variable:
    """A class in the list of classes that a variable holds, or in its `true`; without a name that `true` itself."""

    def parse(value: object) -> bool:
        words = [word.strip() for word in str(value).split(",") if word.strip()]
        if len(words) == 1 and words[0].lower() in values.TRUE | values.FALSE:
            return values.flag(words[0])
        if unknown := [word for word in words if word not in CLASSES]:
            raise ValueError(f"true, false, or some of {', '.join(CLASSES)}; not {unknown[0]!r}")
        return name in words if name else False

    return Variable(LIST_VARIABLE, parse)


def _class(name: str, doc: str) -> Any:
    return option(False, doc, parse=values.flag, env=(_listed(name), _mode(*MODES[1:])))


def _only_everything(value: object) -> bool:
    if value not in (_EVERYTHING, False):
        raise ValueError("capture_content to be true itself")
    return value is _EVERYTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What is kept of content. Each class stands for itself; all that is kept is redacted, then bounded."""

    enabled: bool = option(True, "Whether the classes below count; false switches all of them off.", parse=values.flag)
    input_messages: bool = _class("input_messages", "What users and the history say to a model.")
    output_messages: bool = _class("output_messages", "What models answer; never their reasoning.")
    tool_inputs: bool = _class("tool_inputs", "The arguments of tools, also where messages repeat them.")
    tool_outputs: bool = _class("tool_outputs", "What tools give back, also where messages repeat it.")
    system_prompt: bool = _class("system_prompt", "The system or developer prompt, also where it is a message.")
    tool_definitions: bool = _class(
        "tool_definitions", "Names, descriptions and schemas of the tools that are offered."
    )
    spans: bool = option(
        True, "Whether content goes to spans.", parse=values.flag, env=(_mode("SPAN_ONLY", "SPAN_AND_EVENT"),)
    )
    events: bool = option(
        False,
        "Whether content goes to events (gen_ai.client.inference.operation.details), which need logs.",
        parse=values.flag,
        env=(_mode("EVENT_ONLY", "SPAN_AND_EVENT"),),
    )
    everything: bool = option(
        False,
        "Set by capture_content=true alone: every class, and the bodies of log records and the texts of errors, too.",
        parse=_only_everything,
        env=(_listed(None),),
    )

    @property
    def classes(self) -> frozenset[str]:
        """The classes of content that are kept."""
        return frozenset(name for name in CLASSES if self._leaves and getattr(self, name))

    @property
    def texts(self) -> bool:
        """Whether log bodies and the texts of errors may leave."""
        return self._leaves and self.everything

    @property
    def _leaves(self) -> bool:
        return self.enabled and (self.spans or self.events)


def table(value: object) -> Mapping[str, object]:
    """`capture_content` as it may be written: true, false, or a table.

    It says all there is to say: what is not named in it is off, or as its default is, whatever the environment says.
    """
    if isinstance(value, Mapping):
        said = {name: given for name, given in value.items() if name not in SPELLINGS or not _blank(given)}
        return {**{name: on for name, on in UNSAID.items() if name not in said and camel(name) not in said}, **said}
    try:
        on = values.flag(value)
    except ValueError:
        raise ValueError(f"true, false, or a table of {', '.join(CLASSES)}") from None
    return {**UNSAID, "enabled": on, **dict.fromkeys(CLASSES, on), **({"everything": _EVERYTHING} if on else {})}


def _blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


UNSAID: Final[Mapping[str, object]] = {
    **dict.fromkeys((*CLASSES, "everything", "events"), False),
    "spans": True,
}
SPELLINGS: Final = frozenset({*UNSAID, *map(camel, UNSAID)})
