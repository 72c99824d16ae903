"""`python -m otel_genai demo`: what the package does, on this machine, without anything else."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

COMMANDS = {"demo": ("otel_genai.demo", "a gateway, its provider and a receiver on this machine; prints what arrived")}


def main(arguments: list[str] | None = None) -> int:
    """Run a command; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m otel_genai", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, meaning) in COMMANDS.items():
        commands.add_parser(name, help=meaning)
    chosen = parser.parse_args(arguments).command
    try:
        status: int = import_module(COMMANDS[chosen][0]).main()
    except ModuleNotFoundError as missing:
        print(f'{chosen} needs {missing.name}: pip install "otel-genai[demo]"', file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
