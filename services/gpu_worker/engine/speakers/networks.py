"""The two networks that tell voices apart: who speaks when within a window, and what a voice is like."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import onnxruntime

from services.gpu_worker.engine.speakers.filterbank import BANDS
from services.gpu_worker.engine.speakers.grid import WINDOW

FRAMES = 589
"""Frames of segmentation in a window."""
CLASSES = 7
"""Who speaks in a frame: nobody, one of three, or two of three: -, 0, 1, 2, 01, 02, 12."""
SEGMENT_BATCH = 2
EMBED_BATCH = 8
EMBED_FRAMES = 200
"""Frames of the filterbank in a piece of one voice: 2 s."""
EMBEDDING = 192

Float = npt.NDArray[np.float32]

Untyped: TypeAlias = Any
"""An object of a library without type information."""


class Networks(Protocol):
    """Computes both networks, a fixed number of items at a time. No item's result depends on the others, to the bit."""

    def segment(self, windows: npt.NDArray[np.int16]) -> Float:
        """Logarithms of probabilities, shape (SEGMENT_BATCH, FRAMES, CLASSES), of shape (SEGMENT_BATCH, WINDOW)."""

    def embed(self, features: Float) -> Float:
        """Voices, shape (EMBED_BATCH, EMBEDDING), not of unit length.

        Args:
            features: shape (EMBED_BATCH, EMBED_FRAMES, BANDS), each piece less its mean over its frames.

        """


class OnnxNetworks:
    """On the processor. It holds nothing of any recording: threads and forked processes share one.

    A call runs on the thread that makes it and lets other threads of Python run meanwhile.
    """

    def __init__(self, folder: Path) -> None:
        """Load `segmentation.onnx` and `embedding.onnx`.

        Raises:
            Exception: onnxruntime's own, when a file is missing or is no network.

        """
        self._segmentation = _session(folder / "segmentation.onnx")
        self._embedding = _session(folder / "embedding.onnx")

    def segment(self, windows: npt.NDArray[np.int16]) -> Float:
        """As Networks says."""
        _check(windows, (SEGMENT_BATCH, WINDOW))
        sound = windows.astype(np.float32) / np.float32(32768)
        probabilities: Float = self._segmentation.run(None, {"wav": sound[:, None]})[0]
        return probabilities

    def embed(self, features: Float) -> Float:
        """As Networks says."""
        _check(features, (EMBED_BATCH, EMBED_FRAMES, BANDS))
        voices: Float = self._embedding.run(None, {"feats": features})[0]
        return voices


def _check(given: npt.NDArray[Any], shape: tuple[int, ...]) -> None:
    """Refuse another number of items: a product of another height rounds otherwise."""
    if given.shape != shape:
        raise ValueError(f"the shape is {given.shape}, not {shape}")


def _session(file: Path) -> Untyped:
    """A session of onnxruntime, in which a call runs on the thread that makes it: a pool would not survive a fork."""
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(file), sess_options=options, providers=["CPUExecutionProvider"])
