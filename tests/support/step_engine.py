"""An engine whose words are a function of the clip, for tests of a job's states and not of its text."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.common.domain.options import Options
from services.common.domain.vocabularies import NO_WORDS, KeptWords
from services.common.transcript.words import Word
from services.gpu_worker.engine.audio.sound import RATE, MediaInfo
from services.gpu_worker.engine.decode.model_files import ModelFiles
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.listening.files import peaks_file
from services.gpu_worker.engine.plan.plan import Clip, Plan, PlannedPart
from services.gpu_worker.engine.plan.vocabulary import with_vocabulary
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.machine.self_test import CLIP, TEXT

CLIPS_A_PART = 2
CLIP_SECONDS = 10
PEAKS = b"peaks"
MEDIA = {"media_type": "audio/wav", "video": False, "playable": True}
WORDS_READ = 2
"""How many words of a vocabulary fit."""


def make_plan(parts: int) -> Plan:
    """A recording of so many parts of two clips each."""
    length = CLIP_SECONDS * RATE
    clips = tuple(Clip(index, 0, ((index * length, (index + 1) * length),)) for index in range(parts * CLIPS_A_PART))
    cut = tuple(
        PlannedPart(
            index,
            index * CLIPS_A_PART * length,
            (index + 1) * CLIPS_A_PART * length,
            index * CLIPS_A_PART,
            (index + 1) * CLIPS_A_PART,
        )
        for index in range(parts)
    )
    samples = len(clips) * length
    source = MediaInfo(container="wav", codec="pcm", rate=RATE, channels=1, declared_seconds=samples / RATE)
    return Plan(samples=samples, channels=1, language="sv", speech=samples, clips=clips, parts=cut, source=source)


class StepEngine:
    """Has the methods of `EngineProcess`, and runs in the calling thread; `each_clip` is called before every clip."""

    model = "whisper-base"

    def __init__(self, parts: int, boot: int, each_clip: Callable[[], None], *, early: int = 0) -> None:
        """An engine.

        Args:
            parts: of each recording.
            boot: the number of the machine's boot.
            each_clip: called before each clip is decoded.
            early: how many clips of a recording are decoded before its plan is known.

        """
        self.alive = True
        self.untrusted = self.worked = False
        self._plan = make_plan(parts)
        self._each_clip = each_clip
        self._early = early
        self.decoded: list[int] = []
        """The clips that were decoded, in order."""
        # The words are the same on every machine; this is how results of one attempt are told from another's.
        self._probability = 0.9 - boot / 1_000

    def wait_until_ready(self) -> ModelFiles:
        return ModelFiles(folder=Path(), name=self.model, style="standard", revision="1", digests={})

    def transcribe(
        self,
        path: Path,
        options: Options,
        *,
        spool: Path,
        stop: threading.Event,
        planned: Callable[[Plan], None],
        known: Container[Clip] = (),
        vocabulary: KeptWords = NO_WORDS,
        **_: Any,
    ) -> Generator[ClipResult, None, None]:
        plan = with_vocabulary(self._plan, vocabulary, min(WORDS_READ, len(vocabulary.words)))
        early = [clip.index for clip in plan.clips[: self._early] if clip not in known]
        yield from self.decode(path, plan, early, options, stop=stop)
        peaks_file(spool).write_bytes(PEAKS)
        planned(replace(plan, listening={"media": MEDIA}))
        clips = [clip for clip in plan.parts[0].clips if plan.clips[clip] not in known and clip not in early]
        yield from self.decode(path, plan, clips, options, stop=stop)

    def decode(
        self,
        path: Path,
        plan: Plan,
        clips: Sequence[int],
        options: Options,
        *,
        stop: threading.Event,
        **_: Any,
    ) -> Generator[ClipResult, None, None]:
        if path == CLIP:
            # The self-test's: no clip of anybody's.
            yield ClipResult(index=0, words=(Word(TEXT, 0.0, 6.0, 0.9),), logprob=-0.2, no_speech=0.0)
            return
        for index in clips:
            self._each_clip()
            if stop.is_set():
                raise StoppedError
            self.decoded.append(index)
            start = index * CLIP_SECONDS
            word = Word(f" Ord{index}.", start + 1.0, start + 2.0, self._probability)
            yield ClipResult(index=index, words=(word,), logprob=-0.2, no_speech=0.0, clip=plan.clips[index])

    def cut_parts(self, plan: Plan, spool: Path, folder: Path, *, stop: threading.Event) -> None:
        for part in plan.parts:
            (folder / f"{part.index}.flac").write_bytes(b"flac")

    def expect(self, speed: float) -> None:
        """Ignore the speed: this engine is never waited for."""

    def close(self, _seconds: float = 0) -> None:
        """Count as ended; there is no process to end."""
        self.alive = False
