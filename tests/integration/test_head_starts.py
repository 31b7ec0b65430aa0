"""The image's model is loaded and tried before the machine knows who it is, and used if that is what it needs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.gpu_worker.engine.process import EngineProcess
from services.gpu_worker.machine import read_ahead, self_test
from services.gpu_worker.machine.head_start import HeadStart, Wanted
from services.gpu_worker.machine.self_test import SelfTestFailedError
from tests.support.random_model import write_random_model

WANTED = Wanted(model="whisper-base", device="cpu")
PATIENCE = 30
NEVER = threading.Event()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_model(tmp_path_factory.mktemp("model") / "model")


@pytest.fixture
def begun(model: Path) -> Iterator[HeadStart]:
    made = HeadStart.begin({"FIRST_MODEL": "whisper-base", "MODELS_FOLDER": str(model), "DEVICE": "cpu"})
    assert made
    yield made
    made.close()


def nowhere_else(_: threading.Event) -> Path | None:
    return None


def until_whole(whole: threading.Event) -> Path | None:
    """A bucket that is slower than the image."""
    assert whole.wait(PATIENCE)
    return None


def test_the_engine_that_is_wanted_is_the_one_that_was_begun_and_it_has_listened_already(begun: HeadStart) -> None:
    engine = begun.take(WANTED, until_whole, NEVER)
    assert engine is begun.engine
    assert engine.wait_until_ready().name == "whisper-base"
    first, second = begun.heard(engine), begun.heard(engine)
    assert first is second
    assert first.speed > 0


def test_it_is_given_once(begun: HeadStart) -> None:
    assert begun.take(WANTED, until_whole, NEVER)
    assert begun.take(WANTED, until_whole, NEVER) is None


@pytest.mark.parametrize(
    "other",
    [{"model": "KBLab/kb-whisper-small"}, {"device": "cuda"}, {"compute_type": "float32"}, {"patience_seconds": 5.0}],
    ids=str,
)
def test_whoever_wants_another_gets_none_and_it_ends(begun: HeadStart, other: dict[str, str]) -> None:
    assert begun.take(replace(WANTED, **other), nowhere_else, NEVER) is None  # type: ignore[arg-type] # each by its name
    assert not begun.engine.alive


def test_a_bucket_whose_copy_is_whole_first_is_loaded_instead(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    monkeypatch.setattr(read_ahead, "touch", lambda *_: never.wait(PATIENCE))
    begun = HeadStart(WANTED, model)
    assert begun.take(WANTED, lambda _: tmp_path, NEVER) is None
    assert not begun.engine.alive
    never.set()


def test_an_engine_that_was_not_begun_listens_for_itself(begun: HeadStart, model: Path) -> None:
    other = EngineProcess("whisper-base", model, "cpu")
    other.wait_until_ready()
    assert begun.heard(other) is not begun.heard(begun.engine)
    other.close()


def test_what_kept_it_from_listening_is_told_to_whoever_asks(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(_: EngineProcess) -> None:
        raise SelfTestFailedError("nothing")

    monkeypatch.setattr(self_test, "listen", deaf)
    begun = HeadStart(WANTED, model)
    with pytest.raises(SelfTestFailedError, match="nothing"):
        begun.heard(begun.engine)
    assert begun.take(WANTED, until_whole, NEVER) is None, "one that is made now may do better"
    assert not begun.engine.alive


def test_whoever_is_told_to_leave_does_not_wait_until_it_has_listened(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr(self_test, "listen", lambda _: over.wait(PATIENCE))
    begun, told = HeadStart(WANTED, model), threading.Event()
    told.set()
    assert begun.take(WANTED, nowhere_else, told) is begun.engine
    over.set()
    begun.close()


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"FIRST_MODEL": "whisper-base"},
        {"FIRST_MODEL": "whisper-base", "MODELS_FOLDER": "/nowhere"},
        {"FIRST_MODEL": "whisper-base", "MODELS_FOLDER": "{model}", "ENGINE_PATIENCE_SECONDS": "long"},
    ],
    ids=["own box", "no folder", "no model", "wrong setting"],
)
def test_a_machine_without_a_model_of_its_own_begins_nothing(model: Path, told: dict[str, str]) -> None:
    assert HeadStart.begin({name: value.format(model=model) for name, value in told.items()}) is None
