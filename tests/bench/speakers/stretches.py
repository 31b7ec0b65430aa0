"""Where in a synthesized sentence there is sound, and where each word is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.gpu_worker.engine.audio.sound import RATE
from tests.bench.speakers.voices import Speech

FRAME = RATE // 100
QUIET = 0.02
"""Of the sentence's root mean square: what is below it in 10 ms is silence, 34 dB under the voice."""
PAUSE = 20
"""Frames: shorter silences, as before a "p" or a "t", belong to the speech."""
_MOMENT = 1e-6
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Speech without a pause; seconds from the sentence's first sample."""

    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedWord:
    """A word of the truth; the times are estimated from the number of letters."""

    text: str
    speaker: str
    start: float
    end: float


def spoken_stretches(sound: Speech) -> list[Stretch]:
    """All stretches of a sound that holds at least one frame of 10 ms; in silence, the whole as one."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    levels = np.sqrt(np.mean(frames**2, axis=1))
    loud = np.flatnonzero(levels >= QUIET * np.sqrt(np.mean(sound**2)))
    pieces = np.split(loud, np.flatnonzero(np.diff(loud) > PAUSE) + 1)
    return [Stretch(float(piece[0]) / 100, float(piece[-1] + 1) / 100) for piece in pieces]


def timed_words(text: str, stretches: Sequence[Stretch], start: float, speaker: str) -> list[TimedWord]:
    """Share the spoken time of a sentence that begins at `start` among its words, by their letters."""
    words = text.split()
    lengths = np.array([stretch.end - stretch.start for stretch in stretches])
    letters = np.cumsum([0, *(len(word) for word in words)]) / sum(len(word) for word in words)
    spoken = np.concatenate([[0], np.repeat(np.cumsum(lengths), 2)[:-1]])
    clock = np.ravel([(stretch.start, stretch.end) for stretch in stretches])
    borders = letters * lengths.sum()
    # A word that begins where a stretch ends begins after the pause; one that ends there ends before it.
    starts = np.interp(borders[:-1] + _MOMENT, spoken, clock).round(3)
    ends = np.interp(borders[1:] - _MOMENT, spoken, clock).round(3)
    return [
        TimedWord(text=word, speaker=speaker, start=round(start + float(first), 3), end=round(start + float(last), 3))
        for word, first, last in zip(words, starts, ends, strict=True)
    ]
