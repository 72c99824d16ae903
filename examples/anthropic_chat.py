"""The anthropic client observed without a decorator: a tool that the model asks for, and a stream; each call one span.

Run it with a collector on this machine, and a provider's key in ANTHROPIC_API_KEY:

    pip install "otel-genai[anthropic]"
    OTEL_GENAI_ENABLED=true OTEL_SERVICE_NAME=chat python anthropic_chat.py "why is the sky blue?"
"""

import sys

from anthropic import Anthropic
from anthropic.types import MessageParam, ToolParam

import otel_genai as genai

MODEL = "claude-opus-4-6"
SEARCH: ToolParam = {
    "name": "search",
    "description": "Searches the encyclopedia.",
    "input_schema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
}


@genai.tool
def search(query: str) -> str:
    return f"what is known of {query}"


@genai.agent("chat")
def answer(client: Anthropic, question: str) -> None:
    messages: list[MessageParam] = [{"role": "user", "content": question}]
    reply = client.messages.create(model=MODEL, max_tokens=1024, messages=messages, tools=[SEARCH])
    for block in reply.content:
        if block.type == "tool_use":
            found = search(**block.input)
            messages.append({"role": "assistant", "content": reply.content})
            messages.append(
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": block.id, "content": found}]}
            )
    with client.messages.stream(model=MODEL, max_tokens=1024, messages=messages, tools=[SEARCH]) as stream:
        for text in stream.text_stream:
            print(text, end="", flush=True)
    print()


def main(question: str) -> None:
    telemetry = genai.configure()
    genai.instrument("anthropic")
    with Anthropic() as client, genai.bind(conversation="c-1"):
        answer(client, question)
    telemetry.shutdown()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "why is the sky blue?")
