"""Which track a packet of a broadcast belongs to: a stream that begins when another has ended continues its track."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from services.gpu_worker.engine.audio.containers import Untyped
from services.gpu_worker.engine.audio.track import Track

SILENT, MOST_WAITING = 3.0, 500
"""After so many seconds, or packets, of one stream without a packet of another, the other one has ended."""


class Succession:
    """Takes packets of several streams in the file's order; gives each with the track that it belongs to."""

    def __init__(self, tracks: Sequence[Track], streams: Sequence[Untyped], *, takes_over: bool) -> None:
        """`takes_over`: whether a stream may continue the track of another. If not, each has its own."""
        self._own = {stream.index: track for track, stream in zip(tracks, streams, strict=True)}
        self._track: dict[int, Track] = {} if takes_over and len(tracks) > 1 else dict(self._own)
        self._last: int | None = None
        """The index of the stream of the last packet that has a track."""
        self._new: dict[int, list[Untyped]] = {}
        """Packets of streams that have no track yet, by the stream's index."""

    def push(self, packet: Untyped) -> Iterable[tuple[Track, Untyped]]:
        """Take the next packet; give the packets whose track is certain by then."""
        index = packet.stream.index
        if self._last is None:
            self._track[index] = self._own[index]
        if index in self._track:
            self._last = index
            mine = (self._track[index], packet)
            return [mine, *self._beside()] if self._new else (mine,)
        waiting = self._new.setdefault(index, [])
        waiting.append(packet)
        enough = (
            len(waiting) >= MOST_WAITING or (waiting[-1].pts or 0) - (waiting[0].pts or 0) > SILENT / packet.time_base
        )
        return self._take_over(index) if enough else ()

    def finish(self) -> Iterator[tuple[Track, Untyped]]:
        """Give the packets that are left, when the file ends: their streams take over as well."""
        for index in list(self._new):
            yield from self._take_over(index)

    def _beside(self) -> Iterator[tuple[Track, Untyped]]:
        """Give the streams that wait tracks of their own, since a stream with a track goes on beside them."""
        for index, packets in self._new.items():
            self._track[index] = self._own[index]
            for packet in packets:
                yield self._own[index], packet
        self._new.clear()

    def _take_over(self, index: int) -> Iterator[tuple[Track, Untyped]]:
        """Let a new stream continue the track of the last one, which would get the new one's track if it came again."""
        ended = self._last or 0
        self._track.pop(ended, None)
        self._own[index], self._own[ended] = self._own[ended], self._own[index]
        self._track[index], self._last = self._own[index], index
        for packet in self._new.pop(index):
            yield self._own[index], packet
