"""The openai client observed without a decorator: a chat and a stream, each one span with its tokens and its cost.

Run it with a collector on this machine, and a provider's key in OPENAI_API_KEY:

    pip install "otel-genai[openai]"
    OTEL_GENAI_ENABLED=true OTEL_SERVICE_NAME=chat python openai_chat.py "why is the sky blue?"
"""

import sys

from openai import OpenAI

import otel_genai as genai

MODEL = "gpt-5.5"


def ask(client: OpenAI, question: str) -> str:
    reply = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": question}])
    return reply.choices[0].message.content or ""


def tell(client: OpenAI, question: str) -> None:
    """A stream says what it used when it is asked to, in a last chunk that has no choices."""
    stream = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": question}],
        stream=True,
        stream_options={"include_usage": True},
    )
    for chunk in stream:
        for choice in chunk.choices:
            print(choice.delta.content or "", end="", flush=True)
    print()


def main(question: str) -> None:
    telemetry = genai.configure()
    genai.instrument("openai")
    with OpenAI() as client, genai.bind(agent="chat", conversation="c-1"):
        print(ask(client, question))
        tell(client, question)
    telemetry.shutdown()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "why is the sky blue?")
