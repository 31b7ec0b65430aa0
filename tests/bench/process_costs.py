"""What processes cost: their processor time, and the most memory that they held."""

from __future__ import annotations

import re
from pathlib import Path

TICKS = 100
"""A second, in which the kernel counts a process's time."""


def processor_seconds(pid: int | str) -> float:
    """Of all threads of a process that lives, ended ones among them."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def forget_peak() -> None:
    """Let this process's peak begin anew, without what it inherited."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_mib(pid: int | str = "self") -> float:
    """The most memory that a process has held at once."""
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(peak[1]) / 1024 if peak else 0.0
