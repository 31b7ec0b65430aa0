"""The pieces of voices that were heard in a recording. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.speakers.joining import Float, Labels

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Pieces of a recording, in order of their windows."""

    voices: Float
    """Shape (pieces, numbers), each of length one."""
    seconds: Float
    alone: Mask
    """Nobody else spoke meanwhile."""
    windows: Labels
    tracks: Labels
    """The voices that were told apart in the window."""

    def __len__(self) -> int:
        return len(self.voices)

    def __getitem__(self, chosen: Labels | Mask | slice) -> Pieces:
        return Pieces(
            self.voices[chosen], self.seconds[chosen], self.alone[chosen], self.windows[chosen], self.tracks[chosen]
        )

    def pairs(self) -> tuple[Labels, Labels, Mask]:
        """All pairs of pieces in one window; and whether they are of one track."""
        sizes = np.unique(self.windows, return_counts=True)[1]
        ends = np.repeat(np.cumsum(sizes), sizes)
        later = ends - np.arange(len(self)) - 1
        one = np.repeat(np.arange(len(self)), later)
        two = one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(later) - later, later)
        return one, two, self.tracks[one] == self.tracks[two]
