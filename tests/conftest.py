"""What every test gets: an environment without telemetry settings, and no excuse for a test that must be real."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Generator, Iterator

import pytest

SETTINGS = ("OTEL_", "OPENCLAW_", "NORA_", "COST_")
MUST_BE_REAL = os.environ.get("OTEL_GENAI_TEST_REAL") == "1"


@pytest.fixture(autouse=True, scope="session")
def _temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests and their programs leave in the temporary directory, such as locks, goes where pytest clears up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("tmp")))
        patch.setattr(tempfile, "tempdir", None)
        yield


@pytest.fixture(autouse=True)
def _no_telemetry_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own collector and sampler must not reach a test."""
    for name in list(os.environ):
        if name.startswith(SETTINGS) and name != "OTEL_GENAI_TEST_REAL":
            monkeypatch.delenv(name)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under `make test-real` a test marked `real` fails where it would skip."""
    report = yield
    if MUST_BE_REAL and report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("real"):
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file that skips itself hides the marks of its tests, so it fails there too."""
    report = yield
    if MUST_BE_REAL and report.skipped:
        _fail(report)
    return report


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"may not skip under OTEL_GENAI_TEST_REAL=1: {reason}"


def pytest_collection_finish() -> None:
    """What is imported by now is not looked at by the garbage collector again, which many tests call."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Other plugins may look for what refers to what they are given."""
    gc.unfreeze()
