"""The engine: a reader and a model put together. Each of them may be in this process or in one of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from services.common.domain.options import Options
from services.common.domain.vocabularies import NO_WORDS, KeptWords
from services.gpu_worker.engine.decode.placing import placed
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.flow import Flow
from services.gpu_worker.engine.plan.language import AMONG, telling
from services.gpu_worker.engine.plan.plan import Clip, Plan
from services.gpu_worker.engine.plan.reader import USUAL, Cutting, Reader
from services.gpu_worker.engine.plan.spool import Sound
from services.gpu_worker.engine.plan.vocabulary import with_vocabulary
from services.gpu_worker.engine.stopping import AnyOf, StopFlag, StoppedError

_POLL_SECONDS = 0.1


class Model(Protocol):
    """A `LoadedModel`, or the process that holds one (`services/gpu_worker/engine/processes/device.py`)."""

    def fitting(self, prompt: str | None, hotwords: str | None, words: Sequence[str], *, stop: StopFlag) -> int:
        """See `LoadedModel.fitting`."""

    def language(self, sounds: Iterator[Sound], *, stop: StopFlag, apart: bool = False) -> str:
        """See `LoadedModel.language`."""

    def decode(
        self,
        sounds: Iterator[Sound | None],
        options: Options,
        words: Sequence[str],
        *,
        stop: StopFlag,
        apart: bool = False,
    ) -> Iterator[ClipResult]:
        """See `LoadedModel.decode`."""


class Engine:
    """Plans and decodes recordings. All methods may be called from several threads at once."""

    def __init__(self, reader: Reader, model: Model) -> None:
        self._reader = reader
        self._model = model

    def transcribe(
        self,
        path: Path,
        options: Options,
        *,
        spool: Path,
        max_seconds: float,
        stop: StopFlag,
        planned: Callable[[Plan], None],
        known: Container[Clip] = (),
        vocabulary: KeptWords = NO_WORDS,
        apart: bool = False,
        cutting: Cutting = USUAL,
    ) -> Generator[ClipResult, None, None]:
        """Read a recording once, plan it, and decode its clips meanwhile; yield each as it is done, in any order.

        Whatever fails ends the work at once, without the clips that wait. Whoever takes no more results closes the
        generator. However it ends, nothing reads any more then, and `planned` has returned.

        Args:
            path: the recording.
            options: of the job.
            spool: an empty folder for the sound, 115 MB an hour and voice.
            max_seconds: the longest recording that is accepted.
            stop: once it is set, reading stops, and decoding after the results that are known by then.
            planned: called once with the plan, on another thread, when the recording has been read: after the first
                results, or after all. Once it has returned, no clip of a later part than the first is begun, but some
                may have been. An error that it raises ends the work, and is raised here.
            known: clips that need not be decoded, if the recording has them.
            vocabulary: what the job keeps of the vocabulary that its options name.
            apart: whether nothing of another recording may be on the device meanwhile.
            cutting: how the recording is cut into parts.

        Raises:
            InvalidMediaError, NoAudioTrackError, AudioTooLongError: the recording cannot be transcribed; perhaps found
                out after some of its clips were decoded.
            InvalidOptionError: the hints are too long, or the recording lacks a track that was chosen.
            StoppedError: `stop` is set.
            DecoderFailedError: the device gave probabilities that are not numbers.

        """
        fitting = 0
        if options.prompt or options.hotwords or vocabulary.words:
            fitting = self._model.fitting(options.prompt, options.hotwords, vocabulary.words, stop=stop)
        language: Future[str] = Future()

        def begin(halt: StopFlag) -> Flow:
            def settled(plan: Plan) -> None:
                planned(replace(with_vocabulary(plan, vocabulary, fitting), language=_result(language, halt)))

            items = self._reader.plan(path, options, spool=spool, max_seconds=max_seconds, stop=halt, cutting=cutting)
            return Flow(items, spool, planned=settled)

        with _flowing(begin, stop) as flow:
            language.set_result(self._language(flow, options, stop, apart=apart))
            told = replace(options, language=language.result())
            words = vocabulary.words[:fitting]
            for result in self._model.decode(flow.sounds(known), told, words, stop=stop, apart=apart):
                yield placed(result, flow.clips[result.index], flow.pauses)
                flow.check()
            flow.wait()
            flow.check()

    def decode(
        self,
        path: Path,
        plan: Plan,
        clips: Sequence[int],
        options: Options,
        *,
        spool: Path,
        stop: StopFlag,
        part: int | None = None,
        apart: bool = False,
        until: int = 0,
    ) -> Generator[ClipResult, None, None]:
        """Decode clips of a plan that is known, by index, and yield each as it is done, in any order.

        Args:
            path: the recording, or the file that `cut_parts` wrote for `part`.
            plan: of the whole recording.
            clips: indices of clips.
            options: of the job.
            spool: an empty folder for the sound.
            stop: once it is set, decoding stops after the results that are known by then.
            part: the index of the part that the file holds; None for the whole recording.
            apart: whether nothing of another recording may be on the device meanwhile.
            until: as far as this sample of the recording the spool gets the sound, whatever the clips need.

        Raises:
            StoppedError: `stop` is set.
            DecoderFailedError: the device gave probabilities that are not numbers.
            ReadingDiffersError: the recording was not read as it was planned.

        """

        def begin(halt: StopFlag) -> Flow:
            wanted = sorted(set(clips))
            items = self._reader.clips(path, plan, wanted, spool=spool, stop=halt, part=part, until=until)
            return Flow(items, spool, offset=0 if part is None else plan.parts[part].start)

        with _flowing(begin, stop) as flow:
            told = replace(options, language=plan.language)
            for result in self._model.decode(flow.sounds(), told, plan.vocabulary, stop=stop, apart=apart):
                yield placed(result, plan.clips[result.index], plan.pauses)

    def cut_parts(self, plan: Plan, spool: Path, folder: Path, *, stop: StopFlag) -> None:
        """Write every part's samples as `<index>.flac` into a folder; see `part_audio.cut_parts`."""
        self._reader.cut_parts(plan, spool, folder, stop=stop)

    def _language(self, flow: Flow, options: Options, stop: StopFlag, *, apart: bool) -> str:
        """The language of a recording, found out by its first clips if the options leave that to the model."""
        if options.language != "auto":
            return options.language
        clips = telling(flow.first(AMONG))
        return self._model.language(map(flow.sound, clips), stop=stop, apart=apart)


@contextmanager
def _flowing(begin: Callable[[StopFlag], Flow], stop: StopFlag) -> Iterator[Flow]:
    """A flow, whose reading has ended when the context ends; `begin` gets the flag that ends it."""
    done = threading.Event()
    flow = begin(AnyOf(stop, done))
    try:
        yield flow
    finally:
        done.set()
        flow.wait()


def _result(future: Future[str], stop: StopFlag) -> str:
    """Wait for a result.

    Raises:
        StoppedError: `stop` is set before.

    """
    while not stop.is_set():
        with suppress(TimeoutError):
            return future.result(_POLL_SECONDS)
    raise StoppedError
