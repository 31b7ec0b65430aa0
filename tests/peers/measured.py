"""One run of one contestant, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.peers.contestants import Contestant
from tests.peers.heard import Unit
from tests.peers.process_tree import PeakMemory, processor_seconds

LOGS = Path("reports/peers.log")


class ContestantFailedError(Exception):
    """The process of a contestant ended before it told what it heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a run took, with all processes that it started, and what it heard."""

    load_seconds: float
    """From the start of the process until the model was loaded."""
    seconds: float
    """From file to text."""
    processor_seconds: float
    """Of the same stretch."""
    peak_mib: float
    """From the start of the process on."""
    units: list[Unit]

    @property
    def text(self) -> str:
        return " ".join(unit.text.strip() for unit in self.units)


def measure(contestant: Contestant, model: Path, path: Path) -> Measured:
    """Let a contestant transcribe a recording.

    Raises:
        ContestantFailedError: it did not; reports/peers.log has what it wrote.

    """
    asked = asdict(contestant) | {"model": str(model.resolve()), "path": str(path.resolve())}
    began = time.perf_counter()
    with _process(asked) as process, PeakMemory(process.pid) as peak:
        _answer(process, contestant)
        load_seconds = time.perf_counter() - began
        before = processor_seconds(process.pid)
        _go_on(process)
        told = json.loads(_answer(process, contestant))
        spent = processor_seconds(process.pid) - before
    return Measured(
        load_seconds=load_seconds,
        seconds=told["seconds"],
        processor_seconds=spent,
        peak_mib=peak.mib,
        units=[Unit(start, text) for start, text in told["units"]],
    )


@contextmanager
def _process(asked: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """A process that runs `one_run.py`; it ends with the context, by itself unless there is an error."""
    # Not with -m: what the engine starts would run its program's file again.
    command = [sys.executable, "-c", "from tests.peers import one_run; one_run.main()", json.dumps(asked)]
    pipe = subprocess.PIPE
    LOGS.parent.mkdir(exist_ok=True)
    with (
        LOGS.open("a") as logs,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=logs, text=True, bufsize=1) as process,
    ):
        try:
            yield process
            _go_on(process)
            process.wait()
        finally:
            process.kill()


def _answer(process: subprocess.Popen[str], contestant: Contestant) -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise ContestantFailedError(f"{contestant.name} ended with status {process.wait()}: see {LOGS}.")
    return line


def _go_on(process: subprocess.Popen[str]) -> None:
    if process.stdin:
        process.stdin.write("\n")
        process.stdin.flush()
