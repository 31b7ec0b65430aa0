"""The network CAM++ as an ONNX file: 192 numbers that are alike where the same person speaks.

Copyright of the network and its weights: 3D-Speaker's authors (Alibaba), under the Apache Licence 2.0. What is written
here computes the same and is changed in its form only, to be cheap on a processor: each normalisation that follows a
convolution is part of that convolution's weights; convolutions over time are written as ones over two axes, the first
of size 1, since onnxruntime then keeps its own blocked layout from one to the next; a gate is computed once for its
segment of 100 frames instead of for each frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.gpu_worker.engine.speaker_models.graph import Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.gpu_worker.engine.speaker_models.checkpoint import Weights

BINS, NUMBERS = 80, 192
"""Of the filterbank that goes in, and of the embedding that comes out."""
_BLOCKS = ((12, 1), (24, 2), (16, 2))
"""Layers and dilation of each block."""
_SEGMENT = 100
"""Frames, of 20 ms, over which a gate looks."""
_EPSILON = 1e-5


def embedding(weights: Weights) -> bytes:
    """The network: filterbanks less their mean, (n, frames of 10 ms, 80), to embeddings of any length, (n, 192)."""
    graph = Graph()
    network = _Network(graph, weights)
    x = network.head("feats")
    for block, (layers, dilation) in enumerate(_BLOCKS, start=1):
        for layer in range(1, layers + 1):
            x = network.dense_layer(x, f"xvector.block{block}.tdnnd{layer}", dilation)
        x = network.normalised(x, f"xvector.transit{block}.nonlinear.batchnorm")
        x = network.convolution(x, f"xvector.transit{block}.linear")
    x = network.normalised(x, "xvector.out_nonlinear.batchnorm")
    network.tail(x)
    return graph.written(("feats", ("n", "frames", BINS)), ("emb", ("n", NUMBERS)))


class _Network:
    """The network's pieces. Within it, a tensor over time is (n, channels, 1, frames)."""

    def __init__(self, graph: Graph, weights: Weights) -> None:
        self._graph = graph
        self._weights = weights

    def head(self, features: str) -> str:
        """Convolutions over frequency and time, then one over time that halves the number of frames."""
        x = self._graph.node("Transpose", features, perm=[0, 2, 1])
        x = self._graph.node("Unsqueeze", x, self._graph.sizes(1))
        x = self._relu(self.convolution(x, "head.conv1", "head.bn1", pads=[1] * 4))
        for layer in ("head.layer1", "head.layer2"):
            x = self._residual(self._residual(x, f"{layer}.0", 2), f"{layer}.1", 1)
        x = self._relu(self.convolution(x, "head.conv2", "head.bn2", pads=[1] * 4, strides=[2, 1]))
        x = self._graph.node("Reshape", x, self._graph.sizes(0, 320, 1, -1))
        normalisation = "xvector.tdnn.nonlinear.batchnorm"
        x = self.convolution(x, "xvector.tdnn.linear", normalisation, pads=[0, 2, 0, 2], strides=[1, 2])
        return self._relu(x)

    def dense_layer(self, x: str, name: str, dilation: int) -> str:
        """32 more channels, computed from all that are there."""
        y = self.normalised(x, f"{name}.nonlinear1.batchnorm")
        y = self._relu(self.convolution(y, f"{name}.linear1", f"{name}.nonlinear2.batchnorm"))
        local = self.convolution(
            y, f"{name}.cam_layer.linear_local", pads=[0, dilation, 0, dilation], dilations=[1, dilation]
        )
        gated = self._graph.node("Mul", local, self._gate(y, f"{name}.cam_layer"))
        return self._graph.node("Concat", x, gated, axis=1)

    def tail(self, x: str) -> None:
        """Mean and deviation of each channel over all frames, and from them the embedding."""
        x = self._graph.node("Squeeze", x, self._graph.sizes(2))
        time = self._graph.sizes(2)
        mean = self._graph.node("ReduceMean", x, axes=[2], keepdims=1)
        apart = self._graph.node("Sub", x, mean)
        squares = self._graph.node("ReduceSum", self._graph.node("Mul", apart, apart), time, keepdims=0)
        frames = self._graph.node("Cast", self._graph.node("Shape", x, start=2), to=1)  # to 32-bit floats
        others = self._graph.node("Sub", frames, self._graph.numbers([1]))
        deviation = self._graph.node("Sqrt", self._graph.node("Div", squares, others))
        both = self._graph.node("Concat", self._graph.node("Squeeze", mean, time), deviation, axis=1)
        values, bias = self._folded("xvector.dense.linear", "xvector.dense.nonlinear.batchnorm")
        self._graph.node("Gemm", both, self._graph.numbers(values[:, :, 0]), self._graph.numbers(bias), transB=1)

    def convolution(self, x: str, name: str, normalisation: str = "", **how: list[int]) -> str:
        """A convolution with the normalisation that follows it, if one is named."""
        values, bias = self._folded(name, normalisation) if normalisation else self._plain(name)
        if values.ndim == 3:  # noqa: PLR2004 - one over time
            values = values[:, :, None]
        constants = [values] if bias is None else [values, bias]
        return self._graph.node("Conv", x, *map(self._graph.numbers, constants), **how)

    def normalised(self, x: str, name: str) -> str:
        """A normalisation that follows no convolution, and the cutting of all that is negative."""
        kinds = ("weight", "bias", "running_mean", "running_var")
        constants = [self._graph.numbers(self._weights[f"{name}.{kind}"]) for kind in kinds]
        return self._relu(self._graph.node("BatchNormalization", x, *constants, epsilon=_EPSILON))

    def _residual(self, x: str, name: str, stride: int) -> str:
        y = self.convolution(x, f"{name}.conv1", f"{name}.bn1", pads=[1] * 4, strides=[stride, 1])
        y = self.convolution(self._relu(y), f"{name}.conv2", f"{name}.bn2", pads=[1] * 4)
        if stride > 1:
            x = self.convolution(x, f"{name}.shortcut.0", f"{name}.shortcut.1", strides=[stride, 1])
        return self._relu(self._graph.node("Add", y, x))

    def _gate(self, x: str, name: str) -> str:
        """A factor for each channel and frame, the same for all frames of a segment."""
        length = {"kernel_shape": [1, _SEGMENT], "strides": [1, _SEGMENT]}
        of_segment = self._graph.node("AveragePool", x, **length, ceil_mode=1, count_include_pad=0)
        context = self._graph.node("Add", of_segment, self._graph.node("GlobalAveragePool", x))
        context = self._relu(self.convolution(context, f"{name}.linear1"))
        gate = self._graph.node("Sigmoid", self.convolution(context, f"{name}.linear2"))
        gate = self._graph.node("Unsqueeze", gate, self._graph.sizes(4))
        gate = self._graph.node("Expand", gate, self._graph.sizes(1, 1, 1, 1, _SEGMENT))
        gate = self._graph.node("Reshape", gate, self._graph.sizes(0, 0, 1, -1))
        frames = self._graph.node("Shape", x, start=3)
        return self._graph.node("Slice", gate, self._graph.sizes(0), frames, self._graph.sizes(3))

    def _relu(self, x: str) -> str:
        return self._graph.node("Relu", x)

    def _plain(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        return self._weights[f"{name}.weight"], self._weights.get(f"{name}.bias")

    def _folded(self, name: str, normalisation: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights and bias of a convolution without a bias of its own, times and plus what its normalisation does."""
        values = self._weights[f"{name}.weight"]
        scale = 1 / np.sqrt(self._weights[f"{normalisation}.running_var"] + _EPSILON)
        if f"{normalisation}.weight" in self._weights:
            scale = scale * self._weights[f"{normalisation}.weight"]
        bias = -self._weights[f"{normalisation}.running_mean"] * scale
        if f"{normalisation}.bias" in self._weights:
            bias = bias + self._weights[f"{normalisation}.bias"]
        return values * scale.reshape(-1, *[1] * (values.ndim - 1)), bias
