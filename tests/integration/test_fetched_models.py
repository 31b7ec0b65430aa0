"""What a machine of the fleet fetches from the hub or the bucket is what the lock knows, or it is not used."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.domain import object_keys
from services.common.domain.errors import DamagedModelError
from services.gpu_worker.engine.decode.catalogue import CATALOGUE
from services.gpu_worker.engine.decode.device_choice import EngineSettings
from services.gpu_worker.engine.decode.loaded_model import LoadedModel
from services.gpu_worker.engine.decode.model_files import ModelRecord, locate, relative
from services.gpu_worker.engine.decode.model_sources import ModelMissingError
from services.gpu_worker.image.bucket_models import BucketModels
from services.gpu_worker.image.models import Models
from tests.support.hub import Hub, running_hub
from tests.support.random_model import write_random_model
from tests.support.world import BUCKET, World

KEY, STYLED = "KBLab/kb-whisper-small", "KBLab/kb-whisper-small@strict"
NAME, COMMIT, BRANCH_COMMIT = KEY, CATALOGUE[KEY].revisions["standard"], "b" * 40
FILES = {"model.bin": b"weights" * 1_000, "config.json": b"{}", "tokenizer.json": b"{}", "vocabulary.json": b"[]"}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "disk"))
    with running_hub() as (hub, address):
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield hub


def recorded(files: dict[str, bytes] = FILES, revision: str = COMMIT) -> ModelRecord:
    return ModelRecord(
        revision=revision, sha256={name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    )


def put_lock(world: World, **lock: ModelRecord) -> None:
    world.s3.put_object(
        Bucket=BUCKET, Key=object_keys.MODELS_LOCK, Body=json.dumps({key: lock[key] for key in lock}).encode()
    )


def put_into_bucket(world: World, files: dict[str, bytes]) -> None:
    for name, data in {**files, "digests.json": json.dumps(recorded(files)).encode()}.items():
        world.s3.put_object(Bucket=BUCKET, Key=f"models/{relative(KEY)}/{name}", Body=data)


def of_machine(world: World, tmp_path: Path, image: Path | None = None) -> Models:
    """Without an image of its own, unless one is named."""
    return Models(BucketModels(world.s3, BUCKET), folder=image, memory=tmp_path / "memory", locked=True)


def test_a_model_of_the_hub_is_fetched_into_memory_and_can_be_loaded(world: World, hub: Hub, tmp_path: Path) -> None:
    made = write_random_model(tmp_path / "made")
    files = {path.name: path.read_bytes() for path in made.iterdir()}
    hub.put(NAME, COMMIT, {**files, "README.md": b"# A model"})
    put_lock(world, **{KEY: recorded(files)})

    folder = of_machine(world, tmp_path).ready(KEY)

    assert folder.is_relative_to(tmp_path / "memory")
    found = locate(KEY, folder)
    assert (found.revision, dict(found.digests)) == (COMMIT, recorded(files)["sha256"])
    LoadedModel.load(found, EngineSettings(device="cpu", compute_type="int8")).close()


def test_an_image_that_lacks_a_listed_model_is_no_obstacle(world: World, hub: Hub, tmp_path: Path) -> None:
    hub.put(NAME, COMMIT, FILES)
    put_lock(world, **{KEY: recorded()})
    (tmp_path / "image").mkdir()
    assert (of_machine(world, tmp_path, tmp_path / "image").ready(KEY) / "model.bin").read_bytes() == FILES["model.bin"]


def test_where_memory_is_too_small_it_goes_onto_the_disk(
    world: World, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.put(NAME, COMMIT, FILES)
    put_lock(world, **{KEY: recorded()})
    monkeypatch.setattr(
        "services.gpu_worker.image.models.shutil.disk_usage", lambda _: shutil._ntuple_diskusage(100, 90, 10)
    )
    assert of_machine(world, tmp_path).ready(KEY).is_relative_to(tmp_path / "disk")
    put_into_bucket(world, FILES)
    put_lock(world)
    assert of_machine(world, tmp_path).ready(KEY).is_relative_to(tmp_path / "disk"), "from the bucket as well"


def test_what_is_not_in_the_lock_is_not_even_asked_for(world: World, hub: Hub, tmp_path: Path) -> None:
    hub.put(NAME, COMMIT, FILES)
    for lock in ({}, {KEY: recorded(revision="a" * 40)}):
        put_lock(world, **lock)
        with pytest.raises(ModelMissingError, match=f"python -m tools.models record {KEY}"):
            of_machine(world, tmp_path).ready(KEY)
    assert hub.asked == []


def test_a_deployment_without_a_lock_fetches_nothing_from_the_hub(world: World, hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="neither in the image nor in the bucket"):
        of_machine(world, tmp_path).ready(KEY)
    assert hub.asked == []


@pytest.mark.parametrize(
    "others", [{"model.bin": b"others" * 1_000}, {"tokenizer.json": b"[]"}, {"vocabulary.txt": b"one more"}]
)
def test_other_files_than_those_recorded_are_not_taken_from_the_hub(
    world: World, hub: Hub, tmp_path: Path, others: dict[str, bytes]
) -> None:
    hub.put(NAME, COMMIT, {**FILES, **others})
    put_lock(world, **{KEY: recorded()})
    with pytest.raises(DamagedModelError, match=rf"{next(iter(others))} of {KEY} is not the file that the lock knows"):
        of_machine(world, tmp_path).ready(KEY)
    assert list((tmp_path / "memory").rglob("model.bin")) == []


def test_a_hub_that_does_not_answer_is_a_model_that_cannot_be_had_now(world: World, hub: Hub, tmp_path: Path) -> None:
    put_lock(world, **{KEY: recorded()})
    with pytest.raises(ModelMissingError, match="could not be fetched from the hub"):
        of_machine(world, tmp_path).ready(KEY)
    hub.put(NAME, COMMIT, FILES)
    assert of_machine(world, tmp_path).ready(KEY).is_dir(), "a later try finds it"


def test_what_lies_on_the_machine_is_used_whether_or_not_the_hub_is_there(
    world: World, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a worker that was started again, or an engine that replaces another."""
    hub.put(NAME, COMMIT, FILES)
    put_lock(world, **{KEY: recorded()})
    first = of_machine(world, tmp_path).ready(KEY)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert of_machine(world, tmp_path).ready(KEY) == first


