"""A machine has the models that tell speakers apart from the bucket, from its image, or makes them as the lock says."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.common.domain import object_keys
from services.common.domain.errors import DamagedModelError
from services.gpu_worker.engine.decode.catalogue import SPEAKERS, SPEAKERS_DIGESTS
from services.gpu_worker.engine.decode.model_files import DIGESTS, locate, relative, shipped
from services.gpu_worker.engine.decode.model_sources import ModelMissingError
from services.gpu_worker.engine.speaker_models import making
from services.gpu_worker.image import models as model_places
from services.gpu_worker.image.bucket_models import BucketModels
from services.gpu_worker.image.models import Models
from tests.support.random_model import write_random_model
from tests.support.world import BUCKET, World


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """Where they were made in a test, which copies them from this machine's cache; the machine's own is empty."""
    folder, places = locate(SPEAKERS).folder, list[Path]()

    def make(into: Path) -> None:
        places.append(into)
        for file in SPEAKERS_DIGESTS:
            shutil.copy(folder / file, into)

    monkeypatch.setattr(making, "make", make)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "disk"))
    return places


def put_lock(world: World, *keys: str) -> None:
    lock = {key: shipped(key) for key in keys}
    world.s3.put_object(Bucket=BUCKET, Key=object_keys.MODELS_LOCK, Body=json.dumps(lock).encode())


def put_into_image(folder: Path) -> Path:
    return Path(shutil.copytree(locate(SPEAKERS).folder, folder / relative(SPEAKERS)))


def of_machine(world: World, tmp_path: Path, bucket: type[BucketModels] = BucketModels) -> Models:
    image, memory = tmp_path / "image", tmp_path / "memory"
    image.mkdir(exist_ok=True)
    return Models(bucket(world.s3, BUCKET), folder=image, memory=memory, locked=True)


def put_into_bucket(world: World) -> None:
    put_lock(world, SPEAKERS)
    for path in locate(SPEAKERS).folder.iterdir():
        key = object_keys.model_file(relative(SPEAKERS), path.name)
        world.s3.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())


def test_they_come_from_the_bucket_into_memory(world: World, tmp_path: Path) -> None:
    put_into_bucket(world)
    found = of_machine(world, tmp_path).speakers()
    assert found.is_relative_to(tmp_path / "memory")
    assert {path.name for path in found.iterdir()} == {*SPEAKERS_DIGESTS, DIGESTS}


def test_once_they_are_there_nobody_is_asked_again(world: World, tmp_path: Path) -> None:
    put_into_image(tmp_path / "image")
    models = of_machine(world, tmp_path)
    first = models.speakers()
    shutil.rmtree(first)
    assert models.speakers() == first


def test_they_are_taken_from_the_image_where_the_bucket_has_none(world: World, tmp_path: Path) -> None:
    own = put_into_image(tmp_path / "image")
    assert of_machine(world, tmp_path).speakers() == own


def test_an_image_whose_copy_is_damaged_is_noticed(world: World, tmp_path: Path) -> None:
    own = put_into_image(tmp_path / "image")
    with (own / "embedding.onnx").open("r+b") as file:
        file.write(b"other")
    with pytest.raises(DamagedModelError, match=r"embedding\.onnx of the model speakers"):
        of_machine(world, tmp_path).speakers()


def test_an_image_without_them_makes_them_once_into_memory(world: World, tmp_path: Path, made: list[Path]) -> None:
    put_lock(world, SPEAKERS)
    first = of_machine(world, tmp_path).speakers()
    assert first.is_relative_to(tmp_path / "memory")
    assert of_machine(world, tmp_path).speakers() == first
    assert len(made) == 1


def test_what_the_lock_does_not_know_is_not_made(world: World, tmp_path: Path, made: list[Path]) -> None:
    put_lock(world)
    with pytest.raises(ModelMissingError, match=r"python -m tools\.models record speakers"):
        of_machine(world, tmp_path).speakers()
    assert made == []


def test_a_persons_own_box_makes_them_into_its_cache_whatever_folder_its_model_lies_in(
    world: World, tmp_path: Path, made: list[Path]
) -> None:
    model = write_random_model(tmp_path / "model")
    own = Models(BucketModels(world.s3, BUCKET), folder=model, memory=None)
    assert own.speakers() == tmp_path / "disk" / "gpu-transcriber" / "models" / relative(SPEAKERS)
    assert len(made) == 1


def test_parts_that_begin_at_the_same_time_get_whole_files_and_fetch_them_once(world: World, tmp_path: Path) -> None:
    """While the first fetches, the second asks: it waits for the files."""
    put_into_bucket(world)
    fetching, second_asks = threading.Event(), threading.Event()
    fetches: list[Path] = []

    class Slow(BucketModels):
        def fetch(self, *given: Any) -> bool:
            fetches.append(given[3])
            fetching.set()
            assert second_asks.wait(20)
            return super().fetch(*given)

    models, found = of_machine(world, tmp_path, Slow), list[Path]()

    def get(asks: threading.Event) -> None:
        asks.set()
        found.append(models.speakers())

    first, second = (threading.Thread(target=get, args=(asks,)) for asks in (threading.Event(), second_asks))
    first.start()
    assert fetching.wait(20)
    second.start()
    for thread in (first, second):
        thread.join()
    assert len(found) == 2
    assert set(found) == set(fetches)
    assert len(fetches) == 1


def test_models_that_cannot_be_had_are_not_looked_for_again_for_every_part(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To find that out may take minutes; after some more minutes they may be there."""
    clock = [1_000.0]
    monkeypatch.setattr(model_places, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    put_lock(world)
    models = of_machine(world, tmp_path)
    for _ in range(2):
        with pytest.raises(ModelMissingError):
            models.speakers()
    put_into_bucket(world)
    with pytest.raises(ModelMissingError):
        models.speakers()
    clock[0] += model_places._AGAIN_SECONDS
    assert models.speakers().is_dir()
