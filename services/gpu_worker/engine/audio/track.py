"""One sound track: it decodes packets into 16 kHz samples, each with its place on the clock."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import av

from services.gpu_worker.engine.audio.clock import LONGEST_JUMP, LONGEST_SPLICE, Clock
from services.gpu_worker.engine.audio.containers import (
    STAMPLESS,
    Untyped,
    is_spliced,
    name,
)
from services.gpu_worker.engine.audio.lengths import promised_seconds
from services.gpu_worker.engine.audio.resampling import Resampler
from services.gpu_worker.engine.audio.samples import LONGEST_SILENCE, Names, Piece, Samples
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.audio.tags import is_tagged
from services.gpu_worker.engine.faults import is_of_the_machine

LOWEST_RATE, HIGHEST_RATE = 4_000, 768_000
"""Sample rates in Hz: half of a telephone's, and the highest of any recorder."""
MOST_CHANNELS = 64
"""The most that FFmpeg's resampler takes."""
LONGEST = LONGEST_SILENCE / RATE
"""Seconds without sound after which the resampler begins anew, instead of filling them with silence."""
_CHUNK = 8
"""Bytes of a chunk's header, to which AVI's index points."""


def why_not(stream: Untyped) -> str | None:
    """Why a stream cannot be decoded, as the end of a sentence; None where it can be tried."""
    if stream.codec_context is None:
        return "its codec is not known here"
    rate, channels = stream.rate or 0, stream.channels or 0  # 0: not known before it is decoded
    if rate and not LOWEST_RATE <= rate <= HIGHEST_RATE:
        return f"a sample rate of {rate} Hz cannot hold speech"
    if channels > MOST_CHANNELS:
        return f"it has {channels} channels, and at most {MOST_CHANNELS} can be read"
    return None


def _index(stream: Untyped) -> dict[int, int]:
    """The stamps of AVI's index by the packets' positions, as FFmpeg only counts packets, even across damage.

    Empty where the index counts in bytes.
    """
    entries = stream.index_entries
    if not len(entries) or entries[-1].timestamp > (stream.duration or 0):
        return {}
    return {entry.pos + _CHUNK: entry.timestamp for entry in entries}


class Track:
    """Decodes and resamples one track; `feed` takes its packets. Damaged packets are skipped and counted."""

    def __init__(self, number: int, path: Path, container: Untyped, stream: Untyped) -> None:
        self.number = number
        """Counted from 1 among the file's sound tracks."""
        self.names: Names = tuple(channel.name for channel in stream.layout.channels) or ("NONE",)
        self.damaged = self.failed_in_a_row = self._failed = 0
        """Packets that could not be decoded: all, those since the last good packet, and those directly before it."""
        self.decoded = False
        self.promised = promised_seconds(path, container, stream)
        self.clock: Clock[Untyped] = Clock(LONGEST_SPLICE if is_spliced(container) else LONGEST_JUMP)
        self._path = path
        self._origin = (container.start_time or 0) / av.time_base
        self._resampler: Resampler | None = None
        self._began = 0.0
        self._until = 0.0
        self._at = 0
        self.follow(container, stream)

    def follow(self, container: Untyped, stream: Untyped, start: int = 0) -> None:
        """Go on with a stream of the file after it was opened again at the byte `start`; the clock goes on as well."""
        self._stream = stream
        self._start, self._pushed = start, self.clock.pushed
        self._tick = float(stream.time_base)
        self._index = _index(stream) if name(container) == "avi" else {}
        self._stampless = name(container) in STAMPLESS
        self.end = 0
        """The byte of this opening behind the last good packet; 0 before there is one, or where packets have no
        position."""
        self._first = 0
        self.damaged -= self.failed_in_a_row  # these belonged to another file, or another codec
        self.failed_in_a_row = 0

    def feed(self, packet: Untyped) -> Iterator[Piece]:
        """Decode a packet; give the samples that are complete by then."""
        if packet.stream is not self._stream:
            yield from self.drain()
            self._stream = packet.stream
        try:
            frames = packet.decode()
        except Exception as error:
            if is_of_the_machine(error):
                raise
            self.damaged += 1  # every other error is the packet's, which is skipped
            self.failed_in_a_row += 1
            return
        if frames:
            self._failed, self.failed_in_a_row = self.failed_in_a_row, 0
            if self._index and packet.pos in self._index:
                frames[0].pts = self._index[packet.pos]
            self._push(frames, self._skipped(packet))
            if self.clock.ready:
                yield from self._resampled(self.clock.take())

    def drain(self) -> Iterator[Piece]:
        """Give the samples that the decoder still holds, when no packet of this stream will come."""
        with contextlib.suppress(Exception):  # as in `feed`
            self._push(self._stream.decode(None), 0.0)
        yield from self._resampled(self.clock.take())

    def finish(self) -> Iterator[Piece]:
        """Give the samples that are left, when the file ends."""
        if not self.end:
            self.damaged -= self.failed_in_a_row  # no packet of that opening was good, so it was no sound
        yield from self._resampled(self.clock.flush())
        yield from self._end_section()

    def _push(self, frames: list[Untyped], skipped: float) -> None:
        for frame in frames:
            rate = frame.sample_rate
            if not LOWEST_RATE <= rate <= HIGHEST_RATE:
                self.damaged += 1
                continue
            stamped = frame.pts is not None and not (self._stampless and self.decoded)
            stamp = frame.pts * self._tick - self._origin if stamped else None
            self.clock.push(frame, stamp, frame.samples / rate, skipped)
            self.decoded = True
            skipped = 0.0

    def _resampled(self, placed: Iterator[tuple[Untyped, float, float]]) -> Iterator[Piece]:
        for frame, place, length in placed:
            if self._resampler is None or place - self._until > LONGEST or not self._resampler.takes(frame):
                yield from self._end_section()
                self._begin_section(frame, place)
            if self._resampler is None:
                continue
            if blocks := self._resampler.push(frame, place - self._began):
                yield from self._pieces(blocks)
            self._until = place + length

    def _begin_section(self, frame: Untyped, place: float) -> None:
        """Begin with a new resampler: frames of another format follow, or a pause that is too long to be filled."""
        try:
            self._resampler = Resampler(frame)
        except (av.error.FFmpegError, ValueError):  # channels that FFmpeg cannot name
            self.damaged += 1
            return
        self.names = self._resampler.names
        self._began = place
        self._at = max(self._at, round(place * RATE))

    def _end_section(self) -> Iterator[Piece]:
        if self._resampler is not None:
            yield from self._pieces(self._resampler.finish())
            self._resampler = None

    def _pieces(self, blocks: Iterator[Samples]) -> Iterator[Piece]:
        for samples in blocks:
            piece = Piece(self._at, samples, self.names)
            self._at = piece.end
            yield piece

    def _skipped(self, packet: Untyped) -> float:
        """Seconds of sound that the bytes between the last good packet and this one would hold at the mean bit rate."""
        position = packet.pos
        if position is None or position < 0:
            return 0.0
        before, self.end = self.end, max(position + packet.size, self.end)
        self._first = self._first if before else position
        if before <= self._first or position <= before + packet.size:
            return 0.0
        if self._stampless and is_tagged(self._path, self._start + before, self._start + position):
            self.damaged -= self._failed
            return 0.0
        return float((position - before) * (self.clock.pushed - self._pushed) / (before - self._first))
