"""What the agents of this machine use, on the terminal every two seconds and as metrics. Needs a Docker engine.

The agent is the label `otel_genai.agent.id` of its container, else the container's name.
`python examples/containers.py 30` stops after so many seconds.
"""

import sys
import time

import otel_genai as genai


def show(event: genai.events.ContainerStats) -> None:
    if event.memory_mb is None:
        print(f"{event.agent_id:24} is gone", flush=True)
    else:
        cpu = "-" if event.cpu_percent is None else f"{event.cpu_percent:.1f} %"
        print(f"{event.agent_id:24} {cpu:>10} {event.memory_mb:>8} MiB", flush=True)


def show_engine(event: genai.events.ContainerPoll) -> None:
    if not event.up:
        print("the engine does not answer", flush=True)


def main(seconds: float) -> None:
    genai.subscribe(show, genai.events.ContainerStats)
    genai.subscribe(show_engine, genai.events.ContainerPoll)
    with genai.configure(enabled=True, docker={"enabled": True, "interval_ms": 2000}, semconv_containers=True):
        time.sleep(seconds)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 3600)
