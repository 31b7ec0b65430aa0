"""One contestant with one setting in a process of its own: what it took, and the words. `gpu.py` asks for it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from faster_whisper import BatchedInferencePipeline, WhisperModel

from services.common.domain.options import Options
from services.gpu_worker.engine.decode.decoder import Decoder
from services.gpu_worker.engine.decode.device_choice import EngineSettings, choose
from services.gpu_worker.engine.decode.loaded_model import LoadedModel
from services.gpu_worker.engine.decode.model_files import locate
from services.gpu_worker.engine.engine import Engine
from services.gpu_worker.engine.local import LocalEngine
from services.gpu_worker.engine.process import EngineProcess
from tests.bench.process_costs import forget_peak, peak_mib, processor_seconds
from tests.support.listening import decoded, heard, plan_of

Texts = list[dict[int, str]]
"""For each file the words of each clip, by its index."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A run."""

    contestant: str
    """`engine`: in this process. `worker`: the model and each reading in processes, as the worker has them. `plain`:
    the library's batched pipeline, as its documentation calls it. `plain, asked as we do`: with our beams and words.
    """
    model: str
    folder: str
    paths: list[str]
    warm_up: list[str] = field(default_factory=list)
    """Heard before anything is measured: kernels are chosen and memory is taken at the first use."""
    device: str = "cuda"
    compute_type: str = "auto"
    batch: int = 0
    """0: what the engine chooses."""
    workers: int = 0
    """Batches in flight; 0: what the engine chooses."""
    together: int = 1
    """Files at a time."""
    from_the_middle: bool = False
    """Only the second half of the clips, as after an interruption."""


def run(asked: Asked) -> dict[str, Any]:
    """What a process of its own measured."""
    # Not with -m: what the worker starts runs its program's file again, and would be slow by what is imported here.
    command = [sys.executable, "-c", "from tests.bench import one_run; one_run.main()", json.dumps(asdict(asked))]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    measured: dict[str, Any] = json.loads(told.splitlines()[-1])
    measured["texts"] = [{int(index): text for index, text in clips.items()} for clips in measured["texts"]]
    return measured


class _Timed:
    """The library's model; the seconds of each call of it are added up by the call's name."""

    def __init__(self, model: Any, spent: dict[str, float]) -> None:
        self._model, self._spent = model, spent

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        return self._timed(name, found) if callable(found) else found

    def _timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return call(*given, **named)
            finally:
                self._spent[name] = self._spent.get(name, 0.0) + time.perf_counter() - began

        return timed


class _Gpu:
    """What the driver says of the GPU ten times a second; nothing where there is none."""

    def __init__(self, device: str) -> None:
        self._seen: list[tuple[float, int, int]] = []
        if device == "cuda":
            query = ["--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits", "-lms", "100"]
            self._tool = subprocess.Popen(["nvidia-smi", *query], stdout=subprocess.PIPE, text=True)
            threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        for line in self._tool.stdout or ():
            busy, used = line.split(",")
            self._seen.append((time.perf_counter(), int(busy), int(used)))

    def between(self, began: float, ended: float) -> dict[str, float]:
        seen = [(busy, used) for when, busy, used in self._seen if began <= when <= ended]
        if not seen:
            return {}
        self._tool.kill()
        return {
            "GPU busy, %": round(sum(busy for busy, _ in seen) / len(seen)),
            "GPU MiB": max(used for _, used in seen),
        }


def main() -> None:
    forget_peak()
    asked = Asked(**json.loads(sys.argv[1]))
    gpu = _Gpu(asked.device)
    spent: dict[str, float] = {}
    with _contestant(asked, spent) as (hear, pids):
        for path in asked.warm_up:
            hear(Path(path))
        spent.clear()
        began, processor = time.perf_counter(), _all_seconds(pids)
        texts = _all(asked, hear)
        ended = time.perf_counter()
        told = {
            "seconds": round(ended - began, 2),
            "processor s": round(_all_seconds(pids) - processor, 2),
            **{f"{name} s": round(seconds, 2) for name, seconds in spent.items() if seconds > 0.005},
            **gpu.between(began, ended),
            "host MiB": round(sum(peak_mib(pid) for pid in pids)),
            "texts": texts,
        }
    sys.stdout.write(f"{json.dumps(told)}\n")


def _all(asked: Asked, hear: Callable[[Path], dict[int, str]]) -> Texts:
    with ThreadPoolExecutor(asked.together) as tasks:
        return list(tasks.map(hear, map(Path, asked.paths)))


Heard = tuple[Callable[[Path], dict[int, str]], list[str]]
"""Who is asked for words, and the processes whose time and memory count."""


@contextmanager
def _contestant(asked: Asked, spent: dict[str, float]) -> Iterator[Heard]:
    settings = EngineSettings(device=asked.device, compute_type=asked.compute_type, batch=asked.batch)
    choice = choose(settings)
    choice = replace(choice, workers=asked.workers or choice.workers)
    files = locate(asked.model, Path(asked.folder))
    if asked.contestant == "worker":
        worker = EngineProcess(asked.model, files.folder, asked.device, asked.compute_type)
        try:
            worker.wait_until_ready()
            yield _hearing(worker, asked), ["self", str(worker.pid)]
        finally:
            worker.close()
    elif asked.contestant == "engine":
        kind = {"device": choice.device, "compute_type": choice.compute_type}
        decoder = Decoder(files, **kind, workers=choice.workers, threads=choice.threads)
        decoder._model.model = _Timed(decoder._model.model, spent)  # noqa: SLF001 - from outside, no step can be timed
        engine = LocalEngine(LoadedModel(files, choice, decoder))
        yield _hearing(engine, asked), ["self"]
        engine.close()
    else:
        model = WhisperModel(str(files.folder), device=choice.device, compute_type=choice.compute_type)
        pipeline = BatchedInferencePipeline(model)
        how = {"beam_size": 3, "word_timestamps": True} if asked.contestant != "plain" else {}

        def hear(path: Path) -> dict[int, str]:
            how["batch_size"] = choice.batch
            segments, _ = pipeline.transcribe(str(path), language="sv", without_timestamps=False, **how)
            return dict(enumerate(segment.text for segment in segments))

        yield hear, ["self"]


def _hearing(engine: Engine, asked: Asked) -> Callable[[Path], dict[int, str]]:
    options = Options.parse({}, [asked.model])

    def hear(path: Path) -> dict[int, str]:
        if asked.from_the_middle:
            plan = plan_of(path, options)
            results = decoded(engine, path, plan, range(len(plan.clips) // 2, len(plan.clips)), options)
        else:
            _, results = heard(engine, path, options)
        return {result.index: result.text for result in results}

    return hear


def _all_seconds(pids: list[str]) -> float:
    """Of processes that live; a reading ends with its recording, and is not counted."""
    return sum(map(processor_seconds, pids))
