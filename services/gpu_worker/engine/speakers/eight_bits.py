"""Voices as an observation keeps them, in numbers of eight bits each. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]

_LARGEST = 127


def eight_bits(voice: Float) -> bytes:
    """A voice in numbers of eight bits: the angle to what it was is less than a degree."""
    largest = max(float(np.abs(voice).max()), float(np.finfo(np.float32).tiny))
    return bytes(np.rint(voice * (_LARGEST / largest)).astype(np.int8))


def direction(voice: bytes) -> Float:
    """The voice that `eight_bits` was given, of length one."""
    numbers = np.frombuffer(voice, np.int8).astype(np.float32)
    return numbers / max(np.float32(1), np.linalg.norm(numbers))
