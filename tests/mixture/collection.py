"""The mixture: mostly ordinary recordings, every tenth bad, another tenth odd; always the same for the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from tests.mixture.bad import bad
from tests.mixture.good import good
from tests.mixture.odd import odd
from tests.mixture.recording import Recording


@dataclass(frozen=True)
class Made:
    """A recording, and the file that it is."""

    recording: Recording
    path: Path

    @property
    def name(self) -> str:
        return self.recording.name


def mixture(count: int, *, every: int = 10) -> list[Recording]:
    """So many recordings; every so many-th is bad, in the next of the ways there are."""
    bad_ones, odd_ones = cycle(bad()), odd()
    chosen = []
    for number in range(count):
        if number % every == every - 1:
            chosen.append(next(bad_ones))
        elif number % every == every // 2 - 1:
            chosen.append(next(odd_ones))
        else:
            chosen.append(good(number))
    return chosen


def make(recordings: Sequence[Recording], folder: Path) -> list[Made]:
    """Write them, each under its name."""
    made = []
    for recording in recordings:
        path = folder / recording.name
        recording.make(path)
        made.append(Made(recording, path))
    return made
