"""What the catalog is made of, in the order of its reference: each of them has its metrics and its spans."""

from __future__ import annotations

from . import (
    agents,
    containers,
    exchange,
    execution,
    loops,
    mcp,
    messages,
    models,
    operations,
    requests,
    runtime,
    sessions,
    turns,
    usage,
)

THEMES = (
    requests,
    models,
    usage,
    exchange,
    agents,
    operations,
    turns,
    execution,
    loops,
    mcp,
    messages,
    sessions,
    runtime,
    containers,
)
