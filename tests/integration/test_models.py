"""The model comes from the bucket into memory where it can, else from the image, and is always the one recorded."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from services.common.domain.errors import DamagedModelError, ModelUnavailableError
from services.gpu_worker.engine.decode.catalogue import CATALOGUE
from services.gpu_worker.engine.decode.model_files import ModelFiles, relative
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.image import fetch_models
from services.gpu_worker.image.bucket_models import BucketModels
from services.gpu_worker.image.model_lock import Lock, check_or_record
from services.gpu_worker.image.models import Models
from services.gpu_worker.machine import retrying
from services.gpu_worker.machine.retrying import Retrying
from tests.support.faults import aws_error
from tests.support.world import BUCKET, World

KEY = "KBLab/kb-whisper-small"
REVISION = CATALOGUE[KEY].revisions["standard"]
FILES = {
    "model.bin": bytes(range(256)) * 80_000,  # several ranges
    "config.json": b"{}",
    "tokenizer.json": b"{}",
}


def record(files: dict[str, bytes]) -> str:
    return json.dumps(
        {"revision": REVISION, "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}}
    )


def put_into_bucket(world: World, files: dict[str, bytes] = FILES) -> None:
    for name, data in {**files, "digests.json": record(files).encode()}.items():
        world.s3.put_object(Bucket=BUCKET, Key=f"models/{relative(KEY)}/{name}", Body=data)


def put_into_image(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    own = folder / relative(KEY)
    own.mkdir(parents=True)
    for name, data in files.items():
        (own / name).write_bytes(data)
    (own / "digests.json").write_text(record(files))
    return own


def with_an_image(world: World, folder: Path) -> Models:
    """The models of a machine that has an image, and room in memory."""
    return Models(BucketModels(world.s3, BUCKET), folder=folder / "image", memory=folder / "memory")


def test_from_the_bucket_into_memory_byte_for_byte(world: World, tmp_path: Path) -> None:
    put_into_bucket(world)
    found = with_an_image(world, tmp_path).ready(KEY)
    assert found.is_relative_to(tmp_path / "memory")
    assert {name: (found / name).read_bytes() for name in FILES} == FILES
    assert (found / "digests.json").exists()


def test_a_bucket_that_does_not_answer_is_waited_for(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_into_bucket(world)
    monkeypatch.setattr(retrying, "FIRST_PAUSE_SECONDS", 0.0)
    taking_turns, seen = threading.Lock(), Counter[str]()

    def refuse(name: str) -> None:
        with taking_turns:
            seen[name] += 1
            if seen[name] % 3 == 1:
                raise aws_error("SlowDown", name, status=503)

    world.faults.refuse = refuse
    with world.faults.watching():
        found = Models(BucketModels(world.s3, BUCKET), folder=None, memory=tmp_path / "memory").ready(KEY)
    assert {name: (found / name).read_bytes() for name in FILES} == FILES
    assert seen["s3.HeadObject"] > len(FILES)


def test_whoever_is_told_to_leave_waits_for_no_bucket(world: World, tmp_path: Path) -> None:
    told = threading.Event()

    def refuse(name: str) -> None:
        told.set()
        raise aws_error("SlowDown", name, status=503)

    world.faults.refuse = refuse
    models = Models(BucketModels(world.s3, BUCKET, Retrying(told)), folder=None, memory=tmp_path)
    with world.faults.watching(), pytest.raises(StoppedError):
        models.ready(KEY)


def test_what_is_no_longer_wanted_is_left_and_nothing_of_it_stays(world: World, tmp_path: Path) -> None:
    put_into_bucket(world)
    put_into_image(tmp_path / "image")
    whole, memory = threading.Event(), tmp_path / "memory"
    whole.set()
    assert Models(BucketModels(world.s3, BUCKET), folder=tmp_path / "image", memory=memory).fetched(KEY, whole) is None
    assert [path for path in memory.rglob("*") if path.is_file()] == []


def test_another_copy_than_the_images_counts_even_where_the_image_is_whole_first(world: World, tmp_path: Path) -> None:
    """The lock's newer commit, say: which one transcribes is no matter of luck."""
    put_into_bucket(world)
    own = put_into_image(tmp_path / "image", {**FILES, "model.bin": b"older"})
    (own / "digests.json").unlink()
    whole = threading.Event()
    whole.set()
    assert with_an_image(world, tmp_path).fetched(KEY, whole)


