"""What the merge must know of one window of one voice of the sound: who was heard when, and what they sound like.

Pure, with JSON for checkpoints. Who is who in another window is not known here; clustering.py finds that out.
"""

from __future__ import annotations

import base64
import itertools
from dataclasses import dataclass
from typing import Any

from services.gpu_worker.engine.speakers.grid import STEP, WINDOW

TICK = 160
"""Samples of a tick, in which all times of an observation are counted: 10 ms."""
TICKS = WINDOW // TICK
"""Ticks of a window."""
MIDDLE = ((TICKS - STEP // TICK) // 2, (TICKS + STEP // TICK) // 2)
"""The ticks for which a window answers, STEP long; those before and behind it are another window's middle."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A little of what one track says, and what its voice is like."""

    start: int
    end: int
    """The first tick of the window that was used, and the one behind the last; what lies between may have gaps."""
    length: int
    """How many ticks were used."""
    alone: bool
    """Nobody else spoke meanwhile."""
    voice: bytes
    """Numbers of eight bits each (`eight_bits.py`). Only their direction counts."""


@dataclass(frozen=True, slots=True)
class Track:
    """One of at most three voices that were told apart within a window."""

    spans: tuple[tuple[int, int], ...]
    """When it speaks: first tick, and the one behind the last."""
    pieces: tuple[Piece, ...]
    """In order of time; they do not overlap."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was heard of one voice of the sound in one window."""

    tracks: tuple[Track, ...] = ()

    def to_json(self) -> list[Any]:
        """A JSON value that `from_json` takes back; about 1 KB where somebody speaks all the time."""
        return [
            [list(itertools.chain(*track.spans)), [_piece_to_json(piece) for piece in track.pieces]]
            for track in self.tracks
        ]

    @classmethod
    def from_json(cls, data: list[Any]) -> Observation:
        """The observation that `to_json` gave."""
        return cls(
            tuple(
                Track(tuple(zip(spans[::2], spans[1::2], strict=True)), tuple(map(_piece_from_json, pieces)))
                for spans, pieces in data
            )
        )


def _piece_to_json(piece: Piece) -> list[Any]:
    voice = base64.b64encode(piece.voice).decode()
    return [piece.start, piece.end, piece.length, int(piece.alone), voice]


def _piece_from_json(data: list[Any]) -> Piece:
    start, end, length, alone, voice = data
    return Piece(start, end, length, bool(alone), base64.b64decode(voice))
