"""A model on its device: clips' sound in, words out, for several tasks at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, wait

import numpy as np

from services.common.domain.options import Options
from services.gpu_worker.engine.decode.batcher import Batcher, Caller, Watch, unwatched
from services.gpu_worker.engine.decode.catalogue import habits
from services.gpu_worker.engine.decode.decoder import Decoded, Decoder
from services.gpu_worker.engine.decode.device_choice import Choice, EngineSettings, choose
from services.gpu_worker.engine.decode.fallback import PendingClip, PendingClips
from services.gpu_worker.engine.decode.features import FRAME, WINDOW, Features
from services.gpu_worker.engine.decode.model_files import ModelFiles
from services.gpu_worker.engine.decode.recipe import habits_for, recipes, window
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.spool import Sound
from services.gpu_worker.engine.stopping import StopFlag, StoppedError

AHEAD = 1
"""How many batches a call holds beyond those on the device: the next one."""
POLL_SECONDS = 0.2
WITHOUT_SPEECH = "sv"
"""The language of a recording in which nobody says anything."""


class LoadedModel:
    """See `load`. All methods may be called from several threads at once; `call` is a number that tells them apart."""

    def __init__(self, files: ModelFiles, choice: Choice, decoder: Decoder, watch: Watch = unwatched) -> None:
        self.files = files
        self.choice = choice
        self.habits = habits(files.name)
        self.decoder = decoder
        self._batcher = Batcher(
            decoder.decode, workers=choice.workers, size=choice.batch, in_flight=choice.in_flight, watch=watch
        )
        self.most_clips = choice.batch * (choice.workers + AHEAD)
        """How many clips of one call are held here at a time."""

    @classmethod
    def load(cls, files: ModelFiles, settings: EngineSettings, watch: Watch = unwatched) -> LoadedModel:
        """Load a model onto its device, and start the threads that feed it; `watch` is told what the device does."""
        choice = choose(settings)
        decoder = Decoder(
            files,
            device=choice.device,
            compute_type=choice.compute_type,
            workers=choice.workers,
            threads=choice.threads,
        )
        return cls(files, choice, decoder, watch)

    def close(self) -> None:
        """Let running batches end and give the threads back."""
        self._batcher.close()

    def fitting(self, prompt: str | None, hotwords: str | None, words: Sequence[str], *, stop: StopFlag) -> int:
        """How many of a vocabulary's words, in their order, fit into the model's prompt beside the other hints.

        Raises:
            InvalidOptionError: the other hints alone have more tokens than the model reads.
            StoppedError: `stop` is set.

        """
        if stop.is_set():
            raise StoppedError
        return self.decoder.fitting(prompt, hotwords, words)

    def language(self, sounds: Iterable[Sound | None], *, stop: StopFlag, apart: bool = False, call: int = 0) -> str:
        """The language with the highest sum of probabilities over these clips.

        Raises:
            StoppedError: `stop` is set.

        """
        caller = Caller(call, apart)
        sums: dict[str, float] = {}
        for item in sounds:
            if stop.is_set():
                raise StoppedError
            if item is None:
                continue
            features = self._features(item)
            asked = self._batcher.ask(features, self.decoder.languages, caller)
            while not wait((asked,), timeout=POLL_SECONDS).done:
                if stop.is_set():
                    raise StoppedError
            languages = asked.result()
            for language, probability in languages:
                sums[language] = sums.get(language, 0.0) + probability
        return max(sums, key=lambda language: (sums[language], language), default=WITHOUT_SPEECH)

    def decode(
        self,
        sounds: Iterable[Sound | None],
        options: Options,
        words: Sequence[str],
        *,
        stop: StopFlag,
        apart: bool = False,
        call: int = 0,
    ) -> Iterator[ClipResult]:
        """Decode clips as they come, and yield each as it is done, in any order, with times in its own audio.

        Args:
            sounds: the clips; None says that the next one has not been read yet.
            options: of the job, with the language that was settled.
            words: those of the job's vocabulary that the model reads.
            stop: once it is set, decoding stops after the results that are known by then.
            apart: whether the clips get batches, and the device, for themselves.
            call: tells calls that run at once apart.

        Raises:
            StoppedError: `stop` is set.
            DecoderFailedError: the device gave probabilities that are not numbers.

        """
        caller = Caller(call, apart)

        def submit(waiting: PendingClip) -> Future[Decoded]:
            frames = window(_frames(waiting.sound), self.habits, again=bool(waiting.attempts))
            features = self._features(waiting.sound, frames)
            return self._batcher.submit(features, waiting.recipe, caller)

        pending = PendingClips(submit)

        def collect(seconds: float) -> Iterator[ClipResult]:
            yield from pending.collect(seconds)
            if stop.is_set():
                raise StoppedError

        try:
            for item in sounds:
                if item is not None:
                    pending.begin(self._pending(item, options, words))
                yield from collect(0)
                while len(pending) >= self.most_clips:
                    yield from collect(POLL_SECONDS)
            while len(pending):
                yield from collect(POLL_SECONDS)
        finally:
            pending.cancel()

    def _pending(self, sound: Sound, options: Options, words: Sequence[str]) -> PendingClip:
        own = habits_for(_frames(sound), self.habits)
        return PendingClip(sound, recipes(options, own, words), own.unsure_below)

    def _features(self, sound: Sound, frames: int = WINDOW) -> Features:
        return self.decoder.features(np.frombuffer(sound.read(), np.int16), frames)


def _frames(sound: Sound) -> int:
    """The length of a clip's audio, in whole frames of 10 ms."""
    return sound.clip.samples // FRAME
