"""Processes, run as `subprocess` and `asyncio` run them, and told of: how each one ended, never what it was."""

from __future__ import annotations

import asyncio.subprocess
import os
import subprocess
from collections.abc import Sequence
from errno import ENOEXEC
from signal import Signals
from typing import Any, Literal, overload

from .. import guard
from ..bus import bus
from ..events.execution import Mode, ProcessExecution, Target

Word = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Command = Word | Sequence[Word]

SIGNALS = {int(one): one.name for one in Signals}


@overload
def run(
    command: Command,
    *,
    target: Target = "host",
    mode: Mode = "child",
    timeout: float | None = None,
    text: Literal[True],
    **popen_options: Any,
) -> subprocess.CompletedProcess[str]: ...
@overload
def run(
    command: Command,
    *,
    target: Target = "host",
    mode: Mode = "child",
    timeout: float | None = None,
    encoding: str,
    **popen_options: Any,
) -> subprocess.CompletedProcess[str]: ...
@overload
def run(
    command: Command,
    *,
    target: Target = "host",
    mode: Mode = "child",
    timeout: float | None = None,
    errors: str,
    **popen_options: Any,
) -> subprocess.CompletedProcess[str]: ...
@overload
def run(
    command: Command,
    *,
    target: Target = "host",
    mode: Mode = "child",
    timeout: float | None = None,
    universal_newlines: Literal[True],
    **popen_options: Any,
) -> subprocess.CompletedProcess[str]: ...
@overload
def run(
    command: Command,
    *,
    target: Target = "host",
    mode: Mode = "child",
    timeout: float | None = None,
    text: Literal[False] | None = None,
    encoding: None = None,
    errors: None = None,
    universal_newlines: Literal[False] | None = None,
    **popen_options: Any,
) -> subprocess.CompletedProcess[bytes]: ...
@overload
def run(
    command: Command,
    *,
    target: Target = "host",
    mode: Mode = "child",
    timeout: float | None = None,
    **popen_options: Any,
) -> subprocess.CompletedProcess[Any]: ...
def run(
    command: Command,
    *,
    target: Target = "host",
    mode: Mode = "child",
    timeout: float | None = None,
    **popen_options: Any,
) -> subprocess.CompletedProcess[Any]:
    """Run a process to its end: `subprocess.run`, with its parameters, its result and its exceptions, observed.

    Of the command its length is told, and nothing else of what was run.

    Args:
        command: what `subprocess.run` takes as `args`.
        target: where it runs: on the `host`, or in a `sandbox`.
        mode: how: as a `child`, or at a `pty`.
        timeout: seconds after which it is killed.
        popen_options: the other parameters of `subprocess.run`.

    Raises:
        subprocess.TimeoutExpired: where it took longer than `timeout`.
        subprocess.CalledProcessError: with `check=True`, where it exited with another code than 0.
        OSError: where it could not be started.
    """
    if not bus.listening:
        return subprocess.run(command, timeout=timeout, **popen_options)
    event = begun(command, target, mode, timed_out=False)
    try:
        result = subprocess.run(command, timeout=timeout, **popen_options)
    except BaseException as error:
        blame(event, error, popen_options.get("cwd"))
        raise
    exited(event, result.returncode)
    return result


async def create(
    program: Word, *arguments: Word, shell: bool = False, target: Target = "host", mode: Mode = "child", **options: Any
) -> asyncio.subprocess.Process:
    """Start a process: `asyncio.create_subprocess_exec`, or with `shell=True` `create_subprocess_shell`, observed.

    It lasts until it has ended and somebody has seen that, by `wait()`, `communicate()` or `returncode`. One whose
    end nobody sees is cancelled, when the object is collected.

    Args:
        program: the program, or with `shell=True` the whole command.
        arguments: its arguments.
        shell: have a shell run it.
        target: where it runs: on the `host`, or in a `sandbox`.
        mode: how: as a `child`, or at a `pty`.
        options: the other parameters of these functions.

    Raises:
        OSError: where it could not be started.
    """
    start: Any = asyncio.create_subprocess_shell if shell else asyncio.create_subprocess_exec
    if not bus.listening:
        return await start(program, *arguments, **options)  # type: ignore[no-any-return]
    event = begun([program, *arguments], target, mode)
    try:
        process: asyncio.subprocess.Process = await start(program, *arguments, **options)
    except BaseException as error:
        blame(event, error, options.get("cwd"))
        raise
    guard.call("following a process", follow, process, event)
    return process


class Process(asyncio.subprocess.Process):
    """A process of asyncio's that notices when its end has been seen."""

    _execution: ProcessExecution

    @property
    def returncode(self) -> int | None:
        code = super().returncode
        if code is not None:
            exited(self._execution, code)
        return code

    async def wait(self) -> int:
        try:
            code = await super().wait()
        except asyncio.CancelledError:
            self._execution.given_up = True
            raise
        exited(self._execution, code)
        return code

    async def communicate(self, input: Any = None) -> tuple[bytes, bytes]:
        try:
            return await super().communicate(input)
        except asyncio.CancelledError:
            self._execution.given_up = True
            raise

    def __del__(self) -> None:
        if self.returncode is None:
            self._execution.abandoned()
            bus.finish(self._execution)


def follow(process: asyncio.subprocess.Process, event: ProcessExecution) -> None:
    """Have the process itself end the operation; it stays the object that it is."""
    process.__dict__["_execution"] = event
    process.__class__ = Process


def begun(command: Any, target: Target, mode: Mode, timed_out: bool | None = None) -> ProcessExecution:
    length = guard.call("measuring a command", length_of, command)
    event = ProcessExecution(target=target, mode=mode, command_length=length, timed_out=timed_out)
    bus.start(event)
    return event


def length_of(command: Any) -> int | None:
    """Characters of a command, one between any two words; `None` for what can be read only once."""
    if isinstance(command, (str, bytes, os.PathLike)):
        command = [command]
    if not isinstance(command, (list, tuple)):
        return None
    words = [word if isinstance(word, bytes) else str(word) for word in command]
    return sum(map(len, words)) + max(0, len(words) - 1)


def exited(event: ProcessExecution, code: int) -> None:
    """End the operation as the process did: a negative code is that of a signal. Later calls change nothing."""
    if event.outcome is not None:
        return
    event.exited(code, None if code >= 0 else SIGNALS.get(-code, f"SIG{-code}"))
    bus.finish(event)


def blame(event: ProcessExecution, error: BaseException, directory: Any) -> None:
    """End the operation by what was raised, which is not kept: it has the command in it."""
    if isinstance(error, subprocess.CalledProcessError):
        event.fell_short("runtime-error")
        exited(event, error.returncode)
    elif isinstance(error, Exception):
        event.fell_short(failure_kind(error, directory))
    else:
        event.given_up = True
        event.abandoned()
    bus.finish(event)


def failure_kind(error: Exception, directory: Any) -> str:
    """Why there is no exit code. What is said of the working directory is not said of the command."""
    if isinstance(error, subprocess.TimeoutExpired):
        return "overall-timeout"
    if not isinstance(error, OSError) or (directory is not None and error.filename == directory):
        return "runtime-error"
    if isinstance(error, FileNotFoundError):
        return "shell-command-not-found"
    not_run = error.filename is not None and (isinstance(error, PermissionError) or error.errno == ENOEXEC)
    return "shell-not-executable" if not_run else "runtime-error"
