"""One recording on a device of one speed, in a process of its own that stands for the worker's: what it took.

It imports what the worker's own process does, and no more, since its memory counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import forkserver
from pathlib import Path
from statistics import median
from typing import Any, cast

from services.common.domain.options import Options
from services.common.domain.records import Part
from services.common.domain.states import PartStatus
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.reader import Cutting
from services.gpu_worker.engine.process import EngineProcess
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.machine.self_test import listen
from services.gpu_worker.part.checkpoints import Checkpoints
from services.gpu_worker.part.files import Files
from services.gpu_worker.queue.admission import MAX_HELD
from services.gpu_worker.settings import WorkerSettings
from tests.bench.device import account
from tests.bench.device.entries import clocked
from tests.bench.device.steps import BATCHES, DEVICE, READER
from tests.bench.process_costs import forget_peak, peak_mib, processor_seconds

LONGEST = 1e6
"""Seconds: no recording here is too long, and each stays in one part."""
MODEL = "KBLab/kb-whisper-small"
"""The name decides how clips are decoded; the files are others."""
PRELOADED = ["services.gpu_worker.engine.processes.preload", "tests.bench.device.entries"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is run."""

    paths: list[str]
    """Claimed at once, and worked on by as many tasks as a worker has."""
    speed: float
    model: str
    """A folder with a model's files, of which the clock takes the tokenizer."""
    separate: bool = False
    stopped_after: float = 0.0
    """Seconds; 0: when all is done."""


def run(case: Case) -> dict[str, Any]:
    """What a process of its own measured."""
    # Not with -m: what the worker starts runs its program's file again.
    program = "from tests.bench.device import one_case; one_case.main()"
    command = [sys.executable, "-c", program, json.dumps(asdict(case))]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return cast("dict[str, Any]", json.loads(told.splitlines()[-1]))


def main() -> None:
    forget_peak()
    case = Case(**json.loads(sys.argv[1]))
    forkserver.set_forkserver_preload(PRELOADED)
    with tempfile.TemporaryDirectory() as name, clocked(case.speed, folder := Path(name)):
        engine = EngineProcess(MODEL, Path(case.model), "cuda")
        try:
            engine.wait_until_ready()
            # As before a worker's first claim.
            engine.expect(listen(engine).speed)
            measured = _Run(case, engine, folder).measured()
        finally:
            engine.close()
    sys.stdout.write(f"{json.dumps(measured)}\n")


class _Disk:
    """An S3 client that puts objects into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put_object(self, *, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803 - boto's own names
        (self._folder / Key.replace("/", "-")).write_bytes(Body)


class _Run:
    """All files of a case from their claim to the last checkpoint, and the account of that time."""

    def __init__(self, case: Case, engine: EngineProcess, folder: Path) -> None:
        self._case, self._engine, self._folder = case, engine, folder
        self._options = Options.parse({"channels": "separate"} if case.separate else {}, [MODEL])
        self._stop = threading.Event()
        self._first_texts: list[float] = []
        self._planned: list[float] = []

    def measured(self) -> dict[str, Any]:
        pid = self._engine.pid or 0
        before = self._steps()
        begun, device, worker = time.monotonic(), processor_seconds(pid), time.process_time()
        if self._case.stopped_after:
            stopping = threading.Timer(self._case.stopped_after, self._stop.set)
            stopping.daemon = True
            stopping.start()
        with ThreadPoolExecutor(MAX_HELD) as tasks:
            clips = sum(tasks.map(self._transcribe, map(Path, self._case.paths)))
        ended, worker = time.monotonic(), time.process_time() - worker
        device = processor_seconds(pid) - device
        batches, readers = self._batches(begun), self._readers(begun)
        peaks = account.peaks(readers, peak_mib(pid), peak_mib())
        return {
            "seconds": ended - begun,
            "clips": clips,
            "planned_seconds": max(self._planned) - begun if self._planned else None,
            "first_text_seconds": median(self._first_texts) if self._first_texts else None,
            **account.waits(batches, begun, ended),
            "processor_seconds": account.steps_of(account.less(self._steps(), before), readers, device, worker),
            "peak_mib": peaks["all"],
            "peaks_mib": peaks,
        }

    def _transcribe(self, path: Path) -> int:
        """Number of clips."""
        claimed, clips = time.monotonic(), 0
        part = Part(
            job_id=path.stem, part_id="part-0", status=PartStatus.RUNNING, client_id="", created_at=0, attempt=1
        )
        every = WorkerSettings.model_fields["checkpoint_seconds"].default
        checkpoints = Checkpoints(Files(cast("Any", _Disk(self._folder)), "bucket"), path.stem, part, every)
        try:
            for result in self._results(path):
                if result.words and not clips:
                    self._first_texts.append(time.monotonic() - claimed)
                checkpoints.add(result)
                clips += 1
        except StoppedError:
            pass
        checkpoints.save()
        return clips

    def _results(self, path: Path) -> Iterator[ClipResult]:
        with tempfile.TemporaryDirectory(dir=self._folder) as spool:
            yield from self._engine.transcribe(
                path,
                self._options,
                spool=Path(spool),
                max_seconds=LONGEST,
                stop=self._stop,
                planned=lambda _: self._planned.append(time.monotonic()),
                cutting=Cutting(alone_seconds=LONGEST),
            )

    def _batches(self, begun: float) -> list[dict[str, Any]]:
        """All batches since the self-test's."""
        batches = [json.loads(line) for line in (self._folder / BATCHES).read_text().splitlines()]
        return [one for one in batches if one["began"] >= begun]

    def _steps(self) -> dict[str, float]:
        """What the device's process has computed until now, by step."""
        return dict(json.loads((self._folder / DEVICE).read_text())["steps"])

    def _readers(self, begun: float) -> list[dict[str, Any]]:
        readers = [json.loads(path.read_text()) for path in self._folder.glob(READER.format("*"))]
        return [one for one in readers if one["began"] >= begun]
