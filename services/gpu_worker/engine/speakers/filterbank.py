"""Kaldi's filterbank, which the network of voices takes: the loudness of 80 bands, a hundred times a second.

All that Kaldi does to a frame before it squares is linear: the frame's mean is taken away, the high tones are raised, a
window is laid over it, and its Fourier transform is taken. So it is one product with a matrix, which costs half of what
the steps cost one by one.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

BANDS = 80
FRAME, HOP = 400, 160
"""Samples of a frame, and from the beginning of one to the beginning of the next."""

Float = npt.NDArray[np.float32]

_RATE = 16_000
_TRANSFORM = 512
_BINS = _TRANSFORM // 2
"""The last bin, that of half the rate, belongs to no band."""
_PREEMPHASIS = 0.97
_LOWEST_HERTZ = 20
_POVEY = 0.85
_LEAST_POWER = np.float32(np.finfo(np.float32).eps)
_HEIGHT = 128
"""Frames that are computed at once: their products fit into a core's cache."""


def filterbank(samples: npt.NDArray[np.int16]) -> Float:
    """Logarithms of power, shape (frames, BANDS), of sound at 16 kHz; a frame that is not whole is left out."""
    if len(samples) < FRAME:
        return np.empty((0, BANDS), np.float32)
    transform, bands = _matrices()
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float32), FRAME)[::HOP]
    powers = np.empty((len(frames), BANDS), np.float32)
    for first in range(0, len(frames), _HEIGHT):
        block = frames[first : first + _HEIGHT]
        # The product takes the mean away, but rounds: what all samples have in common goes before it, without an error.
        spectrum = (block - block[:, :1]) @ transform
        spectrum *= spectrum
        np.matmul(spectrum[:, :_BINS] + spectrum[:, _BINS:], bands, out=powers[first : first + _HEIGHT])
    return np.log(np.maximum(powers, _LEAST_POWER, out=powers), out=powers)


@functools.cache
def _matrices() -> tuple[Float, Float]:
    """From a frame to its spectrum, shape (FRAME, real parts and then imaginary ones); from power to bands."""
    centred = np.eye(FRAME) - 1 / FRAME
    raised = np.eye(FRAME) - _PREEMPHASIS * np.eye(FRAME, k=1)
    raised[0, 0] -= _PREEMPHASIS  # the sample before the first is taken to be like the first
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))) ** _POVEY
    turns = np.exp(-2j * np.pi * np.outer(np.arange(FRAME), np.arange(_BINS)) / _TRANSFORM)
    spectrum = centred @ raised @ (window[:, None] * turns)
    return np.concatenate([spectrum.real, spectrum.imag], axis=1).astype(np.float32), _bands().astype(np.float32)


def _bands() -> npt.NDArray[np.float64]:
    """Triangles of equal width in mel, shape (_BINS, BANDS)."""
    lowest, highest = _mel(np.array([_LOWEST_HERTZ, _RATE / 2]))
    width = (highest - lowest) / (BANDS + 1)
    places = (_mel(np.arange(_BINS) * _RATE / _TRANSFORM)[:, None] - lowest) / width - np.arange(BANDS)
    triangles: npt.NDArray[np.float64] = np.maximum(0, np.minimum(places, 2 - places))
    return triangles


def _mel(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1127 * np.log1p(hertz / 700)
