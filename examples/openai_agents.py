"""An agent of the OpenAI Agents SDK with a tool: one trace with the agent, its model calls, and the tools it used.

Run it with a collector on this machine, and a provider's key in OPENAI_API_KEY:

    pip install "otel-genai[openai-agents,openai]"
    OTEL_GENAI_ENABLED=true OTEL_SERVICE_NAME=weather python openai_agents.py "what is the weather in Oslo?"
"""

import sys

from agents import Agent, Runner, function_tool

import otel_genai as genai


@function_tool
def weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"it rains in {city}"


def main(question: str) -> None:
    telemetry = genai.configure()
    # `openai` sees the requests below, and adds what only they know: the first chunk of a stream, the server ...
    genai.instrument("openai-agents", "openai")
    agent = Agent(name="meteorologist", model="gpt-5.5", tools=[weather])
    with genai.bind(channel="console", conversation="c-1"):
        print(Runner.run_sync(agent, question).final_output)
    telemetry.shutdown()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "what is the weather in Oslo?")
