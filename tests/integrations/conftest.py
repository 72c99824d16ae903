"""What the tests of the integrations are given: a provider on this machine, and an integration that is on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from otel_genai.demo.provider import Provider
from otel_genai.demo.server import serve


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Provider, str]]:
    provider = Provider()
    with serve(provider) as url:
        yield provider, url


@pytest.fixture
def provider(served: tuple[Provider, str]) -> Provider:
    """It knows nothing of what other tests have asked."""
    served[0].clear()
    return served[0]


@pytest.fixture
def url(request: pytest.FixtureRequest, served: tuple[Provider, str], provider: Provider) -> str:
    """The base URL for a client; a module says as `PATH` what comes after the address."""
    return served[1] + getattr(request.module, "PATH", "")


@pytest.fixture(scope="module")
def slow_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Takes 0.2 seconds for an answer, and for each piece of a stream."""
    with serve(Provider(latency_seconds=(0.2, 0.2))) as url:
        yield url + getattr(request.module, "PATH", "")


@pytest.fixture(autouse=True)
def undo(request: pytest.FixtureRequest) -> Iterator[Callable[[], None]]:
    """The undo of what a module names as `INSTRUMENT`, which is on during its tests."""
    undo = getattr(request.module, "INSTRUMENT", lambda: lambda: None)()
    yield undo
    undo()
