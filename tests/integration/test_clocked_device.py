"""The bench whose device is a clock: everything else in it is the real engine, in the real engine's processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.bench.device.clock import BATCH_SECONDS
from tests.bench.device.one_case import Case, run
from tests.bench.device.report import BEFORE, table
from tests.support.random_model import write_random_model

MEETING, SECONDS = Path("examples/audio/meeting.mp3"), 127
SPEED = 400.0


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    model = write_random_model(tmp_path_factory.mktemp("model") / "model")
    return run(Case(paths=[str(MEETING)], speed=SPEED, model=str(model)))


def test_the_device_is_busy_for_as_long_as_the_clock_says(measured: dict[str, Any]) -> None:
    cost = measured["audio_seconds"] / SPEED + measured["batches"] * BATCH_SECONDS
    assert measured["device_seconds"] == pytest.approx(cost, abs=0.01)
    assert measured["busy"] == pytest.approx(cost / measured["seconds"], abs=0.01)


def test_what_is_not_busy_is_waiting(measured: dict[str, Any]) -> None:
    waited = measured["waited"]
    idle = waited["before the first batch"] + waited["between"] + waited["after the last batch"]
    assert measured["device_seconds"] + idle == pytest.approx(measured["seconds"], abs=0.01)


def test_every_clip_is_decoded_once(measured: dict[str, Any]) -> None:
    assert 0.7 * SECONDS < measured["audio_seconds"] <= SECONDS
    assert measured["clips"] >= measured["audio_seconds"] / 30


def test_every_step_and_every_process_has_its_figures(measured: dict[str, Any]) -> None:
    assert set(measured["processor_seconds"]) == {*BEFORE, "words"}
    assert all(measured["processor_seconds"][step] > 0 for step in ("reading", "detection", "features", "words"))
    assert all(mib > 20 for mib in measured["peaks_mib"].values())
    assert measured["peak_mib"] == measured["peaks_mib"]["all"]


def test_the_table_has_a_line_for_every_case(measured: dict[str, Any]) -> None:
    heading = {"recording": "65 minutes", "speed": 400, "runs": 1, "stopped_after": 0.0, "fetching_seconds": 0.5}
    lines = [line for line in table([{**heading, **measured}]).splitlines() if line.startswith("| 65 minutes | 400 |")]
    assert len(lines) == 2
