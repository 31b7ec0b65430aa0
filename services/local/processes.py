"""The processes of the system on this machine: each with a log, watched, and ended together."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LAST_LINES = 20
"""Of a log, to show what went wrong."""
PATIENCE_SECONDS = 3
"""With a process that is told to end."""


class StackFailedError(Exception):
    """A part of the system ended by itself; the message says which, with the last lines of its log."""

    def __init__(self, what: str, log: Path) -> None:
        lines = log.read_text("utf-8", "replace").splitlines()[-LAST_LINES:]
        super().__init__("\n".join([f"{what} The last lines of its log:", *lines]))


def listen() -> socket.socket:
    """A socket that listens on a port of this machine, to be handed to the process that serves it.

    Were the port looked for and then taken by the process, another could take it in between.
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
        """Run a module; it writes `<name>.log`.

        `env`: this process's own where none is given. `serving`: a socket that becomes the process's, which is told its
        number as `--fd`.
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
        """Raise StackFailedError if one has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise StackFailedError(f"The {name} ended with status {process.returncode}.", self._log(name))

    def close(self) -> None:
        """End all, the last one first."""
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
