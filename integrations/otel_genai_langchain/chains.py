"""Which of LangChain's chains are worth a span: the outermost one, agents, and the steps of a workflow.

| run | operation |
| --- | --- |
| an agent of `create_agent`, at any depth | `HarnessRun` |
| the outermost chain or graph otherwise | `Workflow` |
| a node of a graph that is a `Workflow` | `Workflow`, inside of that |
| a node of an agent | none: it is counted as one of the agent's items |
| any other: sequences, prompts, parsers, lambdas ... | none: what they run belongs to what is around them |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from otel_genai import locks
from otel_genai.events import HarnessRun, Operation, Workflow
from otel_genai.sources.fields import word

from . import runs
from .runs import Run

CREATE_AGENT = "langchain_create_agent"
UNNAMED = "LangGraph"
"""What a graph is called that has no name of its own."""
_counting = locks.lock()


def start(
    run_id: UUID, parent_run_id: UUID | None, name: str, metadata: Mapping[str, Any], tags: Sequence[str]
) -> None:
    """Begin what this chain is, if it is anything of its own."""
    around = runs.find(parent_run_id)
    node = metadata.get("langgraph_node") == name and any(tag.startswith("graph:step:") for tag in tags)
    if agent := agent_name(around, name, metadata, node):
        operation: Operation = HarnessRun(name=None if agent == UNNAMED else agent, plugin="langchain")
        runs.begin(run_id, parent_run_id, operation, agent)
    elif around is None or (node and isinstance(around.operation, Workflow) and not hidden(name, tags)):
        runs.begin(run_id, parent_run_id, Workflow(name=name))
    else:
        run = runs.join(run_id, around, item=node and runs.agent_of(around) is not None)
        count(run, started=1, active=1)


def agent_name(around: Run | None, name: str, metadata: Mapping[str, Any], node: bool) -> str | None:
    """The name of the agent that a chain is; metadata tell of agents also to everything inside of them."""
    if metadata.get("ls_integration") != CREATE_AGENT:
        return None
    given = word(metadata.get("lc_agent_name")) or UNNAMED
    known = around is not None and around.agent == given
    return given if not known or (name == given and not node) else None


def hidden(name: str, tags: Sequence[str]) -> bool:
    return name.startswith("__") or "langsmith:hidden" in tags


def end(run_id: UUID, error: BaseException | None = None) -> None:
    """A chain is over; one that hands over to a person, or to another graph, has not failed."""
    bubbled = error is not None and is_handover(error)
    run = runs.end(run_id, None if bubbled else error)
    if run is not None:
        count(run, active=-1, completed=int(error is None or bubbled))
        if bubbled and (agent := runs.agent_of(run)) is not None:
            agent.yield_detected = True


def is_handover(error: BaseException) -> bool:
    """LangGraph's `interrupt()` and `Command(graph=Command.PARENT)` are raised, and are no errors."""
    return any(kind.__name__ == "GraphBubbleUp" for kind in type(error).__mro__)


def count(run: Run, *, started: int = 0, active: int = 0, completed: int = 0) -> None:
    agent = runs.agent_of(run)
    if agent is None or not run.item:
        return
    with _counting:
        agent.items_started = (agent.items_started or 0) + started
        agent.items_active = (agent.items_active or 0) + active
        agent.items_completed = (agent.items_completed or 0) + completed
