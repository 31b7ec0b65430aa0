"""What a file gives by itself: one engine, one recording at a time, nothing beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from services.common.domain.errors import PermanentError
from services.common.domain.options import Options
from services.common.transcript.formats import render
from services.gpu_worker.engine.assembly import assemble
from services.gpu_worker.engine.decode.catalogue import PACKAGED
from services.gpu_worker.engine.decode.device_choice import EngineSettings
from services.gpu_worker.engine.decode.model_files import locate
from services.gpu_worker.engine.local import LocalEngine
from tests.recordings import pool
from tests.support.listening import heard

SECONDS = 60.0
"""What one file may take."""
LONGEST = 24 * 3600.0
"""Seconds, as the worker has it unless it is told otherwise."""


@dataclass(frozen=True, kw_only=True)
class Alone:
    """A transcript, by the digests of its forms, or the code with which the file is refused, or neither."""

    digests: dict[str, str] | None = None
    words: int = 0
    code: str | None = None
    trouble: str | None = None
    """The process died, took too long, or raised what is no code."""


@dataclass(frozen=True)
class _Task:
    model: Path
    path: Path


def alone(model: Path, paths: Iterable[Path]) -> dict[Path, Alone]:
    """Each file's outcome; in a process of its own, so that a file on which it dies is only that file's trouble."""
    tasks = [_Task(model, path) for path in paths]
    return {
        ended.task.path: ended.result or Alone(trouble=ended.failure)
        for ended in pool.run(_transcribe, tasks, seconds=SECONDS, processes=1)
    }


@cache
def _engine(model: Path) -> LocalEngine:
    return LocalEngine.load(locate(PACKAGED, model), EngineSettings())


def _transcribe(task: _Task) -> Alone:
    engine, options = _engine(task.model), Options.parse({}, [PACKAGED])
    try:
        plan, results = heard(engine, task.path, options, max_seconds=LONGEST)
    except PermanentError as error:
        return Alone(code=error.code)
    transcript = assemble(plan, results, options, engine.model.files)
    digests = {form: hashlib.sha256(render(transcript, form)).hexdigest() for form in options.formats}
    return Alone(digests=digests, words=len(transcript.text.split()))
