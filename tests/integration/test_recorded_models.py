"""The lock learns a model from the hub's own list of files, without its weights, and an absent hub ends nothing."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.gpu_worker.engine.decode.catalogue import CATALOGUE, PACKAGED, PACKAGED_DIGESTS
from services.gpu_worker.image import model_lock
from tests.support.hub import Hub, running_hub
from tools import deployment, models
from tools.deployment import RefusedError

NAME = "KBLab/kb-whisper-small"
COMMIT = CATALOGUE[NAME].revisions["standard"]
FILES = {"model.bin": b"weights" * 1_000, "config.json": b"{}", "tokenizer.json": b"[]", "vocabulary.json": b"[1]"}
DIGESTS = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running_hub() as (hub, address):
        monkeypatch.setenv("HF_ENDPOINT", address)
        hub.put(NAME, COMMIT, {**FILES, "README.md": b"# A model", "pytorch_model.bin": b"more" * 1_000})
        yield hub


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "models.lock.json"


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine from which nobody reaches the hub."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


def test_a_model_is_recorded_at_its_pinned_revision_without_its_weights(hub: Hub, path: Path) -> None:
    assert models.main(["record", NAME, "--lock", str(path)]) == 0
    assert model_lock.read(path) == {NAME: {"revision": COMMIT, "sha256": DIGESTS}}
    assert not [asked for asked in hub.asked if asked.endswith("model.bin")]


def test_a_style_is_recorded_with_the_commit_that_its_branch_is_at(hub: Hub, path: Path) -> None:
    hub.put(NAME, "strict", FILES, commit="b" * 40)
    assert models.main(["record", f"{NAME}@strict", "--lock", str(path)]) == 0
    assert model_lock.read(path)[f"{NAME}@strict"]["revision"] == "b" * 40


def test_what_the_lock_knows_is_left_alone(hub: Hub, path: Path) -> None:
    models.record([NAME], path)
    hub.asked.clear()
    assert models.record([NAME], path) == []
    assert hub.asked == []


def test_what_the_lock_knows_of_a_commit_that_the_catalogue_has_left_is_recorded_anew(hub: Hub, path: Path) -> None:
    model_lock.write({NAME: {"revision": "a" * 40, "sha256": {}}}, path)
    assert models.record([NAME], path) == [NAME]
    assert model_lock.read(path)[NAME]["revision"] == COMMIT


@pytest.mark.usefixtures("nowhere")
def test_the_packaged_model_needs_no_hub(path: Path) -> None:
    assert models.record([PACKAGED], path) == [PACKAGED]
    assert model_lock.read(path)[PACKAGED]["sha256"] == PACKAGED_DIGESTS


def test_a_model_that_the_engine_could_not_use_is_refused_by_the_file_that_it_lacks(hub: Hub, path: Path) -> None:
    hub.put(NAME, COMMIT, {name: data for name, data in FILES.items() if name != "tokenizer.json"})
    with pytest.raises(RefusedError, match=r"lacks tokenizer\.json"):
        models.record([NAME], path)
    assert not path.exists()


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("name", [NAME, "nobody/knows", f"{NAME}@poetic"])
def test_whoever_asks_for_a_record_that_cannot_be_had_is_told_so(
    path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert models.main(["record", name, "--lock", str(path)]) == 1
    assert name in capsys.readouterr().err


@pytest.mark.usefixtures("nowhere")
def test_whoever_builds_packages_is_told_what_was_left_out_and_goes_on(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert models.main(["record", PACKAGED, NAME, "--if-reachable", "--lock", str(path)]) == 0
    said = capsys.readouterr().err
    assert said.startswith(f"left out: recording {NAME}. ")
    assert f"python -m tools.models record {NAME}`" in said
    assert list(model_lock.read(path)) == [PACKAGED], "what needed no hub is kept"


def test_a_hub_that_never_answers_is_not_waited_for(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(models, "ask", lambda _: time.sleep(0.5))
    models.record_if_reachable([NAME], path)
    assert "did not answer within" in capsys.readouterr().err


@pytest.mark.usefixtures("nowhere")
def test_without_names_it_is_the_default_or_what_the_deployment_lists(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment, "outputs", dict)
    models.main(["record", "--if-reachable", "--lock", str(path)])
    assert f"recording {', '.join(deployment.MODELS)}." in capsys.readouterr().err

    monkeypatch.setattr(deployment, "outputs", lambda: {"deployment": "news", "region": "eu-north-1"})
    listed = deployment.Needs(
        names=deployment.Names.of({}), region="eu-north-1", models=(f"{NAME}@strict", PACKAGED), lifetime_minutes=75
    )
    monkeypatch.setattr(deployment, "needs", lambda _: listed)
    models.main(["record", "--if-reachable", "--lock", str(path)])
    assert f"recording {NAME}@strict, {PACKAGED}." in capsys.readouterr().err


@pytest.mark.usefixtures("nowhere")
def test_settings_that_cannot_be_read_end_no_packaging(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> dict[str, str]:
        raise RefusedError("The state is elsewhere.")

    monkeypatch.setattr(deployment, "outputs", refuse)
    assert models.main(["record", "--if-reachable", "--lock", str(path)]) == 0
    assert "The state is elsewhere." in capsys.readouterr().err
    assert models.main(["record", "--lock", str(path)]) == 1
