"""Decorators in the company of FastAPI, which reads signatures, and closes what its dependencies open."""

# Annotations stay objects here: FastAPI could not find those of a function in a function by their names.
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from opentelemetry import trace

import otel_genai as genai
from otel_genai.testing import Captured

TOOL = "openclaw.tool.execution"


def application(decorate: Callable[[Any], Any]) -> FastAPI:
    app = FastAPI()

    class Limit:
        """A dependency that is an object."""

        @decorate
        def __call__(self, most: int = 3) -> int:
            return most

    @decorate
    def query(q: str, most: Annotated[int, Depends(Limit())]) -> str:
        return q * most

    @decorate
    async def session(token: str = "t") -> AsyncIterator[str]:
        yield token

    @decorate
    def connection(name: str = "c") -> Iterator[str]:
        yield name

    @app.get("/search/{place}")
    @decorate
    async def search(
        place: str,
        q: Annotated[str, Depends(query)],
        token: Annotated[str, Depends(session)],
        name: Annotated[str, Depends(connection)],
    ) -> dict[str, str]:
        """Search a place."""
        return {"found": f"{place} {q} {token} {name}"}

    return app


def test_the_api_is_described_as_before() -> None:
    assert application(genai.tool).openapi() == application(lambda function: function).openapi()


def test_dependencies_of_every_kind_are_observed(captured: Captured) -> None:
    answer = TestClient(application(genai.tool)).get("/search/here?q=a&most=2")
    assert answer.json() == {"found": "here aa t c"}
    names = ["__call__", "connection", "query", "search", "session"]
    assert sorted(span["gen_ai.tool.name"] for span in captured.spans) == names
    assert {span.status for span in captured.spans} == {"UNSET"}


def test_a_dependency_gets_the_error_of_the_endpoint(captured: Captured) -> None:
    app, seen = FastAPI(), []

    @genai.tool
    def connection() -> Iterator[str]:
        try:
            yield "c"
        except LookupError as error:
            seen.append(error)
            raise

    @app.get("/")
    def broken(name: Annotated[str, Depends(connection)]) -> None:
        raise LookupError(name)

    client = TestClient(app)
    with pytest.raises(LookupError) as raised:
        client.get("/")
    assert seen == [raised.value]
    assert captured.span(TOOL).status == "ERROR"
    assert not trace.get_current_span().is_recording()
