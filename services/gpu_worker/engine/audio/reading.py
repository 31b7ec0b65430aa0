"""Any audio or video file, read as blocks of 16 kHz samples in bounded memory, on the clock that a player shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from services.common.domain.errors import TranscriberError
from services.gpu_worker.engine.audio import refusals
from services.gpu_worker.engine.audio.alignment import Alignment
from services.gpu_worker.engine.audio.appearance import Appearance, appearance
from services.gpu_worker.engine.audio.containers import Untyped, opened
from services.gpu_worker.engine.audio.lengths import promised_seconds
from services.gpu_worker.engine.audio.mixing import Mixer
from services.gpu_worker.engine.audio.openings import Openings
from services.gpu_worker.engine.audio.samples import Block, Pause, Samples
from services.gpu_worker.engine.audio.selection import Selection, select
from services.gpu_worker.engine.audio.sound import RATE, Hearing, MediaInfo, on_the_clock
from services.gpu_worker.engine.audio.track import Track
from services.gpu_worker.engine.audio.watching import Findings
from services.gpu_worker.engine.faults import is_of_the_machine
from services.gpu_worker.engine.stopping import StopFlag, StoppedError

log = structlog.get_logger()


@dataclass
class Reading:
    """What is found out while a file is read; complete once all of its blocks have been taken."""

    source: MediaInfo
    appearance: Appearance
    selection: Selection
    tracks: list[Track] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    samples: int = 0
    """Samples of sound that were read so far."""
    pauses: list[tuple[int, int]] = field(default_factory=list)
    """Long pauses, which are not in the blocks: behind how many samples each begins, and how many it lasts."""
    broken: bool = False
    """Whether reading ended at an error, before the end of the file."""

    @property
    def heard(self) -> list[Track]:
        """The tracks whose sound is in the blocks."""
        return [self.tracks[index] for index in self.findings.heard]

    @property
    def seconds(self) -> float:
        """Where the sound ends, on the clock that a player shows."""
        return self.clock(self.samples)

    def clock(self, samples: int) -> float:
        """The time that a player shows, in seconds, behind so many samples of the blocks."""
        return on_the_clock(samples / RATE, self.pauses)


def read(path: Path, hearing: Hearing, stop: StopFlag) -> tuple[Reading, Iterator[Samples]]:
    """Open a file and give its voices, block by block, as 16 bit at 16 kHz, shape (voices, samples).

    The file is closed with the iterator, or when nobody knows that any more.

    Raises:
        InvalidMediaError: it cannot be read, or holds no sound.
        NoAudioTrackError: it has no sound track.
        InvalidOptionError: it lacks a track that was chosen.
        StoppedError: `stop` is set; it is looked at between two packets.

    """
    with ExitStack() as until_described:
        container, reading = _begun(path, hearing, until_described)
        until_read = until_described.pop_all()
    return reading, _voices(path, container, until_read, stop, reading)


def _begun(path: Path, hearing: Hearing, until_read: ExitStack) -> tuple[Untyped, Reading]:
    """The file as a container, which is closed with `until_read`, and what it says about itself."""
    try:
        container = until_read.enter_context(opened(path))
        selection = select(container, hearing)
        stream = container.streams.audio[selection.numbers[selection.sources.first] - 1]
        source = MediaInfo(
            container=container.format.name,
            codec=stream.codec_context.name,
            rate=stream.rate or 0,
            channels=stream.channels or 0,
            declared_seconds=promised_seconds(path, container, stream),
        )
        seen = appearance(path, container, stream)
    except Exception as error:
        if isinstance(error, TranscriberError) or is_of_the_machine(error):
            raise
        raise refusals.senseless_header() from error
    return container, Reading(source, seen, selection)


def _voices(
    path: Path, container: Untyped, until_read: ExitStack, stop: StopFlag, reading: Reading
) -> Iterator[Samples]:
    mixer = Mixer(reading.selection.sources)
    reading.findings = mixer.findings
    try:
        with until_read:
            for item in _aligned(path, container, stop, reading):
                for mixed in mixer.push(item):
                    yield from _counted(mixed, reading)
    except (TranscriberError, StoppedError):
        raise
    except Exception as error:
        if is_of_the_machine(error):
            raise
        # Every other error of a library is caused by the file; the sound before it is good.
        log.warning("media.broken", error=error, seconds=round(reading.seconds, 3))
        reading.broken = True
    for mixed in mixer.finish():
        yield from _counted(mixed, reading)
    if not reading.samples:
        raise refusals.no_sound()


def _counted(item: Samples | Pause, reading: Reading) -> Iterator[Samples]:
    if isinstance(item, Pause):
        reading.pauses.append((reading.samples, item.samples))
    else:
        reading.samples += item.shape[1]
        yield item


def _aligned(path: Path, container: Untyped, stop: StopFlag, reading: Reading) -> Iterator[Block | Pause]:
    streams = [container.streams.audio[number - 1] for number in reading.selection.numbers]
    reading.tracks = [
        Track(number, path, container, stream)
        for number, stream in zip(reading.selection.numbers, streams, strict=True)
    ]
    alignment = Alignment([track.names for track in reading.tracks])
    openings = Openings(path, reading.tracks, stop)
    for track, piece in openings.pieces(container, streams):
        yield from alignment.push(reading.tracks.index(track), piece)
    reading.broken = openings.given_up
    yield from alignment.finish()
