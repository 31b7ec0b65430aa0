"""Processor time by the steps of a pipeline. A step that is called within another counts for itself alone."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TypeVar

from tests.bench.process_costs import peak_mib

BATCHES, DEVICE, READER = "batches.jsonl", "device.json", "reader-{}.json"
"""What the processes of a run leave in its folder: the clock's batches, and the account of each process."""
T = TypeVar("T")


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
        while True:
            with self.step(name):
                made = list(islice(values, 1))
            if not made:
                return
            yield made[0]

    def keep(self) -> None:
        """Write down what this process has computed until now, and its peak of memory."""
        now = {
            "began": self._began,
            "ended": time.monotonic(),
            "processor": time.process_time(),
            "peak_mib": peak_mib(),
        }
        with self._adding:
            passing = self._kept.with_suffix(".new")
            passing.write_text(json.dumps(now | {"steps": self.seconds}))
            passing.rename(self._kept)
