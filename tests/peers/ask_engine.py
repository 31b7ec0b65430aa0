"""The engine, as the worker has it: the model in one process, each reading in another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.common.domain.options import Options
from services.gpu_worker.engine.assembly import assemble
from services.gpu_worker.engine.decode.catalogue import PACKAGED
from services.gpu_worker.engine.process import EngineProcess
from tests.peers.heard import Hear, Settings, Unit
from tests.support.listening import heard


@contextmanager
def loaded(model: Path, load: Settings, transcribe: Settings) -> Iterator[Hear]:
    options = Options.parse(dict(transcribe), [PACKAGED])
    engine = EngineProcess(PACKAGED, model, **load)
    try:
        files = engine.wait_until_ready()

        def hear(path: Path) -> list[Unit]:
            plan, results = heard(engine, path, options)
            segments = assemble(plan, results, options, files).segments
            return [Unit(word.start, word.text) for segment in segments for word in segment.words]

        yield hear
    finally:
        engine.close()
