"""A machine that must go does not wait for its engine."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from services.gpu_worker.engine.process import EngineProcess
from tests.support.random_model import write_random_model

pytestmark = pytest.mark.alone

MOST_SECONDS = 4.0
"""Under the five after which it would be killed."""


def test_an_engine_that_is_told_to_end_does_so_at_once(tmp_path: Path) -> None:
    engine = EngineProcess("whisper-base", write_random_model(tmp_path / "model"), "cpu")
    engine.wait_until_ready()
    began = time.monotonic()
    engine.close()
    assert time.monotonic() - began < MOST_SECONDS
    assert not engine.alive
