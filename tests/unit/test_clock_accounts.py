"""The figures of the bench whose device is a clock, from what its processes have noted."""

from __future__ import annotations

import pytest

from tests.bench.device.account import less, peaks, steps_of, waits


def batch(began: float, cost: float) -> dict[str, float]:
    return {"began": began, "cost": cost, "clips": 4, "seconds": 100.0}


def reader(began: float, ended: float, peak_mib: float = 80.0) -> dict[str, float]:
    return {"began": began, "ended": ended, "peak_mib": peak_mib}


def test_waiting_is_before_between_and_after_batches() -> None:
    found = waits([batch(12.0, 3.0), batch(16.0, 2.0), batch(18.5, 0.5)], begun=10.0, ended=20.0)
    assert found["busy"] == pytest.approx(0.55)
    assert found["waited"] == {
        "before the first batch": 2.0,
        "between": 1.5,
        "longest": 1.0,
        "longest after": 5.0,
        "after the last batch": 1.0,
    }


def test_a_batch_that_was_stopped_counts_until_then() -> None:
    found = waits([batch(12.0, 100.0)], begun=10.0, ended=20.0)
    assert found["device_seconds"] == 8.0
    assert found["waited"]["after the last batch"] == 0.0


def test_readers_that_live_at_once_are_added_up_and_others_are_not() -> None:
    found = peaks([reader(0, 2), reader(1, 3, 90), reader(2.5, 4)], device=200, worker=60)
    assert found == {"worker": 60, "readers": 170, "device": 200, "all": 430}


def test_what_is_in_no_step_is_planning_or_rest() -> None:
    readers = [{"processor": 5.0, "steps": {"reading": 3.0, "detection": 1.5}}] * 2
    device = less({"features": 3.0, "words": 1.0}, {"features": 1.0})
    assert steps_of(device, readers, device_all=4.0, worker=0.25) == {
        "reading": 6.0,
        "detection": 3.0,
        "planning": 1.0,
        "features": 2.0,
        "words": 1.0,
        "worker": 0.25,
        "rest": 1.0,
    }
