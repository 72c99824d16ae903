"""What can happen: one small class per event type, plain data, readable without OpenTelemetry.

`None` means "was not observed"; zero is an observation. Content (prompts, replies, tool arguments) is never a field.
A class is an event type: its wire names and its fields. Adding one is adding a class to the module of its theme.
"""

from __future__ import annotations

from .agents import HarnessRun, Run, ToolExecution
from .event import Event, Operation
from .messages import MessageQueued
from .models import ModelCall, ModelUsage, Tokens, operation_of
from .requests import BackgroundWork, HttpRequest, Remote, WebSocketClosed, WebSocketFrame, WebSocketHandshake
from .runtime import TelemetryFailed

__all__ = [
    "BackgroundWork",
    "Event",
    "HarnessRun",
    "HttpRequest",
    "MessageQueued",
    "ModelCall",
    "ModelUsage",
    "Operation",
    "Remote",
    "Run",
    "TelemetryFailed",
    "Tokens",
    "ToolExecution",
    "WebSocketClosed",
    "WebSocketFrame",
    "WebSocketHandshake",
    "operation_of",
]
