"""What `opentelemetry-instrument` starts where OTEL_GENAI_ENABLED=true: telemetry without a line of code."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from time import monotonic
from typing import Any

import wrapt
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider

from . import config, guard, pipeline
from .plugins import available, instrument
from .sources.asgi import Middleware
from .termination import before_termination
from .workers import Worker

LIBRARIES = {"google-genai": "google.genai", "langchain": "langchain_core", "openai-agents": "agents"}
"""What is imported of a library that has another name than its integration."""

_on = ExitStack()
_watching = False
_terminated: Callable[[], object] = pipeline.at_exit
"""What is to be done before SIGTERM ends the process."""


class Instrumentor:
    """Our entry point in the group `opentelemetry_instrumentor`: it does nothing unless telemetry is enabled.

    What a distribution of OpenTelemetry gives to `instrument` is for instrumentors of libraries; nothing is raised.
    """

    def instrument(self, **_: object) -> None:
        """Configure from the environment; instrument the libraries and web applications that the program imports."""
        guard.call("starting without code", start)

    def uninstrument(self, **_: object) -> None:
        """Undo that; applications that have begun to serve keep their middleware, which then sees nothing."""
        global _watching
        _watching = False
        guard.call("stopping", _on.close)


def start() -> None:
    global _watching
    chosen = config.load({})
    if not chosen.enabled or _watching:
        return
    _watching = True
    by_others = exported_by_others()
    if by_others:
        flush_at_termination(chosen.shutdown_timeout_ms / 1000)
    unsaid = chosen.sources["preloaded"] == "default"
    telemetry = pipeline.configure(preloaded=True if by_others and unsaid else None)
    _on.callback(telemetry.shutdown)
    watch_imports()


def exported_by_others() -> bool:
    """Whether somebody installed global providers before us, as the configurator of `opentelemetry-distro` does."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def flush_at_termination(timeout_s: float) -> None:
    """Before SIGTERM ends the process, have the providers of others send what they have: they would lose it."""
    global _terminated
    workers = [Worker(f"otel_genai_global_{number}") for number in range(3)]

    def flush() -> None:
        end = monotonic() + timeout_s
        pipeline.at_exit()
        providers: tuple[Any, ...] = (trace.get_tracer_provider(), metrics.get_meter_provider(), get_logger_provider())
        pairs = zip(workers, (getattr(provider, "force_flush", None) for provider in providers), strict=True)
        jobs = [worker.give(partial(flushed, flush)) for worker, flush in pairs if flush]
        wait(jobs, max(0.5, end - monotonic()))

    _terminated = flush
    for worker in workers:
        _on.callback(worker.give, lambda: True, last=True)
    _on.callback(before_termination(flush))


def flushed(flush: Callable[[], object]) -> bool:
    return bool(guard.call("flushing", flush))


def watch_imports() -> None:
    """Wait for the program to import what is of interest: nothing is imported for it, which would take seconds."""
    for module, (path, wrapper) in WRAPPED.items():
        wrapt.register_post_import_hook(partial(wrap, path, wrapper), module)
    for name in available():
        library = LIBRARIES.get(name, name)
        if guard.attempt(find_spec, library)[0] is None:  # not here, or not by this name
            instrument_one(name)
        else:
            wrapt.register_post_import_hook(partial(instrument_one, name), library)


def wrap(path: str, wrapper: Callable[..., Any], module: Any) -> None:
    guard.call("wrapping an application", wrapt.wrap_function_wrapper, module, path, wrapper)


def instrument_one(name: str, _: object = None) -> None:
    if _watching and (undo := guard.attempt(instrument, name)[0]):
        _on.callback(undo)


def build_stack(build: Callable[..., Any], app: Any, args: Any, kwargs: Any) -> Any:
    """An application puts its middleware together: ours is there, as if it had been added last."""
    if _watching:
        guard.call("adding the middleware", add_middleware, app)
    return build(*args, **kwargs)


def add_middleware(app: Any) -> None:
    """Add ours, unless it is there; inside of OpenTelemetry's, whose span it then uses."""
    from starlette.middleware import Middleware as Entry  # late: whoever builds such a stack has it

    kinds = [entry.cls for entry in app.user_middleware]
    if Middleware not in kinds:
        theirs = [place for place, kind in enumerate(kinds) if kind.__module__.startswith("opentelemetry.")]
        app.user_middleware.insert(theirs[-1] + 1 if theirs else 0, Entry(Middleware))


def load_application(load: Callable[..., Any], _: object, args: Any, kwargs: Any) -> Any:
    """A worker of gunicorn has reset its signals, and those of uvicorn leave SIGTERM to nobody: it is ours again."""
    if _watching:
        before_termination(_terminated)
    return load(*args, **kwargs)


WRAPPED = {
    "starlette.applications": ("Starlette.build_middleware_stack", build_stack),
    "fastapi.applications": ("FastAPI.build_middleware_stack", build_stack),
    "gunicorn.workers.base": ("Worker.load_wsgi", load_application),
}
