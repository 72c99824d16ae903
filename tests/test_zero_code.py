"""`opentelemetry-instrument` before a command, and not a line in the program: real servers, a receiver on the wire."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from starlette.applications import Starlette

import otel_genai as genai
from otel_genai import zero_code
from otel_genai.demo.provider import Provider
from otel_genai.demo.server import serve
from otel_genai.viewer import Receiver, Span

INSTRUMENT = (sys.executable, "-c", "from opentelemetry.instrumentation.auto_instrumentation import run; run()")
"""What the command `opentelemetry-instrument` does, wherever it is installed."""
PATIENCE_S = 60
TOOL = "openclaw.tool.execution"
APP = """
import os
from fastapi import FastAPI
import otel_genai as genai

app = FastAPI()
telling = 1

@genai.tool
def search() -> int:
    return os.getpid()

@app.get("/items/{name}")
async def items(name: str) -> str:
    return f"{search()} {telling}"
"""
CHAT = """
import openai
client = openai.OpenAI()
print(client.chat.completions.create(model="gpt-5.5", messages=[{"role": "user", "content": "why?"}]).id)
"""
SEARCH = """
import otel_genai as genai
with genai.tool("search"):
    pass
"""

gunicorn_is_here = pytest.mark.skipif(not importlib.util.find_spec("gunicorn"), reason="gunicorn is not installed")


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def url(receiver: Receiver) -> Iterator[str]:
    with serve(receiver) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    return tmp_path


OTHERS = {entry.name for entry in entry_points(group="opentelemetry_instrumentor")} - {"otel_genai"}
"""Instrumentors of others that are installed beside us for other tests: they load the libraries at once."""


def environment(url: str, **variables: str) -> dict[str, str]:
    paths = [path for path in sys.path if path]
    enabled = {"OTEL_GENAI_ENABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": url, "PYTHONPATH": os.pathsep.join(paths)}
    others = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": ",".join(OTHERS)}
    return {**os.environ, **enabled, **others, **variables}


def ran(folder: Path, program: str, url: str, **variables: str) -> str:
    """What a program says that `opentelemetry-instrument python` runs."""
    (folder / "program.py").write_text(program, encoding="utf-8")
    command = [*INSTRUMENT, sys.executable, "program.py"]
    given = environment(url, **variables)
    result = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, timeout=PATIENCE_S)
    assert result.returncode in {0, -signal.SIGTERM}, result.stderr
    return result.stdout + result.stderr


@contextmanager
def serving(folder: Path, url: str, *command: str) -> Iterator[Callable[[], list[str]]]:
    """A server that `opentelemetry-instrument` runs, as what asks it; at the end it is told to stop by SIGTERM."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    arguments = [argument.replace("PORT", str(port)) for argument in command]
    given = environment(url, HOME=str(folder))  # where gunicorn puts a socket
    with subprocess.Popen([*INSTRUMENT, sys.executable, "-m", *arguments], cwd=folder, env=given) as process:
        try:
            yield lambda: answer(port)
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)
        finally:
            process.kill()


