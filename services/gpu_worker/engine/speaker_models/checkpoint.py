"""Reads the weights out of a checkpoint of torch's, without torch and without running what is pickled in it."""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from services.common.domain.errors import DamagedModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

Pickled: TypeAlias = Any
"""Whatever a pickle holds."""
Weights = dict[str, "NDArray[np.float64]"]
_NUMBERS: Mapping[str, str] = {"FloatStorage": "<f4", "LongStorage": "<i8"}
"""The kinds of numbers that occur, as torch and as numpy name them."""
_IGNORED = {
    ("torch.torch_version", "TorchVersion"),
    ("pyannote.audio.core.task", "Problem"),
    ("pyannote.audio.core.task", "Resolution"),
    ("pyannote.audio.core.task", "Specifications"),
}
"""What else is pickled: how the model was trained. Nothing of it is needed."""


def read_weights(path: Path) -> Weights:
    """All weights of a checkpoint, by name, as numbers of 64 bits.

    Raises:
        DamagedModelError: it is no such checkpoint, or holds anything else than the classes that are known here.

    """
    try:
        with zipfile.ZipFile(path) as archive:
            [listing] = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            found = _Reader(archive, listing).load()
        weights = found.get("state_dict", found)
        return {str(name): values.astype(np.float64) for name, values in weights.items()}
    except (zipfile.BadZipFile, pickle.UnpicklingError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedModelError(f"{path.name} is not a checkpoint that can be read: {error}") from None


class _Ignored:
    """Stands for an object of a class that is not needed; it takes whatever the pickle gives it."""

    def __init__(self, *_: object) -> None:
        pass


class _Reader(pickle.Unpickler):
    """Knows the few classes that occur, and loads no others: a pickle could name any function of any module."""

    def __init__(self, archive: zipfile.ZipFile, listing: str) -> None:
        super().__init__(io.BytesIO(archive.read(listing)))
        self._archive = archive
        self._folder = listing.removesuffix("data.pkl")

    def find_class(self, module: str, name: str) -> Pickled:
        """Python's method, called for each class or function that the pickle names."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _NUMBERS:
            return _NUMBERS[name]
        if (module, name) in _IGNORED:
            return _Ignored
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid: Pickled) -> NDArray[Any]:
        """Python's method, called for what lies beside the pickle: one tensor's numbers."""
        _, numbers, file, *_ = pid
        return np.frombuffer(self._archive.read(f"{self._folder}data/{file}"), numbers)


def _tensor(numbers: NDArray[Any], offset: int, shape: tuple[int, ...], *_: object) -> NDArray[Any]:
    """A tensor whose numbers lie one after the other, as they do in all checkpoints that were saved whole."""
    return numbers[offset : offset + math.prod(shape)].reshape(shape)
