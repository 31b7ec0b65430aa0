"""Several tracks on one axis of time: their pieces of sound, whenever they come, as blocks of all channels. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from services.gpu_worker.engine.audio.samples import BLOCK, LONGEST_SILENCE, Block, Names, Pause, Piece
from services.gpu_worker.engine.audio.sound import RATE

MOST_LAG = 30 * RATE
"""Samples that the others wait for a track of which nothing is read; sound that comes later than that is left out."""
EDGE = RATE
"""Samples of silence that are kept at each end of a pause."""


class Alignment:
    """Takes pieces of tracks in any order, gives blocks and pauses without a hole from the clock's start on."""

    def __init__(self, layout: Sequence[Names]) -> None:
        """`layout`: the channels that the file claims each track to have; what is read counts."""
        self._layout = list(layout)
        self._queues: list[deque[Piece]] = [deque() for _ in layout]
        self._reached = [0] * len(layout)
        self._position = 0

    def push(self, track: int, piece: Piece) -> Iterator[Block | Pause]:
        """Take a piece of a track, by its index."""
        self._queues[track].append(piece)
        self._reached[track] = piece.end
        yield from self._until(max(min(self._reached), max(self._reached) - MOST_LAG))

    def finish(self) -> Iterator[Block | Pause]:
        """What waits for tracks of which no more will come."""
        yield from self._until(max(self._reached))

    def _until(self, end: int) -> Iterator[Block | Pause]:
        while self._position < end:
            for queue in self._queues:
                while queue and queue[0].end <= self._position:
                    queue.popleft()
            heads = [queue[0] if queue else None for queue in self._queues]
            here = [piece if piece and piece.start <= self._position else None for piece in heads]
            limits = [(piece.end if now else piece.start) for piece, now in zip(heads, here, strict=True) if piece]
            until = min([end, *limits])
            if any(here):
                yield self._sounding(here, until)
            else:
                yield from self._silent(until - self._position)
            self._position = until

    def _sounding(self, here: Sequence[Piece | None], until: int) -> Block:
        rows = []
        for index, piece in enumerate(here):
            if piece:
                self._layout[index] = piece.names
                rows.append(piece.samples[:, self._position - piece.start : until - piece.start])
            else:
                rows.append(np.zeros((len(self._layout[index]), until - self._position), np.int16))
        return Block(rows[0] if len(rows) == 1 else np.concatenate(rows), tuple(self._layout))

    def _silent(self, samples: int) -> Iterator[Block | Pause]:
        if samples <= LONGEST_SILENCE:
            yield from self._silence(samples)
        else:
            yield from self._silence(EDGE)
            yield Pause(samples - 2 * EDGE)
            yield from self._silence(EDGE)

    def _silence(self, samples: int) -> Iterator[Block]:
        for start in range(0, samples, BLOCK):
            silence = np.zeros((sum(map(len, self._layout)), min(BLOCK, samples - start)), np.int16)
            yield Block(silence, tuple(self._layout))
