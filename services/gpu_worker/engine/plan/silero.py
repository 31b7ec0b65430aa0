"""Silero's network for speech, taken from the model file that faster-whisper ships.

Nearly all of its arithmetic is convolutions, which onnxruntime computes one by one for every window. Here they are
products of matrices over many windows. What goes from one window to the next, a small LSTM, stays onnxruntime's: it is
cut out of the same file. An hour of sound takes a third of the processor time that the whole graph takes.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import faster_whisper
import numpy as np
import numpy.typing as npt
import onnx
import onnx.numpy_helper
import onnx.utils
import onnxruntime

from services.gpu_worker.engine.plan.spans import WINDOW

FILE = Path(faster_whisper.__file__).parent / "assets" / "silero_vad_v6.onnx"
CONTEXT = 64
"""Samples before a window that the network gets together with it."""

Untyped: TypeAlias = Any
"""An object of a library without type information."""
Float = npt.NDArray[np.float32]
State: TypeAlias = tuple[Float, Float]
"""What the LSTM carries from one window to the next; each has the shape (1, 1, 128)."""

_ENCODED = "/Transpose_output_0"
"""The name of what the convolutions give, which is what the LSTM takes."""
_FRAME, _HOP, _BINS = 256, 128, 129
_KERNEL = 3
_STRIDES = (1, 2, 2, 1)
"""Of the four convolutions, in frames. They turn a window's four frames into one row of 128 values."""
_MOST_DIFFERENCE = 1e-4
_PROOF_WINDOWS = 16


class Silero:
    """The network. It holds nothing of any recording, so threads and forked processes may share one."""

    def __init__(self, model: onnx.ModelProto) -> None:
        weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        basis = weights["encoder.feature_extractor.forward_basis_buffer"]
        self._basis = np.ascontiguousarray(basis.reshape(2 * _BINS, _FRAME).T)
        self._layers = [
            _Layer(weights, f"encoder.conv_layers.{index}", stride) for index, stride in enumerate(_STRIDES)
        ]
        lstm = onnx.utils.Extractor(model).extract_model([_ENCODED, "h", "c"], ["speech_probs", "hn", "cn"])
        self._lstm = session(lstm.SerializeToString())

    def hear(self, sound: npt.NDArray[np.int16], state: State) -> tuple[list[float], State]:
        """Probabilities of speech, one a window, and the state after the last window.

        Args:
            sound: shape (CONTEXT + n * WINDOW,): n windows, and the samples before the first of them.
            state: after the window before these; `silence()` at the beginning.

        """
        given = dict(zip((_ENCODED, "h", "c"), (self._encode(windows(sound)), *state), strict=True))
        probabilities, *after = self._lstm.run(None, given)
        return probabilities.ravel().tolist(), (after[0], after[1])

    def _encode(self, rows: Float) -> Float:
        """What the LSTM takes, shape (n, 1, 128), of windows with their context, shape (n, CONTEXT + WINDOW)."""
        mirrored = rows[:, -2 : -2 - CONTEXT : -1]
        spectrum = _frames(np.concatenate([rows, mirrored], axis=1), _FRAME, _HOP) @ self._basis
        spectrum *= spectrum
        values: Float = np.sqrt(spectrum[:, :_BINS] + spectrum[:, _BINS:]).reshape(len(rows), -1, _BINS)
        for layer in self._layers:
            values = layer(values)
        return values


class _Layer:
    """A convolution over time with three taps, then what is negative becomes zero."""

    def __init__(self, weights: Mapping[str, npt.NDArray[Any]], name: str, stride: int) -> None:
        kernel = weights[f"{name}.weight"]
        self._outputs, self._inputs, _ = kernel.shape
        self._matrix = np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(_KERNEL * self._inputs, self._outputs))
        self._bias = weights[f"{name}.bias"]
        self._stride = stride

    def __call__(self, values: Float) -> Float:
        """Shape (n, frames, inputs) becomes (n, frames / stride, outputs)."""
        count, frames, inputs = values.shape
        padded = np.zeros((count, (frames + 2) * inputs), np.float32)
        padded[:, inputs:-inputs] = values.reshape(count, -1)
        result: Float = _frames(padded, _KERNEL * inputs, self._stride * inputs) @ self._matrix
        result += self._bias
        return np.maximum(result, 0, out=result).reshape(count, -1, self._outputs)


@functools.cache
def network() -> Silero:
    """The network of this process; the fork server makes it before it forks, so that no reader has to.

    Raises:
        ImportError: the installed file is missing, or another than this module takes apart.

    """
    try:
        silero = Silero(onnx.load(FILE))
        difference = _difference(silero)
    except Exception as error:  # onnx, onnxruntime and numpy each have errors of their own for what they did not expect
        raise _unknown(repr(error)) from error
    if not difference < _MOST_DIFFERENCE:
        raise _unknown(f"results differ by {difference:.1g}")
    return silero


def session(model: str | bytes) -> Untyped:
    """A session of onnxruntime, in which a call runs on the thread that makes it: a pool would not survive a fork."""
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])


def silence() -> State:
    """The state before the first window."""
    return np.zeros((1, 1, 128), np.float32), np.zeros((1, 1, 128), np.float32)


def windows(sound: npt.NDArray[np.int16]) -> Float:
    """The rows that the network takes, shape (n, CONTEXT + WINDOW), of sound as `Silero.hear` takes it."""
    scaled = sound.astype(np.float32) / 32768.0
    return _frames(scaled[None, :], CONTEXT + WINDOW, WINDOW)


def _frames(rows: npt.NDArray[np.float32], length: int, step: int) -> Float:
    """Pieces of each row, one every `step` values: shape (n, m) becomes (n * pieces, length)."""
    pieces = np.lib.stride_tricks.sliding_window_view(rows, length, axis=1)[:, ::step]
    return pieces.reshape(-1, length)


def _difference(silero: Silero) -> float:
    """How far the results for a short noise are from those of the file's whole graph.

    The state is compared as well: it shows every value that the convolutions gave, whatever is speech.
    """
    noise = np.random.default_rng(0).normal(0, 3000, CONTEXT + _PROOF_WINDOWS * WINDOW).astype(np.int16)
    h, c = silence()
    expected: Sequence[Float] = session(str(FILE)).run(
        ["speech_probs", "hn", "cn"], {"input": windows(noise), "h": h, "c": c}
    )
    probabilities, after = silero.hear(noise, (h, c))
    found = (np.array(probabilities, np.float32), *after)
    return max(float(np.abs(np.ravel(one) - np.ravel(other)).max()) for one, other in zip(expected, found, strict=True))


def _unknown(why: str) -> ImportError:
    return ImportError(f"{FILE} is not the model of speech detection that this version knows: {why}", path=str(FILE))
