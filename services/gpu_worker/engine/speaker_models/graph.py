"""Writes a network down in the ONNX format, with the same bytes on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import onnx

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

Shape = tuple[int | str, ...]
"""The sizes of a tensor; a letter stands for any size."""
Attribute: TypeAlias = Any
"""Of an operation: a number, numbers or a word."""
OPERATIONS, FORMAT = 17, 9
"""The versions of ONNX's operations and of its file format that the runtime has to know."""


class Graph:
    """A network that grows by one operation at a time. What an operation yields is known by a name."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def numbers(self, values: ArrayLike) -> str:
        """A constant of 32-bit numbers."""
        return self._constant(np.asarray(values, dtype="<f4"))

    def sizes(self, *values: int) -> str:
        """A constant of whole numbers, as sizes and axes are given."""
        return self._constant(np.asarray(values, dtype="<i8"))

    def node(self, operation: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operation, and return the name of its first result."""
        result = f"result_{len(self._nodes)}"
        self._nodes.append(onnx.helper.make_node(operation, list(inputs), [result], **attributes))
        return result

    def written(self, given: tuple[str, Shape], result: tuple[str, Shape]) -> bytes:
        """The file's content.

        Args:
            given: name and shape of what the network takes.
            result: name and shape of what it gives, which is the result of the last operation.

        """
        self._nodes[-1].output[0] = result[0]
        graph = onnx.helper.make_graph(
            self._nodes, "network", [_described(*given)], [_described(*result)], self._constants
        )
        model = onnx.helper.make_model(
            graph, opset_imports=[onnx.helper.make_opsetid("", OPERATIONS)], ir_version=FORMAT
        )
        onnx.checker.check_model(model)
        written: bytes = model.SerializeToString(deterministic=True)
        return written

    def _constant(self, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def _described(name: str, shape: Sequence[int | str]) -> onnx.ValueInfoProto:
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
