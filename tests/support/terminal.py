"""A program in a terminal of its own, whose screen a test reads as a person would."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pexpect
import pyte

PATIENCE_SECONDS = 40.0
READ_SECONDS = 0.05
READ_CHARACTERS = 200
"""At a time: less than a screen, so that no state of the screen is missed, however late a test reads."""
TRANSCRIBE = (sys.executable, "-m", "services.cli.main")


class Terminal:
    """A running program and its screen."""

    def __init__(self, process: pexpect.spawn, *, columns: int, rows: int) -> None:
        self._process = process
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self._screen)
        self.raw = ""
        """All that it has written, control characters too."""

    @property
    def lines(self) -> list[str]:
        """The lines of the screen that hold anything, without the spaces at their ends."""
        return [line.rstrip() for line in self._screen.display if line.strip()]

    @property
    def shows_cursor(self) -> bool:
        return not self._screen.cursor.hidden

    def until(self, seen: Callable[[list[str]], object], *, seconds: float = PATIENCE_SECONDS) -> list[str]:
        """Read until the screen is as it should be; returns its lines.

        Raises:
            AssertionError: it was not so in time, or the program has ended before.

        """
        deadline = time.monotonic() + seconds
        while not seen(self.lines):
            assert time.monotonic() < deadline, f"The screen never was as expected, but:\n{self.raw!r}"
            assert self._read(), f"The program has ended, and the screen was never as expected:\n{self.raw!r}"
        return self.lines

    def press(self, key: str) -> None:
        """Press a key."""
        self._process.send(key)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.sendintr()

    def end(self, *, seconds: float = PATIENCE_SECONDS) -> int:
        """Read until the program ends; returns its status as a shell has it: 128 and the signal, if one ended it."""
        deadline = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < deadline, f"The program does not end:\n{self.raw!r}"
        self._process.wait()
        status: int | None = self._process.exitstatus
        return int(128 + self._process.signalstatus) if status is None else status

    def _read(self) -> bool:
        """Read what is there within a moment; returns whether the program may write more."""
        try:
            text = self._process.read_nonblocking(READ_CHARACTERS, timeout=READ_SECONDS)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += text
        self._stream.feed(text)
        return True


@contextmanager
def terminal(
    command: Sequence[str], *, columns: int, rows: int = 24, env: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """Run a program in a terminal of this size. It is ended with the context.

    Args:
        command: with its arguments.
        columns: of the terminal.
        rows: of the terminal.
        env: variables besides those of the test, in which no terminal's are.

    """
    own = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = pexpect.spawn(
        command[0],
        list(command[1:]),
        dimensions=(rows, columns),
        env={**own, "TERM": "xterm-256color", "LANG": "C.UTF-8", **(env or {})},
        encoding="utf-8",
        codec_errors="replace",
    )
    try:
        yield Terminal(process, columns=columns, rows=rows)
    finally:
        process.close(force=True)
