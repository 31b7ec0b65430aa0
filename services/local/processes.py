"""The processes of the system on this machine: each has a log, all are watched and ended together."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LAST_LINES = 20
"""How many lines of a log are shown when a process has ended."""
PATIENCE_SECONDS = 3
"""How long a process that was told to end may take until it is killed."""
FIRST_PATIENCE_SECONDS = 120
"""How long the first one may take, which may have an account to write to a slow disk."""


class StackFailedError(Exception):
    """A part of the system ended by itself; the message says which, with the last lines of its log."""

    def __init__(self, what: str, log: Path) -> None:
        lines = log.read_text("utf-8", "replace").splitlines()[-LAST_LINES:]
        super().__init__("\n".join([f"{what} The last lines of its log:", *lines]))


def listen(wanted: int = 0) -> socket.socket:
    """A socket that listens, to be inherited by the process that serves it.

    If that process were only given the number of a free port, another program could take the port first.

    Args:
        wanted: the port, if it is free, else another one; 0: any.

    """
    try:
        return socket.create_server(("127.0.0.1", wanted))
    except (OSError, OverflowError):  # the second: it is no port
        if not wanted:
            raise
        return listen()


def address(listening: socket.socket) -> str:
    """The URL under which a listening socket is reached."""
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


class Processes:
    """Python modules that run until `close`."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self,
        name: str,
        module: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        serving: socket.socket | None = None,
        holding: int | None = None,
    ) -> None:
        """Run a Python module in a process of its own, whose output goes to `<name>.log`. It ends with this one.

        Args:
            name: of the process.
            module: its import path.
            arguments: on its command line.
            env: its environment; None for that of this process.
            holding: the number of an open file that the process inherits, such as one that is locked.
            serving: a socket that the process inherits, closed in this one; the process gets its number as `--fd`.

        """
        inherited = [] if serving is None else [serving.fileno()]
        told = [argument for number in inherited for argument in ("--fd", str(number))]
        with self._log(name).open("wb") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "services.local.child", str(os.getpid()), module, *arguments, *told],
                env=None if env is None else dict(env),
                stdout=log,
                stderr=log,
                pass_fds=[*inherited, *([] if holding is None else [holding])],
            )
        if serving is not None:
            serving.close()

    def __getitem__(self, name: str) -> subprocess.Popen[bytes]:
        """The process of this name."""
        return self._running[name]

    def check(self) -> None:
        """Check that all processes run.

        Raises:
            StackFailedError: one has ended.

        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise StackFailedError(f"The {name} ended with status {process.returncode}.", self._log(name))

    def close(self) -> None:
        """End all processes, the last one first. The first one, which all others need, is told when they have ended."""
        running = list(self._running.values())
        for together, seconds in ((running[:0:-1], PATIENCE_SECONDS), (running[:1], FIRST_PATIENCE_SECONDS)):
            for process in together:
                process.terminate()
            for process in together:
                _wait(process, seconds)

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait until a process has ended, and kill it if that takes too long."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
