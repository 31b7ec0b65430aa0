"""Silero's network for speech, taken from the model file that faster-whisper ships.

Nearly all of its arithmetic is convolutions, which onnxruntime computes window by window; here they are products of
matrices over many windows. What goes from one window to the next, a small LSTM, is cut out of the same file and left to
onnxruntime. So an hour of sound takes a third of the processor time that the whole graph takes.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, TypeAlias

import faster_whisper
import numpy as np
import numpy.typing as npt
import onnx
import onnx.numpy_helper
import onnx.utils
import onnxruntime

from services.gpu_worker.engine.plan.convolutions import CONTEXT, HEIGHT, Encoder, Float, Weights
from services.gpu_worker.engine.plan.spans import WINDOW

FILE = Path(faster_whisper.__file__).parent / "assets" / "silero_vad_v6.onnx"

Untyped: TypeAlias = Any
"""An object of a library without type information."""

_ENCODED = "/Transpose_output_0"
"""What the file calls that which the convolutions give and the LSTM takes."""
_RESULTS = ["speech_probs", "hn", "cn"]
_STATE = (1, 1, 128)
_MOST_DIFFERENCE = 1e-4
_PROOF_WINDOWS = 16


class Silero:
    """The network. It holds nothing of any recording, so voices, threads and forked processes share one."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.weights = Weights.named({one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer})
        lstm = onnx.utils.Extractor(model).extract_model([_ENCODED, "h", "c"], _RESULTS)
        self.lstm = _session(lstm.SerializeToString())


class Voice:
    """One voice on its way through the network."""

    def __init__(self, silero: Silero) -> None:
        self._lstm = silero.lstm
        self._encoder = Encoder(silero.weights)
        self.state = (np.zeros(_STATE, np.float32), np.zeros(_STATE, np.float32))
        """What the LSTM carries from one window to the next."""

    def hear(self, sound: npt.NDArray[np.int16]) -> list[float]:
        """Probabilities of speech, one a window, of the n windows that come next.

        Args:
            sound: shape (CONTEXT + n * WINDOW,), so it begins with the samples before the first of these windows.

        """
        rows = _windows(sound)
        encoded = [self._encoder.encode(rows[first : first + HEIGHT]) for first in range(0, len(rows), HEIGHT)]
        h, c = self.state
        given = {_ENCODED: np.concatenate(encoded)[:, None, :], "h": h, "c": c}
        probabilities, *after = self._lstm.run(_RESULTS, given)
        self.state = (after[0], after[1])
        known: list[float] = probabilities.tolist()
        return known


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
        raise _unknown(f"its results differ by {difference:.1g}")
    return silero


def _difference(silero: Silero) -> float:
    """How far the results for a short noise are from those of the file's whole graph.

    The state is compared as well: every value that the convolutions give moves it, whatever the probabilities are.
    """
    noise = np.random.default_rng(0).normal(0, 3000, CONTEXT + _PROOF_WINDOWS * WINDOW).astype(np.int16)
    voice = Voice(silero)
    h, c = voice.state
    expected: list[Float] = _session(str(FILE)).run(_RESULTS, {"input": _windows(noise), "h": h, "c": c})
    found = [np.array(voice.hear(noise)), *voice.state]
    return max(float(np.abs(np.ravel(one) - np.ravel(other)).max()) for one, other in zip(expected, found, strict=True))


def _session(model: str | bytes) -> Untyped:
    """A session of onnxruntime, in which a call runs on the thread that makes it: a pool would not survive a fork."""
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])


def _windows(sound: npt.NDArray[np.int16]) -> Float:
    """The rows that the network takes: shape (n, CONTEXT + WINDOW), samples from -1 to 1."""
    scaled: Float = sound.astype(np.float32) / 32768.0
    return np.lib.stride_tricks.sliding_window_view(scaled, CONTEXT + WINDOW)[::WINDOW]


def _unknown(why: str) -> ImportError:
    return ImportError(f"{FILE} is not the model of speech detection that this version knows: {why}", path=str(FILE))
