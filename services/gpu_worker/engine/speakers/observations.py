"""What the merge must know of one window of one voice of the sound: who was heard when, and what they sound like.

Pure, with JSON for checkpoints. Who is who in another window is not known here; clustering.py finds that out.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any

from services.gpu_worker.engine.speakers.grid import HEARING, STEP

TICK = 160
"""Samples of a tick, in which all times of an observation are counted: 10 ms."""
TICKS = HEARING // TICK
"""Ticks of a hearing."""
MIDDLE = ((TICKS - STEP // TICK) // 2, (TICKS + STEP // TICK) // 2)
"""The ticks of a window's first hearing whose voices the window describes; those before and behind are another's."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A little of what one track says, and what its voice is like."""

    start: int
    end: int
    """The first tick of the hearing that was used, and the one behind the last; what lies between may have gaps."""
    length: int
    """How many ticks were used."""
    alone: bool
    """Nobody else spoke meanwhile."""
    voice: bytes
    """Numbers of eight bits each (`eight_bits.py`). Only their direction counts."""


@dataclass(frozen=True, slots=True)
class Track:
    """One of at most three voices that were told apart within a hearing."""

    hearing: int
    """The hearing, by its place in HEARINGS."""
    levels: bytes
    """A number for each tick of the hearing (`levels.py`)."""
    pieces: tuple[Piece, ...] = ()
    """In order of time; they do not overlap. Only the first hearing is described, and there whoever says enough."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was heard of one voice of the sound in one window."""

    tracks: tuple[Track, ...] = ()
    """Those of the first hearing come first."""

    def to_json(self) -> list[Any]:
        """A JSON value that `from_json` takes back; about 1.3 KB where somebody speaks all the time."""
        return [[track.hearing, _packed(track.levels), [*map(_piece_to_json, track.pieces)]] for track in self.tracks]

    @classmethod
    def from_json(cls, data: list[Any]) -> Observation:
        """The observation that `to_json` gave."""
        return cls(
            tuple(
                Track(hearing, zlib.decompress(base64.b64decode(levels)), tuple(map(_piece_from_json, pieces)))
                for hearing, levels, pieces in data
            )
        )


def _packed(levels: bytes) -> str:
    return base64.b64encode(zlib.compress(levels, 9)).decode()


def _piece_to_json(piece: Piece) -> list[Any]:
    voice = base64.b64encode(piece.voice).decode()
    return [piece.start, piece.end, piece.length, int(piece.alone), voice]


def _piece_from_json(data: list[Any]) -> Piece:
    start, end, length, alone, voice = data
    return Piece(start, end, length, bool(alone), base64.b64decode(voice))
