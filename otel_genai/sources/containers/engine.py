"""A Docker engine, or one that speaks like it, asked by the `docker` library for the little that we want to know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...catalog.containers import AGENT_LABELS, FAMILY_LABELS
from .claim import no_fork
from .crew import MOST

GONE = frozenset({404, 409})
"""Statuses for a container that was removed, or does not run in the dialect of podman."""
ENDINGS = ("die", "destroy", "rename")
ONE_SHOT = (1, 41)
CONNECT_SECONDS = 5
QUIET_SECONDS = 60
"""Seconds without an event after which they are asked for anew: the engine may be gone without a word."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container, and whose it is."""

    id: str
    name: str
    agent: str
    family: str | None = None
    image: str | None = None


class Engine:
    """Only asks: `/version`, `/containers/json`, `/containers/<id>/stats` and `/events`, so that a proxy which lets
    nothing else through is enough.

    Raises whatever the library raises, at every call: `docker.errors`, `requests.exceptions`.
    """

    def __init__(self, host: str | None, seconds: float, labels: tuple[str, ...] = ()) -> None:
        with no_fork:
            import netrc  # noqa: F401 - or the library would load it with its first request, where a child may be forked

            import docker  # late: it takes a while, and few programs want it

        self._client: Any = docker.APIClient(version="auto", timeout=seconds, **reached(host))
        self._labels = list(labels)
        version = str(self._client.api_version).split(".")
        self._how = {"one_shot": True} if tuple(map(int, version[:2])) >= ONE_SHOT else {}
        if self._client.base_url.startswith("http+docker:"):
            self._client.trust_env = False  # no proxy leads to a socket; looking for one is half of a request's cost
        else:
            self._widen()

    def _widen(self) -> None:
        from requests.adapters import HTTPAdapter  # comes with docker

        for scheme in ("http://", "https://"):
            self._client.mount(scheme, HTTPAdapter(pool_maxsize=MOST))

    def containers(self) -> list[Container]:
        """Those that run, or are paused, and have the labels."""
        filters = {"status": ["running", "paused"], **self._labelled()}
        listed = self._client.containers(filters=filters)
        if not isinstance(listed, list):
            raise ValueError("the list of containers is none")
        return [container(one) for one in listed if isinstance(one, Mapping) and isinstance(one.get("Id"), str)]

    def stats(self, id: str) -> Any:
        """The statistics of a container, or `None` where it does not run any more."""
        from docker.errors import APIError

        try:
            return self._client.stats(id, stream=False, **self._how)
        except APIError as error:
            if error.status_code in GONE:
                return None
            raise

    def endings(self, after_ns: int = 0) -> Endings:
        """Containers that end or are renamed, one by one as it happens; from a moment on, by the engine's clock."""
        filters = {"type": ["container"], "event": list(ENDINGS), **self._labelled()}
        response = self._client.get(
            f"{self._client.base_url}/v{self._client.api_version}/events",
            params={"filters": json.dumps(filters), **since(after_ns)},
            stream=True,
            timeout=(CONNECT_SECONDS, QUIET_SECONDS),
        )
        if not response.ok:
            response.close()
        response.raise_for_status()
        return Endings(response)

    def _labelled(self) -> dict[str, list[str]]:
        return {"label": self._labels} if self._labels else {}

    def close(self) -> None:
        self._client.close()


class Endings:
    """The stream of them, as pairs of an id and the moment in nanoseconds; it ends when the engine does."""

    def __init__(self, response: Any) -> None:
        from docker.types import CancellableStream

        self._response = response
        self._stream: Any = CancellableStream(response.iter_lines(chunk_size=None), response)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        with self._response:
            for line in self._stream:
                event = json.loads(line) if line else None
                if isinstance(event, Mapping) and isinstance(event.get("Actor"), Mapping):
                    at = event.get("timeNano")
                    yield str(event["Actor"].get("ID")), at if isinstance(at, int) else 0

    def close(self) -> None:
        """End it, from whichever thread."""
        self._stream.close()


def since(ns: int) -> dict[str, str]:
    return {"since": f"{ns // 10**9}.{ns % 10**9:09}"} if ns else {}


def reached(host: str | None) -> dict[str, Any]:
    """How the library is to reach the engine: where, and by which certificates."""
    from docker.utils import kwargs_from_env

    found: dict[str, Any] = {**kwargs_from_env(), **({"base_url": host} if host else {})}
    if not found.get("base_url", "").startswith(("tcp:", "https:")):
        found.pop("tls", None)
    return found


def container(listed: Mapping[str, Any]) -> Container:
    """A container of the list: the agent by its label, else by the container's name."""
    labels = listed.get("Labels")
    labels = labels if isinstance(labels, Mapping) else {}
    names = listed.get("Names")
    name = min((str(one).lstrip("/") for one in names), key=lambda one: one.count("/")) if names else listed["Id"][:12]
    agent = labelled(labels, AGENT_LABELS) or name
    return Container(listed["Id"], name, agent, labelled(labels, FAMILY_LABELS), image(listed.get("Image")))


def labelled(labels: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of these labels that says something."""
    return next((str(labels[name]) for name in names if labels.get(name)), None)


def image(reference: Any) -> str | None:
    """An image's name without its tag and digest; `None` where it has only a digest."""
    whole = str(reference or "").partition("@")[0]
    if whole.startswith("sha256:"):
        return None
    folder, slash, last = whole.rpartition("/")
    return folder + slash + last.partition(":")[0] or None
