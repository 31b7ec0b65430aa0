"""The processor time of this process and of all that it has started, from /proc."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class _Process:
    parent: int
    seconds: float
    """With the time of its children that have ended."""


def spent(own_name: str) -> dict[str, float]:
    """Seconds by name: of this process under `own_name`, and of each that it has started, with all that this started.

    A process is called by the last Python module in its command line.
    """
    processes = dict(_processes())
    by_name: dict[str, float] = defaultdict(float)
    for pid, process in processes.items():
        if first := _first_below(processes, pid):
            by_name[_name(first)] += process.seconds
    by_name[own_name] += sum(os.times()[:2])
    return dict(by_name)


def _processes() -> list[tuple[int, _Process]]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            found.append((int(path.name), _Process(int(fields[1]), sum(map(int, fields[11:15])) / TICKS)))
    return found


def _first_below(processes: Mapping[int, _Process], pid: int) -> int | None:
    """Of a process and its ancestors, the one that this process has started; None if it has started none of them."""
    while pid in processes:
        if processes[pid].parent == os.getpid():
            return pid
        pid = processes[pid].parent
    return None


def _name(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return next((word for word in reversed(words) if word.startswith(("services.", "uvicorn"))), words[0])
