"""What is heard of each speaker of a recording, and how alike speakers are by that. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.gpu_worker.engine.speakers.joining import Float, Labels
from services.gpu_worker.engine.speakers.likeness import Likeness
from services.gpu_worker.engine.speakers.pieces import Pieces

_FEW_SECONDS = 6.0
"""What is usual counts for as much as so many seconds of a speaker."""
_LEAST_INSIDE = 1e-2
"""Nothing is divided by less."""


@dataclass(frozen=True, slots=True)
class Descriptions:
    """All pieces of each speaker."""

    sums: Float
    """Shape (speakers, numbers): their voices, times their seconds."""
    seconds: Float
    """Shape (speakers,)."""
    squares: Float
    """The sum of the squares of their seconds."""

    @property
    def voices(self) -> Float:
        """Shape (speakers, numbers), each of length one."""
        return directions(self.sums)

    def most_alike(self, likeness: Likeness) -> tuple[float, int, int]:
        """How alike the two speakers are that are most alike, were they described without noise; and who they are.

        That is 1 for one voice, and 0 for two that are as alike as two people are in this recording. Of at least two.

        Two pieces of one voice are not the same, as both have noise; the mean cosine between pieces of one speaker says
        how much. A speaker of few seconds is taken to have as much as is usual.
        """
        products = self.sums @ self.sums.T
        inside = (np.diag(products) - self.squares + likeness.itself * _FEW_SECONDS**2) / (
            self.seconds**2 - self.squares + _FEW_SECONDS**2
        )
        within = np.sqrt(np.maximum(inside, _LEAST_INSIDE))
        between = products / np.maximum(np.outer(self.seconds, self.seconds), _LEAST_INSIDE)
        alike = (between - likeness.other) / np.maximum(np.outer(within, within) - likeness.other, _LEAST_INSIDE)
        np.fill_diagonal(alike, -1)
        one, two = np.unravel_index(int(alike.argmax()), alike.shape)
        return float(alike[one, two]), int(one), int(two)

    def joined(self, one: int, two: int) -> Descriptions:
        """The same, if these two are one speaker, who has the place of the first."""

        def of_both(numbers: Float) -> Float:
            numbers = numbers.copy()
            numbers[one] += numbers[two]
            return np.delete(numbers, two, axis=0)

        return Descriptions(of_both(self.sums), of_both(self.seconds), of_both(self.squares))


def described(pieces: Pieces, labels: Labels) -> Descriptions:
    """What is heard of each speaker who has a piece."""
    present, labels = np.unique(labels, return_inverse=True)
    sums = np.zeros((len(present), pieces.voices.shape[1]), np.float32)
    np.add.at(sums, labels, pieces.voices * pieces.seconds[:, None])
    seconds, squares = (
        np.bincount(labels, numbers, len(present)).astype(np.float32) for numbers in (pieces.seconds, pieces.seconds**2)
    )
    return Descriptions(sums, seconds, squares)


def directions(voices: Float) -> Float:
    """The voices, each of length one."""
    of_length_one: Float = voices / np.linalg.norm(voices, axis=1, keepdims=True)
    return of_length_one
