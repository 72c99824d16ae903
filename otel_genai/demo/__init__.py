"""The demo: a gateway's day on this machine, its provider, its callers, and what of it arrived at a receiver."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

from rich.console import Console
from rich.rule import Rule

import otel_genai as genai

from ..config import LATEST
from ..viewer import Receiver
from . import agent, checks, show
from .gateway import Gateway
from .provider import Provider
from .server import serve
from .traffic import drive

COLUMNS = 100
"""The width, where no terminal says another."""


def main(latest: bool = False) -> int:
    """Run it once, print what arrived, and say by the exit status whether that is what was done."""
    os.environ.update(dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1"))
    day = live({"semconv": LATEST} if latest else {})
    found = checks.checks(day)
    report(day, found)
    return 0 if all(check.holds for check in found) else 1


def live(options: dict[str, Any]) -> checks.Day:
    """The whole day, with telemetry as the demo configures it, and these options beside."""
    receiver = Receiver()
    provider = Provider(latency_seconds=(0.001, 0.004), over_limit={agent.STRONGEST_MODEL})
    rates = {"cost_model_rates": agent.RATES, "cost_per_1k_tokens": 0}
    with ExitStack() as open_now:
        collector, provider_url = open_now.enter_context(serve(receiver)), open_now.enter_context(serve(provider))
        open_now.callback(genai.instrument("openai"))
        told = {"endpoint": collector, "service_name": "demo-gateway", **rates, **options}
        with genai.configure(enabled=True, **told) as telemetry:
            gateway = Gateway(provider_url)
            with serve(gateway) as url:
                answers = list(drive(url))
            telemetry.flush()
    return checks.Day(answers, provider.seen, gateway.deeds, receiver.spans, receiver.points, receiver.logs)


def report(day: checks.Day, found: list[checks.Check]) -> None:
    """Print traces, metrics, costs, propagation and the checks."""
    console = Console(width=None if Console().is_terminal else COLUMNS)
    console.print(Rule("traces, as they arrived over OTLP/HTTP; tokens in / out", align="left"))
    for tree in show.trace_trees(day.spans):
        console.print(tree)
    console.print(Rule("metrics", align="left"), show.metric_table(day.points))
    console.print(Rule("cost, by the demo's rates", align="left"), show.cost_table(day.spans))
    console.print(Rule("what the provider was told", align="left"))
    console.print(show.propagation_table(show.propagations(day.seen, day.spans)))
    console.print(Rule("checks", align="left"))
    for check in found:
        console.print(f"[green]ok[/]      {check.what}" if check.holds else f"[red]failed[/]  {check.what}")
