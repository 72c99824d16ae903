"""Prints what observing costs: `python -m tests.benchmarks [--rounds 41] [--only stream] [--json]`."""

from __future__ import annotations

import logging
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from importlib import import_module

from . import table
from .rounds import Row, Subject, measured

MODULES = ("calls", "streams", "requests", "models", "imports", "containers")


def main() -> None:
    options = arguments()
    logging.disable()  # what the peers say about being switched on and off
    rows: list[Row] = []
    for name, build in subjects():
        if options.only in name:
            print(f"\r{name:<20}", end="", file=sys.stderr, flush=True)
            rows += measured(build(), options.rounds, options.seconds)
    print("\r", end="", file=sys.stderr)
    print(table.as_json(rows) if options.json else f"{table.text(rows)}\n\n{table.LEGEND}")


def arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.benchmarks", description=table.LEGEND)
    parser.add_argument("--rounds", type=int, default=41, help="how often everything is timed")
    parser.add_argument("--seconds", type=float, default=0.02, help="for how long, each time")
    parser.add_argument("--only", default="", help="part of a subject's name, such as stream, request, import")
    parser.add_argument("--json", action="store_true", help="with the quartiles of the ratios")
    return parser.parse_args()


def subjects() -> Iterator[tuple[str, Callable[[], Subject]]]:
    for module in MODULES:
        yield from import_module(f".{module}", __package__).SUBJECTS.items()


if __name__ == "__main__":
    main()
