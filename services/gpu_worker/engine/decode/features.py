"""Log-mel features of a clip's sound, bit by bit those of `faster_whisper.feature_extractor`, in half of its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Float: TypeAlias = npt.NDArray[np.float32]
FRAME = 160
"""Samples in a frame of 10 ms."""
WINDOW = 3000
"""Frames in a Whisper window of 30 s."""
SPAN = 400
"""Samples that a frame's spectrum is computed from: those around its beginning."""
BLOCK = 500
"""Frames that are computed at a time, so that what is between two steps stays in the processor's cache."""
HANN: Float = np.hanning(SPAN + 1)[:-1].astype(np.float32)
FULL_SCALE, LEAST, RANGE, SHIFT = map(np.float32, (32768.0, 1e-10, 8.0, 4.0))


@dataclass(frozen=True, slots=True)
class Features:
    """The log-mel features of one clip: `mel` has shape (mels, window), of which `frames` are the clip's own."""

    mel: Float
    frames: int

    @property
    def window(self) -> int:
        return int(self.mel.shape[1])


def features(samples: npt.NDArray[np.int16], filters: Float, window: int = WINDOW) -> Features:
    """Log-mel features of a clip, followed by silence up to `window` frames of 10 ms.

    Silence is added to the sound, as in training, not to the features, where zero is no silence.

    Args:
        samples: shape (n,), at 16 kHz; those beyond the window are left out.
        filters: of the model, shape (mels, SPAN // 2 + 1).
        window: frames of the result.

    """
    spans = np.lib.stride_tricks.sliding_window_view(_mirrored(samples, window), SPAN)[::FRAME]
    power = np.zeros((len(spans), SPAN // 2 + 1), np.float32)
    sounding = min(len(spans), -(-(len(samples) + SPAN // 2) // FRAME))  # the frames after these hold silence alone
    for first in range(0, sounding, BLOCK):
        rows = slice(first, min(first + BLOCK, sounding))
        spectrum = np.fft.rfft(spans[rows] * HANN)
        np.square(np.abs(spectrum, out=power[rows]), out=power[rows])
    # One product for all frames, silent ones too: it rounds differently for another number of frames.
    mel = filters @ power.T
    np.log10(np.maximum(mel, LEAST, out=mel), out=mel)
    np.maximum(mel, mel.max() - RANGE, out=mel)
    mel += SHIFT
    mel /= SHIFT
    return Features(mel[:, :window], min(len(samples) // FRAME, window))


def _mirrored(samples: npt.NDArray[np.int16], window: int) -> Float:
    """A window of sound, with half a span before its beginning that mirrors it, and silence after its end."""
    half = SPAN // 2
    sound = np.zeros(window * FRAME + SPAN, np.float32)
    heard = sound[half : half + min(len(samples), window * FRAME)]
    np.divide(samples[: len(heard)], FULL_SCALE, out=heard)
    sound[:half] = sound[2 * half : half : -1]
    return sound
