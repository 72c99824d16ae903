"""The example of containers, without an engine: it says so and goes on."""

from __future__ import annotations

from pathlib import Path

from .programs import run


def test_without_an_engine_it_says_so_and_goes_on(tmp_path: Path) -> None:
    elsewhere = {"DOCKER_HOST": f"unix://{tmp_path}/none.sock", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    assert "the engine does not answer" in run("containers.py", "1.5", **elsewhere).splitlines()
