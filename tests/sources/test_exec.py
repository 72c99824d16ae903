"""Processes: real ones, that exit, are killed, take too long, are not found, or are given up."""

from __future__ import annotations

import asyncio
import gc
import inspect
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import otel_genai as genai
from otel_genai import events
from otel_genai.testing import Captured

SPAN, METRIC = "openclaw.exec", "openclaw.exec.duration_ms"
TARGET, MODE, OUTCOME = "openclaw.exec.target", "openclaw.exec.mode", "openclaw.outcome"
KIND, CODE, SIGNAL = "openclaw.failureKind", "openclaw.exec.exit_code", "openclaw.exec.exit_signal"
LENGTH, TIMED_OUT = "openclaw.exec.command_length", "openclaw.exec.timed_out"
SLEEP = "import time; time.sleep(60)"
KILLED = "import os; os.kill(os.getpid(), 9)"
CANARY = "canary-3141"


def python(program: str) -> list[str]:
    return [sys.executable, "-S", "-c", program]


@pytest.fixture
def unreadable(tmp_path: Path) -> Path:
    path = tmp_path / "program"
    path.write_text("no program")
    return path


# -- run


def test_a_process_is_a_span_and_a_duration(captured: Captured) -> None:
    result = genai.exec.run(["true"])
    assert isinstance(result, subprocess.CompletedProcess)
    span, (point,) = captured.span(SPAN), captured.points(METRIC)
    base = {TARGET: "host", MODE: "child", OUTCOME: "completed"}
    assert span.attributes == {**base, LENGTH: 4, CODE: 0, TIMED_OUT: False}
    assert (span.kind, span.status) == ("internal", "UNSET")
    assert (point.attributes, point.count, point.unit) == (base, 1, "ms")


@pytest.mark.parametrize(
    ("program", "outcome", "expected", "status"),
    [
        ("pass", "completed", {CODE: 0}, None),
        ("raise SystemExit(3)", "completed", {CODE: 3}, None),
        ("raise SystemExit(126)", "failed", {CODE: 126, KIND: "shell-not-executable"}, "shell-not-executable"),
        ("raise SystemExit(127)", "failed", {CODE: 127, KIND: "shell-command-not-found"}, "shell-command-not-found"),
        (KILLED, "failed", {SIGNAL: "SIGKILL", KIND: "signal"}, "signal"),
    ],
)
@pytest.mark.parametrize("how", ["run", "create"])
def test_how_a_process_ended_is_told(
    captured: Captured, how: str, program: str, outcome: str, expected: dict[str, Any], status: str | None
) -> None:
    if how == "run":
        genai.exec.run(python(program))
    else:
        created(lambda process: process.wait(), *python(program))
    span = captured.span(SPAN)
    assert {name: span.get(name) for name in (CODE, SIGNAL, KIND)} == {CODE: None, SIGNAL: None, KIND: None} | expected
    assert (span[OUTCOME], span.status_message) == (outcome, status)
    assert captured.points(METRIC)[0].attributes.get(KIND) == expected.get(KIND)


def test_run_takes_what_subprocess_takes(captured: Captured) -> None:
    result = genai.exec.run(python("print(input()[::-1])"), input="abc\n", capture_output=True, text=True, check=True)
    assert result.stdout == "cba\n"
    assert (result.returncode, result.stderr) == (0, "")


def test_a_timeout_is_raised_as_it_is_and_told(captured: Captured) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        genai.exec.run(python(SLEEP), timeout=0.1)
    span = captured.span(SPAN)
    assert (span[OUTCOME], span[KIND], span[TIMED_OUT]) == ("failed", "overall-timeout", True)
    assert (span.status, span.status_message) == ("ERROR", "overall-timeout")


def test_a_checked_exit_code_is_a_failure(captured: Captured) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        genai.exec.run(python("raise SystemExit(3)"), check=True)
    span = captured.span(SPAN)
    assert (span[OUTCOME], span[KIND], span[CODE]) == ("failed", "runtime-error", 3)


@pytest.mark.parametrize("how", ["run", "create"])
def test_a_command_that_is_not_there(captured: Captured, how: str) -> None:
    with pytest.raises(FileNotFoundError):
        started(how, "/nowhere/to/be/found")
    assert captured.span(SPAN)[KIND] == "shell-command-not-found"


