"""Whose turn it is in a broadcast: a stream that begins when another has ended goes on with that one's track."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from services.gpu_worker.engine.audio.containers import Untyped
from services.gpu_worker.engine.audio.track import Track

SILENT, MOST_WAITING = 3.0, 500
"""Seconds, or packets, of one stream in which another gives no packet: then that one has ended."""


class Succession:
    """Packets of several streams in the file's order, each with the track it belongs to."""

    def __init__(self, tracks: Sequence[Track], streams: Sequence[Untyped], *, takes_over: bool) -> None:
        """`takes_over`: whether a stream may go on with another's track. If not, each has its own."""
        self._own = {stream.index: track for track, stream in zip(tracks, streams, strict=True)}
        self._track: dict[int, Track] = {} if takes_over and len(tracks) > 1 else dict(self._own)
        self._last: int | None = None
        """The stream of the last packet that has a track."""
        self._new: dict[int, list[Untyped]] = {}
        """Packets of streams that have none yet."""

    def push(self, packet: Untyped) -> Iterable[tuple[Track, Untyped]]:
        """Take the next packet; give those whose track is certain."""
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
        """Streams that came last take over as well."""
        for index in list(self._new):
            yield from self._take_over(index)

    def _beside(self) -> Iterator[tuple[Track, Untyped]]:
        """The others sound while one that has a track does: they are tracks of their own."""
        for index, packets in self._new.items():
            self._track[index] = self._own[index]
            for packet in packets:
                yield self._own[index], packet
        self._new.clear()

    def _take_over(self, index: int) -> Iterator[tuple[Track, Untyped]]:
        """The new stream goes on with the track of the last one, which would have the other's if it came again."""
        ended = self._last or 0
        self._track.pop(ended, None)
        self._own[index], self._own[ended] = self._own[ended], self._own[index]
        self._track[index], self._last = self._own[index], index
        for packet in self._new.pop(index):
            yield self._own[index], packet
