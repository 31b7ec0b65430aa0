"""Processor time and memory of a process and all that it has started."""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

TICKS = os.sysconf("SC_CLK_TCK")
INTERVAL_SECONDS = 0.2
WORTH_COUNTING = 1.01
_TIMES, _PAGES = slice(11, 15), 21
"""Places in /proc/<pid>/stat, behind the program's name. The times are its own, and those of its children that have
ended."""


def processor_seconds(root: int) -> float:
    """What the processes that live have taken, and what their children had taken that have ended."""
    return sum(_ticks(fields) for fields in _tree(root).values()) / TICKS


def memory_mib(root: int) -> float:
    """What they have in memory now; memory that several of them share counts once."""
    return sum(map(_shared_out_kib, _tree(root))) / 1024


class PeakMemory:
    """The most memory that a process and its descendants had at one time; a peak shorter than 0.2 s may be missed.

    Shared memory is counted exactly only where all their memory together is at its highest so far: that takes 20 ms a
    gigabyte, and would slow down what is measured.
    """

    def __init__(self, root: int) -> None:
        self.mib = 0.0
        """The most so far."""
        self._root, self._highest_pages = root, 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End looking."""
        self._done.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._done.wait(INTERVAL_SECONDS):
            pages = sum(int(fields[_PAGES]) for fields in _tree(self._root).values())
            if pages > self._highest_pages * WORTH_COUNTING:
                self._highest_pages = pages
                self.mib = max(self.mib, memory_mib(self._root))


def _tree(root: int) -> dict[int, list[str]]:
    """The fields of /proc/<pid>/stat behind the name, for a process and all of its descendants."""
    found: dict[int, list[str]] = {}
    waiting = [root]
    while waiting:
        folder = Path(f"/proc/{waiting.pop()}")
        with suppress(OSError):  # it has just ended
            found[int(folder.name)] = (folder / "stat").read_text().rpartition(")")[2].split()
            waiting += [int(child) for one in folder.glob("task/*/children") for child in one.read_text().split()]
    return found


def _ticks(fields: list[str]) -> int:
    return sum(map(int, fields[_TIMES]))


def _shared_out_kib(pid: int) -> int:
    """A process's memory in KiB, of which each shared page counts by the share of those who have it."""
    with suppress(OSError):  # it has just ended
        if found := re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE):
            return int(found[1])
    return 0
