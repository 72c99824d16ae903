"""Integrations with other libraries, found by entry point and switched on by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from . import guard

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "otel_genai.integrations"
Undo = Callable[[], None]

_active: dict[str, Undo] = {}


class IntegrationError(ImportError):
    """An integration that does not exist, or whose library is not installed."""


def instrument(*names: str) -> Undo:
    """Observe a library's own calls without a decorator: `instrument("openai")`, or all that are installed.

    Where one is wanted that cannot be had, none is switched on. A second call for the same library does nothing.

    Args:
        names: the integrations; without any, every one whose library is installed.

    Returns:
        A function that undoes what this call switched on.

    Raises:
        IntegrationError: for a name that no integration has, or a library that is not installed.
    """
    found = available()
    entries = [found[name] if name in found else _unknown(name, found) for name in names]
    with ExitStack() as unless_complete:
        for entry in entries or found.values():
            if entry.name not in _active and (undo := _switched_on(entry, required=bool(names))):
                _active[entry.name] = undo
                unless_complete.callback(_switch_off, entry.name, undo)
        return unless_complete.pop_all().close


def available() -> dict[str, EntryPoint]:
    """The integrations that are installed, by name; their libraries need not be."""
    from importlib.metadata import entry_points  # late: it is slow to load, and few programs need it

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _switched_on(entry: EntryPoint, *, required: bool) -> Undo | None:
    """The undo of an integration, or `None` where it stays off: its failure must not stop the program."""
    undo: Undo | None
    undo, error = guard.attempt(lambda: entry.load().instrument())
    if isinstance(error, ImportError) and required:
        raise _missing(entry, error) from error
    if error is not None and not isinstance(error, ImportError):
        guard.failed(f"switching on the integration {entry.name}", error)
    return undo


def _unknown(name: str, found: dict[str, EntryPoint]) -> EntryPoint:
    from difflib import get_close_matches  # late: only for a mistake

    near = get_close_matches(name, found, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(sorted(found)) or 'none'}"
    raise IntegrationError(f"there is no integration {name!r}; {hint}")


def _missing(entry: EntryPoint, error: ImportError) -> IntegrationError:
    library = (error.name or entry.name).partition(".")[0]
    extras = (entry.dist.metadata.get_all("Provides-Extra") or ()) if entry.dist else ()
    wanted = f"{entry.dist.name}[{entry.name}]" if entry.dist and entry.name in extras else library
    return IntegrationError(
        f"the integration {entry.name!r} needs the library {library!r}, which cannot be imported ({error}); "
        f'install it with: pip install "{wanted}"'
    )


def _switch_off(name: str, undo: Undo) -> None:
    if _active.get(name) is undo:
        del _active[name]
        guard.call("undoing an integration", undo)
