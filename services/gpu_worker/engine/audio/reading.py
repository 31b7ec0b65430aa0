"""Any audio or video file, read as blocks of 16 kHz samples in bounded memory.

A file is a sequence of openings: where one ends before the file does, behind damage, where files were joined or a
broadcast changed its programme, it is opened again. The tracks, their clocks and what was settled outlive that.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import structlog

from services.common.domain.errors import InvalidMediaError, TranscriberError
from services.gpu_worker.engine.audio.alignment import Alignment
from services.gpu_worker.engine.audio.containers import ANYWHERE, Untyped, is_spliced, name, next_beginning, opened
from services.gpu_worker.engine.audio.lengths import promised_seconds
from services.gpu_worker.engine.audio.mixing import Findings, Mixer
from services.gpu_worker.engine.audio.samples import Block, Pause, Piece, Samples
from services.gpu_worker.engine.audio.selection import Selection, select
from services.gpu_worker.engine.audio.succession import Succession
from services.gpu_worker.engine.audio.track import Track
from services.gpu_worker.engine.plan import RATE, Hearing, Source

log = structlog.get_logger()
MOST_OPENINGS = 100
LEAST_LEFT = 100_000
"""Bytes behind the last packet of a broadcast that are worth another opening; other formats show where they begin."""
LOST_IN_A_ROW = 20
"""Packets that cannot be decoded: perhaps another file, or another codec, has begun."""
LOOK_BACK = 2**16
"""Bytes before these that may be of the other one already."""
STUCK = 20
"""Errors in a row, of a demuxer that does not get on."""


class StoppedError(Exception):
    """The caller's stop event was set; what had been yielded until then is good."""


@dataclass
class Reading:
    """What is learnt while a file is read; complete once its blocks are exhausted."""

    source: Source
    selection: Selection
    tracks: list[Track] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    samples: int = 0
    """Of sound that was read, so far."""
    pauses: list[tuple[int, int]] = field(default_factory=list)
    """Long ones, which are not in the blocks: behind how many samples, and how many samples they last."""
    broken: bool = False
    """Whether reading ended at an error that nothing was known to do about."""

    @property
    def heard(self) -> list[Track]:
        """The tracks that are in the blocks."""
        return [self.tracks[index] for index in self.findings.heard]

    @property
    def seconds(self) -> float:
        """Where the sound ends on the clock."""
        return (self.samples + sum(length for _, length in self.pauses)) / RATE

    def clock(self, samples: int) -> float:
        """The time that a player shows, in seconds, behind so many samples of the blocks."""
        return (samples + sum(length for position, length in self.pauses if position <= samples)) / RATE


def probe(path: Path, hearing: Hearing) -> tuple[Source, Selection]:
    """What the file says about itself. Raises InvalidMediaError, NoAudioTrackError, InvalidOptionError."""
    with opened(path) as container:
        selection = select(container, hearing)
        stream = container.streams.audio[selection.numbers[selection.sources.first] - 1]
        source = Source(
            container=container.format.name,
            codec=stream.codec_context.name,
            rate=stream.rate or 0,
            channels=stream.channels or 0,
            declared_seconds=promised_seconds(path, container, stream),
        )
    return source, selection


def read(path: Path, hearing: Hearing, stop: threading.Event) -> tuple[Reading, Iterator[Samples]]:
    """Open a file and give its voices, block by block, as 16 bit at 16 kHz, shape (voices, samples).

    Raises InvalidMediaError, NoAudioTrackError, InvalidOptionError for a track that there is not, and StoppedError
    between two blocks once `stop` is set.
    """
    reading = Reading(*probe(path, hearing))
    return reading, _voices(path, stop, reading)


def _voices(path: Path, stop: threading.Event, reading: Reading) -> Iterator[Samples]:
    mixer = Mixer(reading.selection.sources)
    reading.findings = mixer.findings
    try:
        for item in _aligned(path, stop, reading):
            for mixed in mixer.push(item):
                yield from _counted(mixed, reading)
    except (TranscriberError, StoppedError, MemoryError):
        raise
    except Exception as error:
        # Whatever a library says of a file, the file is at fault. What was read until then is good.
        log.warning("media.broken", error=type(error).__name__, seconds=round(reading.seconds, 3))
        reading.broken = True
    for mixed in mixer.finish():
        yield from _counted(mixed, reading)
    if not reading.samples:
        raise InvalidMediaError("The file holds no sound that can be decoded.")


