"""What can happen: one small class per event type, plain data, readable without OpenTelemetry.

`None` means "was not observed"; zero is an observation. Content (prompts, replies, tool arguments) is never a field.
A class is an event type: its wire names and its fields. Adding one is adding a class to the module of its theme.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .agents import HarnessRun, Run, ToolExecution, turn_of
from .event import Event, Operation
from .models import ModelCall, ModelUsage, Tokens, operation_of

if TYPE_CHECKING:
    from .containers import ContainerPoll, ContainerPollFailed, ContainerStats, ContainerUsage
    from .exchange import Exchange
    from .execution import ProcessExecution
    from .logs import LogRecord, SecurityEvent
    from .loops import ToolLoop
    from .mcp import McpClientOperation, McpClientSession, McpServerOperation, McpServerSession
    from .messages import Message, MessageDelivery, MessageDispatch, MessageQueued, PayloadLarge, TalkEvent, Webhook
    from .operations import (
        AgentCreation,
        EvaluationResult,
        MemoryOperation,
        Planning,
        RemoteAgent,
        Retrieval,
        Workflow,
    )
    from .requests import BackgroundWork, HttpRequest, Remote, WebSocketClosed, WebSocketFrame, WebSocketHandshake
    from .runtime import (
        AsyncQueueDropped,
        DiagnosticPhase,
        Heartbeat,
        LivenessWarning,
        Memory,
        MemoryPressure,
        MemorySample,
        SeriesFolded,
        TelemetryExporter,
        TelemetryFailed,
    )
    from .sessions import (
        LaneDequeued,
        LaneEnqueued,
        RunAttempt,
        RunProgress,
        SessionLongRunning,
        SessionRecoveryCompleted,
        SessionRecoveryRequested,
        SessionStalled,
        SessionState,
        SessionStuck,
        SessionTurnCreated,
    )
    from .turns import ContextAssembled, ModelFailover, SkillUsed

_THEMES = {
    "containers": "ContainerPoll ContainerPollFailed ContainerStats ContainerUsage",
    "exchange": "Exchange",
    "execution": "ProcessExecution",
    "logs": "LogRecord SecurityEvent",
    "loops": "ToolLoop",
    "mcp": "McpClientOperation McpClientSession McpServerOperation McpServerSession",
    "messages": "Message MessageDelivery MessageDispatch MessageQueued PayloadLarge TalkEvent Webhook",
    "operations": "AgentCreation EvaluationResult MemoryOperation Planning RemoteAgent Retrieval Workflow",
    "requests": "BackgroundWork HttpRequest Remote WebSocketClosed WebSocketFrame WebSocketHandshake",
    "runtime": (
        "AsyncQueueDropped DiagnosticPhase Heartbeat LivenessWarning Memory MemoryPressure MemorySample "
        "SeriesFolded TelemetryExporter TelemetryFailed"
    ),
    "sessions": (
        "LaneDequeued LaneEnqueued RunAttempt RunProgress SessionLongRunning SessionRecoveryCompleted "
        "SessionRecoveryRequested SessionStalled SessionState SessionStuck SessionTurnCreated"
    ),
    "turns": "ContextAssembled ModelFailover SkillUsed",
}
"""The rarer themes: each is loaded when one of its names is asked for."""
_HOMES = {name: theme for theme, names in _THEMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


__all__ = [
    "AgentCreation",
    "AsyncQueueDropped",
    "BackgroundWork",
    "ContainerPoll",
    "ContainerPollFailed",
    "ContainerStats",
    "ContainerUsage",
    "ContextAssembled",
    "DiagnosticPhase",
    "EvaluationResult",
    "Event",
    "Exchange",
    "HarnessRun",
    "Heartbeat",
    "HttpRequest",
    "LaneDequeued",
    "LaneEnqueued",
    "LivenessWarning",
    "LogRecord",
    "McpClientOperation",
    "McpClientSession",
    "McpServerOperation",
    "McpServerSession",
    "Memory",
    "MemoryOperation",
    "MemoryPressure",
    "MemorySample",
    "Message",
    "MessageDelivery",
    "MessageDispatch",
    "MessageQueued",
    "ModelCall",
    "ModelFailover",
    "ModelUsage",
    "Operation",
    "PayloadLarge",
    "Planning",
    "ProcessExecution",
    "Remote",
    "RemoteAgent",
    "Retrieval",
    "Run",
    "RunAttempt",
    "RunProgress",
    "SecurityEvent",
    "SeriesFolded",
    "SessionLongRunning",
    "SessionRecoveryCompleted",
    "SessionRecoveryRequested",
    "SessionStalled",
    "SessionState",
    "SessionStuck",
    "SessionTurnCreated",
    "SkillUsed",
    "TalkEvent",
    "TelemetryExporter",
    "TelemetryFailed",
    "Tokens",
    "ToolExecution",
    "ToolLoop",
    "WebSocketClosed",
    "WebSocketFrame",
    "WebSocketHandshake",
    "Webhook",
    "Workflow",
    "operation_of",
    "turn_of",
]
