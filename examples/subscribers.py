"""Events without OpenTelemetry: what the agent does, as it does it, on the terminal. Needs nothing but the package."""

import otel_genai as genai


@genai.tool
def search(query: str) -> list[str]:
    return [f"what is known of {query}"]


@genai.agent("planner")
def plan(question: str) -> str:
    hits = search(question)
    with genai.model_call("gpt-5.5", provider="openai") as call:
        call.reply({"usage": {"input_tokens": 120, "output_tokens": 30}})
    return hits[0]


def show(event: genai.events.Event) -> None:
    agent = event.scope.agent or "-"
    lasted = getattr(event, "duration_ms", None)
    print(f"{event.kind:28} agent={agent:10}" + ("" if lasted is None else f" {lasted:.2f} ms"))


def main() -> None:
    stop = genai.subscribe(show, "harness.*", "tool.*", "model.*")
    with genai.bind(channel="terminal"):
        plan("why is the sky blue?")
    stop()


if __name__ == "__main__":
    main()
