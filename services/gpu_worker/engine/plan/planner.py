"""Reads a recording once and plans it: where there is speech, and which clips and parts that makes."""

from __future__ import annotations

from pathlib import Path

from services.common.domain.options import Options
from services.gpu_worker.engine.audio import refusals
from services.gpu_worker.engine.audio.lengths import COUNTED
from services.gpu_worker.engine.audio.reading import read
from services.gpu_worker.engine.audio.remarks import remarks, truncated_at
from services.gpu_worker.engine.audio.sound import RATE, Hearing, MediaInfo
from services.gpu_worker.engine.plan.clips import ClipFinder
from services.gpu_worker.engine.plan.parts import parts
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.plan.reader import ALONE_SECONDS, PART_SECONDS
from services.gpu_worker.engine.plan.speech import SpeechDetector
from services.gpu_worker.engine.stopping import StopFlag

# No codec for speech uses less. A header that declares more time than the file could hold is not believed.
LEAST_BYTES_A_SECOND = 60


def make_plan(
    path: Path,
    options: Options,
    *,
    max_seconds: float,
    stop: StopFlag,
    part_seconds: float = PART_SECONDS,
    alone_seconds: float = ALONE_SECONDS,
) -> Plan:
    """Plan a recording; its language stays `auto` if the options say so.

    Args:
        path: the recording.
        options: of the job.
        max_seconds: the longest recording that is accepted.
        stop: once it is set, reading stops.
        part_seconds: the least length of a part.
        alone_seconds: the longest recording that stays one part.

    Raises:
        InvalidMediaError, NoAudioTrackError, AudioTooLongError: the recording cannot be transcribed.
        InvalidOptionError: the recording lacks a track that was chosen.
        StoppedError: `stop` is set.

    """
    hearing = Hearing(separate=options.channels == "separate", tracks=options.tracks)
    reading, blocks = read(path, hearing, stop)
    _refuse_long(reading.source, path, max_seconds)
    detectors: list[SpeechDetector] = []
    for block in blocks:
        if reading.samples > max_seconds * RATE:
            raise refusals.too_long(max_seconds)
        detectors = detectors or [SpeechDetector() for _ in block]
        for detector, samples in zip(detectors, block, strict=True):
            detector.feed(samples)
    finder = ClipFinder(len(detectors))
    clips = (*finder.push([detector.finish() for detector in detectors]), *finder.finish(reading.samples))
    return Plan(
        samples=reading.samples,
        channels=len(detectors),
        language=options.language,
        speech=finder.speech,
        clips=clips,
        parts=parts(clips, reading.samples, part=int(part_seconds * RATE), alone=int(alone_seconds * RATE)),
        source=reading.source,
        truncated_at=truncated_at(reading),
        remarks=tuple(remarks(reading)),
        hearing=hearing,
        pauses=tuple(reading.pauses),
    )


def _refuse_long(source: MediaInfo, path: Path, max_seconds: float) -> None:
    declared = source.declared_seconds if source.container in COUNTED and source.declared_seconds else 0.0
    if declared > max_seconds + 1 and path.stat().st_size > declared * LEAST_BYTES_A_SECOND:
        raise refusals.too_long(max_seconds)