def test_a_style_is_fetched_at_the_commit_that_was_recorded_however_its_branch_moves(
    world: World, hub: Hub, tmp_path: Path
) -> None:
    hub.put(NAME, "strict", FILES, commit=BRANCH_COMMIT)
    put_lock(world, **{STYLED: recorded(revision=BRANCH_COMMIT)})
    hub.put(NAME, "strict", {**FILES, "model.bin": b"newer" * 1_000}, commit="c" * 40)
    folder = of_machine(world, tmp_path).ready(STYLED)
    assert (folder / "model.bin").read_bytes() == FILES["model.bin"]
    assert not [asked for asked in hub.asked if asked.endswith("/strict")]


def test_the_buckets_copy_must_be_what_the_lock_knows(world: World, tmp_path: Path) -> None:
    put_into_bucket(world, {**FILES, "model.bin": b"another"})
    put_lock(world, **{KEY: recorded()})
    with pytest.raises(DamagedModelError, match=r"model\.bin of KBLab/kb-whisper-small"):
        of_machine(world, tmp_path).ready(KEY)


def test_an_old_image_does_not_stand_against_a_bucket_that_agrees_with_the_lock(world: World, tmp_path: Path) -> None:
    put_into_bucket(world, FILES)
    put_lock(world, **{KEY: recorded()})
    own = tmp_path / "image" / relative(KEY)
    own.mkdir(parents=True)
    (own / "digests.json").write_text(json.dumps(recorded({**FILES, "model.bin": b"older"})))
    assert (of_machine(world, tmp_path, tmp_path / "image").ready(KEY) / "model.bin").read_bytes() == FILES["model.bin"]


def test_the_buckets_copy_of_a_model_that_the_lock_does_not_know_is_taken_as_before(
    world: World, tmp_path: Path
) -> None:
    put_into_bucket(world, FILES)
    put_lock(world)
    assert of_machine(world, tmp_path).ready(KEY).is_relative_to(tmp_path / "memory")


def test_a_persons_own_box_believes_what_it_fetches(world: World, hub: Hub, tmp_path: Path) -> None:
    hub.put(NAME, COMMIT, FILES)
    own = Models(BucketModels(world.s3, BUCKET), folder=None, memory=None).ready(KEY)
    assert own.is_relative_to(tmp_path / "disk")
