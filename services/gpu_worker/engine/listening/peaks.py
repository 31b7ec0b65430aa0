"""How loud a recording is, for a picture of it: one byte for each twentieth of a second. Pure."""

from __future__ import annotations

import gzip

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.audio.samples import Samples
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.listening.files import PEAKS_PER_SECOND

BIN = RATE // PEAKS_PER_SECOND
_FULL = 32_767
"""The loudest sample."""


class Peaks:
    """Takes blocks of voices; holds 72 kB an hour."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._peak, self._filled = 0, 0
        """Of the bin that is not yet full: its loudest sample, and how many samples it has."""

    def push(self, block: Samples) -> None:
        """Take the next sound, shape (voices, samples)."""
        loudness = np.maximum(block.max(axis=0).astype(np.int32), -block.min(axis=0).astype(np.int32))
        first = min(-self._filled % BIN, len(loudness))
        self._fill(int(loudness[:first].max(initial=0)), first)
        whole = (len(loudness) - first) // BIN * BIN
        peaks = loudness[first : first + whole].reshape(-1, BIN).max(axis=1)
        self._bytes += _as_bytes(peaks)
        rest = loudness[first + whole :]
        self._fill(int(rest.max(initial=0)), len(rest))

    def pause(self, samples: int) -> None:
        """Take a pause of so many samples."""
        first = min(-self._filled % BIN, samples)
        self._fill(0, first)
        self._bytes += bytes((samples - first) // BIN)
        self._fill(0, (samples - first) % BIN)

    def packed(self) -> bytes:
        """All of them, as gzip; the last byte may stand for less than a twentieth of a second."""
        last = _as_bytes(np.array([self._peak])) if self._filled else b""
        return gzip.compress(bytes(self._bytes) + last, mtime=0)

    def _fill(self, peak: int, samples: int) -> None:
        """Take samples that do not reach beyond the present bin."""
        self._peak, self._filled = max(self._peak, peak), self._filled + samples
        if self._filled == BIN:
            self._bytes += _as_bytes(np.array([self._peak]))
            self._peak, self._filled = 0, 0


def _as_bytes(peaks: npt.NDArray[np.integer]) -> bytes:
    """Samples as unsigned bytes: 255 is full scale."""
    return bytes(np.minimum((peaks * 255 + _FULL // 2) // _FULL, 255).astype(np.uint8))
