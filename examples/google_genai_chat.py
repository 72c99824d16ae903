"""Google's client observed without a decorator: a chat whose model calls a function, all of it in one trace.

The model asks for the function, the library calls it, and the model answers: two model calls and a tool, below the
agent. Run it with a collector on this machine, and a key in GEMINI_API_KEY:

    pip install "otel-genai[google-genai]"
    OTEL_GENAI_ENABLED=true OTEL_SERVICE_NAME=chat python google_genai_chat.py "what is the weather in Paris?"
"""

import sys

from google import genai as google
from google.genai import types

import otel_genai as genai

MODEL = "gemini-2.5-flash"


def weather(city: str) -> str:
    """The weather in a city."""
    return f"rain in {city}"


@genai.agent("forecaster")
def answer(client: google.Client, question: str) -> str:
    config = types.GenerateContentConfig(system_instruction="Answer in one sentence.", tools=[weather])
    chat = client.chats.create(model=MODEL, config=config)
    return chat.send_message(question).text or ""


@genai.agent("poet")
def tell(client: google.Client, question: str) -> None:
    for chunk in client.models.generate_content_stream(model=MODEL, contents=f"In verse: {question}"):
        print(chunk.text or "", end="", flush=True)
    print()


def main(question: str) -> None:
    telemetry = genai.configure()
    genai.instrument("google-genai")
    with google.Client() as client, genai.bind(conversation="c-1"):
        print(answer(client, question))
        tell(client, question)
    telemetry.shutdown()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "what is the weather in Paris?")
