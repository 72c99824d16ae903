"""The demo: a whole agent service on this machine, its provider, its caller, and what of it arrived at a receiver."""

from __future__ import annotations

from rich.console import Console
from rich.rule import Rule

import otel_genai as genai

from ..viewer import Receiver
from . import checks, show
from .gateway import gateway
from .provider import Provider
from .server import serve
from .traffic import drive


def main() -> int:
    """Run it once, print what arrived, and say by the exit status whether that is what was sent."""
    receiver, provider = Receiver(), Provider(latency_seconds=(0.004, 0.012))
    with serve(receiver) as collector, serve(provider) as provider_url:
        stop = genai.instrument("openai")
        with genai.configure(enabled=True, endpoint=collector, service_name="demo-gateway") as telemetry:
            with serve(gateway(provider_url)) as url:
                answers = list(drive(url))
            telemetry.flush()
        stop()
    found = checks.checks(answers, provider.seen, receiver.spans, receiver.points)
    report(receiver, provider, found)
    return 0 if all(check.holds for check in found) else 1


def report(receiver: Receiver, provider: Provider, found: list[checks.Check]) -> None:
    """Print traces, metrics, propagation and the checks."""
    console = Console(width=None if Console().is_terminal else 120)
    console.print(Rule("traces, as they arrived over OTLP/HTTP", align="left"))
    for tree in show.trace_trees(receiver.spans):
        console.print(tree)
    console.print(Rule("metrics", align="left"), show.metric_table(receiver.points))
    console.print(Rule("what the provider was told", align="left"))
    console.print(show.propagation_table(show.propagations(provider.seen, receiver.spans)))
    console.print(Rule("checks", align="left"))
    for check in found:
        console.print(f"[green]ok[/]      {check.what}" if check.holds else f"[red]failed[/]  {check.what}")
