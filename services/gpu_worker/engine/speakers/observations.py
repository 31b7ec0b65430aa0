"""What the merge must know of one window of one voice of the sound: who was heard when, and what they sound like.

Pure, with JSON for checkpoints. Who is who in another window is not known here; clustering.py finds that out.
"""

from __future__ import annotations

import base64
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.speakers.grid import STEP, WINDOW

TICK = 160
"""Samples of a tick, in which all times of an observation are counted: 10 ms."""
TICKS = WINDOW // TICK
"""Ticks of a window."""
MIDDLE = ((TICKS - STEP // TICK) // 2, (TICKS + STEP // TICK) // 2)
"""The ticks for which a window answers, STEP long; those before and behind it are another window's middle."""

Float = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_LARGEST = 127


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
    """Numbers of eight bits each. Only their direction counts."""

    def direction(self) -> Float:
        """The voice, of length one."""
        numbers = np.frombuffer(self.voice, np.int8).astype(np.float32)
        return numbers / max(np.float32(1), np.linalg.norm(numbers))


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


def eight_bits(voice: Float) -> bytes:
    """A voice as `Piece` keeps it: the angle to what it was is less than a degree."""
    largest = max(float(np.abs(voice).max()), float(np.finfo(np.float32).tiny))
    return bytes(np.rint(voice * (_LARGEST / largest)).astype(np.int8))


def runs(mask: Mask) -> tuple[tuple[int, int], ...]:
    """Where a mask is true: the first index of each run, and the one behind its last."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False)).tolist()
    return tuple(zip(edges[::2], edges[1::2], strict=True))


def _piece_to_json(piece: Piece) -> list[Any]:
    voice = base64.b64encode(piece.voice).decode()
    return [piece.start, piece.end, piece.length, int(piece.alone), voice]


def _piece_from_json(data: list[Any]) -> Piece:
    start, end, length, alone, voice = data
    return Piece(start, end, length, bool(alone), base64.b64decode(voice))
