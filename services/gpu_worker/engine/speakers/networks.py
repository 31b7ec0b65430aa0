"""The two networks that tell voices apart: who speaks when within a window, and what a voice is like."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import onnxruntime

from services.gpu_worker.engine.speakers.filterbank import BANDS
from services.gpu_worker.engine.speakers.grid import HEARING

FRAMES = 589
"""Frames of segmentation in a hearing."""
CLASSES = 7
"""Who speaks in a frame: nobody, one of three, or two of three: -, 0, 1, 2, 01, 02, 12."""
EMBEDDING = 192
"""Numbers that describe a voice."""
SEGMENT_BATCH = EMBED_BATCH = 2
"""Greater batches cost as much an item. One item alone costs a tenth more, as all weights are read for it."""
EMBED_LENGTHS = (100, 150, 200, 300)
"""Frames of the filterbank, a hundred a second, that a piece of one voice may have; a batch has one length.

A shorter piece is repeated until it fills the next length: that tells voices apart as well as the piece by itself does.
"""

Float = npt.NDArray[np.float32]

Untyped: TypeAlias = Any
"""An object of a library without type information."""


class Networks(Protocol):
    """Computes both networks, a fixed number of items at a time. No item's result depends on the others, to the bit."""

    def segment(self, windows: npt.NDArray[np.int16]) -> Float:
        """Logarithms of probabilities, shape (SEGMENT_BATCH, FRAMES, CLASSES), of shape (SEGMENT_BATCH, HEARING)."""

    def embed(self, features: Float) -> Float:
        """Voices, shape (EMBED_BATCH, EMBEDDING), not of unit length.

        Args:
            features: shape (EMBED_BATCH, one of EMBED_LENGTHS, BANDS), each piece less its mean over its frames.

        """


class OnnxNetworks:
    """On the processor. It holds nothing of any recording: threads, and processes forked from this one, share it.

    A call runs on the thread that makes it and lets other threads of Python run meanwhile. To make one takes a quarter
    of a second and 90 MiB; computing takes 100 MiB more, and 50 for each further thread.
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
        _check(windows, (SEGMENT_BATCH, HEARING))
        sound = windows.astype(np.float32) / np.float32(32768)
        probabilities: Float = self._segmentation.run(None, {"wav": sound[:, None]})[0]
        return probabilities

    def embed(self, features: Float) -> Float:
        """As Networks says."""
        _check(features, *((EMBED_BATCH, length, BANDS) for length in EMBED_LENGTHS))
        voices: Float = self._embedding.run(None, {"feats": features})[0]
        return voices


def _check(given: npt.NDArray[Any], *shapes: tuple[int, ...]) -> None:
    """Refuse any other shape: a product of another height may round otherwise."""
    if given.shape not in shapes:
        raise ValueError(f"the shape is {given.shape}, not one of {shapes}")


def _session(file: Path) -> Untyped:
    """A session of onnxruntime, in which a call runs on the thread that makes it: a pool would not survive a fork.

    It keeps its memory from call to call: given back to the kernel each time, it cost a quarter more.
    """
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(file), sess_options=options, providers=["CPUExecutionProvider"])
