"""What can happen: one small class per event type, plain data, readable without OpenTelemetry.

`None` means "was not observed"; zero is an observation. Content (prompts, replies, tool arguments) is never a field.
A class is an event type: its wire names and its fields. Adding one is adding a class to the module of its theme.
"""

from __future__ import annotations

from .agents import HarnessRun, Run, ToolExecution
from .event import Event, Operation
from .exchange import Exchange
from .execution import ProcessExecution
from .loops import ToolLoop
from .messages import Message, MessageDelivery, MessageDispatch, MessageQueued, PayloadLarge, TalkEvent, Webhook
from .models import ModelCall, ModelUsage, Tokens, operation_of
from .operations import AgentCreation, EvaluationResult, MemoryOperation, Planning, Retrieval, Workflow
from .requests import BackgroundWork, HttpRequest, Remote, WebSocketClosed, WebSocketFrame, WebSocketHandshake
from .runtime import (
    AsyncQueueDropped,
    DiagnosticPhase,
    Heartbeat,
    LivenessWarning,
    Memory,
    MemoryPressure,
    MemorySample,
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

__all__ = [
    "AgentCreation",
    "AsyncQueueDropped",
    "BackgroundWork",
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
    "Retrieval",
    "Run",
    "RunAttempt",
    "RunProgress",
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
]
