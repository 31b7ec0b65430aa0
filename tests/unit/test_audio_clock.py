"""Where frames belong: their own stamps, as far as the frames behind them agree."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest

from services.gpu_worker.engine.audio.clock import LONGEST_SPLICE, Clock

FRAME = 0.02


def placed(stamps: Iterable[float | None], clock: Clock[int] | None = None, length: float = FRAME) -> list[float]:
    """The places that frames of 20 ms get which bear these stamps."""
    clock = clock or Clock()
    places = []
    for number, stamp in enumerate(stamps):
        clock.push(number, stamp, length)
        places += list(clock.take())
    places += list(clock.flush())
    assert [number for number, _, _ in places] == list(range(len(places)))
    return [place for _, place, _ in places]


def regular(count: int, start: float = 0.0, step: float = FRAME) -> list[float]:
    return [start + number * step for number in range(count)]


def test_frames_that_follow_each_other_lie_where_they_say() -> None:
    assert placed(regular(500)) == pytest.approx(regular(500))


def test_sound_that_begins_late_lies_late_and_nothing_is_missing() -> None:
    clock: Clock[int] = Clock()
    assert placed(regular(200, 4.0), clock) == pytest.approx(regular(200, 4.0))
    assert not clock.losses.places


def test_packets_that_were_lost_leave_silence_where_they_were_lost() -> None:
    clock: Clock[int] = Clock()
    kept = [stamp for number, stamp in enumerate(regular(1000)) if number % 10 != 9]
    assert placed(kept, clock) == pytest.approx(kept)
    assert clock.losses.places == 99
    assert clock.losses.seconds == pytest.approx(99 * FRAME)
    assert clock.losses.first == pytest.approx(9 * FRAME)


@pytest.mark.parametrize("seed", range(20))
def test_stamps_that_jitter_add_nothing_in_the_end_and_cut_nothing(seed: int) -> None:
    true = regular(2000)
    jitter = np.random.default_rng(seed).uniform(-0.03, 0.03, 2000)
    places = placed([max(0.0, stamp + error) for stamp, error in zip(true, jitter, strict=True)])
    assert all(abs(place - stamp) <= 0.05 for place, stamp in zip(places, true, strict=True))
    assert all(after - before >= FRAME - 1e-9 for before, after in pairwise(places))


@pytest.mark.parametrize("absurd", [0.0, 3.0, 3600.0, 1e9])
def test_one_absurd_stamp_moves_nothing(absurd: float) -> None:
    stamps = regular(600)
    stamps[300] = absurd
    assert placed(stamps) == pytest.approx(regular(600))


def test_a_stamp_at_the_very_end_that_nothing_confirms_is_not_believed() -> None:
    assert placed([*regular(300), 40_000.0]) == pytest.approx(regular(301))


@pytest.mark.parametrize("seconds", [0.5, 60.0, 10 * 3600.0])
def test_a_jump_is_believed_when_the_frames_behind_it_go_on_from_there(seconds: float) -> None:
    stamps = regular(300) + regular(300, 6.0 + seconds)
    clock: Clock[int] = Clock()
    assert placed(stamps, clock) == pytest.approx(stamps)
    assert clock.losses.seconds == pytest.approx(seconds)


def test_a_jump_of_more_than_a_day_is_a_broken_clock_and_the_sound_goes_on() -> None:
    assert placed(regular(300) + regular(300, 2e5)) == pytest.approx(regular(600))


def test_a_splice_in_a_broadcast_is_no_pause_unless_as_many_bytes_are_missing() -> None:
    stamps = regular(300) + regular(300, 6.0 + 2 * LONGEST_SPLICE)
    assert placed(stamps, Clock(LONGEST_SPLICE)) == pytest.approx(regular(600))
    damaged: Clock[int] = Clock(LONGEST_SPLICE)
    for number, stamp in enumerate(stamps):
        damaged.push(number, stamp, FRAME, skipped=17.0 if number == 300 else 0.0)
    assert [place for _, place, _ in damaged.flush()] == pytest.approx(stamps)


@pytest.mark.parametrize("back", [0.2, 3.0, 6.0])
def test_where_stamps_go_back_nothing_is_cut_and_the_sound_goes_on(back: float) -> None:
    assert placed(regular(300) + regular(300, 6.0 - back)) == pytest.approx(regular(600))


def test_packets_lost_after_stamps_went_back_are_noticed_as_well() -> None:
    again = [stamp for number, stamp in enumerate(regular(300)) if number not in range(100, 150)]
    clock: Clock[int] = Clock()
    places = placed(regular(300) + again, clock)
    assert places[-1] == pytest.approx(regular(600)[-1])
    assert clock.losses.seconds == pytest.approx(1.0)


@pytest.mark.parametrize("drift", [0.999, 1.001])
def test_a_recorder_whose_samples_run_fast_or_slow_stays_on_its_clock(drift: float) -> None:
    stamps = regular(30_000, step=FRAME * drift)
    clock: Clock[int] = Clock()
    assert all(abs(place - stamp) < 0.02 for place, stamp in zip(placed(stamps, clock), stamps, strict=True))
    assert not clock.losses.places


@pytest.mark.parametrize("unit", [0.92, 1.088])
def test_stamps_that_count_in_another_unit_cut_nothing_and_add_nothing(unit: float) -> None:
    length = 0.1
    places = placed(regular(300, step=length * unit), length=length)
    assert places[-1] == pytest.approx(regular(300, step=length)[-1], abs=0.05)


def test_frames_without_stamps_follow_each_other_and_known_losses_are_silence() -> None:
    clock: Clock[int] = Clock()
    for number in range(300):
        clock.push(number, None, FRAME, skipped=5.0 if number == 200 else 0.05)
    places = [place for _, place, _ in clock.flush()]
    assert places == pytest.approx(regular(200) + regular(100, 9.0))


def test_no_more_than_some_seconds_of_frames_wait_for_their_place() -> None:
    clock: Clock[int] = Clock()
    waiting = most = 0
    for number, stamp in enumerate(regular(3000)):
        clock.push(number, stamp, FRAME)
        waiting += 1 - len(list(clock.take()))
        most = max(most, waiting)
    assert most * FRAME < 4.0
