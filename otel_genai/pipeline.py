"""From a configuration to providers, exporters and emitters on the bus, and back to none."""

from __future__ import annotations

import atexit
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import Context
from functools import cache
from os import PathLike
from typing import Any, Unpack

from opentelemetry._logs import LoggerProvider as AnyLoggerProvider
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, set_value
from opentelemetry.metrics import MeterProvider as AnyMeterProvider
from opentelemetry.trace import TracerProvider as AnyTracerProvider

from . import config as configuration
from . import costs, exporters, flags, guard, locks
from .arguments import Options
from .bus import bus
from .config import Config
from .connection import Emitters, redacting
from .emitters.watching import adopt_globally
from .prometheus import MetricsApp, Page
from .providers import Providers
from .sources import containers, heartbeat, outbound
from .sources.logs import attach_to_root
from .termination import before_child_ends, before_termination

_configuring = locks.reentrant()
_current: Telemetry | None = None
_held = False
_page_wanted = False


class Telemetry:
    """What `configure` switched on, or a handle that does nothing where it is off."""

    def __init__(self, config: Config, providers: Providers | None = None) -> None:
        self.config = config
        self._providers = providers
        self._emitters: Emitters | None = None
        self._undo = ExitStack()
        self._masking = ExitStack()
        """What redacts, until all has been exported."""

    @property
    def enabled(self) -> bool:
        """Whether anything is exported."""
        return self._providers is not None

    @property
    def tracer_provider(self) -> AnyTracerProvider | None:
        """The provider of our spans: hand it to `trace.set_tracer_provider` to have those of others in it, too.

        `configure(adopt=True)` does so where none is set yet, and counts their GenAI spans, too.
        """
        return self._providers.tracer_provider if self._providers else None

    @property
    def logger_provider(self) -> AnyLoggerProvider | None:
        """The provider of our log records."""
        return self._providers.logger_provider if self._providers else None

    @property
    def meter_provider(self) -> AnyMeterProvider | None:
        """The provider of our metrics."""
        return self._providers.meter_provider if self._providers else None

    def _page(self) -> Page | None:
        return self._providers.page() if self._providers else None

    def flush(self, timeout_ms: int = 3000) -> bool:
        """Send what has been recorded so far; whether it arrived within `timeout_ms`. Not for every request."""
        bus.settle()
        return self._providers is None or self._providers.flush(timeout_ms)

    def shutdown(self, timeout_ms: int | None = None) -> bool:
        """Send the rest and stop; whether it arrived within `timeout_ms` (by default `shutdown_timeout_ms`).

        A second call does nothing.
        """
        bus.settle()
        guard.call("stopping", self._undo.close)
        providers, self._providers = self._providers, None
        timeout_ms = self.config.shutdown_timeout_ms if timeout_ms is None else timeout_ms
        arrived = providers is None or providers.shutdown(timeout_ms)
        if arrived:  # else some of it may leave yet
            self._masking.close()
        return arrived

    def __enter__(self) -> Telemetry:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()


def configure(
    config: str | PathLike[str] | Mapping[str, Any] | None = None, /, **options: Unpack[Options]
) -> Telemetry:
    """Switch telemetry on, as the arguments, the environment and a configuration file say.

    Called again it replaces what it switched on before. Off (the default of `enabled`), it returns a handle that does
    nothing. A failure of our own to start is logged and leaves telemetry off; the program goes on.

    Args:
        config: a `.toml` or `.json` file, or a mapping, with options in snake_case or camelCase.
        options: fields of `otel_genai.Config` by name, as `enabled=True, endpoint="http://localhost:4318"`.

    Raises:
        ConfigError: for an unknown option or a bad value; it names the key, the value and what was expected.
    """
    loaded = configuration.load(options, config=config)
    if _held:
        return Telemetry(loaded)
    with _configuring:
        return _configured(loaded)


def _configured(loaded: Config) -> Telemetry:
    global _current
    previous, _current = _current, None
    if previous is not None:
        previous.shutdown()
    if not loaded.enabled:
        _warn_if_given(loaded)
        _current = Telemetry(loaded)
    else:
        _current = guard.call("starting telemetry", start, loaded) or _failed(loaded)
    _current._undo.callback(flags.turn_on(loaded.flags))
    return _current


def start(config: Config) -> Telemetry:
    """Build what `config` asks for and connect it."""
    exporters.forget()
    providers = Providers.preloaded(config) if config.preloaded else Providers.build(config)
    if providers.empty:
        return Telemetry(config)
    guard.call("loading the list of prices", costs.prices_library)
    telemetry = Telemetry(config, providers)
    with ExitStack() as unless_complete:
        unless_complete.callback(telemetry.shutdown, 0)
        undo = telemetry._undo
        undo.callback(configuration.activate, configuration.activate(config))
        telemetry._emitters = emitters = Emitters(
            config, providers.tracer_provider, providers.meter_provider, providers.logger_provider
        )
        telemetry._masking.callback(redacting(config))
        undo.callback(emitters.disconnect)
        emitters.connect()
        if emitters.adoption is not None and not config.preloaded:
            given = (emitters.adoption, providers.tracer_provider, providers.spans)
            for each in guard.call("adopting the spans of others", adopt_globally, *given) or ():
                undo.callback(each)
        providers.announce()
        if config.prometheus_port:
            undo.callback(providers.serve(config.prometheus_host, config.prometheus_port))
        if _page_wanted:
            guard.call("making the page for Prometheus", providers.page)
        undo.callback(outbound.install())
        undo.callback(containers.start(config, _unobserved()))
        if providers.logger_provider is not None:
            undo.callback(attach_to_root())
        undo.callback(heartbeat.start(config))
        undo.callback(before_termination(telemetry.shutdown))
        before_child_ends(at_exit)
        unless_complete.pop_all()
    return telemetry


def metrics_app() -> MetricsApp:
    """An ASGI application that shows Prometheus the metrics of this process, to be mounted in your own.

    `Mount("/metrics", genai.metrics_app())` in Starlette, `app.mount("/metrics", genai.metrics_app())` in FastAPI. It
    answers 503 while telemetry is off, and needs the extra `prometheus`. Whoever can reach it can read the metrics.
    """
    global _page_wanted
    _page_wanted = True
    if _current is not None:
        guard.call("making the page for Prometheus", _current._page)
    return MetricsApp(lambda: guard.call("making the page for Prometheus", _current._page) if _current else None)


@atexit.register
def at_exit() -> None:
    """Send the rest of what is switched on, and stop."""
    if _current is not None:
        _current.shutdown()


@contextmanager
def held() -> Iterator[None]:
    """Under test: what is switched on is told nothing for a while, and `configure` switches nothing on."""
    global _held
    emitters = _current._emitters if _current is not None and _current.enabled and not _held else None
    before, _held = _held, True
    if emitters is not None:
        emitters.disconnect()
    try:
        with heartbeat.held():
            yield
    finally:
        _held = before
        if emitters is not None:
            emitters.connect()


def _unobserved() -> Context:
    """What our own questions to others are asked in: whoever observes requests makes no spans of them."""
    context = Context()
    context.run(attach, set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
    return context


def _failed(config: Config) -> Telemetry:
    guard.logger.error("telemetry is off: it could not be started")
    return Telemetry(config)


def _warn_if_given(config: Config) -> None:
    given = sorted(config.given - {"enabled"})
    if given and config.sources.get("enabled", "default") == "default":
        _say_off(", ".join(given))


@cache
def _say_off(given: str) -> None:
    guard.logger.warning("telemetry is off although %s is set: pass enabled=True or set OTEL_GENAI_ENABLED=true", given)
