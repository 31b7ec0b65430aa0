"""Bad files among good ones, as two clients send them: twenty of the two hundred that `nox -s mixture` sends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mixture.__main__ import MODEL_SEED
from tests.mixture.alone import alone
from tests.mixture.collection import make, mixture
from tests.mixture.judge import violations
from tests.mixture.together import together
from tests.support.random_model import write_random_model

pytestmark = [pytest.mark.ffmpeg, pytest.mark.alone]
FILES, EVERY = 20, 4
"""Five that are bad, five that are odd, ten that are good."""


def test_bad_files_are_refused_at_once_and_change_no_word_no_machine_and_no_turn_of_the_good_ones(
    tmp_path: Path,
) -> None:
    model = write_random_model(tmp_path / "model", seed=MODEL_SEED)
    folder = tmp_path / "files"
    folder.mkdir()
    made = make(mixture(FILES, every=EVERY), folder)
    by_itself = alone(model, [one.path for one in made])
    assert list(violations(made, by_itself, together(made, model, patience_seconds=60))) == []
