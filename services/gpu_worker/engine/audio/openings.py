"""Reads a file in one or several openings of its container.

The demuxer may end before the file does: behind damage, where files were joined, or where a broadcast changed its
programme. Then the file is opened again further on, with the same tracks and clocks.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import av

from services.common.domain.errors import InvalidMediaError
from services.gpu_worker.engine.audio.beginnings import ANYWHERE, FRAGMENTED, next_beginning, next_fragment
from services.gpu_worker.engine.audio.containers import Untyped, is_spliced, name, opened
from services.gpu_worker.engine.audio.samples import Piece
from services.gpu_worker.engine.audio.succession import Succession
from services.gpu_worker.engine.audio.track import Track
from services.gpu_worker.engine.stopping import StopFlag, StoppedError

MOST_OPENINGS, MOST_IN_VAIN = 1000, 20
"""Openings of one file, and openings in a row that give no sound: beginnings that are found by chance must not cost
hours."""
LEAST_LEFT = 100_000
"""Bytes behind the last packet that are worth another opening, in formats that do not show where they begin."""
LOST_IN_A_ROW = 20
"""After so many packets in a row that cannot be decoded, another file is searched for."""
LOOK_BACK = 2**16
"""Bytes before those packets that may belong to another file already."""
STUCK = 20_000
"""Errors in a row after which an opening ends: each is for some 64 KiB of damage, or the demuxer makes no progress."""


@dataclass
class Openings:
    """The openings of one file; `pieces` reads them."""

    path: Path
    tracks: list[Track]
    stop: StopFlag
    given_up: bool = False
    """Whether the file had more places to open than were tried."""

    def pieces(self, container: Untyped, streams: list[Untyped]) -> Iterator[tuple[Track, Piece]]:
        """The sound of the tracks' streams, and of what follows them in the file, in the file's order.

        Raises:
            StoppedError: `stop` is set; it is looked at between two packets.

        """
        form = name(container)
        fragmented = not any(stream.frames for stream in streams)
        end = yield from self._opening(self.tracks, container, streams)
        in_vain = 0
        for _ in range(MOST_OPENINGS):
            start, head = self._next(form, end, fragmented=fragmented) if end else (None, 0)
            if start is None:
                break
            read_to = yield from self._again(form, start, head)
            in_vain = 0 if read_to else in_vain + 1
            if in_vain and (form in ANYWHERE or in_vain > MOST_IN_VAIN):
                break
            end = max(start + 1, read_to)
        else:
            self.given_up = True
        for track in self.tracks:
            for piece in track.finish():
                yield track, piece

    def _next(self, form: str, end: int, *, fragmented: bool) -> tuple[int | None, int]:
        """Where reading can resume at or behind a byte, and how many of the file's first bytes that needs."""
        start = next_beginning(self.path, form, end)
        fragment = next_fragment(self.path, form, end) if fragmented else None
        if fragment and (start is None or fragment[0] < start):
            return fragment
        if start is not None and form in ANYWHERE and self.path.stat().st_size - start < LEAST_LEFT:
            return None, 0
        return start, 0

    def _again(self, form: str, start: int, head: int) -> Generator[tuple[Track, Piece], None, int]:
        if self.stop.is_set():
            raise StoppedError
        with suppress(InvalidMediaError), opened(self.path, start, form, head) as container:
            follow = self._followed(container)
            tracks, streams = list(follow), list(follow.values())
            for track, stream in follow.items():
                track.follow(container, stream, 0 if head else start)
            if tracks:
                return (yield from self._opening(tracks, container, streams, 0 if head else start))
        return 0

    def _followed(self, container: Untyped) -> dict[Track, Untyped]:
        """The stream of each track that goes on: the stream with its number, or the only stream."""
        streams = dict(enumerate(container.streams.audio, 1))
        if len(streams) == 1:
            streams = {self.tracks[0].number: streams[1]}
        return {
            track: streams[track.number]
            for track in self.tracks
            if track.number in streams and streams[track.number].codec_context
        }

    def _opening(
        self, tracks: list[Track], container: Untyped, streams: list[Untyped], start: int = 0
    ) -> Generator[tuple[Track, Piece], None, int]:
        """Demux and decode one opening, from the byte `start` on.

        Returns:
            The byte behind the last packet that was surely good; 0 without one.

        """
        form = name(container)
        succession = Succession(tracks, streams, takes_over=is_spliced(container))
        for packet in _packets(self.stop, container, streams):
            for track, due in succession.push(packet):
                for piece in track.feed(due):
                    yield track, piece
                if track.failed_in_a_row and self._is_another(form, tracks, start, due):
                    return _end(form, tracks, start)
        for track, due in succession.finish():
            for piece in track.feed(due):
                yield track, piece
        for track in tracks:
            for piece in track.drain():
                yield track, piece
        stretch = start + container.size
        return stretch if stretch < self.path.stat().st_size else _end(form, tracks, start)

    def _is_another(self, form: str, tracks: list[Track], start: int, packet: Untyped) -> bool:
        """Whether packets cannot be decoded because another file, or another codec, has begun."""
        failed = [track.failed_in_a_row for track in tracks]
        if not all(failed) or max(failed) % LOST_IN_A_ROW or packet.pos is None:
            return False
        begins = next_beginning(self.path, form, _end(form, tracks, start))
        return begins is not None and begins < start + packet.pos


def _end(form: str, tracks: list[Track], start: int) -> int:
    """The byte behind the last good packet, or some way before it: where others fail, one may be decoded by chance."""
    end = max(track.end for track in tracks)
    doubtful = form not in ANYWHERE | FRAGMENTED and all(track.failed_in_a_row for track in tracks)
    return start + max(end - LOOK_BACK * doubtful, 1) if end else 0


def _packets(stop: StopFlag, container: Untyped, streams: list[Untyped]) -> Iterator[Untyped]:
    """All packets of the streams; an error of the demuxer is skipped as long as it makes progress afterwards."""
    errors = 0
    packets = container.demux(streams)
    while errors < STUCK:
        if stop.is_set():
            raise StoppedError
        try:
            packet = next(packets, None)
        except IndexError:  # PyAV raises it at the end, for streams that began after the file was opened
            return
        except (av.error.FFmpegError, ValueError):
            errors += 1
            packets = container.demux(streams)
            continue
        if packet is None:
            return
        if packet.dts is None and not packet.size:  # PyAV ends with it, to drain decoders: tracks do that themselves
            continue
        errors = 0
        yield packet
