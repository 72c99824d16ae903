"""`python -m otel_genai`: what the package does, on this machine, and what everything in it is called."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import Any

COMMANDS = {
    "demo": ("otel_genai.demo", "a gateway's day, its provider and a receiver on this machine; prints what arrived"),
    "catalog": ("otel_genai.reference", "every event, metric, span and attribute, by its name and what it means"),
}
OPTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "demo": {"--latest": {"help": "under the newest GenAI conventions", "action": "store_true"}},
    "catalog": {
        "--format": {"choices": ("markdown", "json"), "default": "markdown"},
        "--semconv": {"help": "gen_ai_latest_experimental, or gen_ai_latest_experimental/dup", "metavar": "SHAPE"},
        "--namespace": {"help": "prefix in place of openclaw", "metavar": "PREFIX"},
        "--agent-namespace": {"help": "prefix in place of nora", "metavar": "PREFIX"},
        "--readme": {"help": "only the table of metrics that README has", "action": "store_true"},
    },
}
"""What a command takes: the keyword arguments of the `main` of its module."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m otel_genai", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, meaning) in COMMANDS.items():
        command = commands.add_parser(name, help=meaning, description=meaning)
        for option, described in OPTIONS.get(name, {}).items():
            command.add_argument(option, **described)
    options = vars(parser.parse_args(arguments))
    chosen = options.pop("command")
    try:
        status: int = import_module(COMMANDS[chosen][0]).main(**options)
    except ModuleNotFoundError as missing:
        print(f'{chosen} needs {missing.name}: pip install "otel-genai[demo]"', file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
