"""Processor time by the steps of a pipeline. A step that is called within another counts for itself alone."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
TICKS = 100
"""A second, in which the kernel counts a process's time."""


class Steps:
    """The processor seconds of this process's threads, by step. Safe to use from several threads."""

    def __init__(self, kept: Path) -> None:
        """Begin an account; `kept`: the file in which `keep` writes it down."""
        self.seconds: Counter[str] = Counter()
        self._kept = kept
        self._began = time.monotonic()
        self._adding = threading.Lock()
        self._thread = threading.local()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count what this thread computes as long as the context lasts, except for steps within it."""
        around = getattr(self._thread, "inner", 0.0)
        self._thread.inner = 0.0
        began = time.thread_time()
        try:
            yield
        finally:
            spent = time.thread_time() - began
            with self._adding:
                self.seconds[name] += spent - self._thread.inner
            self._thread.inner = around + spent

    def timed(self, name: str, call: Callable[..., T]) -> Callable[..., T]:
        """The same call as a step."""

        def timed(*given: object, **named: object) -> T:
            with self.step(name):
                return call(*given, **named)

        return timed

    def each(self, name: str, values: Iterator[T]) -> Iterator[T]:
        """The same values; making each of them is a step."""
        ended = object()
        while True:
            with self.step(name):
                value = next(values, ended)
            if value is ended:
                return
            yield value  # type: ignore[misc] - the mark of the end is no value


    def keep(self) -> None:
        """Write down what this process has computed until now, and its peak of memory."""
        now = {"began": self._began, "ended": time.monotonic(), "processor": time.process_time(), "peak_mib": peak_mib()}
        with self._adding:
            passing = self._kept.with_suffix(".new")
            passing.write_text(json.dumps(now | {"steps": self.seconds}))
            passing.rename(self._kept)


def processor_seconds(pid: int) -> float:
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
