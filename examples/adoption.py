"""Tokens, cost and durations of a library that traces itself, without a decorator: `python adoption.py "why?"`.

The `anthropic` library makes spans of its calls. With `adopt=True` they are counted as ours are, and leave by our
exporters. Set ANTHROPIC_API_KEY, or ANTHROPIC_BASE_URL for another provider that speaks its language.
"""

from __future__ import annotations

import sys

import anthropic

import otel_genai as genai

MODEL = "claude-opus-5"


def ask(client: anthropic.Anthropic, question: str) -> str:
    reply = client.messages.create(
        model=MODEL, max_tokens=200, messages=[{"role": "user", "content": question}], system="Be brief."
    )
    return "".join(block.text for block in reply.content if block.type == "text")


def tell(usage: genai.events.Event) -> None:
    if isinstance(usage, genai.events.ModelUsage):
        cost = usage.cost
        print(f"{usage.model}: {usage.input_tokens} in, {usage.output_tokens} out", file=sys.stderr)
        print(f"{cost.amount:.6f} US dollars ({cost.source})" if cost else "nobody knows its price", file=sys.stderr)


def main(question: str) -> None:
    genai.configure(enabled=True, adopt=True, service_name="adoption")
    genai.subscribe(tell, "model.usage")
    with anthropic.Anthropic() as client, genai.bind(channel="console", session="s-1"):
        print(ask(client, question))


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "why is the sky blue?")
