"""The convolutions of Silero's network, as products of matrices over many windows of sound at once.

They begin with a Fourier transform, in which `telephone_band` puts back what a telephone has cut off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.plan.spans import WINDOW
from services.gpu_worker.engine.plan.telephone_band import OUTSIDE, is_cut, of_envelope

HEIGHT = 32
"""Windows that are computed at once: a second of sound, whose products fit into a core's cache."""
CONTEXT = 64
"""Samples before a window that the network gets together with it."""
OUTPUTS = 128
"""Values that the convolutions give for a window."""

Float = npt.NDArray[np.float32]

_FRAME, _HOP, _BINS = 256, 128, 129
_FRAMES = (CONTEXT + WINDOW) // _HOP
_TAPS = 3
_STRIDES = (1, 2, 2, 1)
"""Of the four convolutions. They turn a window's four frames into one."""


@dataclass(frozen=True)
class Weights:
    """The weights, as the products take them. Voices, threads and forked processes share them."""

    basis: Float
    """Of the Fourier transform: shape (frame, real parts and then imaginary parts)."""
    kernels: tuple[Float, ...]
    """Of each convolution: shape (taps * inputs, outputs)."""
    biases: tuple[Float, ...]

    @classmethod
    def named(cls, tensors: Mapping[str, npt.NDArray[Any]]) -> Weights:
        """From the model's tensors. One that is missing, or has another shape, is a KeyError or a ValueError."""
        layers = [f"encoder.conv_layers.{index}" for index in range(len(_STRIDES))]
        kernels = (tensors[f"{layer}.weight"].transpose(2, 1, 0) for layer in layers)
        return cls(
            basis=np.ascontiguousarray(
                tensors["encoder.feature_extractor.forward_basis_buffer"].reshape(2 * _BINS, _FRAME).T
            ),
            kernels=tuple(np.ascontiguousarray(kernel.reshape(-1, kernel.shape[-1])) for kernel in kernels),
            biases=tuple(tensors[f"{layer}.bias"] for layer in layers),
        )


class Encoder:
    """The convolutions for one voice, in memory of its own.

    All of it is taken once. Taken anew for every run, it went back to the kernel each time, which cost as much as the
    Fourier transform and the LSTM together.
    """

    def __init__(self, weights: Weights) -> None:
        self._sound = np.zeros((HEIGHT, CONTEXT + WINDOW + CONTEXT), np.float32)
        self._spectrum = _Product(self._sound, weights.basis, step=_HOP)
        self._outside = weights.basis[:, np.r_[OUTSIDE, _BINS + OUTSIDE]]
        self._layers: list[_Layer] = []
        frames, inputs = _FRAMES, _BINS
        for kernel, bias, stride in zip(weights.kernels, weights.biases, _STRIDES, strict=True):
            self._layers.append(_Layer(kernel, bias, frames=frames, inputs=inputs, stride=stride))
            frames, inputs = frames // stride, len(bias)

    def encode(self, windows: Float) -> Float:
        """Of at most HEIGHT windows, shape (n, CONTEXT + WINDOW), samples from -1 to 1; gives shape (n, OUTPUTS)."""
        self._sound[: len(windows), :-CONTEXT] = windows
        self._sound[:, -CONTEXT:] = self._sound[:, -CONTEXT - 2 : -2 * CONTEXT - 2 : -1]  # mirrored at the last sample
        spectrum = self._spectrum()
        spectrum *= spectrum
        power = np.add(spectrum[..., :_BINS], spectrum[..., _BINS:], out=spectrum[..., :_BINS])
        magnitudes = self._layers[0].values
        np.sqrt(power, out=magnitudes)
        if is_cut(magnitudes[: len(windows)]):
            restored = of_envelope(self._spectrum.pieces, self._outside)
            magnitudes[..., OUTSIDE] = np.maximum(magnitudes[..., OUTSIDE], restored)
        for layer, following in pairwise(self._layers):
            layer(into=following.values)
        encoded = np.empty((HEIGHT, 1, OUTPUTS), np.float32)
        self._layers[-1](into=encoded)
        return encoded[: len(windows), 0]


class _Product:
    """Overlapping pieces of rows, times a matrix."""

    def __init__(self, rows: Float, matrix: Float, *, step: int) -> None:
        length, outputs = matrix.shape
        self._matrix = matrix
        self.pieces = np.lib.stride_tricks.sliding_window_view(rows, length, axis=1)[:, ::step]
        self._laid_out = np.empty(self.pieces.shape, np.float32)
        self._result = np.empty((*self.pieces.shape[:2], outputs), np.float32)

    def __call__(self) -> Float:
        """Of what the rows hold now: shape (rows, pieces of a row, outputs), valid until the next call."""
        np.copyto(self._laid_out, self.pieces)
        count, outputs = self._matrix.shape
        np.matmul(self._laid_out.reshape(-1, count), self._matrix, out=self._result.reshape(-1, outputs))
        return self._result


class _Layer:
    """A convolution over a window's frames, after which what is negative becomes zero."""

    def __init__(self, kernel: Float, bias: Float, *, frames: int, inputs: int, stride: int) -> None:
        if kernel.shape != (_TAPS * inputs, len(bias)):
            raise ValueError(f"a kernel has the shape {kernel.shape}")
        padded = np.zeros((HEIGHT, frames + 2, inputs), np.float32)
        self.values = padded[:, 1:-1]
        """What it takes, shape (HEIGHT, frames, inputs), to be written before a call."""
        self._product = _Product(padded.reshape(HEIGHT, -1), kernel, step=stride * inputs)
        self._bias = bias

    def __call__(self, *, into: Float) -> None:
        result = self._product()
        result += self._bias
        np.maximum(result, 0, out=into)
