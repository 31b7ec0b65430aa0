"""Countdowns and speeds that are shown while recordings are sent and transcribed."""

from __future__ import annotations

import pytest

from services.cli.printing import duration
from services.cli.recordings.progress.estimates import Countdown, Pace

NOW = 1_000.0


def counting(seconds: float | None, stage: str = "transcribing") -> Countdown:
    countdown = Countdown()
    countdown.see(stage, seconds, NOW)
    return countdown


def test_between_two_looks_an_estimate_counts_down_and_never_below_nothing() -> None:
    countdown = counting(20)
    told = [countdown.told(NOW + after) for after in (0, 5, 19.5, 21, 30)]
    assert told == ["about 20 s", "about 15 s", "about 1 s", "any moment", "longer than expected"]


def test_where_nothing_tells_there_is_no_estimate() -> None:
    countdown = counting(None)
    assert countdown.told(NOW) == ""
    countdown.see("transcribing", 30, NOW)
    assert countdown.told(NOW) == "about 30 s"
    countdown.see("transcribing", None, NOW)
    assert countdown.told(NOW) == ""


def test_a_later_estimate_of_the_same_stage_lets_the_countdown_go_on_if_it_is_hardly_later() -> None:
    countdown = counting(40)
    countdown.see("transcribing", 40, NOW + 4)
    assert countdown.told(NOW + 4) == "about 36 s"


def test_an_estimate_that_stands_still_says_that_it_takes_longer_and_never_grows() -> None:
    countdown = counting(30)
    told = []
    for after in range(0, 60, 2):
        countdown.see("transcribing", 30, NOW + after)
        told.append(countdown.told(NOW + after))
    assert told[:4] == ["about 30 s", "about 28 s", "about 26 s", "about 24 s"]
    assert set(told[4:]) == {"longer than expected"}


def test_a_much_later_estimate_is_told_as_one() -> None:
    countdown = counting(40)
    countdown.see("transcribing", 500, NOW + 2)
    assert countdown.told(NOW + 2) == "longer than expected, about 9 min"
    countdown.see("transcribing", 200, NOW + 100)
    assert countdown.told(NOW + 100) == "longer than expected, about 4 min"


def test_an_earlier_estimate_is_believed_at_once() -> None:
    countdown = counting(200)
    countdown.see("transcribing", 12, NOW + 2)
    assert countdown.told(NOW + 2) == "about 12 s"


def test_a_new_stage_has_a_new_estimate_and_is_not_late_yet() -> None:
    countdown = counting(10, "starting")
    countdown.see("starting", 60, NOW + 8)
    assert countdown.told(NOW + 8) == "longer than expected"
    countdown.see("reading", 60, NOW + 10)
    assert countdown.told(NOW + 10) == "about 60 s"


def test_a_speed_is_that_of_the_last_seconds() -> None:
    pace = Pace()
    for second in range(20):
        pace.see(min(second, 10) * 1_000, NOW + second)
    assert pace.per_second(NOW + 19) == 0
    for second in range(20, 40):
        pace.see(10_000 + (second - 20) * 3_000, NOW + second)
    assert pace.per_second(NOW + 39) == pytest.approx(3_000)


def test_a_speed_is_known_after_a_second_and_forgotten_where_a_count_begins_anew() -> None:
    pace = Pace()
    assert pace.per_second(NOW) is None
    pace.see(5_000_000, NOW)
    pace.see(6_000_000, NOW + 0.5)
    assert pace.per_second(NOW + 0.5) is None
    assert pace.per_second(NOW + 1) == pytest.approx(1_000_000)
    pace.see(0, NOW + 2)
    assert pace.per_second(NOW + 2) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 s"), (0.2, "1 s"), (99.5, "100 s"), (101, "2 min"), (3_541, "1 h 00 min"), (7_500, "2 h 05 min")],
)
def test_a_time_is_told_rounded_up(seconds: float, words: str) -> None:
    assert duration(seconds) == words
