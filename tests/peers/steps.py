"""Where the processor seconds go: in the engine, and in faster-whisper in the two ways in which it is compared.

`python -m tests.peers.steps` transcribes eleven minutes with one worker of one thread each, so that the process's time
during a call of the model is that call's, and prints the seconds of each of the model's calls.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from faster_whisper import BatchedInferencePipeline, WhisperModel

from services.common.domain.options import Options
from services.gpu_worker.engine.decode.catalogue import PACKAGED
from services.gpu_worker.engine.decode.device_choice import EngineSettings
from services.gpu_worker.engine.decode.model_files import locate
from services.gpu_worker.engine.local import LocalEngine
from tests.peers import ask_faster_whisper
from tests.peers.contestants import CONTESTANTS, ENGINE, Contestant
from tests.peers.recordings import recordings
from tests.support.listening import decoded, plan_of

LEAST = 0.05
"""Seconds that are worth telling."""
Seconds = defaultdict[str, float]
"""Processor seconds, by call of the model; `plan` is all that comes before, and `all` is everything."""


class _Timed:
    """The library's model, whose calls' processor seconds are added up."""

    def __init__(self, model: Any, seconds: Seconds) -> None:
        self._model, self._seconds = model, seconds

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        if not callable(found):
            return found

        def timed(*given: Any, **named: Any) -> Any:
            began = time.process_time()
            result = found(*given, **named)
            self._seconds[name] += time.process_time() - began
            return result

        return timed


def of_engine(path: Path) -> Seconds:
    seconds = Seconds(float)
    engine = LocalEngine.load(locate(PACKAGED), EngineSettings(device="cpu", compute_type="int8", threads=1))
    library = engine.model.decoder._model  # noqa: SLF001 - from outside, no step can be timed
    library.model = _Timed(library.model, seconds)
    options = Options.parse({"preset": "balanced"}, [PACKAGED])
    began = time.process_time()
    plan = plan_of(path, options)
    seconds["plan"] = time.process_time() - began
    decoded(engine, path, plan, range(len(plan.clips)), options)
    seconds["all"] = time.process_time() - began
    engine.close()
    return seconds


def of_plain(contestant: Contestant, path: Path) -> Seconds:
    seconds = Seconds(float)
    library = WhisperModel(str(locate(PACKAGED).folder), **contestant.load, cpu_threads=1)
    library.model = _Timed(library.model, seconds)
    began = time.process_time()
    segments, _ = BatchedInferencePipeline(library).transcribe(str(path), **contestant.transcribe)
    for _ in segments:
        pass
    seconds["all"] = time.process_time() - began
    return seconds


def main() -> None:
    plain = [one for one in CONTESTANTS if one.module == ask_faster_whisper.__name__]
    asked: dict[str, Callable[[Path], Seconds]] = {one.name: partial(of_plain, one) for one in plain}
    asked[ENGINE] = of_engine
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        *_, long = recordings(Path(folder))
        for name, measure in asked.items():
            told = ", ".join(f"{call} {spent:.1f}" for call, spent in measure(long.path).items() if spent > LEAST)
            sys.stdout.write(f"{name}, processor seconds: {told}\n")


if __name__ == "__main__":
    main()