def _counted(item: Samples | Pause, reading: Reading) -> Iterator[Samples]:
    if isinstance(item, Pause):
        reading.pauses.append((reading.samples, item.samples))
    else:
        reading.samples += item.shape[1]
        yield item


def _aligned(path: Path, stop: threading.Event, reading: Reading) -> Iterator[Block | Pause]:
    with ExitStack() as stack:
        container = stack.enter_context(opened(path))
        streams = [container.streams.audio[number - 1] for number in reading.selection.numbers]
        reading.tracks = [
            Track(number, path, container, stream)
            for number, stream in zip(reading.selection.numbers, streams, strict=True)
        ]
        alignment = Alignment([track.names for track in reading.tracks])
        for track, piece in _pieces(path, stop, reading.tracks, container, streams):
            yield from alignment.push(reading.tracks.index(track), piece)
        yield from alignment.finish()


def _pieces(
    path: Path, stop: threading.Event, tracks: list[Track], container: Untyped, streams: list[Untyped]
) -> Iterator[tuple[Track, Piece]]:
    """Every opening's sound, in the order of the file."""
    form = name(container)
    end = yield from _opening(path, stop, tracks, container, streams)
    for _ in range(MOST_OPENINGS):
        start = next_beginning(path, form, end) if end else None
        if start is None or (form in ANYWHERE and path.stat().st_size - start < LEAST_LEFT):
            break
        end = start + 1
        with suppress(InvalidMediaError), opened(path, start, form) as again:
            streams = [stream for stream in again.streams.audio if stream.codec_context][: len(tracks)]
            for track, stream in zip(tracks, streams, strict=False):
                track.follow(again, stream)
            end = max(end, (yield from _opening(path, stop, tracks[: len(streams)], again, streams, start)))
        if form in ANYWHERE and end == start + 1:
            break
    for track in tracks:
        for piece in track.finish():
            yield track, piece


def _opening(
    path: Path, stop: threading.Event, tracks: list[Track], container: Untyped, streams: list[Untyped], start: int = 0
) -> Generator[tuple[Track, Piece], None, int]:
    """Demux and decode to the end of what began at a byte; give the byte behind the last packet that was of use."""
    succession = Succession(tracks, streams, takes_over=is_spliced(container))
    for packet in _packets(stop, container, streams):
        for track, one in succession.push(packet):
            for piece in track.feed(one):
                yield track, piece
            if track.failed_in_a_row and track.failed_in_a_row % LOST_IN_A_ROW == 0:
                another = next_beginning(path, name(container), _read_to(container, tracks, start))
                if another is not None and one.pos is not None and another < start + one.pos:
                    return _read_to(container, tracks, start)
    for track, one in succession.finish():
        for piece in track.feed(one):
            yield track, piece
    for track in tracks:
        for piece in track.drain():
            yield track, piece
    return _read_to(container, tracks, start)


def _read_to(container: Untyped, tracks: list[Track], start: int) -> int:
    """The byte behind the last packet that was surely of use: where others fail, one that does not proves little."""
    end = max(track.end for track in tracks)
    doubtful = name(container) not in ANYWHERE and all(track.failed_in_a_row for track in tracks)
    return start + max(end - LOOK_BACK * doubtful, min(end, 1))


def _packets(stop: threading.Event, container: Untyped, streams: list[Untyped]) -> Iterator[Untyped]:
    """All packets of the streams; an error of the demuxer is passed over as long as it gets on behind it."""
    errors = 0
    packets = container.demux(streams)
    while errors < STUCK:
        if stop.is_set():
            raise StoppedError
        try:
            packet = next(packets, None)
        except IndexError:  # PyAV's, at the end, of streams that appeared on the way
            return
        except (av.error.FFmpegError, ValueError):
            errors += 1
            packets = container.demux(streams)
            continue
        if packet is None:
            return
        if packet.dts is None and not packet.size:  # PyAV's way to end: a track drains its decoder by itself
            continue
        errors = 0
        yield packet
