"""What is said of log records, of what matters to security, and in events of model calls."""

from __future__ import annotations

from typing import Final

from ..events import LogRecord, SecurityEvent
from . import attributes as a
from .models import CALL_END, CALL_START
from .rows import LogEvent, Sources

SEVERITIES: Final = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}
SECURITY_SEVERITIES: Final = {"critical": "FATAL", "high": "ERROR", "medium": "WARN"}
"""Any other is INFO."""
WITHHELD: Final = "log"
"""Stands for the body of a record whose message may not leave."""
SIGNAL: Final = "openclaw.diagnostic.log"
"""What a line on stdout calls itself."""
DETAILS: Final = "gen_ai.client.inference.operation.details"
NEVER: Final = frozenset(
    [
        "callId",
        "call_id",
        "chatId",
        "chat_id",
        "messageId",
        "message_id",
        "parentSpanId",
        "parent_span_id",
        "runId",
        "run_id",
        "sessionId",
        "session_id",
        "sessionKey",
        "session_key",
        "spanId",
        "span_id",
        "toolCallId",
        "tool_call_id",
        "traceId",
        "trace_id",
    ]
)
"""Names, in both spellings, of what is dropped from log records: ids of people, sessions and requests."""
INFERENCE: Final[Sources] = (*CALL_START, *CALL_END)

LOGS: tuple[LogEvent, ...] = (
    LogEvent(
        LogRecord,
        body=WITHHELD,
        severity=lambda record: record.level,
        sources=(
            a.LOG_LEVEL.of("level"),
            a.LOGGER.of("logger"),
            a.LOGGER_PARENTS.of(lambda record: ".".join(record.parents) or None),
            a.CODE_LINE.of("line"),
            a.CODE_FUNCTION.of("function"),
            a.EXCEPTION_TYPE.of("error_type"),
        ),
        prefix="openclaw.",
        said=lambda record: record.message,
        texts=(a.EXCEPTION_STACKTRACE.of("stacktrace"),),
    ),
    LogEvent(
        SecurityEvent,
        body="openclaw.security.event",
        severity=lambda event: SECURITY_SEVERITIES.get(event.severity, "INFO"),
        sources=(
            a.SECURITY_EVENT_ID.of("event_id"),
            a.SECURITY_CATEGORY.of("category"),
            a.SECURITY_ACTION.of("action"),
            a.SECURITY_OUTCOME.of("outcome"),
            a.SECURITY_SEVERITY.of("severity"),
            a.SECURITY_REASON.of("reason"),
            a.SECURITY_ACTOR_KIND.of("actor_kind"),
            a.SECURITY_ACTOR_ID.of("actor_id"),
            a.SECURITY_ACTOR_DEVICE.of("actor_device_id"),
            a.SECURITY_ACTOR_CHANNEL.of("actor_channel"),
            a.SECURITY_ACTOR_ROLE.of("actor_role"),
            a.SECURITY_ACTOR_SCOPES.of("actor_scopes"),
            a.SECURITY_TARGET_KIND.of("target_kind"),
            a.SECURITY_TARGET_ID.of("target_id"),
            a.SECURITY_TARGET_NAME.of("target_name"),
            a.SECURITY_TARGET_OWNER.of("target_owner"),
            a.SECURITY_POLICY_ID.of("policy_id"),
            a.SECURITY_POLICY_DECISION.of("policy_decision"),
            a.SECURITY_POLICY_REASON.of("policy_reason"),
            a.SECURITY_CONTROL_ID.of("control_id"),
            a.SECURITY_CONTROL_FAMILY.of("control_family"),
        ),
        prefix="openclaw.security.attribute.",
    ),
)
