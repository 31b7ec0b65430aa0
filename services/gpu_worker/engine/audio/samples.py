"""How sound is represented: 16 kHz samples of 16 bit, in blocks of all channels, with pauses in between. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.audio.sound import RATE

Samples: TypeAlias = npt.NDArray[np.int16]
"""Shape (channels, samples)."""
BLOCK = RATE
"""Samples that are handed on at a time: a second, as smaller blocks would cost time."""
LONGEST_SILENCE = 10 * RATE
"""Samples of silence; a longer one becomes a `Pause`."""


Names: TypeAlias = tuple[str, ...]
"""The names of a track's channels, such as `FL` and `LFE`; `NONE` where the file does not say."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Sound of one track, shape (channels, samples); `start` is the place of the first sample, in samples."""

    start: int
    samples: Samples
    names: Names

    @property
    def end(self) -> int:
        return self.start + int(self.samples.shape[1])


@dataclass(frozen=True, slots=True)
class Block:
    """Sound of all tracks, shape (channels, samples); `layout` names the channels of each track."""

    samples: Samples
    layout: tuple[Names, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch of so many samples in which no track has sound."""

    samples: int
