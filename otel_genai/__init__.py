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
from .sources.exchange import exchange
from .sources.messages import message, webhook
from .sources.observe import agent, model_call, run, tool
from .sources.operations import create_agent, embeddings, memory, plan, retrieval, workflow
from .version import __version__

if TYPE_CHECKING:
    from .pipeline import Telemetry, configure
    from .plugins import IntegrationError, instrument
    from .sources import exec
    from .sources.asgi import Middleware
    from .sources.loops import detect_loops, fingerprint
    from .sources.queues import Lane, ThreadLane

publish = bus.publish
subscribe = bus.subscribe
headers = bus.headers

_LATE = {
    "IntegrationError": ".plugins",
    "Lane": ".sources.queues",
    "Middleware": ".sources.asgi",
    "Telemetry": ".pipeline",
    "ThreadLane": ".sources.queues",
    "configure": ".pipeline",
    "detect_loops": ".sources.loops",
    "exec": ".sources.exec",
    "fingerprint": ".sources.loops",
    "instrument": ".plugins",
}
"""What needs more than a bare import: it is loaded when it is asked for. `exec` is the module itself."""


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_LATE[name], __name__)
    found = globals()[name] = getattr(module, name, module)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})


__all__ = [
    "Config",
    "ConfigError",
    "IntegrationError",
    "Lane",
    "Middleware",
    "Scope",
    "Telemetry",
    "ThreadLane",
    "__version__",
    "agent",
    "bind",
    "configure",
    "create_agent",
    "detect_loops",
    "embeddings",
    "events",
    "exchange",
    "exec",
    "fingerprint",
    "headers",
    "instrument",
    "memory",
    "message",
    "model_call",
    "plan",
    "publish",
    "retrieval",
    "run",
    "subscribe",
    "tool",
    "webhook",
    "workflow",
]
