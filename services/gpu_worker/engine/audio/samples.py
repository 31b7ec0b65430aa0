"""What sound is made of here: 16 kHz samples of 16 bit, in blocks of all channels, with pauses in between. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.audio.sound import RATE

Samples: TypeAlias = npt.NDArray[np.int16]
"""Shape (channels, samples)."""
BLOCK = RATE
"""Samples that are handed on at a time: a second, so that no time goes into crumbs."""
LONGEST_SILENCE = 10 * RATE
"""Samples; a longer pause is a number."""


Names: TypeAlias = tuple[str, ...]
"""Of a track's channels, such as `FL` and `LFE`; `NONE` where the file does not say."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Sound of one track; the first sample lies at `start`, on the clock."""

    start: int
    samples: Samples
    names: Names

    @property
    def end(self) -> int:
        return self.start + int(self.samples.shape[1])


@dataclass(frozen=True, slots=True)
class Block:
    """Sound of all tracks, one channel a row; `layout` names each track's rows."""

    samples: Samples
    layout: tuple[Names, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing for so many samples, in any track."""

    samples: int
