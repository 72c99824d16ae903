"""Content that comes in pieces: a streamed answer, or the items of a generator, put together as far as is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import content
from ..events import Operation
from .fields import field, fields, first_word, number, several, word
from .transcripts import REASONING, Part, answers, message, parts, text, tool_call

MESSAGES = frozenset({"AIMessageChunk", "ai", "assistant"})
"""How pieces that are messages themselves may be marked."""
MOST_PIECES = 128
"""Choices, and tool calls of each, that are put together."""
LONGEST_HELD = content.LONGEST + content.BEYOND_THE_CUT


class Room:
    """The characters that all texts of one draft may still take together."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = content.MOST_READ

    def takes(self, text: str) -> bool:
        """Take room for a text, if there is enough; says whether there was."""
        fits = len(text) <= self.left
        self.left -= len(text) if fits else 0
        return fits

    def word(self, said: object) -> str | None:
        """A name or an id, if there is room for it."""
        found = word(said)
        return found if found is not None and self.takes(found) else None


class Words:
    """A text that grows up to a bound, beyond which only its length does.

    One for which the draft has no room goes as a whole, and leaves its room to the others: at its cut, a secret could
    not be told as one.
    """

    __slots__ = ("length", "pieces", "room")

    def __init__(self, room: Room) -> None:
        self.pieces: list[str] = []
        self.length = 0
        self.room = room

    def add(self, piece: object) -> None:
        if isinstance(piece, str) and piece:
            if self.length < LONGEST_HELD and not self.gone:
                self._hold(piece[:LONGEST_HELD])
            self.length += len(piece)

    def _hold(self, piece: str) -> None:
        if self.room.takes(piece):
            self.pieces.append(piece)
        else:
            self.room.left += sum(map(len, self.pieces))
            self.pieces.clear()

    @property
    def gone(self) -> bool:
        return self.length > 0 and not self.pieces

    def __str__(self) -> str:
        return "".join(self.pieces)

    def part(self) -> Part:
        """It as a part of a message, with its length where it is not all here."""
        made = text(str(self))
        return made if len(made["content"]) == self.length else {**made, "characters": self.length}


class ToolCallDraft:
    """A tool's call, whose arguments come in pieces."""

    __slots__ = ("arguments", "call_id", "name")

    def __init__(self, room: Room) -> None:
        self.call_id: str | None = None
        self.name: str | None = None
        self.arguments = Words(room)

    def made(self, classes: frozenset[str]) -> Part:
        given = self.arguments
        said = {"truncated": True, "characters": given.length} if given.gone else str(given)
        return tool_call(self.call_id, self.name, said, classes)


