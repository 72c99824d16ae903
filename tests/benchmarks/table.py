"""The rows as text of 100 columns, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from .rounds import Row
from .sdk import YARDSTICK_US

HEAD = ("what", "us", "against", "us", "ratio", "target", "")
LEGEND = f"""\
Microseconds are of this thread's processor; a ratio is the median of the ratios of all rounds.
Where there is a bare call, its time is taken off ours and a peer's; their ratio is of the medians.
floor: the very spans and measurements that ours makes, made by hand on the SDK.
yardstick: a span with 8 attributes and two measurements, made by hand. It took {YARDSTICK_US} us where the
targets in microseconds were set, which stand here as multiples of it."""


def text(rows: Iterable[Row]) -> str:
    return "\n".join([line(*HEAD), *(lined(row) for row in rows)])


def lined(row: Row) -> str:
    if row.ours_us is None or row.against_us is None or row.ratio is None:
        return f"{row.what:<45}{row.said if not row.against else f'{row.against}: {row.said}'}"
    target = "" if row.target is None else f"<= {figure(row.target)}"
    mark = {True: "met", False: "NOT MET", None: ""}[row.met]
    return line(row.what, figure(row.ours_us), row.against, figure(row.against_us), figure(row.ratio), target, mark)


def line(what: str, ours: str, against: str, its: str, ratio: str, target: str, mark: str) -> str:
    return f"{what:<41}{ours:>7}  {against:<15}{its:>7}{ratio:>8}  {target:<10}{mark}".rstrip()


def figure(number: float) -> str:
    """Three digits that count."""
    digits = 0 if abs(number) >= 100 else 1 if abs(number) >= 10 else 2 if abs(number) >= 0.1 else 4
    return f"{number:.{digits}f}"


def as_json(rows: Iterable[Row]) -> str:
    return json.dumps([{**asdict(row), "met": row.met} for row in rows], indent=2)
