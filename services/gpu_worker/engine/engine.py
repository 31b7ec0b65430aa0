"""The engine: what reads and what decodes, put together. Each may be in this process or in one of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from services.common.domain.options import Options
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.language import telling
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.plan.reader import Reader, Sound
from services.gpu_worker.engine.stopping import AnyOf, StopFlag


class Model(Protocol):
    """Decodes: a `LoadedModel`, or the process that holds one (`services/gpu_worker/engine/processes/device.py`)."""

    def language(self, sounds: Iterator[Sound], *, stop: StopFlag, apart: bool = False) -> str:
        """See `LoadedModel.language`."""

    def decode(
        self, sounds: Iterator[Sound], plan: Plan, options: Options, *, stop: StopFlag, apart: bool = False
    ) -> Iterator[ClipResult]:
        """See `LoadedModel.decode`."""


class Engine:
    """Plans and decodes recordings. All methods may be called from several threads at once."""

    def __init__(self, reader: Reader, model: Model) -> None:
        self._reader = reader
        self._model = model

    def plan(
        self,
        path: Path,
        options: Options,
        *,
        max_seconds: float,
        stop: StopFlag,
        apart: bool = False,
        **lengths: float,
    ) -> Plan:
        """Read a recording once and plan it; `lengths` as `Reader.plan` takes them.

        `apart`: nothing of another recording is on the device while its language is told. Raises InvalidMediaError,
        NoAudioTrackError, AudioTooLongError, InvalidOptionError for a track that there is not, and StoppedError once
        `stop` is set.
        """
        plan = self._reader.plan(path, options, max_seconds=max_seconds, stop=stop, **lengths)
        if plan.language != "auto":
            return plan
        with _until_done() as done:
            sounds = self._reader.sounds(path, plan, telling(plan), stop=AnyOf(stop, done))
            return replace(plan, language=self._model.language(sounds, stop=stop, apart=apart))

    def decode(
        self,
        path: Path,
        plan: Plan,
        clips: Sequence[int],
        options: Options,
        *,
        stop: StopFlag,
        part: int | None = None,
        apart: bool = False,
    ) -> Iterator[ClipResult]:
        """Decode clips of a plan, by index, and yield each as it is done, in any order.

        `path` is the recording, or the file that `cut_parts` wrote for `part`. `apart`: no batch holds clips of another
        recording. Raises StoppedError once `stop` is set, after yielding what it knew to be done by then;
        DecoderFailedError when the device gives what is no number; ReadingDiffersError when the recording is read
        otherwise than it was planned.
        """
        with _until_done() as done:
            sounds = self._reader.sounds(path, plan, sorted(set(clips)), stop=AnyOf(stop, done), part=part)
            yield from self._model.decode(sounds, plan, options, stop=stop, apart=apart)

    def cut_parts(self, path: Path, plan: Plan, folder: Path, *, stop: StopFlag) -> None:
        """Write every part's samples as `<index>.flac` into a folder."""
        self._reader.cut_parts(path, plan, folder, stop=stop)


@contextmanager
def _until_done() -> Iterator[threading.Event]:
    """A flag that is set at the end of a block: nobody reads on for a decoder that has given up."""
    done = threading.Event()
    try:
        yield done
    finally:
        done.set()