def test_what_was_fetched_is_not_fetched_again(world: World, tmp_path: Path) -> None:
    put_into_bucket(world)
    models = Models(BucketModels(world.s3, BUCKET), folder=None, memory=tmp_path / "memory")
    first = models.fetched(KEY)
    assert first
    (first / "model.bin").write_bytes(b"as it was left")
    assert models.ready(KEY) == first
    assert (first / "model.bin").read_bytes() == b"as it was left"


def test_from_the_image_where_the_bucket_holds_none(world: World, tmp_path: Path) -> None:
    own = put_into_image(tmp_path / "image")
    assert with_an_image(world, tmp_path).ready(KEY) == own


def test_a_bucket_that_may_not_be_listed_answers_forbidden_for_what_is_not_there(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = put_into_image(tmp_path / "image")

    def forbidden(**_: Any) -> Any:
        raise world.s3.exceptions.ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")

    found = with_an_image(world, tmp_path)
    monkeypatch.setattr(found._bucket, "_s3", type("S3", (), {"get_object": staticmethod(forbidden)}))
    assert found.ready(KEY) == own


def test_from_the_image_where_memory_is_too_small(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_into_bucket(world)
    own = put_into_image(tmp_path / "image")
    monkeypatch.setattr(
        "services.gpu_worker.image.models.shutil.disk_usage", lambda _: shutil._ntuple_diskusage(100, 90, 10)
    )
    assert with_an_image(world, tmp_path).ready(KEY) == own


def test_another_model_in_the_bucket_than_in_the_image_is_refused(world: World, tmp_path: Path) -> None:
    put_into_bucket(world, {**FILES, "model.bin": b"another"})
    put_into_image(tmp_path / "image")
    with pytest.raises(DamagedModelError, match="not the one that the image was built with"):
        with_an_image(world, tmp_path).ready(KEY)


def test_a_model_that_is_nowhere_is_named(world: World, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=f"{KEY} is neither in the image nor in the bucket"):
        Models(BucketModels(world.s3, BUCKET), folder=tmp_path, memory=tmp_path / "memory").ready(KEY)


def test_a_folder_may_be_one_model_itself(world: World, tmp_path: Path) -> None:
    own = put_into_image(tmp_path)
    assert Models(BucketModels(world.s3, BUCKET), folder=own, memory=None).ready(KEY) == own


def fetched(digest: str) -> ModelFiles:
    return ModelFiles(Path(), KEY, "standard", REVISION, {"model.bin": digest})


def test_the_lock_records_a_model_once_and_holds_it_to_that() -> None:
    lock: Lock = {}
    assert check_or_record(lock, fetched("aa"))
    assert not check_or_record(lock, fetched("aa"))
    with pytest.raises(DamagedModelError, match=r"model\.bin of KBLab/kb-whisper-small"):
        check_or_record(lock, fetched("bb"))
    assert lock == {KEY: {"revision": REVISION, "sha256": {"model.bin": "aa"}}}


def test_an_image_whose_source_lacks_a_model_says_where_it_belongs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["fetch_models", KEY, "--into", str(tmp_path / "image"), "--lock", str(tmp_path / "lock.json")]
    monkeypatch.setattr("sys.argv", [*asked, "--source", str(tmp_path / "source")])
    assert fetch_models.main() == 1
    assert f"There is no {KEY} in {tmp_path / 'source'}: put its files into " in capsys.readouterr().err


def test_an_image_gets_its_models_only_if_they_are_those_that_the_lock_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_into_image(tmp_path / "source")
    lock = tmp_path / "models.lock.json"
    asked = ["fetch_models", KEY, "--into", str(tmp_path / "image"), "--lock", str(lock)]
    monkeypatch.setattr("sys.argv", [*asked, "--source", str(tmp_path / "source")])
    assert fetch_models.main() == 0
    assert (tmp_path / "image" / relative(KEY) / "model.bin").read_bytes() == FILES["model.bin"]
    other = json.loads(lock.read_text())
    other[KEY]["sha256"] = dict.fromkeys(FILES, "0" * 64)
    lock.write_text(json.dumps(other))
    assert fetch_models.main() == 1
    assert json.loads(lock.read_text()) == other, "what the lock knows is not written over"
    assert "is not the file that the lock knows" in capsys.readouterr().err
