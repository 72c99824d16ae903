"""The content of operations: opened where it is kept, and turned into attributes where it leaves."""

from __future__ import annotations

from ..capture import Capture
from ..catalog.content import NAMES, ON
from ..catalog.rows import Shape
from ..content import Clean, Contents
from ..events import ModelCall, Operation, turn_of


class Keeping:
    """Keeps, of the operations that may have content, the classes that the policy lets out."""

    def __init__(self, capture: Capture, shape: Shape, clean: Clean) -> None:
        self.classes = capture.classes
        self._clean = clean
        self._names = {name: tuple(one.name_in(shape) for one in ones) for name, ones in NAMES.items()}

    def open(self, operation: Operation) -> None:
        """Let those who see the operation keep its content; without this they keep nothing."""
        if self.classes and operation.contents is None and type(operation) in ON:
            operation.contents = Contents(self.classes, self._clean)
            if operation.asked is not None:
                operation.asked(operation.contents)

    def attributes(self, operation: Operation) -> dict[str, str]:
        """What was kept, by the names it has outside; told to the turn that the operation is part of, too."""
        contents = operation.contents
        if contents is None:
            return {}
        contents.settle()
        turn = turn_of(operation) if isinstance(operation, ModelCall) else None
        if turn is not None and turn.contents is not None:
            turn.contents.overhear(contents)
        told = contents.told
        return {name: told[one] for one in ON[type(operation)] if one in told for name in self._names[one]}
