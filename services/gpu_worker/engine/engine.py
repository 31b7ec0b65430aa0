"""The engine: one loaded model that plans and decodes recordings for several tasks at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.common.domain.options import Options
from services.gpu_worker.engine.audio.openings import StoppedError
from services.gpu_worker.engine.batcher import Batcher
from services.gpu_worker.engine.catalogue import habits
from services.gpu_worker.engine.clip_audio import as_planned, clip_audio
from services.gpu_worker.engine.decoder import FRAME, Decoded, Decoder
from services.gpu_worker.engine.device import Choice, EngineSettings, choose
from services.gpu_worker.engine.language import detect
from services.gpu_worker.engine.model import ModelFiles
from services.gpu_worker.engine.plan import Clip, Plan
from services.gpu_worker.engine.planner import ALONE_SECONDS, PART_SECONDS, make_plan
from services.gpu_worker.engine.recipe import Recipe, habits_for, ladder, window
from services.gpu_worker.engine.results import ClipResult, Word
from services.gpu_worker.engine.verdict import Attempt, judge, settle

AHEAD = 2
"""Batches a task prepares beyond those that the workers hold, so that the device never waits for features."""
POLL_SECONDS = 0.2


@dataclass(slots=True)
class _Climb:
    """A clip on its way up the ladder."""

    clip: Clip
    samples: npt.NDArray[np.int16]
    rungs: Sequence[Recipe]
    unsure_below: float
    attempts: list[Attempt]


class Engine:
    """See `load`. All methods may be called from several threads at once."""

    def __init__(self, files: ModelFiles, choice: Choice, decoder: Decoder, batcher: Batcher) -> None:
        self.files = files
        self.choice = choice
        self.habits = habits(files.name)
        self.decoder = decoder
        self._batcher = batcher

    @classmethod
    def load(cls, files: ModelFiles, settings: EngineSettings) -> Engine:
        """Load a model onto its device, and start the threads that feed it."""
        choice = choose(settings)
        decoder = Decoder(
            files,
            device=choice.device,
            compute_type=choice.compute_type,
            workers=choice.workers,
            threads=choice.threads,
        )
        return cls(files, choice, decoder, Batcher(decoder.decode, workers=choice.workers, size=choice.batch))

    def close(self) -> None:
        """Let running batches end and give the threads back."""
        self._batcher.close()

    def plan(
        self,
        path: Path,
        options: Options,
        *,
        max_seconds: float,
        stop: threading.Event,
        part_seconds: float = PART_SECONDS,
        alone_seconds: float = ALONE_SECONDS,
    ) -> Plan:
        """Read a recording once and plan it.

        Raises InvalidMediaError, NoAudioTrackError, AudioTooLongError, InvalidOptionError for hints that are too long,
        and StoppedError once `stop` is set.
        """
        self.decoder.check_hints(options.prompt, options.hotwords)
        plan = make_plan(
            path,
            options,
            max_seconds=max_seconds,
            stop=stop,
            part_seconds=part_seconds,
            alone_seconds=alone_seconds,
        )
        if plan.language != "auto":
            return plan
        return replace(plan, language=detect(path, plan, self.decoder, stop))

    def decode(
        self,
        path: Path,
        plan: Plan,
        clips: Sequence[int],
        options: Options,
        *,
        stop: threading.Event,
        part: int | None = None,
    ) -> Iterator[ClipResult]:
        """Decode clips of a plan, by index, and yield each as it is done, in any order.

        `path` is the recording, or the file that `cut_parts` wrote for `part`. Raises StoppedError once `stop` is set,
        after yielding what it knew to be done by then; DecoderFailedError when the device gives what is no number, or
        the recording is read otherwise than it was planned.
        """

        def climb_of(clip: Clip, samples: npt.NDArray[np.int16]) -> _Climb:
            own = habits_for(clip.samples // FRAME, self.habits)
            return _Climb(clip, samples, ladder(options, plan.language, own), own.unsure_below, [])

        wanted = [plan.clips[index] for index in sorted(set(clips))]
        offset = 0 if part is None else plan.parts[part].start
        blocks = as_planned(path, plan, part, stop)
        running: dict[Future[Decoded], _Climb] = {}
        limit = self._batcher.size * (self._batcher.workers + AHEAD)
        try:
            with self._batcher.preparing():
                for clip, samples in clip_audio(blocks, wanted, offset):
                    climb = climb_of(clip, samples)
                    running[self._submit(climb)] = climb
                    while len(running) >= limit:
                        yield from self._collect(running, plan, stop)
            while running:
                yield from self._collect(running, plan, stop)
        finally:
            for future in running:
                future.cancel()

    def _submit(self, climb: _Climb) -> Future[Decoded]:
        """Queue the next attempt at a clip."""
        attempt = len(climb.attempts)
        frames = window(climb.clip.samples // FRAME, self.habits, again=attempt > 0)
        return self._batcher.submit(self.decoder.features(climb.samples, frames), climb.rungs[attempt])

    def _collect(
        self, running: dict[Future[Decoded], _Climb], plan: Plan, stop: threading.Event
    ) -> Iterator[ClipResult]:
        """Wait for decodes; yield the clips that are settled, send the doubtful ones up the ladder."""
        done, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in done:
            climb = running.pop(future)
            decoded = future.result()
            climb.attempts.append(
                Attempt(
                    decoded.words,
                    decoded.logprob,
                    decoded.no_speech,
                    judge(decoded, climb.clip, climb.unsure_below),
                )
            )
            if climb.attempts[-1].flags and len(climb.attempts) < len(climb.rungs):
                running[self._submit(climb)] = climb
            else:
                yield _placed(climb, plan)
        if stop.is_set():
            raise StoppedError


def _placed(climb: _Climb, plan: Plan) -> ClipResult:
    """The best attempt, its times moved from the clip to the clock that a player shows."""
    settled = settle(climb.attempts)
    clip = climb.clip
    words = []
    for word in settled.words:
        start, end = clip.place(word.start, word.end)
        shown = plan.clock(start)
        words.append(Word(word.text, round(shown, 3), round(shown + end - start, 3), round(word.probability, 4)))
    return ClipResult(
        index=clip.index,
        words=tuple(words),
        logprob=round(settled.logprob, 4),
        no_speech=round(settled.no_speech, 4),
        decodes=len(climb.attempts),
        flags=settled.flags,
        dropped=settled.dropped,
    )
