"""The engine as the comparison with others runs it; the others are not installed where tests run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers import measured
from tests.peers.contestants import CONTESTANTS, ENGINE
from tests.peers.measured import measure
from tests.support.accuracy import MEETING
from tests.support.random_model import write_random_model


def test_the_engine_gives_words_with_times_and_all_of_its_processes_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured, "LOGS", tmp_path / "peers.log")
    (engine,) = (one for one in CONTESTANTS if one.name == ENGINE)
    run = measure(engine, write_random_model(tmp_path / "model"), MEETING)
    assert [unit.start for unit in run.units] == sorted(unit.start for unit in run.units)
    assert run.text
    assert run.processor_seconds > 0.3, "the process that is asked takes less: others read, detect and decode"
    assert run.peak_mib > 150
