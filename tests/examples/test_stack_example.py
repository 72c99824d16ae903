"""The files of the example stack say the same of the ways between its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

STACK = Path(__file__).parent.parent.parent / "examples" / "stack"


def read(name: str) -> Any:
    return yaml.safe_load((STACK / name).read_text(encoding="utf-8"))


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = read("compose.yml")["services"]
    return found


def test_every_file_that_is_mounted_is_there(services: dict[str, Any]) -> None:
    mounted = {volume.partition(":")[0] for service in services.values() for volume in service["volumes"]}
    assert mounted == {f"./{path.name}" for path in STACK.iterdir() if path.name != "compose.yml"}


def test_nothing_is_open_to_other_machines(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service["ports"]]
    assert len(ports) == len(services)
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_collector_takes_what_we_send_and_every_part_it_uses_is_defined() -> None:
    collector = read("collector.yml")
    assert collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(":4318")
    assert collector["service"]["pipelines"].keys() == {"metrics", "traces", "logs"}
    for pipeline in collector["service"]["pipelines"].values():
        for part, names in pipeline.items():
            assert set(names) <= collector[part].keys()


def test_prometheus_asks_the_collector_and_keeps_the_workers_apart(services: dict[str, Any]) -> None:
    (job,) = read("prometheus.yml")["scrape_configs"]
    (target,) = job["static_configs"][0]["targets"]
    host, port = target.split(":")
    assert host in services
    assert read("collector.yml")["exporters"]["prometheus"]["endpoint"].endswith(f":{port}")
    assert job["honor_labels"] is True


def test_grafana_asks_prometheus(services: dict[str, Any]) -> None:
    (source,) = read("grafana.yml")["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    assert "prometheus" in services
