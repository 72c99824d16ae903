"""Makes an AI-agent service observable with OpenTelemetry: one ASGI middleware and a few decorators.

import otel_genai as genai

genai.configure(enabled=True, endpoint="http://localhost:4318")
app.add_middleware(genai.Middleware, channel="web")
genai.instrument("openai")

@genai.tool
def search(query: str) -> list[str]: ...
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import events
from .bus import bus
from .config import Config, ConfigError
from .scope import Scope, bind
from .sources.observe import agent, model_call, run, tool
from .version import __version__

if TYPE_CHECKING:
    from .pipeline import Telemetry, configure
    from .plugins import IntegrationError, instrument
    from .sources.asgi import Middleware

publish = bus.publish
subscribe = bus.subscribe
headers = bus.headers

_LATE = {
    "IntegrationError": ".plugins",
    "Middleware": ".sources.asgi",
    "Telemetry": ".pipeline",
    "configure": ".pipeline",
    "instrument": ".plugins",
}
"""What needs more than a bare import: it is loaded when it is asked for."""


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_LATE[name], __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})


__all__ = [
    "Config",
    "ConfigError",
    "IntegrationError",
    "Middleware",
    "Scope",
    "Telemetry",
    "__version__",
    "agent",
    "bind",
    "configure",
    "events",
    "headers",
    "instrument",
    "model_call",
    "publish",
    "run",
    "subscribe",
    "tool",
]
