"""A LangChain agent with a tool: one trace with the agent, each call of its model, and each tool that it used.

Run it with a collector on this machine, and a provider's key in OPENAI_API_KEY:

    pip install "otel-genai[langchain,openai]" langchain langchain-openai
    OTEL_GENAI_ENABLED=true OTEL_SERVICE_NAME=weather python langchain_agent.py "what is the weather in Oslo?"
"""

import sys

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

import otel_genai as genai

MODEL = "gpt-5.5"


@tool
def weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"it rains in {city}"


def ask(question: str) -> str:
    agent = create_agent(ChatOpenAI(model=MODEL), [weather], name="meteorologist")
    answer = agent.invoke({"messages": [("user", question)]})
    return str(answer["messages"][-1].content)


def main(question: str) -> None:
    telemetry = genai.configure()
    # Requests of the model's client, which `openai` sees too, are part of the calls that LangChain tells of.
    genai.instrument("langchain", "openai")
    with genai.bind(channel="console", conversation="c-1"):
        print(ask(question))
    telemetry.shutdown()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "what is the weather in Oslo?")
