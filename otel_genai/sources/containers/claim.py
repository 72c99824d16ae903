"""Which of several processes does what needs to be done once on a machine: the one that has the file locked."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from typing import Any

fcntl: Any
try:
    import fcntl
except ImportError:  # not everywhere
    fcntl = None

FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


no_fork = threading.Lock()
"""Held while a child that is forked would inherit half of something: a lock that nobody knows, a module half loaded."""


class Claim:
    """A lock of the operating system's on a file of this name, which ends with the process, however that ends."""

    def __init__(self, *name: object) -> None:
        digest = hashlib.sha256(repr(name).encode()).hexdigest()[:16]
        user = os.getuid() if hasattr(os, "getuid") else ""
        self.path = os.path.join(tempfile.gettempdir(), f"otel-genai-{user}-{digest}.lock")
        self._file: int | None = None

    def held(self) -> bool:
        """Whether this process has it, now or still. Where there are no such locks, everybody has it."""
        if self._file is not None or fcntl is None:
            return True
        with no_fork:
            return self._locked()

    def _locked(self) -> bool:
        try:
            file = os.open(self.path, FLAGS, 0o600)
        except OSError:  # a full or foreign folder: better twice than never
            return True
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Give it up. In a child of a fork this leaves it with the parent."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
