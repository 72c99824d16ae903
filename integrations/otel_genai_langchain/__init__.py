"""Makes what LangChain and LangGraph run operations: agents, workflows, tools, retrievers and models, each once.

`otel_genai.instrument("langchain")` does so for everything; `callbacks=[Handler()]` for what is given that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.tracers import context

from otel_genai.bus import bus

from .handler import Handler

__all__ = ["Handler", "instrument"]


class Everywhere:
    """Gives LangChain the handler for everything, as long as anybody listens: with one all it runs takes longer."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def get(self) -> Handler | None:
        return self._handler if bus.listening else None


def instrument() -> Callable[[], None]:
    """Observe everything that LangChain runs in this process from now on; returns the undo."""
    handler = Handler()
    everywhere: Any = Everywhere(handler)  # LangChain takes a context variable, of which it calls nothing else
    context.register_configure_hook(everywhere, inheritable=True, handle_class=Handler)

    def undo() -> None:
        hooks = context._configure_hooks
        hooks[:] = [hook for hook in hooks if hook[0] is not everywhere]
        handler.release()

    return undo
