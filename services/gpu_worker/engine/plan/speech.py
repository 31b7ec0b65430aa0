"""Voice activity detection: Silero's model over a stream, in bounded memory.

The model is the one that faster-whisper ships. It gets a fixed number of windows at a time, however long the blocks
are that are fed, and its state is carried from one run to the next. So the result does not depend on how a file was
read.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, TypeAlias

import faster_whisper
import numpy as np
import numpy.typing as npt
import onnxruntime

from services.gpu_worker.engine.plan.spans import WINDOW

CONTEXT = 64
"""Samples before a window that the model gets together with it."""
WINDOWS_A_RUN = 1024

Untyped: TypeAlias = Any
"""An object of a library without type information."""
Float = npt.NDArray[np.float32]


@functools.cache
def _session() -> Untyped:
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    model = Path(faster_whisper.__file__).parent / "assets" / "silero_vad_v6.onnx"
    return onnxruntime.InferenceSession(str(model), sess_options=options, providers=["CPUExecutionProvider"])


class SpeechDetector:
    """Probabilities of speech, one for every 512 samples of a single channel."""

    def __init__(self) -> None:
        self._h = np.zeros((1, 1, 128), np.float32)
        self._c = np.zeros((1, 1, 128), np.float32)
        self._context = np.zeros(CONTEXT, np.float32)
        self._waiting: list[npt.NDArray[np.int16]] = []
        self._waiting_samples = 0
        self._probabilities: list[float] = []

    def feed(self, samples: npt.NDArray[np.int16]) -> list[float]:
        """Take the next samples, shape (n,), of any length; give the next probabilities, as far as they are known."""
        self._waiting.append(samples)
        self._waiting_samples += len(samples)
        if self._waiting_samples >= WINDOWS_A_RUN * WINDOW:
            self._run_full()
        return self._new()

    def finish(self) -> list[float]:
        """The probabilities that are left; the last window is filled up with silence."""
        windows = -(-self._waiting_samples // WINDOW)
        if windows:
            missing = WINDOWS_A_RUN * WINDOW - self._waiting_samples
            rest = np.concatenate([*self._waiting, np.zeros(missing, np.int16)])
            self._probabilities.extend(self._run(rest)[:windows])
            self._waiting, self._waiting_samples = [], 0
        return self._new()

    def _new(self) -> list[float]:
        new, self._probabilities = self._probabilities, []
        return new

    def _run_full(self) -> None:
        audio = np.concatenate(self._waiting)
        size = WINDOWS_A_RUN * WINDOW
        whole = len(audio) - len(audio) % size
        for start in range(0, whole, size):
            self._probabilities.extend(self._run(audio[start : start + size]))
        self._waiting, self._waiting_samples = [audio[whole:]], len(audio) - whole

    def _run(self, samples: npt.NDArray[np.int16]) -> list[float]:
        audio: Float = samples.astype(np.float32) / 32768.0
        windows = audio.reshape(-1, WINDOW)
        before = np.vstack([self._context[None, :], windows[:-1, -CONTEXT:]])
        output, self._h, self._c = _session().run(
            None, {"input": np.concatenate([before, windows], axis=1), "h": self._h, "c": self._c}
        )
        self._context = windows[-1, -CONTEXT:]
        return [float(probability) for probability in np.ravel(output)]