def answer(port: int) -> list[str]:
    """The process that answered, and what it tells; none where nobody is there yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/items/x", timeout=PATIENCE_S) as response:
            return str(response.read().decode()).strip('"').split()
    except OSError:
        time.sleep(0.1)
        return []


def until(ask: Callable[[], list[str]], enough: Callable[[list[list[str]]], bool]) -> list[list[str]]:
    """Every answer, asking until there are enough."""
    answers: list[list[str]] = []
    end = time.monotonic() + PATIENCE_S
    while not enough(answers) and time.monotonic() < end:
        answers += [found for found in [ask()] if found]
    assert enough(answers)
    return answers


def instances(spans: list[Span], name: str) -> Counter[str]:
    return Counter(span.resource["service.instance.id"] for span in spans if span.name == name)


# -- programs


def test_a_program_is_observed_and_so_are_the_libraries_that_it_uses(
    receiver: Receiver, url: str, tmp_path: Path
) -> None:
    provider = Provider()
    with serve(provider) as api:
        ran(tmp_path, CHAT, url, OPENAI_BASE_URL=f"{api}/v1", OPENAI_API_KEY="none", OTEL_SERVICE_NAME="chat")
    (span,) = [span for span in receiver.spans if span.name == "openclaw.model.call"]
    assert (span.attributes["openclaw.provider"], span.resource["service.name"]) == ("openai", "chat")
    assert [seen.headers["traceparent"][3:52] for seen in provider.seen] == [f"{span.trace_id}-{span.span_id}"]


@pytest.mark.parametrize("variables", [{"OTEL_GENAI_ENABLED": ""}, {"OTEL_SDK_DISABLED": "true"}])
def test_nothing_happens_unless_it_is_enabled(
    receiver: Receiver, url: str, tmp_path: Path, variables: dict[str, str]
) -> None:
    said = ran(tmp_path, SEARCH + "print(genai.subscribe.__self__.listening)", url, **variables)
    assert (said.strip(), receiver.requests) == ("False", [])


LOADED = "import sys\nprint([name for name in ('openai', 'anthropic') if name in sys.modules])"


def test_no_library_is_loaded_before_the_program_does(url: str, tmp_path: Path) -> None:
    assert ran(tmp_path, LOADED, url).startswith("[]")


def test_a_program_that_configures_by_itself_replaces_what_was_configured_for_it(
    receiver: Receiver, url: str, tmp_path: Path
) -> None:
    ran(tmp_path, "import otel_genai\notel_genai.configure(service_name='mine')\n" + SEARCH, url)
    assert [(span.name, span.resource["service.name"]) for span in receiver.spans] == [(TOOL, "mine")]


def test_a_configuration_that_is_wrong_does_not_stop_the_program(url: str, tmp_path: Path) -> None:
    (tmp_path / "telemetry.toml").write_text("nonsense = 1", encoding="utf-8")
    said = ran(tmp_path, SEARCH + "print('done')", url, OTEL_GENAI_CONFIG="telemetry.toml")
    assert said.startswith("done")
    assert "nonsense" in said


UNDONE = SEARCH + "from otel_genai.zero_code import Instrumentor\nInstrumentor().uninstrument()\n" + SEARCH


def test_it_can_be_undone(receiver: Receiver, url: str, tmp_path: Path) -> None:
    ran(tmp_path, UNDONE, url)
    assert [span.name for span in receiver.spans] == [TOOL]


# -- beside the SDK's own configuration

CONFIGURATOR = "[opentelemetry_configurator]\nsdk = opentelemetry.sdk._configuration:_OTelSDKConfigurator\n"
BY_HTTP = {f"OTEL_{signal}_EXPORTER": "otlp_proto_http" for signal in ("TRACES", "METRICS", "LOGS")}


TERMINATED = SEARCH + "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n"


@pytest.mark.parametrize("program", [SEARCH, TERMINATED], ids=["ends", "terminated"])
@pytest.mark.parametrize(("variables", "theirs"), [({}, True), ({"OTEL_GENAI_PRELOADED": "false"}, False)])
def test_where_opentelemetry_is_configured_already_its_providers_are_used_unless_we_are_told_otherwise(
    receiver: Receiver, url: str, tmp_path: Path, program: str, variables: dict[str, str], theirs: bool
) -> None:
    distribution = tmp_path / "sdk_configurator-1.0.dist-info"
    distribution.mkdir()
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: sdk-configurator\nVersion: 1.0\n")
    (distribution / "entry_points.txt").write_text(CONFIGURATOR)
    ran(tmp_path, program, url, **BY_HTTP, **variables)
    (span,) = receiver.spans
    assert (span.name, "telemetry.auto.version" in span.resource) == (TOOL, theirs)
    assert f"{TOOL}.duration_ms" in {point.name for point in receiver.points}


# -- servers

UVICORN = ("uvicorn", "app:app", "--port", "PORT", "--log-level", "warning")
GUNICORN = ("gunicorn", "app:app", "-k", "uvicorn.workers.UvicornWorker", "-w", "2", "-b", "127.0.0.1:PORT")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "workers"),
    [
        pytest.param(UVICORN, 1, id="uvicorn"),
        pytest.param((*UVICORN, "--workers", "2"), 2, id="uvicorn-2"),
        pytest.param(GUNICORN, 2, id="gunicorn", marks=gunicorn_is_here),
        pytest.param((*GUNICORN, "--preload"), 2, id="gunicorn-preload", marks=gunicorn_is_here),
    ],
)
def test_every_worker_sends_every_span_once_also_when_it_is_terminated(
    receiver: Receiver, url: str, folder: Path, command: tuple[str, ...], workers: int
) -> None:
    with serving(folder, url, *command) as ask:
        answers = until(ask, lambda found: len(found) >= 8 and len({pid for pid, _ in found}) == workers)
    by_process = Counter(pid for pid, _ in answers)
    for name in ("GET /items/{name}", TOOL):
        assert sorted(instances(receiver.spans, name).values()) == sorted(by_process.values())
    requests = {span.span_id: span.trace_id for span in receiver.spans if span.name == "GET /items/{name}"}
    tools = [span for span in receiver.spans if span.name == TOOL]
    assert all(requests.get(tool.parent_id or "") == tool.trace_id for tool in tools)


@pytest.mark.slow
def test_what_a_reload_starts_is_observed_too(receiver: Receiver, url: str, folder: Path) -> None:
    with serving(folder, url, *UVICORN, "--reload") as ask:
        before = until(ask, lambda found: len(found) == 3)
        (folder / "app.py").write_text(APP.replace("telling = 1", "telling = 22"), encoding="utf-8")
        after = until(ask, lambda found: any(told == "22" for _, told in found))
    by_process = Counter(pid for pid, _ in before + after)
    assert len(by_process) == 2
    assert sorted(instances(receiver.spans, TOOL).values()) == sorted(by_process.values())


# -- the middleware


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_a_middleware_that_is_there_is_left_alone(kind: type[Any]) -> None:
    app = kind()
    app.add_middleware(genai.Middleware, trust_inbound=False)
    zero_code.add_middleware(app)
    (entry,) = app.user_middleware
    assert (entry.cls, entry.kwargs) == (genai.Middleware, {"trust_inbound": False})


def test_it_stands_outside_of_others_but_inside_of_opentelemetrys() -> None:
    app = Starlette()
    for kind in (Starlette, OpenTelemetryMiddleware, Provider):
        app.add_middleware(kind)
    zero_code.add_middleware(app)
    kinds = [entry.cls for entry in app.user_middleware]
    assert kinds == [Provider, OpenTelemetryMiddleware, genai.Middleware, Starlette]


def test_without_it_an_application_is_put_together_as_it_is() -> None:
    app = Starlette()
    assert zero_code.build_stack(lambda: "stack", app, (), {}) == "stack"
    assert app.user_middleware == []
