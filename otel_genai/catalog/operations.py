"""What is said of operations that only the GenAI conventions name: spans and metrics. Their names are always those."""

from __future__ import annotations

from ..events import AgentCreation, EvaluationResult, MemoryOperation, Planning, RemoteAgent, Retrieval, Workflow
from . import attributes as a
from .buckets import WORKFLOW_SECONDS
from .readings import CUT_SHORT, LATEST, Words, failed, fraction
from .rows import Metric, On, Sources, Span


def plan_name(planning: Planning) -> str:
    agent = planning.inner.agent
    return f"plan {agent}" if agent else "plan"


SERVER = (a.SERVER_ADDRESS.of("server_address"), a.SERVER_PORT.of("server_port"))
RETRIEVAL = (
    a.OPERATION.always("retrieval"),
    a.PROVIDER_NAME.of("provider"),
    a.REQUEST_MODEL.of("model"),
    *SERVER,
)
MEMORY = (a.OPERATION.of("operation"), a.PROVIDER_NAME.of("provider"), *SERVER)
CREATION = (
    a.OPERATION.always("create_agent"),
    a.PROVIDER_NAME.of("provider"),
    a.REQUEST_MODEL.of("model"),
    *SERVER,
)
REMOTE_AGENT = (
    a.OPERATION.always("invoke_agent"),
    a.PROVIDER_NAME.of("provider"),
    a.REQUEST_MODEL.of("model"),
    *SERVER,
)
AGENT = (
    a.AGENT_NAME.of("agent"),
    a.AGENT_ID.of("agent_id"),
    a.AGENT_DESCRIPTION.of("description"),
    a.AGENT_VERSION.of("version"),
)
ERROR_TYPE = a.ERROR_TYPE.of("error_type")
END: Sources = (ERROR_TYPE, CUT_SHORT)

CLIENT_DURATION = (
    On(Retrieval, "duration_s", (*RETRIEVAL, ERROR_TYPE)),
    On(MemoryOperation, "duration_s", (*MEMORY, ERROR_TYPE)),
    On(AgentCreation, "duration_s", (*CREATION, ERROR_TYPE)),
    On(RemoteAgent, "duration_s", (*REMOTE_AGENT, ERROR_TYPE)),
)
"""Their part in the metric of client operations that are not inference."""

METRICS: tuple[Metric, ...] = (
    Metric(
        "gen_ai.invoke_workflow.duration",
        "histogram",
        "s",
        "How long a workflow took.",
        (On(Workflow, "duration_s", (a.WORKFLOW_NAME.of("name"), ERROR_TYPE)),),
        WORKFLOW_SECONDS,
        LATEST,
    ),
)

SPANS: tuple[Span, ...] = (
    Span(
        Retrieval,
        Words("retrieval", "{data_source}"),
        "A search in a data source for what a model will be told.",
        kind="client",
        start=(
            *RETRIEVAL,
            a.DATA_SOURCE_ID.of("data_source"),
            a.RETRIEVAL_TOP_K.of("top_k"),
        ),
        end=END,
        status=failed,
    ),
    Span(
        MemoryOperation,
        Words("{operation}"),
        "Something done to what an agent remembers.",
        kind="client",
        start=(
            *MEMORY,
            a.MEMORY_STORE_ID.of("store"),
            a.MEMORY_RECORD_ID.of("record"),
            a.MEMORY_RECORD_COUNT.of("record_count"),
        ),
        end=END,
        status=failed,
    ),
    Span(
        AgentCreation,
        Words("create_agent", "{agent}"),
        "The making of an agent at a provider.",
        kind="client",
        start=(*CREATION, *AGENT),
        end=END,
        status=failed,
    ),
    Span(
        RemoteAgent,
        Words("invoke_agent", "{agent}"),
        "An agent at work elsewhere, as it is seen by who asked it.",
        kind="client",
        start=(*REMOTE_AGENT, *AGENT, a.CONVERSATION.of("scope.conversation")),
        end=END,
        status=failed,
    ),
    Span(
        Workflow,
        Words("invoke_workflow", "{name}"),
        "Several agents or steps that were put together as one.",
        start=(
            a.OPERATION.always("invoke_workflow"),
            a.WORKFLOW_NAME.of("name"),
            a.CONVERSATION.of("scope.conversation"),
        ),
        end=END,
        status=failed,
    ),
    Span(
        Planning,
        plan_name,
        "An agent works out its next steps.",
        start=(a.OPERATION.always("plan"), a.AGENT_NAME.of("inner.agent")),
        end=END,
        status=failed,
    ),
    Span(
        EvaluationResult,
        Words("evaluation", "{name}"),
        "Somebody judged an answer; it stands below what was judged, and takes no time.",
        start=(
            a.EVALUATION_NAME.of("name", "unknown"),
            a.EVALUATION_SCORE.of("score", fit=fraction),
            a.EVALUATION_LABEL.of("label"),
            a.RESPONSE_ID.of("response_id"),
            ERROR_TYPE,
        ),
    ),
)
