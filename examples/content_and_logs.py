"""What may leave, and what never does: content by its class, logs with their trace, secrets masked at every way out.

Prints the lines that a platform would collect, and what the spans hold. Needs nothing but the package.
"""

import logging

from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

import otel_genai as genai

log = logging.getLogger("shop.agent")


@genai.tool
def charge(customer: str, amount: float, api_key: str) -> dict[str, object]:
    log.warning("charging %s", customer, extra={"amount": amount})  # the text stays here, the amount leaves
    return {"customer": customer, "receipt": "R-1"}


@genai.agent("cashier")
def serve(question: str) -> str:
    with genai.model_call("gpt-5.5", provider="openai") as call:
        call.content(input_messages=question, system_prompt="You are a cashier.")
        call.reply({"choices": [{"message": {"content": "I charge Ada ACME-42."}, "finish_reason": "stop"}]})
    charge("Ada", 9.5, api_key="sk-live-this-is-never-seen")
    return "done"


def main() -> None:
    telemetry = genai.configure(
        enabled=True,
        metrics=False,
        endpoint="http://127.0.0.1:9",  # nobody is there: what would be sent is printed below
        logs=True,
        logs_exporter="stdout",
        capture_content={"output_messages": True, "tool_inputs": True},
        redact=[r"ACME-\d+"],
    )
    spans = ConsoleSpanExporter(formatter=shown)
    telemetry.tracer_provider.add_span_processor(SimpleSpanProcessor(spans))
    logging.getLogger("otel_genai").setLevel(logging.ERROR)  # not that nobody is there
    serve("my number is 0123, charge me")
    telemetry.shutdown()


def shown(span: object) -> str:
    content = {
        name: value for name, value in span.attributes.items() if name.startswith("gen_ai.") and "{" in str(value)
    }
    return "".join(f"{span.name} {name} {value}\n" for name, value in content.items())


if __name__ == "__main__":
    main()
