"""An engine whose model and readings have processes of their own gives what one in this process gives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.domain.errors import InvalidOptionError
from services.common.domain.options import Options
from services.common.domain.vocabularies import KeptWords
from services.gpu_worker.engine.decode.device_choice import EngineSettings
from services.gpu_worker.engine.decode.model_files import locate
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.engine import Engine
from services.gpu_worker.engine.local import LocalEngine
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.process import EngineProcess
from tests.support.random_model import write_random_model

MODEL = "whisper-base"
TOO_MUCH = " ".join(["Örnsköldsvik"] * 200)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_model(tmp_path_factory.mktemp("model") / "model")


@pytest.fixture(scope="module")
def here(model: Path) -> Iterator[LocalEngine]:
    made = LocalEngine.load(locate(MODEL, model), EngineSettings(device="cpu"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def there(model: Path) -> Iterator[EngineProcess]:
    made = EngineProcess(MODEL, model, "cpu")
    made.wait_until_ready()
    yield made
    made.close()


def heard(engine: Engine, path: Path, options: Options, *, apart: bool = False) -> tuple[Plan, list[ClipResult]]:
    stop = threading.Event()
    plan = engine.plan(path, options, max_seconds=600, stop=stop, apart=apart)
    results = engine.decode(path, plan, range(len(plan.clips)), options, stop=stop, apart=apart)
    return plan, sorted(results, key=lambda result: result.index)


@pytest.mark.parametrize("wanted", [{}, {"language": "auto"}, {"prompt": "Möte i Örnsköldsvik."}], ids=str)
@pytest.mark.parametrize("apart", [False, True])
def test_the_words_are_the_same(
    here: LocalEngine, there: EngineProcess, talk: Path, wanted: dict[str, str], *, apart: bool
) -> None:
    options = Options.parse(wanted, [MODEL])
    assert heard(there, talk, options, apart=apart) == heard(here, talk, options)


def test_the_words_of_a_vocabulary_that_fit_are_the_same(here: LocalEngine, there: EngineProcess, talk: Path) -> None:
    kept, stop = KeptWords.of([f"Örnsköldsvik {number}" for number in range(100)]), threading.Event()
    plans = [
        engine.plan(talk, Options.parse({}, [MODEL]), max_seconds=600, stop=stop, vocabulary=kept)
        for engine in (here, there)
    ]
    assert plans[0] == plans[1]
    assert plans[0].warnings == ("vocabulary_cut",)


def test_parts_are_decoded_from_files_of_their_own(there: EngineProcess, talk: Path, tmp_path: Path) -> None:
    options, stop = Options.parse({}, [MODEL]), threading.Event()
    plan = there.plan(talk, options, max_seconds=600, stop=stop, part_seconds=10, alone_seconds=15)
    assert len(plan.parts) > 1
    whole = {result.index: result for result in there.decode(talk, plan, range(len(plan.clips)), options, stop=stop)}
    there.cut_parts(talk, plan, tmp_path, stop=stop)
    for part in plan.parts:
        own = tmp_path / f"{part.index}.flac"
        for result in there.decode(own, plan, part.clips, options, stop=stop, part=part.index):
            assert result == whole[result.index]


def test_hints_that_are_too_long_are_refused_before_anything_is_read(there: EngineProcess, tmp_path: Path) -> None:
    options = Options(prompt=TOO_MUCH)
    with pytest.raises(InvalidOptionError) as refused:
        there.plan(tmp_path / "never.wav", options, max_seconds=600, stop=threading.Event())
    assert refused.value.field == "prompt"