@pytest.mark.parametrize("how", ["run", "create"])
@pytest.mark.parametrize("mode", [0o644, 0o755])
def test_a_file_that_is_no_program(captured: Captured, unreadable: Path, how: str, mode: int) -> None:
    unreadable.chmod(mode)
    with pytest.raises(OSError, match=str(unreadable)):
        started(how, str(unreadable))
    assert captured.span(SPAN)[KIND] == "shell-not-executable"


@pytest.mark.parametrize("how", ["run", "create"])
def test_a_directory_that_is_not_there_is_not_the_commands_fault(captured: Captured, how: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        started(how, sys.executable, cwd=tmp_path / "nowhere")
    assert captured.span(SPAN)[KIND] == "runtime-error"


@pytest.mark.parametrize("wrong", [{"stdin": "moon"}, {"nonsense": 1}, {"capture_output": True, "stdout": -1}])
def test_wrong_parameters_raise_what_they_raise(captured: Captured, wrong: dict[str, Any]) -> None:
    with pytest.raises((AttributeError, TypeError, ValueError)) as expected:
        subprocess.run(["true"], **wrong)
    with pytest.raises(type(expected.value)):
        genai.exec.run(["true"], **wrong)
    assert captured.span(SPAN)[KIND] == "runtime-error"


@pytest.fixture
def interrupts() -> Iterator[None]:
    """Ctrl-C interrupts, also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # subprocess kills what it no longer waits for
def test_an_interrupted_run_is_cancelled_and_no_error(captured: Captured, interrupts: None) -> None:
    program = "import os, signal, time; os.kill(os.getppid(), signal.SIGINT); time.sleep(60)"
    with pytest.raises(KeyboardInterrupt):
        genai.exec.run(python(program))
    span = captured.span(SPAN)
    assert (span[OUTCOME], span[KIND], span.status) == ("cancelled", "aborted", "UNSET")


@pytest.mark.parametrize(
    ("command", "length"),
    [
        (["true"], 4),
        (["true", "it", "is"], 10),
        ([b"true", Path("it")], 7),
        (Path("/usr/bin/env"), 12),
        (b"true", 4),
        (iter(["true"]), None),
    ],
)
def test_the_length_of_a_command_is_told(captured: Captured, command: Any, length: int | None) -> None:
    genai.exec.run(command, stdout=subprocess.DEVNULL)
    assert captured.span(SPAN).get(LENGTH) == length


def test_where_and_how_it_ran_is_as_the_caller_says(captured: Captured) -> None:
    genai.exec.run("exit 7", shell=True, target="sandbox", mode="pty")
    span = captured.span(SPAN)
    assert (span[TARGET], span[MODE], span[CODE], span[LENGTH]) == ("sandbox", "pty", 7, 6)


# -- create


def created(use: Callable[[Any], Awaitable[Any]], *command: Any, **options: Any) -> Any:
    async def main() -> Any:
        process = await genai.exec.create(*command, **options)
        try:
            return await use(process)
        finally:
            if process._transport.get_returncode() is None:
                process.kill()
                await process.wait()
            del process

    return asyncio.run(main())


def started(how: str, command: str, **options: Any) -> None:
    if how == "run":
        genai.exec.run([command], **options)
    else:
        created(lambda process: process.wait(), command, **options)


def test_create_gives_a_process_of_asyncio(captured: Captured) -> None:
    async def use(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
        assert isinstance(process, asyncio.subprocess.Process)
        assert repr(process) == f"<Process {process.pid}>"
        assert inspect.iscoroutinefunction(process.wait)
        return await process.communicate(b"abc\n")

    pipe = asyncio.subprocess.PIPE
    assert created(use, *python("print(input()[::-1])"), stdin=pipe, stdout=pipe) == (b"cba\n", None)
    span = captured.span(SPAN)
    assert (span[OUTCOME], span[CODE], TIMED_OUT in span) == ("completed", 0, False)


def test_a_shell_runs_it_where_that_is_asked_for(captured: Captured) -> None:
    assert created(lambda process: process.wait(), "exit 127", shell=True) == 127
    assert captured.span(SPAN)[KIND] == "shell-command-not-found"


def test_a_process_ends_once_however_often_it_is_waited_for(captured: Captured) -> None:
    async def use(process: asyncio.subprocess.Process) -> list[int]:
        return await asyncio.gather(process.wait(), process.wait(), process.wait())

    assert created(use, *python("pass")) == [0, 0, 0]
    assert len(captured.spans) == 1


def test_a_process_whose_code_is_asked_for_ends_without_a_wait(captured: Captured) -> None:
    async def use(process: asyncio.subprocess.Process) -> None:
        while process.returncode is None:
            await asyncio.sleep(0.01)
        assert captured.span(SPAN)[CODE] == 4

    created(use, *python("raise SystemExit(4)"))


@pytest.mark.parametrize("method", ["wait", "communicate"])
def test_a_process_killed_after_its_wait_was_cancelled_is_cancelled_too(captured: Captured, method: str) -> None:
    async def use(process: asyncio.subprocess.Process) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(getattr(process, method)(), 0.05)
        assert not captured.spans
        process.kill()
        await process.wait()

    created(use, *python(SLEEP), stdout=asyncio.subprocess.PIPE)
    span = captured.span(SPAN)
    assert (span[OUTCOME], span[KIND], span[SIGNAL], span.status) == ("cancelled", "aborted", "SIGKILL", "UNSET")


def test_a_process_that_ends_well_after_a_cancelled_wait_is_completed(captured: Captured) -> None:
    async def use(process: asyncio.subprocess.Process) -> None:
        waiting = asyncio.ensure_future(process.wait())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await process.communicate(b"\n")

    created(use, *python("input()"), stdin=asyncio.subprocess.PIPE)
    span = captured.span(SPAN)
    assert (span[OUTCOME], KIND in span) == ("completed", False)


def test_a_process_nobody_waits_for_is_cancelled_when_it_is_collected(captured: Captured) -> None:
    async def main() -> None:
        process = await genai.exec.create(*python("input()"), stdin=asyncio.subprocess.PIPE)
        transport = process._transport  # type: ignore[attr-defined]
        del process
        gc.collect()
        span = captured.span(SPAN)
        assert (span[OUTCOME], CODE in span, span.status) == ("cancelled", False, "UNSET")
        transport.kill()
        await transport._wait()

    asyncio.run(main())


def test_a_call_on_a_passing_process_is_followed_too(captured: Captured) -> None:
    async def main() -> None:
        waiting = asyncio.ensure_future((await genai.exec.create(*python("raise SystemExit(5)"))).wait())
        gc.collect()
        assert await waiting == 5

    asyncio.run(main())
    assert captured.span(SPAN)[CODE] == 5


# -- both


def test_a_process_stands_under_the_tool_that_ran_it(captured: Captured) -> None:
    @genai.tool
    async def shell() -> None:
        genai.exec.run(["true"])
        await (await genai.exec.create("true")).wait()

    asyncio.run(shell())
    tool = captured.span("openclaw.tool.execution")
    assert [span.parent_id for span in captured.spans if span.name == SPAN] == [tool.span_id] * 2


def test_nothing_of_what_was_run_leaves(captured: Captured, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = tmp_path / CANARY
    directory.mkdir()
    surroundings = {"env": {"NAME": CANARY}, "cwd": directory}
    failing = python(f"import sys; sys.stderr.write('{CANARY}'); raise SystemExit(1)")
    for command, options in (
        (failing, {"check": True, "capture_output": True}),
        (python(f"'{CANARY}'; {SLEEP}"), {"timeout": 0.1}),
        ([f"/{CANARY}"], {}),
    ):
        with pytest.raises((OSError, subprocess.SubprocessError)):
            genai.exec.run(command, **surroundings, **options)
    created(lambda process: process.wait(), f"exit 1 # {CANARY}", shell=True, **surroundings)
    assert len(captured.spans) == 4
    said = [vars(span) for span in captured.spans], captured.metrics(), [vars(event) for event in captured.events]
    assert CANARY not in repr(said) + caplog.text
    assert all(event.error is None for event in captured.events if isinstance(event, events.Operation))


def test_without_listeners_nothing_is_done() -> None:
    assert genai.exec.run(["true"]).returncode == 0

    async def main() -> None:
        process = await genai.exec.create("true")
        assert type(process) is asyncio.subprocess.Process
        assert await process.wait() == 0

    asyncio.run(main())
