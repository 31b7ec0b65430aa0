"""A checkpoint's weights are read, and nothing that it pickles is run."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.common.domain.errors import DamagedModelError
from services.gpu_worker.engine.speaker_models.checkpoint import read_weights
from tests.support.checkpoints import write_checkpoint

WEIGHTS: dict[str, np.ndarray[Any, Any]] = {
    "linear.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "linear.count": np.array(7, dtype=np.int64),
}


class Hostile:
    """Makes a folder when it is unpickled by Python's own reader."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_weights_are_read_with_their_names_and_shapes(tmp_path: Path) -> None:
    found = read_weights(
        write_checkpoint(tmp_path / "weights.pt", WEIGHTS, version="2.1", hyper_parameters={"lr": 0.1})
    )
    assert list(found) == list(WEIGHTS)
    for name, values in WEIGHTS.items():
        assert found[name].tolist() == values.tolist()


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    path = write_checkpoint(tmp_path / "weights.pt", WEIGHTS, hyper_parameters=Hostile(proof))
    with pytest.raises(DamagedModelError, match=r"weights\.pt is not a checkpoint .*: it names \w+\.mkdir"):
        read_weights(path)
    assert not proof.exists()


def test_a_checkpoint_that_names_an_unknown_class_is_refused(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "weights.pt", WEIGHTS, trained_in=Path("somewhere"))
    with pytest.raises(DamagedModelError, match=r"it names pathlib"):
        read_weights(path)


def test_a_checkpoint_that_lacks_numbers_is_refused(tmp_path: Path) -> None:
    whole = write_checkpoint(tmp_path / "whole.pt", WEIGHTS)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(tmp_path / "short.pt", "w") as short:
        for name in source.namelist():
            short.writestr(name, source.read(name)[: 8 if name.endswith("/0") else None])
    with pytest.raises(DamagedModelError, match=r"short\.pt is not a checkpoint"):
        read_weights(tmp_path / "short.pt")


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(DamagedModelError, match=r"weights\.pt is not a checkpoint that can be read"):
        read_weights(tmp_path / "weights.pt")
