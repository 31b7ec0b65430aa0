"""A system on this machine tells speakers apart, or refuses to, and its user knows which."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from services.gpu_worker.engine.decode.catalogue import SPEAKERS
from services.gpu_worker.engine.decode.model_files import ModelFiles, relative
from services.gpu_worker.engine.decode.model_sources import ModelMissingError
from services.local import models, serve

CHOSEN = argparse.Namespace(model=None, models_folder=None, cors_origin=[])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where models are kept; nothing is there yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "gpu-transcriber" / "models"


def test_models_that_cannot_be_made_are_told_and_speakers_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: str) -> None:
        raise ModelMissingError("speakers", "No package index is here.")

    monkeypatch.setattr(models, "locate", fail)
    assert serve.settings_of(CHOSEN, None).unrecorded_models == (SPEAKERS,)
    said = capsys.readouterr().err
    assert "No package index is here. Jobs with `speakers` are refused until the next start." in said


def test_the_first_start_says_what_it_waits_for_and_later_ones_do_not(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = cache / relative(SPEAKERS)

    def make(_: str) -> ModelFiles:
        folder.mkdir(parents=True, exist_ok=True)
        return ModelFiles(folder, SPEAKERS, "standard", "1", {})

    monkeypatch.setattr(models, "locate", make)
    assert serve.settings_of(CHOSEN, None).unrecorded_models == ()
    assert "made now, once; 81 MB are fetched" in capsys.readouterr().err
    assert serve.settings_of(CHOSEN, None).unrecorded_models == ()
    assert capsys.readouterr().err == ""
