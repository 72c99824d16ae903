"""The face: its names are all there, cheap to import, and documented."""

from __future__ import annotations

import subprocess
import sys

import pytest

import otel_genai as genai
from otel_genai import events

HEAVY = ("opentelemetry", "docker", "requests", "aiohttp", "httpx", "starlette.applications", "importlib.metadata")


@pytest.mark.parametrize("name", genai.__all__)
def test_every_name_of_the_face_is_there_and_explained(name: str) -> None:
    assert name in dir(genai)
    assert name in {*genai._LATE, "__version__"}
    assert getattr(getattr(genai, name), "__doc__", None)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'dance'"):
        genai.dance  # noqa: B018 (the look-up is the test)


def test_every_event_class_is_found_by_its_name() -> None:
    assert sorted(events.__all__) == events.__all__
    themes = {getattr(events, name).__module__.rpartition(".")[2] for name in events.__all__}
    assert themes == {*events._THEMES, "event", "agents", "models"}


def test_the_first_import_makes_no_event_class_of_a_rare_theme() -> None:
    program = "import sys, otel_genai; otel_genai.tool; print('otel_genai.events.sessions' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_a_bare_import_loads_nothing_heavy() -> None:
    program = f"import sys, otel_genai; print([name for name in {HEAVY!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_version_is_that_of_the_distribution() -> None:
    assert genai.__version__.count(".") == 2
