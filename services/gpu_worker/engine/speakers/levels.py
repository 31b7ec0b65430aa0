"""How likely it is that a voice speaks, as an observation keeps it: a number of four bits for each tick. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]

_SURE = 15
"""The greatest of these numbers."""


def levels_of(likely: Float) -> bytes:
    """Numbers of four bits, a byte each, for probabilities."""
    return bytes(np.rint(likely * _SURE).astype(np.uint8))


def likelihood(levels: bytes) -> Float:
    """The probabilities for which `levels_of` gave these numbers, as exact as four bits are."""
    return np.frombuffer(levels, np.uint8).astype(np.float32) / np.float32(_SURE)
