"""A model is the one that was recorded, or it is not used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from services.common.domain.errors import DamagedModelError, ModelUnavailableError
from services.gpu_worker.engine.decode.catalogue import CATALOGUE
from services.gpu_worker.engine.decode.model_files import DIGESTS, _filled_atomically, locate
from tests.support.random_model import write_random_model


def filled(folder: Path) -> str:
    write_random_model(folder)
    return "commit"


def test_a_given_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    files = locate("any", write_random_model(tmp_path / "model"))
    assert files.revision.startswith("sha256:")
    assert set(files.digests) >= {"model.bin", "config.json", "tokenizer.json"}


def test_a_fetched_model_records_its_digests_once(tmp_path: Path) -> None:
    _filled_atomically(tmp_path / "model", filled)
    files = locate("any@strict", tmp_path / "model")
    assert (files.revision, files.key) == ("commit", "any@strict")
    assert json.loads((tmp_path / "model" / DIGESTS).read_text())["sha256"] == files.digests


@pytest.mark.parametrize("file", ["model.bin", "tokenizer.json"])
def test_a_changed_file_is_noticed(tmp_path: Path, file: str) -> None:
    _filled_atomically(tmp_path / "model", filled)
    with (tmp_path / "model" / file).open("ab") as damaged:
        damaged.write(b" ")
    with pytest.raises(DamagedModelError, match=file):
        locate("any", tmp_path / "model")


def test_a_missing_file_is_noticed(tmp_path: Path) -> None:
    (write_random_model(tmp_path / "model") / "tokenizer.json").unlink()
    with pytest.raises(DamagedModelError, match="tokenizer"):
        locate("any", tmp_path / "model")


def test_a_fetch_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def broken(folder: Path) -> str:
        (folder / "model.bin").write_bytes(b"half")
        raise ConnectionError

    with pytest.raises(ConnectionError):
        _filled_atomically(tmp_path / "models" / "model", broken)
    assert list((tmp_path / "models").iterdir()) == []


def test_two_that_fetch_at_once_end_with_one_model(tmp_path: Path) -> None:
    def overtaken(folder: Path) -> str:
        _filled_atomically(tmp_path / "model", filled)
        return filled(folder)

    _filled_atomically(tmp_path / "model", overtaken)
    assert locate("any", tmp_path / "model").revision == "commit"


def test_the_hub_is_asked_for_the_pinned_revision_and_what_goes_wrong_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def unreachable(_: HfApi, name: str, *, revision: str, timeout: float) -> None:
        asked.append((name, revision))
        raise TimeoutError

    monkeypatch.setattr(HfApi, "model_info", unreachable)
    with pytest.raises(ModelUnavailableError, match=r"could not be fetched from the hub \(TimeoutError\)"):
        locate("KBLab/kb-whisper-small", cache=tmp_path)
    assert asked == [("KBLab/kb-whisper-small", CATALOGUE["KBLab/kb-whisper-small"].revisions["standard"])]


@pytest.mark.parametrize("key", ["nobody/knows", "whisper-base@strict"])
def test_an_unknown_name_is_refused_without_asking_anybody(tmp_path: Path, key: str) -> None:
    with pytest.raises(ModelUnavailableError):
        locate(key, cache=tmp_path)
