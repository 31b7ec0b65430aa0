"""The processes of the system on this machine: each has a log, all are watched and ended together."""

from __future__ import annotations

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


class StackFailedError(Exception):
    """A part of the system ended by itself; the message says which, with the last lines of its log."""

    def __init__(self, what: str, log: Path) -> None:
        lines = log.read_text("utf-8", "replace").splitlines()[-LAST_LINES:]
        super().__init__("\n".join([f"{what} The last lines of its log:", *lines]))


def listen() -> socket.socket:
    """A socket that listens on a free port, to be inherited by the process that serves it.

    If that process were only given the number of a free port, another program could take the port first.
    """
    return socket.create_server(("127.0.0.1", 0))


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
    ) -> None:
        """Run a Python module in a process of its own, whose output goes to `<name>.log`.

        Args:
            name: of the process.
            module: its import path.
            arguments: on its command line.
            env: its environment; None for that of this process.
            serving: a socket that the process inherits, closed in this one; the process gets its number as `--fd`.

        """
        inherited = [] if serving is None else [serving.fileno()]
        told = [argument for number in inherited for argument in ("--fd", str(number))]
        with self._log(name).open("wb") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", module, *arguments, *told],
                env=None if env is None else dict(env),
                stdout=log,
                stderr=log,
                pass_fds=inherited,
            )
        if serving is not None:
            serving.close()

    def check(self) -> None:
        """Check that all processes run.

        Raises:
            StackFailedError: one has ended.

        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise StackFailedError(f"The {name} ended with status {process.returncode}.", self._log(name))

    def close(self) -> None:
        """End all processes, the last one first."""
        for process in reversed(self._running.values()):
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(timeout=PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"
