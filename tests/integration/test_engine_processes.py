"""An engine whose model and readings have processes of their own gives what one in this process gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.domain.errors import InvalidOptionError
from services.common.domain.options import Options
from services.common.domain.vocabularies import KeptWords
from services.gpu_worker.engine.decode.device_choice import EngineSettings
from services.gpu_worker.engine.decode.model_files import locate
from services.gpu_worker.engine.local import LocalEngine
from services.gpu_worker.engine.plan.reader import Cutting
from services.gpu_worker.engine.process import LIMITS, EngineProcess
from services.gpu_worker.engine.processes.readers import ReaderProcesses
from tests.support.audio import MEETING
from tests.support.listening import cut, decoded, heard
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


@pytest.mark.parametrize("wanted", [{}, {"language": "auto"}, {"prompt": "Möte i Örnsköldsvik."}], ids=str)
@pytest.mark.parametrize("apart", [False, True])
def test_the_words_are_the_same(
    here: LocalEngine, there: EngineProcess, talk: Path, wanted: dict[str, str], *, apart: bool
) -> None:
    options = Options.parse(wanted, [MODEL])
    assert heard(there, talk, options, apart=apart) == heard(here, talk, options)


def test_the_words_of_a_vocabulary_that_fit_are_the_same(here: LocalEngine, there: EngineProcess, talk: Path) -> None:
    kept = KeptWords.of([f"Örnsköldsvik {number}" for number in range(100)])
    plan, words = heard(here, talk, Options.parse({}, [MODEL]), vocabulary=kept)
    assert heard(there, talk, Options.parse({}, [MODEL]), vocabulary=kept) == (plan, words)
    assert plan.warnings == ("vocabulary_cut",)


def test_parts_are_decoded_from_files_of_their_own(there: EngineProcess, tmp_path: Path) -> None:
    options = Options.parse({}, [MODEL])
    plan = cut(
        MEETING, options, tmp_path, cutting=Cutting(part_seconds=20, alone_seconds=60), reader=ReaderProcesses(LIMITS)
    )
    assert len(plan.parts) > 1
    whole = decoded(there, MEETING, plan, range(len(plan.clips)), options)
    for part in plan.parts:
        own = tmp_path / f"{part.index}.flac"
        assert decoded(there, own, plan, part.clips, options, part=part.index) == whole[part.first : part.last]


def test_hints_that_are_too_long_are_refused_before_anything_is_read(there: EngineProcess, tmp_path: Path) -> None:
    options = Options(prompt=TOO_MUCH)
    with pytest.raises(InvalidOptionError) as refused:
        heard(there, tmp_path / "never.wav", options)
    assert refused.value.field == "prompt"
