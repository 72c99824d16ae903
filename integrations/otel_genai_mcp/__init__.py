"""Makes every message between clients and servers of the `mcp` library (1 and 2) an operation, in one trace.

The spans and metrics are those of the GenAI conventions, of both sides; the trace goes from one process to the other in
`params._meta`. A call that a tool of ours makes of the tool of that name is said on its span.

Sources: https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md,
https://modelcontextprotocol.io/specification
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec


def instrument() -> Callable[[], None]:
    """Observe the clients and servers of this process; returns the undo. Sessions that are open already are not."""
    major = "second" if find_spec("mcp.shared.jsonrpc_dispatcher") else "first"
    undo: Callable[[], None] = import_module(f".{major}", __name__).observe()
    return undo
