"""Any audio or video file, read as blocks of 16 kHz samples in bounded memory.

FFmpeg reads far more than media: playlists that name other files, device inputs, addresses. Only the container formats
of `media_types.py` are opened, and only the protocol `file`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
import numpy.typing as npt

from services.common.domain.errors import InvalidMediaError, NoAudioTrackError
from services.common.domain.media_types import FORMAT_WHITELIST
from services.gpu_worker.engine.plan import RATE, Source
from services.gpu_worker.engine.riff import promised_seconds

Untyped: TypeAlias = Any
"""An object of a library without type information."""
Samples = npt.NDArray[np.int16]
"""Shape (channels, samples)."""

LOWEST_RATE, HIGHEST_RATE = 4_000, 768_000
MOST_CHANNELS = 64
"""What FFmpeg's resampler mixes down."""
BLOCK = RATE
"""Samples a block holds, but the last: a second, so that no time goes into handing over crumbs."""
# Packets that cannot be decoded are passed over; a file with this many in a row is taken to have ended there.
DAMAGED_IN_A_ROW = 200
# Where timestamps jump ahead, sound was lost or a recorder paused: silence keeps the times of what follows. A greater
# jump is a broken clock.
LEAST_GAP, GREATEST_GAP = 0.1, 600.0
"""Seconds."""


class StoppedError(Exception):
    """The caller's stop event was set; what had been yielded until then is good."""


@dataclass
class Reading:
    """What is learnt while a file is read; complete once its blocks are exhausted."""

    source: Source
    samples: int = 0
    damaged_packets: int = 0
    gaps: int = 0


@contextmanager
def _opened(path: Path) -> Iterator[Untyped]:
    options = {"protocol_whitelist": "file", "format_whitelist": FORMAT_WHITELIST}
    try:
        container = av.open(f"file:{path}", options=options, metadata_errors="ignore")
    except (av.error.FFmpegError, ValueError) as error:
        raise InvalidMediaError("The file is no audio or video in a format that is read here.") from error
    with container:
        yield container


def probe(path: Path) -> Source:
    """What the file says about itself. Raises InvalidMediaError and NoAudioTrackError."""
    with _opened(path) as container:
        source = _source(container)
    promised = promised_seconds(path)
    return replace(source, declared_seconds=promised) if promised else source


def _source(container: Untyped) -> Source:
    if not container.streams.audio:
        raise NoAudioTrackError("The file has no sound track.")
    stream = container.streams.audio[0]
    context = stream.codec_context
    rate, channels = stream.sample_rate or 0, stream.channels or 0
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise InvalidMediaError(f"A sample rate of {rate} Hz cannot hold speech.")
    if not 1 <= channels <= MOST_CHANNELS:
        raise InvalidMediaError(f"{channels} channels; at most {MOST_CHANNELS} can be mixed down.")
    return Source(
        container=container.format.name,
        codec=context.name,
        rate=rate,
        channels=channels,
        declared_seconds=container.duration / av.time_base if container.duration else None,
    )


def read(path: Path, channels: int, stop: threading.Event) -> tuple[Reading, Iterator[Samples]]:
    """Open a file and give its samples, mixed down to `channels` (1 or 2), block by block, as 16 bit at 16 kHz.

    Raises InvalidMediaError, NoAudioTrackError, and StoppedError between two blocks once `stop` is set.
    """
    reading = Reading(probe(path))
    return reading, _blocks(path, channels, stop, reading)


def _blocks(path: Path, channels: int, stop: threading.Event, reading: Reading) -> Iterator[Samples]:
    resampler = av.AudioResampler(
        format="s16p", layout="mono" if channels == 1 else "stereo", rate=RATE, frame_size=BLOCK
    )
    with _opened(path) as container:
        for frame in _without_gaps(_frames(container, stop, reading), reading):
            frame.pts = None  # the resampler would make guesses of its own
            for resampled in _resampled(resampler, frame):
                yield _counted(resampled, reading)
        for resampled in _resampled(resampler, None):
            yield _counted(resampled, reading)


def _counted(frame: Untyped, reading: Reading) -> Samples:
    block: Samples = frame.to_ndarray()
    reading.samples += block.shape[1]
    return block


def _resampled(resampler: Untyped, frame: Untyped) -> list[Untyped]:
    try:
        return list(resampler.resample(frame))
    except (av.error.FFmpegError, ValueError) as error:
        raise InvalidMediaError("The sound track changes in a way that cannot be followed.") from error


def _frames(container: Untyped, stop: threading.Event, reading: Reading) -> Iterator[Untyped]:
    """Decoded frames; damaged packets are counted and passed over."""
    in_a_row = 0
    packets = container.demux(container.streams.audio[0])
    while in_a_row < DAMAGED_IN_A_ROW:
        if stop.is_set():
            raise StoppedError
        try:
            packet = next(packets, None)
            if packet is None:
                return
            frames = packet.decode()
        except (av.error.FFmpegError, ValueError):
            in_a_row += 1
            reading.damaged_packets += 1
            continue
        in_a_row = 0 if frames else in_a_row
        yield from frames


def _without_gaps(frames: Iterator[Untyped], reading: Reading) -> Iterator[Untyped]:
    """The frames, with silence in the place of sound that the timestamps say is missing."""
    expected: float | None = None
    for frame in frames:
        if frame.time is not None and expected is not None:
            gap = frame.time - expected
            if LEAST_GAP < gap <= GREATEST_GAP:
                reading.gaps += 1
                yield from _silence(frame, gap)
        if frame.time is not None:
            expected = frame.time + frame.samples / frame.sample_rate
        elif expected is not None:
            expected += frame.samples / frame.sample_rate
        yield frame


def _silence(like: Untyped, seconds: float) -> Iterator[Untyped]:
    missing = round(seconds * like.sample_rate)
    while missing > 0:
        frame = av.AudioFrame(like.format.name, like.layout.name, min(missing, like.sample_rate))
        for plane in frame.planes:
            plane.update((b"\x80" if like.format.name.startswith("u8") else b"\0") * plane.buffer_size)
        frame.sample_rate = like.sample_rate
        missing -= frame.samples
        yield frame
