"""Keys that are pressed while something is shown."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUIT = b"qQ"


@contextmanager
def keyboard() -> Iterator[Callable[[float], bool]]:
    """Give a function that waits so many seconds, and returns whether `q` was pressed meanwhile.

    A terminal gives each key at once and does not show it, until the context ends. Ctrl-C stays what it is.
    """
    if not sys.stdin.isatty():
        yield _sleep
        return
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    tty.setcbreak(number)
    try:
        yield lambda seconds: _quits(number, seconds)
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _quits(number: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while select.select([number], [], [], max(0.0, until - time.monotonic()))[0]:
        pressed = os.read(number, 1)
        if not pressed or pressed in QUIT:
            # A terminal that has no end has been closed.
            return True
    return False
