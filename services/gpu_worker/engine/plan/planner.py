"""Reads a recording once: spools its sound, finds out where there is speech, and gives the clips as they are decided.

Reading and speech detection are on two threads. What is decided depends on the sound alone.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from services.common.domain.options import Options
from services.gpu_worker.engine.ahead import ahead
from services.gpu_worker.engine.audio import refusals
from services.gpu_worker.engine.audio.lengths import COUNTED
from services.gpu_worker.engine.audio.reading import Reading, read
from services.gpu_worker.engine.audio.remarks import remarks, truncated_at
from services.gpu_worker.engine.audio.samples import Samples
from services.gpu_worker.engine.audio.sound import RATE, Hearing, LongPause, MediaInfo
from services.gpu_worker.engine.listening.listening import listening
from services.gpu_worker.engine.plan.clips import ClipFinder
from services.gpu_worker.engine.plan.parts import parts
from services.gpu_worker.engine.plan.plan import Clip, Plan
from services.gpu_worker.engine.plan.reader import USUAL, Cutting, Items, ReadClip
from services.gpu_worker.engine.plan.speech import SpeechDetector
from services.gpu_worker.engine.plan.spool import spooled, voice_files
from services.gpu_worker.engine.stopping import AnyOf, StopFlag

# No codec for speech uses less. A header that declares more time than the file could hold is not believed.
LEAST_BYTES_A_SECOND = 60
MOST_BLOCKS = 60
"""How many blocks, of a second each, reading may be ahead of speech detection."""


def plan(
    path: Path, options: Options, *, spool: Path, max_seconds: float, stop: StopFlag, cutting: Cutting = USUAL
) -> Items:
    """Plan a recording: the clips in the order of their indices, each as soon as it is decided and spooled; the plan.

    When the plan comes, what is written for people who listen is in the spool's folder (`listening/files.py`).
    The plan's language stays `auto` if the options say so.

    Args:
        path: the recording.
        options: of the job.
        spool: the folder that gets the sound.
        max_seconds: the longest recording that is accepted.
        stop: once it is set, reading stops.
        cutting: how the recording is cut into parts.

    Raises:
        InvalidMediaError, NoAudioTrackError, AudioTooLongError: the recording cannot be transcribed; perhaps found out
            after some of its clips were given.
        InvalidOptionError: the recording lacks a track that was chosen.
        StoppedError: `stop` is set.

    """
    hearing = Hearing(separate=options.channels == "separate", tracks=options.tracks)
    over = threading.Event()
    reading, blocks = read(path, hearing, AnyOf(stop, over))
    _refuse_long(reading.source, path, max_seconds)
    planning = _Planning(reading)
    with (
        listening(reading, spool, partial(voice_files, spool)) as heard,
        ahead(spooled(blocks, spool), MOST_BLOCKS, over) as read_blocks,
    ):
        for block in read_blocks:
            planning.position += block.shape[1]
            if planning.position > max_seconds * RATE:
                raise refusals.too_long(max_seconds)
            heard.push(block)
            yield from planning.push(block)
        yield from planning.finish()
        left = heard.finish(stop)
    yield replace(planning.plan(options.language, hearing, cutting), listening=left)


class _Planning:
    """From blocks of voices to clips."""

    def __init__(self, reading: Reading) -> None:
        self.position = 0
        """How many samples were read."""
        self.clips: list[Clip] = []
        self.detectors: list[SpeechDetector] = []
        self.finder = ClipFinder(0)
        self._reading = reading
        self._decided: deque[Clip] = deque()
        """Clips whose sound is not yet known to be whole."""
        self._pauses_given = 0

    def push(self, block: Samples) -> Iterator[ReadClip]:
        if not self.detectors:
            self.detectors = [SpeechDetector() for _ in block]
            self.finder = ClipFinder(len(block))
        probabilities = [detector.feed(samples) for detector, samples in zip(self.detectors, block, strict=True)]
        yield from self._given(self.finder.push(probabilities))

    def finish(self) -> Iterator[ReadClip]:
        last = self.finder.push([detector.finish() for detector in self.detectors])
        rest = self.finder.finish(self.position)
        self.position += 1  # nothing comes after the end, so the last clips are whole
        yield from self._given([*last, *rest])

    def plan(self, language: str, hearing: Hearing, cutting: Cutting) -> Plan:
        """The plan of a recording that has been read to its end."""
        reading = self._reading
        cut = parts(
            self.clips,
            reading.samples,
            part=int(cutting.part_seconds * RATE),
            alone=int(cutting.alone_seconds * RATE),
        )
        made = Plan(
            samples=reading.samples,
            channels=len(self.detectors),
            language=language,
            speech=self.finder.speech,
            clips=tuple(self.clips),
            parts=cut,
            source=reading.source,
            truncated_at=truncated_at(reading),
            remarks=tuple(remarks(reading)),
            hearing=hearing,
            pauses=tuple(reading.pauses),
        )
        return made.with_at_most(cutting.most_parts)

    def _given(self, clips: Sequence[Clip]) -> Iterator[ReadClip]:
        """Give the clips behind whose end there is more sound: a pause that begins there is known by then."""
        self.clips.extend(clips)
        self._decided.extend(clips)
        while self._decided and self._decided[0].end < self.position:
            clip = self._decided.popleft()
            pauses = self._pauses_until(clip.end)
            yield ReadClip(clip, pauses)

    def _pauses_until(self, position: int) -> tuple[LongPause, ...]:
        pauses = self._reading.pauses
        first = self._pauses_given
        while self._pauses_given < len(pauses) and pauses[self._pauses_given][0] <= position:
            self._pauses_given += 1
        return tuple(pauses[first : self._pauses_given])


def _refuse_long(source: MediaInfo, path: Path, max_seconds: float) -> None:
    declared = source.declared_seconds if source.container in COUNTED and source.declared_seconds else 0.0
    if declared > max_seconds + 1 and path.stat().st_size > declared * LEAST_BYTES_A_SECOND:
        raise refusals.too_long(max_seconds)
