"""Voice activity detection over a stream, in bounded memory.

The network gets a fixed number of windows at a time, however long the blocks are that are fed, and its state is carried
from one run to the next. So the result does not depend on how a file was read.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.plan.convolutions import CONTEXT
from services.gpu_worker.engine.plan.silero import Voice, network
from services.gpu_worker.engine.plan.spans import WINDOW

WINDOWS_A_RUN = 128
"""Four seconds, for which everything after this waits. Runs of half the length cost a tenth more."""


class SpeechDetector:
    """Probabilities of speech, one for every 512 samples of a single channel."""

    def __init__(self) -> None:
        self._voice = Voice(network())
        self._run = np.zeros(CONTEXT + WINDOWS_A_RUN * WINDOW, np.int16)
        """The context of the next run, then its samples; the first `_filled` of them all are known."""
        self._filled = CONTEXT

    def feed(self, samples: npt.NDArray[np.int16]) -> list[float]:
        """Take the next samples, shape (n,), of any length, and give the probabilities that are known now, in order."""
        known: list[float] = []
        while len(samples):
            taken, samples = np.split(samples, [len(self._run) - self._filled])
            self._run[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            if self._filled == len(self._run):
                known += self._hear(self._run)
        return known

    def finish(self) -> list[float]:
        """The probabilities of the rest; the last window is filled up with silence."""
        windows = -(-(self._filled - CONTEXT) // WINDOW)
        if not windows:
            return []
        end = CONTEXT + windows * WINDOW
        self._run[self._filled : end] = 0
        return self._hear(self._run[:end])

    def _hear(self, sound: npt.NDArray[np.int16]) -> list[float]:
        probabilities = self._voice.hear(sound)
        self._run[:CONTEXT] = sound[-CONTEXT:]
        self._filled = CONTEXT
        return probabilities
