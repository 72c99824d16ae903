"""litellm observed without a decorator: a chat and a stream, each one span with its tokens, whichever provider it asks.

Run it with a collector on this machine, and a provider's key in OPENAI_API_KEY:

    pip install "otel-genai[litellm]"
    OTEL_GENAI_ENABLED=true OTEL_SERVICE_NAME=chat python litellm_chat.py "why is the sky blue?"
"""

import sys

import litellm

import otel_genai as genai

MODEL = "openai/gpt-5.5"


def ask(question: str) -> str:
    reply = litellm.completion(MODEL, [{"role": "user", "content": question}])
    return reply.choices[0].message.content or ""


def tell(question: str) -> None:
    """A stream says what it used when it is asked to."""
    messages = [{"role": "user", "content": question}]
    for chunk in litellm.completion(MODEL, messages, stream=True, stream_options={"include_usage": True}):
        for choice in chunk.choices:
            print(choice.delta.content or "", end="", flush=True)
    print()


def main(question: str) -> None:
    telemetry = genai.configure()
    genai.instrument("litellm")
    with genai.bind(agent="chat", conversation="c-1"):
        print(ask(question))
        tell(question)
    telemetry.shutdown()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "why is the sky blue?")
