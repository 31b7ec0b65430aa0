"""Standard input, output and error, whatever whoever started the program has made of them."""

from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

STANDARD_INPUT = "-"
"""How a command line names it in the place of a file."""


class _Unheard(io.TextIOWrapper):
    """Standard error. Progress and notes that cannot be written, as if nobody reads them, stop nothing."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def prepare() -> None:
    """Make the three streams safe for every command. A program calls this once, before it prints.

    A stream that is closed is an empty one, so that no file that is opened later takes its place. A character that an
    encoding lacks is written as its number.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004 - the three have the first numbers
        os.set_inheritable(number, True)
    os.close(number)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    errors = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
    if isinstance(errors, io.TextIOWrapper):
        encoding = errors.encoding
        sys.stderr = _Unheard(errors.detach(), encoding, "backslashreplace", line_buffering=True)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until this is over, so that what was printed and what is known of it agree.

    Whoever presses it a second time does not wait. What tells a program to end counts as Ctrl-C (`main.py`).
    """
    held: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        if held:
            signal.default_int_handler(number, frame)
        held.append(number)

    numbers = [one for one in signal.valid_signals() if signal.getsignal(one) is signal.default_int_handler]
    for number in numbers:
        signal.signal(number, hold)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.default_int_handler)
    if held:
        raise KeyboardInterrupt


def end_line() -> None:
    """Leave the line on which a terminal shows ^C, so that the shell's prompt begins its own."""
    if sys.stderr.isatty():
        print(file=sys.stderr)


def drop_output() -> None:
    """Forget what could not be written to standard output. Python would try again as it ends, and print a traceback."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