class ChoiceDraft:
    """One choice of an answer."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.words = Words(room)
        self.tool_calls: dict[object, ToolCallDraft] = {}
        self.finish_reason: str | None = None

    def tool_call(self, key: object) -> ToolCallDraft:
        last = next(reversed(self.tool_calls), None)
        full = key not in self.tool_calls and len(self.tool_calls) >= MOST_PIECES
        return self.tool_calls.setdefault(last if full else key, ToolCallDraft(self.room))

    def made(self, classes: frozenset[str]) -> Part | None:
        said = [self.words.part()] if self.words.length else []
        calls = [one.made(classes) for one in self.tool_calls.values()]
        if not said and not calls:
            return None
        made = message("assistant", [*said, *calls])
        return {**made, "finish_reason": self.finish_reason} if self.finish_reason else made


class AnswerDraft:
    """A model's answer, read off the pieces of its stream, whichever provider's they are."""

    def __init__(self, classes: frozenset[str]) -> None:
        self.classes = classes
        self.room = Room()
        self.choices: dict[int, ChoiceDraft] = {}
        self.whole: list[Part] = []
        """The answer as the provider put it together itself."""

    def settle(self, contents: content.Contents) -> None:
        pieces = (self.choices[place].made(self.classes) for place in sorted(self.choices))
        if made := self.whole or [one for one in pieces if one is not None]:
            contents.keep("output_messages", made)

    def add(self, item: Any) -> None:
        get = fields(item).get
        kind = get("type")
        if isinstance(item, str):
            self.choice(0).words.add(item)
        elif (choices := get("choices")) is not None:
            for one in several(choices):
                self._choice(one)
        elif (candidates := get("candidates")) is not None:
            for one in several(candidates):
                self._candidate(one)
        elif isinstance(kind, str) and kind in EVENTS:
            EVENTS[kind](self, get)
        elif not isinstance(kind, str) or kind in MESSAGES:
            self._message(get("message") if get("message") is not None else item)

    def choice(self, place: object) -> ChoiceDraft:
        index = number(place) or 0
        return self.choices.setdefault(index if len(self.choices) < MOST_PIECES else 0, ChoiceDraft(self.room))

    def _choice(self, one: Any) -> None:
        get = fields(one).get
        choice, delta = self.choice(get("index")), get("delta")
        said = fields(delta if delta is not None else one).get
        choice.words.add(said("content") if delta is not None else said("text"))
        choice.words.add(said("refusal"))
        for call in several(said("tool_calls")):
            function = field(call, "function")
            self._tool(choice, field(call, "index"), field(call, "id"), field(function, "name"))
            choice.tool_call(field(call, "index")).arguments.add(field(function, "arguments"))
        choice.finish_reason = word(get("finish_reason")) or choice.finish_reason

    def _candidate(self, one: Any) -> None:
        choice = self.choice(field(one, "index"))
        self._parts(choice, parts(field(one, "content"), "assistant", self.classes))
        choice.finish_reason = first_word((one,), ("finish_reason", "finishReason")) or choice.finish_reason

    def _parts(self, choice: ChoiceDraft, found: Iterable[Part]) -> None:
        for part in found:
            if part["type"] == "text":
                choice.words.add(part["content"])
            elif part["type"] == "tool_call":
                self._tool(choice, len(choice.tool_calls), part.get("id"), part["name"])
                if isinstance(given := part.get("arguments"), Mapping):
                    choice.tool_call(len(choice.tool_calls) - 1).arguments.add(content.as_json(given))

    def _message(self, said: Any) -> None:
        """A piece that is a message itself, as LangChain's are, or one that has it, as Ollama's."""
        choice, chunks = self.choice(0), field(said, "tool_call_chunks")
        found = parts(said, "assistant", self.classes)
        self._parts(choice, (part for part in found if not chunks or part["type"] != "tool_call"))
        for call in several(chunks):
            key = field(call, "index")
            self._tool(choice, key, field(call, "id"), field(call, "name"))
            choice.tool_call(key).arguments.add(field(call, "args"))

    def _tool(self, choice: ChoiceDraft, key: object, call_id: object, name: object) -> None:
        draft = choice.tool_call(key)
        draft.call_id = draft.call_id or self.room.word(call_id)
        draft.name = draft.name or self.room.word(name)

    # OpenAI's Responses, and Anthropic's Messages

    def item_added(self, get: Any) -> None:
        item = get("item") if get("item") is not None else get("content_block")
        key = get("output_index") if get("item") is not None else get("index")
        if word(field(item, "type")) in ("function_call", "tool_use", "server_tool_use"):
            call_id = word(field(item, "call_id")) or field(item, "id")
            self._tool(self.choice(0), key, call_id, field(item, "name"))
        elif word(field(item, "type")) not in REASONING:
            self.choice(0).words.add(field(item, "text"))

    def text_delta(self, get: Any) -> None:
        self.choice(0).words.add(get("delta"))

    def arguments_delta(self, get: Any) -> None:
        self.choice(0).tool_call(get("output_index")).arguments.add(get("delta"))

    def block_delta(self, get: Any) -> None:
        delta = get("delta")
        self.choice(0).words.add(field(delta, "text"))
        if (given := field(delta, "partial_json")) is not None:
            self.choice(0).tool_call(get("index")).arguments.add(given)

    def message_delta(self, get: Any) -> None:
        self.choice(0).finish_reason = word(field(get("delta"), "stop_reason")) or self.choice(0).finish_reason

    def settled(self, get: Any) -> None:
        self.whole = list(answers(get("response"), self.classes))

    def chunk(self, get: Any) -> None:
        self.add(get("chunk"))


EVENTS = {
    "response.output_item.added": AnswerDraft.item_added,
    "response.output_text.delta": AnswerDraft.text_delta,
    "response.refusal.delta": AnswerDraft.text_delta,
    "response.function_call_arguments.delta": AnswerDraft.arguments_delta,
    "content_block_start": AnswerDraft.item_added,
    "content_block_delta": AnswerDraft.block_delta,
    "message_delta": AnswerDraft.message_delta,
    "response.completed": AnswerDraft.settled,
    "response.incomplete": AnswerDraft.settled,
    "chunk": AnswerDraft.chunk,
}


class ItemsDraft:
    """What a generator gives, item by item: the first of them, and how many there were."""

    def __init__(self, name: str, clean: content.Clean) -> None:
        self.name = name
        self.clean = clean
        self.items: list[str] = []
        self.count = 0
        self.left = content.LONGEST - content.ROOM_FOR_MARKS

    def add(self, item: Any) -> None:
        self.count += 1
        if self.count <= content.ITEMS_TRIED[0] and self.left > 0:
            written = content.as_json(item, self.left, self.clean)
            self.items.append(written)
            self.left -= len(written) + 1

    def settle(self, contents: content.Contents) -> None:
        omitted = self.count - len(self.items)
        mark = [content.as_json({"truncated": True, "omitted_items": omitted})] if omitted else []
        contents.kept[self.name] = f"[{','.join(self.items + mark)}]"


def add_answer(operation: Operation, item: Any) -> None:
    """Note a piece of a model's or an agent's streamed answer."""
    contents = operation.contents
    if contents is None or "output_messages" not in contents.classes:
        return
    if contents.draft is None:
        contents.draft = AnswerDraft(contents.classes)
    contents.draft.add(item)


def add_item(operation: Operation, item: Any) -> None:
    """Note an item that a tool gives."""
    contents = operation.contents
    if contents is None or "tool_outputs" not in contents.classes:
        return
    if contents.draft is None:
        contents.draft = ItemsDraft("tool_outputs", contents.clean)
    contents.draft.add(item)
