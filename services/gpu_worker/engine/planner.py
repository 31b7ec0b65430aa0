"""Read a recording once and plan it: what is speech, which clips, which parts."""

from __future__ import annotations

import threading
from pathlib import Path

from services.common.domain.errors import AudioTooLongError, InvalidMediaError
from services.common.domain.options import Options
from services.gpu_worker.engine.media import Reading, probe, read
from services.gpu_worker.engine.packing import arrange, boundaries, union
from services.gpu_worker.engine.plan import RATE, Plan, Source
from services.gpu_worker.engine.spans import Thresholds, speech_spans
from services.gpu_worker.engine.speech import SpeechDetector

PART_SECONDS = 1800
ALONE_SECONDS = 3600
"""A recording up to this length is one part."""
# No codec for speech gets below this; a header that declares more time than the file could hold is not believed.
LEAST_BYTES_A_SECOND = 60


def make_plan(
    path: Path,
    options: Options,
    *,
    max_seconds: float,
    stop: threading.Event,
    part_seconds: float = PART_SECONDS,
    alone_seconds: float = ALONE_SECONDS,
) -> Plan:
    """Plan a recording; its language stays `auto` where the options say so.

    Raises InvalidMediaError, NoAudioTrackError, AudioTooLongError, and StoppedError once `stop` is set.
    """
    source = probe(path)
    _refuse_long(source, path, max_seconds)
    separate = options.channels == "separate"
    channels = 2 if separate and source.channels == 2 else 1  # noqa: PLR2004 - stereo
    reading, blocks = read(path, channels, stop)
    detectors = [SpeechDetector() for _ in range(channels)]
    for block in blocks:
        if reading.samples > max_seconds * RATE:
            raise _too_long(max_seconds)
        for detector, samples in zip(detectors, block, strict=True):
            detector.feed(samples)
    if not reading.samples:
        raise InvalidMediaError("The file holds no sound that can be decoded.")
    speech = [speech_spans(detector.finish(), reading.samples, Thresholds()) for detector in detectors]
    together = union(speech)
    cuts = boundaries(together, reading.samples, part=int(part_seconds * RATE), alone=int(alone_seconds * RATE))
    clips, parts = arrange(speech, cuts)
    truncated_at = _truncated_at(reading)
    return Plan(
        samples=reading.samples,
        channels=channels,
        language=options.language,
        speech=sum(end - start for start, end in together),
        clips=clips,
        parts=parts,
        source=source,
        truncated_at=truncated_at,
        warnings=tuple(_warnings(reading, truncated_at, mixed=separate and channels == 1)),
    )


def _refuse_long(source: Source, path: Path, max_seconds: float) -> None:
    declared = source.declared_seconds or 0.0
    if declared > max_seconds + 1 and path.stat().st_size > declared * LEAST_BYTES_A_SECOND:
        raise _too_long(max_seconds)


def _too_long(max_seconds: float) -> AudioTooLongError:
    return AudioTooLongError(f"The recording is longer than the {max_seconds / 3600:.3g} hours that are allowed here.")


def _truncated_at(reading: Reading) -> float | None:
    """Where the sound ended, if the header promised clearly more."""
    declared = reading.source.declared_seconds
    seconds = reading.samples / RATE
    if declared is None or declared - seconds <= max(2.0, 0.02 * declared):
        return None
    return round(seconds, 2)


def _warnings(reading: Reading, truncated_at: float | None, *, mixed: bool) -> list[str]:
    warnings = []
    if truncated_at is not None:
        warnings.append("truncated")
    if reading.damaged_packets:
        warnings.append("damaged_packets")
    if reading.gaps:
        warnings.append("gaps")
    if mixed:
        warnings.append("channels_mixed")
    return warnings
