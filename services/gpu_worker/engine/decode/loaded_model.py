"""A model on its device: clips' sound in, words out, for several tasks at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, wait

import numpy as np

from services.common.domain.options import Options
from services.gpu_worker.engine.decode.batcher import Batcher, Watch, unwatched
from services.gpu_worker.engine.decode.catalogue import habits
from services.gpu_worker.engine.decode.decoder import FRAME, Decoded, Decoder, Features
from services.gpu_worker.engine.decode.device_choice import Choice, EngineSettings, choose
from services.gpu_worker.engine.decode.fallback import Fallback, Redecoding
from services.gpu_worker.engine.decode.model_files import ModelFiles
from services.gpu_worker.engine.decode.recipe import habits_for, ladder, window
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.plan import Clip, Plan
from services.gpu_worker.engine.plan.reader import Sound
from services.gpu_worker.engine.stopping import StopFlag, StoppedError

AHEAD = 2
"""Batches a task prepares beyond those that the workers hold, so that the device never waits for features."""
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
        self._watch = watch
        self._batcher = Batcher(decoder.decode, workers=choice.workers, size=choice.batch, watch=watch)
        self.most_clips = choice.batch * (choice.workers + AHEAD)
        """That one task needs to have here at a time."""

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

    def language(self, sounds: Iterable[Sound | None], *, stop: StopFlag, apart: bool = False, call: int = 0) -> str:
        """The language with the highest sum of probabilities over these clips.

        Raises StoppedError once `stop` is set.
        """
        sums: dict[str, float] = {}
        for item in sounds:
            if stop.is_set():
                raise StoppedError
            if item is None:
                continue
            features = self._features(item[1])
            asked = self._batcher.ask(features, self.decoder.languages, call=call, apart=apart)
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
        plan: Plan,
        options: Options,
        *,
        stop: StopFlag,
        apart: bool = False,
        call: int = 0,
    ) -> Iterator[ClipResult]:
        """Decode clips of a plan as they come, and yield each as it is done, in any order.

        None among the `sounds` says that the next one is not there yet. `apart`: in batches of their own. Raises
        StoppedError once `stop` is set, after yielding what it knew to be done by then, and DecoderFailedError when the
        device gives what is no number.
        """

        def submit(climb: Redecoding) -> Future[Decoded]:
            frames = window(climb.clip.samples // FRAME, self.habits, again=bool(climb.attempts))
            features = self._features(climb.sound, frames)
            return self._batcher.submit(features, climb.recipe, call=call, apart=apart)

        climbing = Fallback(plan, submit)

        def collect(seconds: float) -> Iterator[ClipResult]:
            yield from climbing.collect(seconds)
            if stop.is_set():
                raise StoppedError

        try:
            with self._batcher.preparing():
                for item in sounds:
                    if item is None:
                        yield from collect(0)
                        continue
                    climbing.begin(self._climb(plan.clips[item[0]], item[1], options, plan.language))
                    while len(climbing) >= self.most_clips:
                        yield from collect(POLL_SECONDS)
            while len(climbing):
                yield from collect(POLL_SECONDS)
        finally:
            climbing.cancel()

    def _climb(self, clip: Clip, sound: bytes, options: Options, language: str) -> Redecoding:
        own = habits_for(clip.samples // FRAME, self.habits)
        return Redecoding(clip, sound, ladder(options, language, own), own.unsure_below)

    def _features(self, sound: bytes, frames: int | None = None) -> Features:
        samples = np.frombuffer(sound, np.int16)
        return self.decoder.features(samples) if frames is None else self.decoder.features(samples, frames)
