"""`phase`: a stretch of the process's own work, such as its start, as a decorator and as a `with` block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from ..events import DiagnosticPhase
from .observe import Block, made

F = TypeVar("F", bound=Callable[..., Any])
Detail = bool | int | float | str


class PhaseBlock(Block[DiagnosticPhase]):
    """A stretch of the process's own work."""

    def details(self, **details: Detail) -> None:
        """Say what it was about, where that is only known meanwhile: `phase.details(plugins=3, cached=False)`."""
        event = self.running()
        event.details = (*(event.details or ()), *worded(details))


@overload
def phase(function: F, /) -> F: ...
@overload
def phase(name: str | None = None, /, **details: Detail) -> PhaseBlock: ...
def phase(first: Any = None, /, **details: Any) -> Any:
    """Observe a stretch of the process's own work: `with phase("plugins.load", plugins=3):`, `@phase("start")`.

    It says how long that took and how much processor time the whole process spent meanwhile.

    Args:
        first: what it is called, of few; by default the name of the decorated function.
        details: what it is about, in counts, switches and bounded words; on spans only, as `plugins=3`.
    """
    return made(PhaseBlock, DiagnosticPhase, first, False, {"details": worded(details) or None})


def worded(details: dict[str, Detail]) -> tuple[str, ...]:
    """Each as one text, its switches as JSON writes them."""
    return tuple(
        f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in details.items()
    )
