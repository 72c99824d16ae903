"""A real Prometheus scrapes a program and answers the queries that people write; promtool judges the page."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from otel_genai.catalog.metrics import METRICS
from otel_genai.emitters.histograms import Moment
from otel_genai.emitters.meters import Meters
from otel_genai.emitters.series import LastValues, instrument
from otel_genai.prometheus import Page

pytestmark = pytest.mark.real
pytest.importorskip("opentelemetry.exporter.prometheus", reason="the extra `prometheus` is not installed")

STACK = Path(__file__).parents[2] / "examples" / "stack"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NOW = Moment(0, None, None)
PROGRAM = """
import sys
import otel_genai as genai
from otel_genai.events import ContainerStats, MessageQueued

genai.configure(
    enabled=True, traces=False, service_name="gateway", prometheus_port=int(sys.argv[1]), cost_per_1k_tokens=0.002
)
reply = {"model": "gpt-5.5", "usage": {"input_tokens": 120, "output_tokens": 80}}
about = {"runtime_family": "openclaw", "sandbox_profile": "nemoclaw", "source": "openclaw.gateway"}
genai.exchange("ada", conversation="s-1", provider="nobody", **about).record(reply)
genai.publish(MessageQueued(source="dispatcher", queue_depth=3))
used = {"cpu_percent": 150.5, "memory_percent": 9, "memory_mb": 512}
genai.publish(ContainerStats(agent_id="ada", runtime_family="openclaw", **used))
genai.publish(ContainerStats(agent_id="bob", runtime_family="hermes", cpu_percent=1))
print("ready", flush=True)
for line in sys.stdin:
    genai.publish(ContainerStats(agent_id=line.strip(), runtime_family="hermes"))
    print("done", flush=True)
"""


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install prometheus")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


class Program:
    """A small program with a port for Prometheus."""

    def __init__(self) -> None:
        self.port = free_port()
        settings = ("OTEL_", "NORA_", "COST_")
        environment = {name: text for name, text in os.environ.items() if not name.startswith(settings)}
        command = [sys.executable, "-c", PROGRAM, str(self.port)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)
        assert self._said() == "ready"

    def _said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def forget(self, agent: str) -> None:
        assert self.process.stdin is not None
        print(agent, file=self.process.stdin, flush=True)
        assert self._said() == "done"

    def page(self, accept: str = "text/plain") -> str:
        with urlopen(
            Request(f"http://127.0.0.1:{self.port}/metrics", headers={"Accept": accept}), timeout=10
        ) as answer:
            return str(answer.read().decode())


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    found = Program()
    try:
        yield found
    finally:
        with found.process:
            assert found.process.stdin is not None
            found.process.stdin.close()
            assert found.process.wait(20) == 0


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def asked(self, path: str, **parameters: str) -> Any:
        with urlopen(f"{self.url}{path}?{urlencode(parameters)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, query: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of every series of an answer."""
        data = self.asked("/api/v1/query", query=query)
        return [(series["metric"], float(series["value"][1])) for series in data["result"]]

    def until(self, query: str, wanted: Any) -> None:
        for _ in range(100):
            try:
                found = sorted(value for _, value in self.query(query))
            except URLError:
                found = None  # it has only been started
            if found == wanted:
                return
            time.sleep(0.1)
        pytest.fail(f"{query} is {found} and not {wanted}")


