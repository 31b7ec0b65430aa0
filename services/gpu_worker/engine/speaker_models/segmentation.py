"""Pyannote's network segmentation-3.0 as an ONNX file: who of at most three speaks, in 10 s of one voice or several.

SincNet on the samples, four bidirectional LSTMs, three linear layers.
Copyright of the network and its weights: CNRS, under the MIT licence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.gpu_worker.engine.speaker_models.graph import Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.gpu_worker.engine.speaker_models.checkpoint import Weights

RATE = 16_000
CLASSES = 7
"""Nobody, each of three, each pair of them."""
_CHANNELS = 60
"""Of SincNet's last layers."""
_BLOCK = 16
_UNITS = 128
"""Of an LSTM, in each direction."""
_LOWEST_HZ, _LEAST_BAND_HZ = 50.0, 50.0
_TERMS = 29
"""The highest power in a sine's series; the next would add less than 1e-17 at π."""


def segmentation(weights: Weights) -> bytes:
    """The network: samples between -1 and 1, (n, 1, samples), to log probabilities, (n, frames, 7)."""
    graph = Graph()
    x = _frames(graph, weights)
    x = graph.node("Transpose", x, perm=[2, 0, 1])
    for layer in range(4):
        x = _lstm(graph, weights, x, layer)
    x = graph.node("Transpose", x, perm=[1, 0, 2])
    for name in ("linear.0", "linear.1"):
        x = graph.node("LeakyRelu", _linear(graph, weights, x, name), alpha=0.01)
    graph.node("LogSoftmax", _linear(graph, weights, x, "classifier"), axis=2)
    return graph.written(("wav", ("n", 1, "samples")), ("logp", ("n", "frames", CLASSES)))


def _frames(graph: Graph, weights: Weights) -> str:
    """SincNet: 60 numbers for every 270 samples.

    Its convolutions over time are written as ones over two axes, in whole blocks of channels: only those the runtime
    computes block by block.
    """
    x = graph.node("Unsqueeze", _normalised(graph, weights, "wav", "sincnet.wav_norm1d"), graph.sizes(2))
    x = graph.node("Conv", x, graph.numbers(sinc_filters(weights)[:, :, None]), strides=[1, 10])
    x = graph.node("LeakyRelu", x, alpha=-1.0)  # the same as Abs, but the runtime makes it a part of the convolution
    for layer in range(3):
        if layer:
            name = f"sincnet.conv1d.{layer}"
            kernel = _whole_blocks(_whole_blocks(weights[f"{name}.weight"]), axis=1)[:, :, None]
            bias = _whole_blocks(weights[f"{name}.bias"])
            x = graph.node("Conv", x, graph.numbers(kernel), graph.numbers(bias))
        x = graph.node("MaxPool", x, kernel_shape=[1, 3], strides=[1, 3])
        x = graph.node("LeakyRelu", _normalised(graph, weights, x, f"sincnet.norm1d.{layer}"), alpha=0.01)
    x = graph.node("Squeeze", x, graph.sizes(2))
    return graph.node("Slice", x, graph.sizes(0), graph.sizes(_CHANNELS), graph.sizes(1))


def _normalised(graph: Graph, weights: Weights, x: str, name: str) -> str:
    scale, bias = (weights[f"{name}.{one}"] for one in ("weight", "bias"))
    if len(scale) > 1:
        scale, bias = _whole_blocks(scale), _whole_blocks(bias)
    return graph.node("InstanceNormalization", x, graph.numbers(scale), graph.numbers(bias), epsilon=1e-5)


def _whole_blocks(values: NDArray[np.float64], axis: int = 0) -> NDArray[np.float64]:
    """With channels of zeros after the others, so that none is left over when they are taken block by block."""
    room = [(0, 0)] * values.ndim
    room[axis] = (0, -values.shape[axis] % _BLOCK)
    return np.pad(values, room)


def _lstm(graph: Graph, weights: Weights, x: str, layer: int) -> str:
    """A layer of both directions: (frames, n, numbers) to (frames, n, 256)."""
    there_and_back = (f"l{layer}", f"l{layer}_reverse")
    of_input = np.stack([_gates(weights[f"lstm.weight_ih_{way}"]) for way in there_and_back])
    of_state = np.stack([_gates(weights[f"lstm.weight_hh_{way}"]) for way in there_and_back])
    biases = np.stack(
        [
            np.concatenate([_gates(weights[f"lstm.bias_{kind}_{way}"]) for kind in ("ih", "hh")])
            for way in there_and_back
        ]
    )
    constants = [graph.numbers(values) for values in (of_input, of_state, biases)]
    both = graph.node("LSTM", x, *constants, hidden_size=_UNITS, direction="bidirectional")
    return graph.node("Reshape", graph.node("Transpose", both, perm=[0, 2, 1, 3]), graph.sizes(0, 0, -1))


def _gates(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Torch's order of an LSTM's gates (input, forget, cell, output) in that of ONNX (input, output, forget, cell)."""
    given, forget, cell, out = np.split(values, 4)
    return np.concatenate([given, out, forget, cell])


def _linear(graph: Graph, weights: Weights, x: str, name: str) -> str:
    product = graph.node("MatMul", x, graph.numbers(weights[f"{name}.weight"].T))
    return graph.node("Add", product, graph.numbers(weights[f"{name}.bias"]))


def sinc_filters(weights: Weights) -> NDArray[np.float64]:
    """The 80 band-pass filters of the first layer, (80, 1, 251), from their edges, which are what was trained."""
    name = "sincnet.conv1d.0.filterbank"
    low = _LOWEST_HZ + np.abs(weights[f"{name}.low_hz_"])
    high = np.clip(low + _LEAST_BAND_HZ + np.abs(weights[f"{name}.band_hz_"]), _LOWEST_HZ, RATE / 2)
    times, window = weights[f"{name}.n_"], weights[f"{name}.window_"]  # of the half before the middle
    upper, lower, band = high * times, low * times, high - low
    even = (_sine(upper) - _sine(lower)) / (times / 2) * window
    odd = (_cosine(lower) - _cosine(upper)) / (times / 2) * window
    cosines = np.concatenate([even, 2 * band, even[:, ::-1]], axis=1)
    sines = np.concatenate([odd, np.zeros_like(band), -odd[:, ::-1]], axis=1)
    return (np.concatenate([cosines, sines]) / np.tile(2 * band, (2, 1)))[:, None]


def _cosine(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return _sine(angle + np.pi / 2)


def _sine(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """A sine by its series, of operations that give the same bits on every machine, which numpy's own does not."""
    rest = angle - 2 * np.pi * np.rint(angle / (2 * np.pi))
    square = rest * rest
    total = np.ones_like(rest)
    for power in range(_TERMS, 1, -2):
        total = 1 - square * total / (power * (power - 1))
    return rest * total
