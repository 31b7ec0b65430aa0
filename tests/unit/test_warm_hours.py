"""A schedule of warm machines follows the clock on the wall of its zone, also where that clock changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.domain.times import SECOND_MS
from services.common.settings import SettingsError
from services.orchestrator.expected import NOTHING, STAY_MS, Expected
from services.orchestrator.warm_hours import WEEKDAYS, WarmHours

ZONE = "Europe/Stockholm"
MINUTE = timedelta(minutes=1)
ORDINARY, SPRING, AUTUMN = date(2027, 3, 17), date(2027, 3, 28), date(2027, 10, 31)
"""A Wednesday, and the two Sundays on which Sweden changes its clocks."""
NAMES = Path(__file__).parents[2] / "terraform" / "modules" / "orchestrator" / "time_zones.txt"
QUARTERS = [f"{hour:02d}:{minute:02d}" for hour in range(24) for minute in (0, 15, 30, 45)]
YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def window(begins: str, ends: str, days: Sequence[str] = WEEKDAYS, machines: int = 1) -> dict[str, Any]:
    return {"days": list(days), "from": begins, "to": ends, "machines": machines}


def schedule(*windows: dict[str, Any], zone: str = ZONE) -> WarmHours:
    return WarmHours.read(json.dumps(windows), zone)


def machines(hours: WarmHours, moment: datetime) -> int:
    return hours.machines_at(round(moment.timestamp() * SECOND_MS))


def open_spans(hours: WarmHours, day: date) -> list[str]:
    """When machines are warm on a day of UTC, such as `07:00-17:00`."""
    midnight = datetime.combine(day, datetime.min.time(), UTC)
    warm = [bool(machines(hours, midnight + number * MINUTE)) for number in range(24 * 60)]
    edges = [number for number in range(24 * 60 + 1) if ([False, *warm, False])[number : number + 2].count(True) == 1]
    shown = [f"{edge // 60:02d}:{edge % 60:02d}" for edge in edges]
    return [f"{begin}-{end}" for begin, end in zip(shown[::2], shown[1::2], strict=True)]


def by_hand(moment: datetime) -> datetime:
    """What clocks in Sweden show in 2027, by the rule: summer is from 01:00 UTC of one Sunday to 01:00 of the other."""
    begins, ends = (datetime(day.year, day.month, day.day, 1, tzinfo=UTC) for day in (SPRING, AUTUMN))
    return (moment + timedelta(hours=2 if begins <= moment < ends else 1)).replace(tzinfo=None)


def walked(windows: Sequence[dict[str, Any]]) -> dict[tuple[date, str], int]:
    """How many machines are warm in each quarter of an hour of 2027 that a calendar has: every window is walked."""
    found: dict[tuple[date, str], int] = {}
    for number in range(-1, 366):
        day = YEAR.date() + timedelta(days=number)
        for one in windows:
            if WEEKDAYS[day.weekday()] not in one["days"]:
                continue
            first, last = QUARTERS.index(one["from"]), [*QUARTERS, "24:00"].index(one["to"])
            for step in range(first, last if last > first else last + len(QUARTERS)):
                place = day + timedelta(days=step // len(QUARTERS)), QUARTERS[step % len(QUARTERS)]
                found[place] = max(found.get(place, 0), one["machines"])
    return found


def test_machines_are_warm_from_the_first_minute_to_before_the_last() -> None:
    assert open_spans(schedule(window("08:00", "18:00")), ORDINARY) == ["07:00-17:00"]


def test_only_the_named_weekdays_count() -> None:
    hours = schedule(window("08:00", "18:00", ["mon", "tue", "wed", "thu", "fri"]))
    days = [ORDINARY + timedelta(days=number) for number in range(7)]
    assert [bool(open_spans(hours, day)) for day in days] == [True, True, True, False, False, True, True]


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    hours = schedule(window("22:00", "06:00", ["wed"]))
    assert open_spans(hours, ORDINARY) == ["21:00-24:00"]
    assert open_spans(hours, ORDINARY + timedelta(days=1)) == ["00:00-05:00"]


@pytest.mark.parametrize("ends", ["24:00", "00:00"])
def test_a_window_may_end_with_its_day(ends: str) -> None:
    assert open_spans(schedule(window("22:00", ends, ["wed"])), ORDINARY) == ["21:00-23:00"]


def test_of_windows_that_overlap_the_one_with_the_most_machines_counts() -> None:
    hours = schedule(
        window("08:00", "18:00", machines=1), window("10:00", "12:00", machines=3), window("11:00", "20:00")
    )
    counts = [machines(hours, datetime(2027, 3, 17, hour, 30, tzinfo=UTC)) for hour in (6, 7, 9, 10, 11, 18, 19)]
    assert counts == [0, 1, 3, 3, 1, 1, 0]


@pytest.mark.parametrize(
    ("begins", "ends", "spring", "autumn"),
    [
        ("02:15", "02:45", [], ["00:15-00:45", "01:15-01:45"]),
        ("01:00", "02:30", ["00:00-01:00"], ["00:00-00:30", "01:00-01:30"]),
        ("02:30", "06:00", ["01:00-04:00"], ["00:30-01:00", "01:30-05:00"]),
        ("22:00", "02:30", ["00:00-01:00", "20:00-24:00"], ["00:00-00:30", "01:00-01:30", "21:00-24:00"]),
        ("03:00", "04:00", ["01:00-02:00"], ["02:00-03:00"]),
    ],
    ids=["within", "ends within", "begins within", "over midnight", "after"],
)
def test_an_hour_that_the_clock_skips_is_never_warm_and_one_that_it_shows_twice_is_warm_twice(
    begins: str, ends: str, spring: list[str], autumn: list[str]
) -> None:
    hours = schedule(window(begins, ends, ["sat", "sun"]))
    assert open_spans(hours, SPRING) == spring
    assert open_spans(hours, AUTUMN) == autumn


def test_the_days_of_the_changes_have_23_and_25_hours() -> None:
    hours = schedule(window("00:00", "24:00", ["sun"]))
    for day, length in ((SPRING, 23), (AUTUMN, 25)):
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        around = (noon + number * timedelta(minutes=15) for number in range(-96, 96))
        assert sum(machines(hours, moment) for moment in around) == length * 4


WINDOWS = st.lists(
    st.builds(
        window,
        st.sampled_from(QUARTERS),
        st.sampled_from([*QUARTERS, "24:00"]),
        st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=3),
        st.integers(1, 5),
    ).filter(lambda one: one["from"] != one["to"]),
    max_size=4,
)


@settings(max_examples=30)
@given(WINDOWS, st.lists(st.integers(0, 365 * 24 * 60 - 1), min_size=20, max_size=20))
def test_at_any_minute_of_a_year_the_schedule_says_what_a_walk_along_it_says(
    windows: list[dict[str, Any]], minutes: list[int]
) -> None:
    hours, calendar = schedule(*windows), walked(windows)
    changes = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (SPRING, AUTUMN)]
    around = [change + number * timedelta(minutes=15) for change in changes for number in range(-12, 24)]
    for moment in [*around, *(YEAR + number * MINUTE for number in minutes)]:
        shown = by_hand(moment)
        quarter = f"{shown.hour:02d}:{shown.minute // 15 * 15:02d}"
        assert machines(hours, moment) == calendar.get((shown.date(), quarter), 0), moment


def test_what_is_warm_is_expected_for_some_minutes_and_what_is_not_is_not() -> None:
    hours = schedule(window("08:00", "18:00", machines=2))
    noon, night = (round(datetime(2027, 3, 17, hour, tzinfo=UTC).timestamp() * SECOND_MS) for hour in (12, 20))
    assert hours.expected(noon) == Expected(machines=2, stay_until=noon + STAY_MS)
    assert hours.expected(night) == NOTHING


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        ("eight to six", "the list"),
        ("{}", "the list"),
        ('[{"days": ["mon"], "from": "08:00", "to": "18:00"}]', "0.machines: field required"),
        (json.dumps([window("08:00", "18:00", ["monday"])]), "0.days"),
        (json.dumps([window("08:00", "18:00", [])]), "0.days"),
        (json.dumps([window("8:00", "18:00")]), "0.from"),
        (json.dumps([window("24:00", "18:00")]), "0.from"),
        (json.dumps([window("08:00", "24:01")]), "0.to"),
        (json.dumps([window("08:00", "08:00")]), "both 08:00"),
        (json.dumps([window("08:00", "18:00", machines=0)]), "0.machines"),
        (json.dumps([window("08:00", "18:00") | {"zone": "UTC"}]), "0.zone"),
    ],
)
def test_a_schedule_that_cannot_be_read_says_where_it_is_wrong(windows: str, said: str) -> None:
    with pytest.raises(SettingsError, match="No machine is kept warm, since WARM_HOURS is wrong") as wrong:
        WarmHours.read(windows, ZONE)
    assert said in str(wrong.value)


@pytest.mark.parametrize("zone", ["Europe/Stokholm", "Europe", "", "../etc/passwd"])
def test_a_zone_that_does_not_exist_is_named(zone: str) -> None:
    with pytest.raises(SettingsError, match="WARM_ZONE is no time zone"):
        WarmHours.read("[]", zone)


def test_terraform_takes_exactly_the_zones_that_the_function_knows() -> None:
    known = (resources.files("tzdata") / "zones").read_text(encoding="utf-8").split()
    assert NAMES.read_text(encoding="utf-8").split() == sorted(known), "run: python -m tools.time_zones"
    assert ZONE in known
