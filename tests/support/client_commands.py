"""Commands of clients of the API, in this process and in one of their own."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from typer.testing import CliRunner

from services.cli.main import app

PATIENCE_SECONDS = 20.0
"""How long a line is waited for."""

LOGGED = '{"'
"""With this begins a line of the API's log, if the API runs in this process too."""
_PROGRAM = """import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from services.cli.main import main
main()"""
"""The command line, at which Ctrl-C arrives also where the tests run in the background, which ignores it."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A command that has ended, and the lines that it wrote."""

    exit_code: int
    results: list[str]
    notes: list[str]


@dataclass(frozen=True)
class CommandLine:
    """The command line of somebody who has an API's address and a key."""

    environment: Mapping[str, str]

    @classmethod
    def of(cls, url: str, key: str, **more: str) -> CommandLine:
        return cls({"TRANSCRIBE_URL": url, "TRANSCRIBE_KEY": key, **more})

    def run(self, *arguments: str) -> Done:
        """A command in this process, with pipes for its output."""
        done = CliRunner(env=dict(self.environment)).invoke(app, arguments)
        notes = [line for line in done.stderr.splitlines() if not line.startswith(LOGGED)]
        return Done(exit_code=done.exit_code, results=done.stdout.splitlines(), notes=notes)

    def lines(self, *arguments: str) -> list[str]:
        """What a command prints that succeeds."""
        done = self.run(*arguments)
        assert done.exit_code == 0, done
        return done.results

    @contextmanager
    def running(self, *arguments: str) -> Iterator[Running]:
        """A command in a process of its own, for one that goes on until it is interrupted."""
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *arguments],
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield Running(process)
        finally:
            process.kill()
            process.communicate()


class Running:
    """A command that runs; its lines are waited for."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._results, self._notes = _lines(process.stdout), _lines(process.stderr)

    def result(self) -> str:
        """The next line of its standard output."""
        return self._results.get(timeout=PATIENCE_SECONDS)

    def note(self) -> str:
        """The next line of its standard error."""
        return self._notes.get(timeout=PATIENCE_SECONDS)

    def interrupt(self) -> int:
        """Press Ctrl-C; returns the exit code."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(PATIENCE_SECONDS)


def _lines(stream: IO[str] | None) -> queue.Queue[str]:
    lines: queue.Queue[str] = queue.Queue()
    assert stream is not None

    def read() -> None:
        for line in stream:
            lines.put(line.rstrip("\n"))

    threading.Thread(target=read, daemon=True).start()
    return lines
