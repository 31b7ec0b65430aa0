"""The engine: a reader and a model put together. Each of them may be in this process or in one of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from services.common.domain.options import Options
from services.common.domain.vocabularies import NO_WORDS, KeptWords
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.language import telling
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.plan.reader import Reader, Sound
from services.gpu_worker.engine.plan.vocabulary import with_vocabulary
from services.gpu_worker.engine.stopping import AnyOf, StopFlag


class Model(Protocol):
    """A `LoadedModel`, or the process that holds one (`services/gpu_worker/engine/processes/device.py`)."""

    def fitting(self, prompt: str | None, hotwords: str | None, words: Sequence[str], *, stop: StopFlag) -> int:
        """See `LoadedModel.fitting`."""

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
        vocabulary: KeptWords = NO_WORDS,
        apart: bool = False,
        **lengths: float,
    ) -> Plan:
        """Read a recording once, plan it, and find out its language.

        Args:
            path: the recording.
            options: of the job.
            max_seconds: the longest recording that is accepted.
            stop: once it is set, planning stops.
            vocabulary: what the job keeps of the vocabulary that its options name.
            apart: whether no other recording may be on the device while the language is found out.
            lengths: `part_seconds` and `alone_seconds`, as `Reader.plan` takes them.

        Raises:
            InvalidMediaError, NoAudioTrackError, AudioTooLongError: the recording cannot be transcribed.
            InvalidOptionError: the hints are too long, or the recording lacks a track that was chosen.
            StoppedError: `stop` is set.

        """
        fitting = 0
        if options.prompt or options.hotwords or vocabulary.words:
            fitting = self._model.fitting(options.prompt, options.hotwords, vocabulary.words, stop=stop)
        plan = self._reader.plan(path, options, max_seconds=max_seconds, stop=stop, **lengths)
        plan = with_vocabulary(plan, vocabulary, fitting)
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

        Args:
            path: the recording, or the file that `cut_parts` wrote for `part`.
            plan: of the whole recording.
            clips: indices of clips.
            options: of the job.
            stop: once it is set, decoding stops after the results that are known by then.
            part: the index of the part that the file holds; None for the whole recording.
            apart: whether no batch may hold clips of another recording.

        Raises:
            StoppedError: `stop` is set.
            DecoderFailedError: the device gave probabilities that are not numbers.
            ReadingDiffersError: the recording was not read as it was planned.

        """
        with _until_done() as done:
            sounds = self._reader.sounds(path, plan, sorted(set(clips)), stop=AnyOf(stop, done), part=part)
            yield from self._model.decode(sounds, plan, options, stop=stop, apart=apart)

    def cut_parts(self, path: Path, plan: Plan, folder: Path, *, stop: StopFlag) -> None:
        """Write every part's samples as `<index>.flac` into a folder; see `part_audio.cut_parts`."""
        self._reader.cut_parts(path, plan, folder, stop=stop)


@contextmanager
def _until_done() -> Iterator[threading.Event]:
    """A flag that is set when the context ends, so that the reader stops when the decoder has given up."""
    done = threading.Event()
    try:
        yield done
    finally:
        done.set()
