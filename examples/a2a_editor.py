"""An agent that asks another one by A2A: what it sends carries its `traceparent`, so that both are one trace.

Run it beside `a2a_writer.py`, with a collector on this machine:

    OTEL_GENAI_ENABLED=true OTEL_SERVICE_NAME=editor python a2a_editor.py http://127.0.0.1:9999 "why is the sky blue?"
"""

import asyncio
import sys

from a2a.client import create_client
from a2a.helpers.proto_helpers import get_message_text, new_text_message
from a2a.types import Role, SendMessageRequest

import otel_genai as genai


@genai.agent("editor")
async def edit(url: str, question: str) -> str:
    request = SendMessageRequest(message=new_text_message(question, role=Role.ROLE_USER))
    async with await create_client(url) as client:
        with genai.remote_agent("writer", provider="a2a"):
            return "".join([get_message_text(event.message) async for event in client.send_message(request)])


def main(url: str, question: str) -> None:
    telemetry = genai.configure()
    print(asyncio.run(edit(url, question)))
    telemetry.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
