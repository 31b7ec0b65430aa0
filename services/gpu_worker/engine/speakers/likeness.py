"""How alike voices are in a recording: what it says about itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from services.gpu_worker.engine.speakers.joining import Float
from services.gpu_worker.engine.speakers.pieces import Pieces

_ITSELF, _OTHER = 0.6, 0.1
"""How alike pieces of one voice are, and of two, where a recording says nothing about it; measured on real voices."""
_SURE = 4
"""So many pairs of pieces count as much as these."""
_IN_VAIN = 0.65
"""If voices that segmentation told apart are more alike than this share of what one voice is, they are one voice, which
whispers and shouts, say. Where several people speak, the share was 0.55 at most."""
_LOWEST, _HIGHEST = 0.2, 0.6
"""No recording moves a cut farther."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """The mean cosine between pieces of one voice, and between pieces of two."""

    itself: float
    other: float

    def between(self, cut: float) -> float:
        """A cosine that lies so far on the way from two people to one voice."""
        return min(max(self.other + cut * (self.itself - self.other), _LOWEST), _HIGHEST)


def judged(pieces: Pieces) -> tuple[Pieces, Likeness]:
    """How alike voices are; and the pieces, less what segmentation told apart, if it did so in vain."""
    one, two, same = pieces.pairs()
    alike = np.einsum("ij,ij->i", pieces.voices[one], pieces.voices[two])
    itself, other = _estimate(alike[same], _ITSELF), _estimate(alike[~same], _OTHER)
    if other > _IN_VAIN * itself:
        return replace(pieces, tracks=np.zeros_like(pieces.tracks)), Likeness(itself, _OTHER)
    return pieces, Likeness(itself, other)


def _estimate(alike: Float, expected: float) -> float:
    seen = float(np.median(alike)) if len(alike) else expected
    return (seen * len(alike) + expected * _SURE) / (len(alike) + _SURE)
