"""What a telephone cuts off a voice, put back for the detection of speech. Pure.

A telephone passes on 300 to 3,400 Hz. A voice whose fundamental is missing is noise to Silero's network: through a
filter with steep edges, it misses a third of what people say, and nearly everything of some. But harmonics that are a
fundamental apart beat at its frequency, so the sound's envelope still has it (the missing fundamental, which the ear
hears, too), and something of what was above the band as well. Where nothing is left on either side of the band, the
network gets what the envelope has there. Music with nothing below has something above, and is left as it is.

Each bin of the network's Fourier transform is 62.5 Hz wide.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]

OUTSIDE = np.r_[2:5, 55:120]
"""The bins that are filled: 125 to 250 Hz, and 3.4 to 7.5 kHz."""
_BELOW, _INSIDE, _ABOVE = slice(1, 3), slice(6, 55), slice(57, 120)
"""62 to 125 Hz, the band less its edges, and 3.6 to 7.5 kHz."""
_EMPTY = 0.02
"""So much of the band's power may be on a side that is empty: noise on the line. At 0.03 some music is cut as well."""


def is_cut(magnitudes: Float) -> bool:
    """Whether these frames of sound, shape (…, bins), have nothing on either side of a telephone's band."""
    below, inside, above = (float(np.square(magnitudes[..., bins]).sum()) for bins in (_BELOW, _INSIDE, _ABOVE))
    return max(below, above) < _EMPTY * inside


def of_envelope(frames: Float, basis: Float) -> Float:
    """The magnitudes that the envelope of these frames has outside the band, shape (…, bins of OUTSIDE).

    Args:
        frames: samples, shape (…, frame).
        basis: the transform's columns for OUTSIDE, real parts and then imaginary parts.

    """
    real, imaginary = np.split(np.abs(frames) @ basis, 2, axis=-1)
    return np.hypot(real, imaginary)
