"""An agent that others ask by A2A: its work is in the trace of whoever asks, where that is somebody it trusts.

Run it with a collector on this machine, then `a2a_editor.py`, which asks it:

    pip install otel-genai "a2a-sdk[http-server]" uvicorn
    OTEL_GENAI_ENABLED=true OTEL_SERVICE_NAME=writer python a2a_writer.py 9999
"""

import sys

import uvicorn
from a2a.helpers.proto_helpers import new_text_message
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill
from starlette.applications import Starlette

import otel_genai as genai


class Writer(AgentExecutor):
    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        with genai.agent("writer"):
            await event_queue.enqueue_event(new_text_message(f"An answer to: {context.get_user_input()}"))

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        raise NotImplementedError


def card(url: str) -> AgentCard:
    return AgentCard(
        name="writer",
        description="Answers questions",
        version="1.0.0",
        supported_interfaces=[AgentInterface(protocol_binding="JSONRPC", url=url, protocol_version="1.0")],
        capabilities=AgentCapabilities(streaming=True),
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="answer", name="answer", description="Answers a question", tags=["questions"])],
    )


def application(url: str) -> Starlette:
    """`Middleware` reads the caller's trace context; `trust_inbound` says whose is continued."""
    handler = DefaultRequestHandler(agent_executor=Writer(), task_store=InMemoryTaskStore(), agent_card=card(url))
    app = Starlette(routes=[*create_agent_card_routes(card(url)), *create_jsonrpc_routes(handler, "/")])
    app.add_middleware(genai.Middleware, channel="a2a")
    return app


def main(port: int) -> None:
    with genai.configure():
        uvicorn.run(application(f"http://127.0.0.1:{port}"), port=port, log_level="error")


if __name__ == "__main__":
    main(int(sys.argv[1]))
