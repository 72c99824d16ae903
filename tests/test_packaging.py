"""What is in the wheel, what it asks for, and what importing it costs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from email import message_from_string
from email.message import Message
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "otel_genai",
    "otel_genai_anthropic",
    "otel_genai_google_genai",
    "otel_genai_langchain",
    "otel_genai_litellm",
    "otel_genai_mcp",
    "otel_genai_openai",
    "otel_genai_openai_agents",
}
CORE = {
    "docker",
    "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry-instrumentation-asgi",
    "opentelemetry-sdk",
    "starlette",
    "wrapt",
}
HEAVY = ["aiohttp", "docker", "httpx", "httpx2", "openai", "opentelemetry.sdk", "requests", "starlette.applications"]
IMPORT_THE_FACE = "import json, sys; import otel_genai; print(json.dumps(sorted(sys.modules)))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return ZipFile(path)


@pytest.fixture(scope="module")
def metadata(wheel: ZipFile) -> Message:
    return message_from_string(_dist_info(wheel, "METADATA"))


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    run = subprocess.run([sys.executable, "-c", IMPORT_THE_FACE], check=True, capture_output=True)
    return set(json.loads(run.stdout))


def _dist_info(wheel: ZipFile, file: str) -> str:
    (name,) = (name for name in wheel.namelist() if name.endswith(f".dist-info/{file}"))
    return wheel.read(name).decode()


def test_the_wheel_brings_exactly_these_top_level_packages(wheel: ZipFile) -> None:
    folders = {name.partition("/")[0] for name in wheel.namelist()}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == PACKAGES


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_each_package_is_whole_and_typed(wheel: ZipFile, package: str) -> None:
    source = ROOT / ("integrations" if package != "otel_genai" else ".") / package
    files = (path.relative_to(source.parent).as_posix() for path in source.rglob("*") if path.is_file())
    expected = {file for file in files if "__pycache__" not in file}
    assert {name for name in wheel.namelist() if name.startswith(f"{package}/")} == expected
    assert f"{package}/py.typed" in expected


def test_the_wheel_names_its_entry_points(wheel: ZipFile) -> None:
    assert _dist_info(wheel, "entry_points.txt").split() == [
        *("[opentelemetry_instrumentor]", "otel_genai", "=", "otel_genai.zero_code:Instrumentor"),
        "[otel_genai.integrations]",
        *("anthropic", "=", "otel_genai_anthropic"),
        *("google-genai", "=", "otel_genai_google_genai"),
        *("langchain", "=", "otel_genai_langchain"),
        *("litellm", "=", "otel_genai_litellm"),
        *("mcp", "=", "otel_genai_mcp"),
        *("openai", "=", "otel_genai_openai"),
        *("openai-agents", "=", "otel_genai_openai_agents"),
        *("[pytest11]", "otel_genai", "=", "otel_genai.testing"),
    ]


@pytest.mark.parametrize("module", ["otel_genai.testing", *sorted(PACKAGES - {"otel_genai"})])
def test_what_an_entry_point_names_can_be_loaded(module: str) -> None:
    if module == "otel_genai_litellm" and find_spec("litellm") is None:
        pytest.skip("litellm needs openai 2: make test-majors")
    assert EntryPoint("any", module, "any").load().__name__ == module


def test_the_core_needs_exactly_six_libraries(metadata: Message) -> None:
    required = metadata.get_all("Requires-Dist", [])
    core = [line for line in required if "extra ==" not in line]
    assert {re.split(r"[^\w.-]", line)[0] for line in core} == CORE


def test_the_metadata_says_licence_interpreter_and_version(metadata: Message, wheel: ZipFile) -> None:
    assert metadata["Name"] == "otel-genai"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert f'__version__ = "{metadata["Version"]}"' in wheel.read("otel_genai/version.py").decode()
    assert "Apache License" in _dist_info(wheel, "licenses/LICENSE")


@pytest.mark.parametrize("heavy", HEAVY)
def test_importing_the_face_does_not_load(heavy: str, loaded: set[str]) -> None:
    assert "otel_genai" in loaded
    assert heavy not in loaded
