"""Made observations: voices are directions, and a piece of one is its direction with some noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.gpu_worker.engine.speakers.eight_bits import Float, eight_bits
from services.gpu_worker.engine.speakers.grid import HEARINGS, STEP
from services.gpu_worker.engine.speakers.levels import levels_of
from services.gpu_worker.engine.speakers.observations import (
    MIDDLE,
    TICK,
    TICKS,
    Observation,
    Piece,
    Track,
)
from services.gpu_worker.engine.speakers.pieces import Pieces

NUMBERS = 192


def people(count: int, *, alike: float = 0.0, seed: int = 1) -> Float:
    """Directions of so many voices; `alike` is the cosine between any two."""
    random = np.random.default_rng(seed)
    own = np.linalg.qr(random.standard_normal((NUMBERS, count + 1)))[0].T
    return np.asarray(np.sqrt(alike) * own[:1] + np.sqrt(1 - alike) * own[1:], np.float32)


def spoken(voice: Float, random: np.random.Generator, *, like_itself: float = 0.6) -> Float:
    """A piece of a voice; two pieces of it have a cosine of about `like_itself`."""
    noise = random.standard_normal(NUMBERS) / np.sqrt(NUMBERS)
    piece = np.sqrt(like_itself) * voice + np.sqrt(1 - like_itself) * noise
    return np.asarray(piece / np.linalg.norm(piece), np.float32)


def pieces_of(
    voices: Float, who: Sequence[int], *, seconds: float = 1.5, a_window: int = 3, like_itself: float = 0.6
) -> Pieces:
    """Pieces one after another, so many a window; `who` says whose voice each is, by index."""
    random = np.random.default_rng(2)
    return Pieces(
        voices=np.stack([spoken(voices[person], random, like_itself=like_itself) for person in who]),
        seconds=np.full(len(who), seconds, np.float32),
        alone=np.ones(len(who), bool),
        windows=np.arange(len(who)) // a_window,
        tracks=np.array(who) % 3,
    )


def dialogue(voices: Float, turns: Sequence[tuple[int, int, int]], windows: int) -> list[Observation]:
    """What is heard in so many windows; `turns` has the first tick of each turn, the one behind its last, and who."""
    random = np.random.default_rng(3)
    return [_heard(voices, turns, window * STEP // TICK, random) for window in range(windows)]


def _heard(
    voices: Float, turns: Sequence[tuple[int, int, int]], offset: int, random: np.random.Generator
) -> Observation:
    tracks = []
    for hearing, beginning in enumerate(HEARINGS):
        for person in sorted({person for _, _, person in turns}):
            from_here = [
                (start - offset - beginning // TICK, end - offset - beginning // TICK, who) for start, end, who in turns
            ]
            spans = [(max(0, start), min(TICKS, end)) for start, end, who in from_here if who == person]
            heard = [(start, end) for start, end in spans if start < end]
            pieces = [
                Piece(first, last, last - first, alone=True, voice=eight_bits(spoken(voices[person], random)))
                for start, end in heard
                for first, last in _cut(max(start, MIDDLE[0]), min(end, MIDDLE[1]))
            ]
            if heard:
                tracks.append(track(*heard, hearing=hearing, pieces=() if hearing else tuple(pieces)))
    return Observation(tuple(tracks))


def track(*spans: tuple[int, int], hearing: int = 0, pieces: tuple[Piece, ...] = ()) -> Track:
    """A track that surely speaks in these ticks, and in no others."""
    likely = np.zeros(TICKS, np.float32)
    for start, end in spans:
        likely[start:end] = 1
    return Track(hearing, levels_of(likely), pieces)


def _cut(start: int, end: int) -> list[tuple[int, int]]:
    return [(first, min(first + 150, end)) for first in range(start, end, 150) if end - first >= 40]
