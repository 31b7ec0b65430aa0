"""Small checkpoints as torch writes them: an archive with a pickle, and each tensor's numbers beside that."""

from __future__ import annotations

import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


class _Tensor:
    """Is pickled as a call of torch's function that puts a tensor together."""

    def __init__(self, rebuild: Any, number: int, values: np.ndarray[Any, Any]) -> None:
        self.rebuild, self.number, self.values = rebuild, number, values

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        shape = self.values.shape
        return self.rebuild, (_Numbers(self.number, self.values), 0, shape, (), False, OrderedDict())


class _Numbers:
    def __init__(self, number: int, values: np.ndarray[Any, Any]) -> None:
        self.number, self.values = number, values


def write_checkpoint(path: Path, weights: Mapping[str, np.ndarray[Any, Any]], **more: Any) -> Path:
    """Write weights, and whatever else the pickle is to hold beside them."""
    torch, utilities = types.ModuleType("torch"), types.ModuleType("torch._utils")
    storages = {}
    for name in ("FloatStorage", "LongStorage"):
        storages[name] = type(name, (), {"__module__": "torch", "__qualname__": name})
        setattr(torch, name, storages[name])

    def _rebuild_tensor_v2() -> None:
        """Only named by the pickle."""

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    vars(utilities)["_rebuild_tensor_v2"] = _rebuild_tensor_v2

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing: Any) -> Any:
            if not isinstance(thing, _Numbers):
                return None
            kind = storages["FloatStorage" if thing.values.dtype == np.float32 else "LongStorage"]
            return "storage", kind, str(thing.number), "cpu", thing.values.size

    tensors = {name: _Tensor(_rebuild_tensor_v2, number, array) for number, (name, array) in enumerate(weights.items())}
    told = {"torch": torch, "torch._utils": utilities}
    sys.modules.update(told)
    try:
        with zipfile.ZipFile(path, "w") as archive:
            with archive.open("archive/data.pkl", "w") as file:
                Pickler(file, protocol=2).dump({"state_dict": OrderedDict(tensors), **more})
            for tensor in tensors.values():
                archive.writestr(f"archive/data/{tensor.number}", tensor.values.tobytes())
    finally:
        for name in told:
            del sys.modules[name]
    return path
