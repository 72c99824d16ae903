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

from .version import __version__

if TYPE_CHECKING:
    from . import events
    from .bus import headers, publish, subscribe
    from .config import Config, ConfigError
    from .exporters import Health, health
    from .flags import flag
    from .pipeline import Telemetry, configure, metrics_app
    from .plugins import IntegrationError, instrument
    from .scope import Scope, bind, carried
    from .sources import exec
    from .sources.asgi import Middleware
    from .sources.exchange import exchange
    from .sources.harness import agent, harness, run
    from .sources.logs import JsonlFormatter, LogHandler
    from .sources.loops import detect_loops, fingerprint
    from .sources.messages import message, webhook
    from .sources.observe import model_call, tool
    from .sources.operations import create_agent, embeddings, memory, plan, remote_agent, retrieval, workflow
    from .sources.phases import phase
    from .sources.queues import Lane, ThreadLane

_LATE = {
    "Config": ".config",
    "ConfigError": ".config",
    "Health": ".exporters",
    "IntegrationError": ".plugins",
    "JsonlFormatter": ".sources.logs",
    "Lane": ".sources.queues",
    "LogHandler": ".sources.logs",
    "Middleware": ".sources.asgi",
    "Scope": ".scope",
    "Telemetry": ".pipeline",
    "ThreadLane": ".sources.queues",
    "agent": ".sources.harness",
    "bind": ".scope",
    "carried": ".scope",
    "configure": ".pipeline",
    "create_agent": ".sources.operations",
    "detect_loops": ".sources.loops",
    "embeddings": ".sources.operations",
    "events": ".events",
    "exchange": ".sources.exchange",
    "exec": ".sources.exec",
    "fingerprint": ".sources.loops",
    "flag": ".flags",
    "harness": ".sources.harness",
    "headers": ".bus",
    "health": ".exporters",
    "instrument": ".plugins",
    "memory": ".sources.operations",
    "message": ".sources.messages",
    "metrics_app": ".pipeline",
    "model_call": ".sources.observe",
    "phase": ".sources.phases",
    "plan": ".sources.operations",
    "publish": ".bus",
    "remote_agent": ".sources.operations",
    "retrieval": ".sources.operations",
    "run": ".sources.harness",
    "subscribe": ".bus",
    "tool": ".sources.observe",
    "webhook": ".sources.messages",
    "workflow": ".sources.operations",
}
"""Where each name is: it is loaded when it is asked for. `events` and `exec` are the modules themselves."""


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
    "Health",
    "IntegrationError",
    "JsonlFormatter",
    "Lane",
    "LogHandler",
    "Middleware",
    "Scope",
    "Telemetry",
    "ThreadLane",
    "__version__",
    "agent",
    "bind",
    "carried",
    "configure",
    "create_agent",
    "detect_loops",
    "embeddings",
    "events",
    "exchange",
    "exec",
    "fingerprint",
    "flag",
    "harness",
    "headers",
    "health",
    "instrument",
    "memory",
    "message",
    "metrics_app",
    "model_call",
    "phase",
    "plan",
    "publish",
    "remote_agent",
    "retrieval",
    "run",
    "subscribe",
    "tool",
    "webhook",
    "workflow",
]
