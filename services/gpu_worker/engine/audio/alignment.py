"""Puts several tracks on one axis of time: pieces of single tracks go in, blocks of all channels come out. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from services.gpu_worker.engine.audio.samples import BLOCK, LONGEST_SILENCE, Block, Names, Pause, Piece
from services.gpu_worker.engine.audio.sound import RATE

MOST_LAG = 30 * RATE
"""How far, in samples, the other tracks wait for one of which nothing is read. Sound that comes later is left out."""
EDGE = RATE
"""Samples of silence that are kept at each end of a pause."""


class Alignment:
    """Takes pieces of tracks in any order; gives blocks and pauses that follow each other without a gap from 0 on."""

    def __init__(self, layout: Sequence[Names]) -> None:
        """`layout`: the channels of each track according to the file, until a piece of it has been read."""
        self._layout = list(layout)
        self._queues: list[deque[Piece]] = [deque() for _ in layout]
        self._reached = [0] * len(layout)
        self._position = 0

    def push(self, track: int, piece: Piece) -> Iterator[Block | Pause]:
        """Take the next piece of a track, by its index; give the blocks and pauses that are complete by then."""
        self._queues[track].append(piece)
        self._reached[track] = piece.end
        yield from self._until(max(min(self._reached), max(self._reached) - MOST_LAG))

    def finish(self) -> Iterator[Block | Pause]:
        """Give what is left, when no more pieces will come."""
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