@pytest.fixture(scope="module")
def prometheus(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    executable, folder, port = tool("prometheus"), tmp_path_factory.mktemp("prometheus"), free_port()
    target = {"job_name": "gateway", "static_configs": [{"targets": [f"127.0.0.1:{program.port}"]}]}
    often = {"scrape_interval": "200ms", "scrape_timeout": "200ms"}
    (folder / "prometheus.yml").write_text(json.dumps({"global": often, "scrape_configs": [target]}))
    command = [executable, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log").open("w+") as log:
        listen = f"--web.listen-address=127.0.0.1:{port}"
        process = subprocess.Popen([*command, listen], stdout=log, stderr=log, cwd=folder)
        try:
            found = Prometheus(port)
            found.until('up{job="gateway"}', [1])
            yield found
        finally:
            process.terminate()
            process.wait(20)


# -- what Prometheus makes of it


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("gen_ai_client_token_usage_count", [1, 1]),
        ('gen_ai_client_token_usage_sum{gen_ai_token_type="input"}', [120]),
        ('gen_ai_client_token_usage_bucket{gen_ai_token_type="input",le="+Inf"}', [1]),
        ("sum(nora_agent_cost_usd_total)", [0.0004]),
        ('nora_agent_cpu_percent{nora_agent_id="ada"}', [150.5]),
        ("nora_agent_memory_percent", [9]),
        ('nora_agent_memory_usage{nora_runtime_family="openclaw"}', [512]),
        ("openclaw_message_queued_total", [1]),
        ("openclaw_queue_depth_sum", [3]),
        (
            'histogram_quantile(0.5, sum by (le) (gen_ai_client_token_usage_bucket{gen_ai_token_type="input"})) > 64',
            [160],
        ),
        ('target_info{service_name="gateway"}', [1]),
        ("nora_agent_cost_usd_total * on (job, instance) group_left (service_name) target_info", [0.0004]),
    ],
)
def test_the_queries_that_people_write_are_answered(prometheus: Prometheus, query: str, value: list[float]) -> None:
    prometheus.until(query, [pytest.approx(each) for each in value])


@pytest.mark.parametrize("metric", ["gen_ai_client_token_usage_count", "nora_agent_cost_usd_total"])
def test_tokens_and_cost_carry_what_the_verification_looks_for(prometheus: Prometheus, metric: str) -> None:
    found = prometheus.query(metric)
    assert found
    for labels, _ in found:
        assert labels["nora_agent_id"] == "ada"
        assert labels["gen_ai_request_model"] == "gpt-5.5"
        assert labels["nora_runtime_family"] == "openclaw"
        assert labels["nora_sandbox_profile"] == "nemoclaw"
        assert not [name for name in labels if "key" in name or "conversation" in name or "session" in name]


def test_a_scrape_is_whole_and_says_nothing_against_the_page(prometheus: Prometheus) -> None:
    (target,) = prometheus.asked("/api/v1/targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    kinds = {name: found[0]["type"] for name, found in prometheus.asked("/api/v1/metadata").items()}
    assert kinds["nora_agent_cost_usd"] == "counter"
    assert kinds["gen_ai_client_token_usage"] == "histogram"
    assert kinds["nora_agent_cpu_percent"] == "gauge"


def test_an_agent_that_is_gone_is_gone_from_prometheus(prometheus: Prometheus, program: Program) -> None:
    prometheus.until('nora_agent_cpu_percent{nora_agent_id="bob"}', [1])
    program.forget("bob")
    prometheus.until('nora_agent_cpu_percent{nora_agent_id="bob"}', [])
    prometheus.until("nora_agent_cpu_percent", [150.5])


# -- what promtool says


def complaints(page: str) -> list[str]:
    """What promtool has against a page, but for names that the documents give."""
    done = subprocess.run([tool("promtool"), "check", "metrics"], input=page, capture_output=True, text=True)
    assert done.returncode in {0, 3}, done.stderr  # 3: it does not like a name
    documented = "_ms metric names should not contain abbreviated units"
    return [line for line in done.stderr.splitlines() if not line.endswith(documented)]


def test_promtool_finds_nothing_wrong_with_the_page_of_a_program(program: Program) -> None:
    assert "nora_agent_cost_usd_total{" in program.page()
    assert complaints(program.page()) == []


def test_promtool_finds_nothing_wrong_with_any_metric_of_the_catalog() -> None:
    page = Page()
    meter = Meters([page.reader]).get_meter("catalog")
    for metric in METRICS:
        made = instrument(meter, metric.name, metric)
        if isinstance(made, LastValues):
            made.keep(1, {}, None)
        else:
            made.place({})([1], [NOW])
    text = page.text("", "")[1].decode()
    assert text.count("# TYPE") == len({metric.name for metric in METRICS}) + 1  # and target_info
    assert complaints(text) == []


def test_the_configuration_of_the_stack_is_one_that_prometheus_takes() -> None:
    command = [tool("promtool"), "check", "config", str(STACK / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
