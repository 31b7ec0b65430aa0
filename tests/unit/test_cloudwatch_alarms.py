"""An alarm's state is what CloudWatch's user guide says, also where data is missing."""

from __future__ import annotations

import pytest

from services.local.cloudwatch.alarms import Alarm, Missing, State
from services.local.cloudwatch.data_points import DataPoint, Series

SERIES = Series.of("test", "Waits")
MINUTE_MS = 60_000
PERIOD_MS = 5 * MINUTE_MS
NOW = 1_800_000_000_000
OK, ALARM, UNKNOWN = State
BEFORE = State.OK
GOOD, BAD = 0.0, 2.0
COLUMNS = (Missing.MISSING, Missing.IGNORE, Missing.BREACHING, Missing.NOT_BREACHING)
"""The order of the guide's columns."""


def alarm(**more: object) -> Alarm:
    usual: dict[str, object] = {
        "name": "waits",
        "series": SERIES,
        "statistic": "Maximum",
        "period_seconds": PERIOD_MS // 1_000,
        "periods": 3,
        "to_alarm": 3,
        "comparison": "GreaterThanThreshold",
        "threshold": 1.0,
        "missing": Missing.MISSING,
    }
    return Alarm(**usual | more)  # type: ignore[arg-type] # a dictionary of many kinds


def drawn(points: str, series: Series = SERIES) -> list[DataPoint]:
    """Points as the guide draws them, one for each of the last five periods: 0 is good, X is bad, - is missing."""
    values = {"0": GOOD, "X": BAD}
    first = NOW - len(points) * PERIOD_MS
    return [
        DataPoint(series=series, at=first + number * PERIOD_MS + MINUTE_MS, value=values[mark])
        for number, mark in enumerate(points)
        if mark != "-"
    ]


@pytest.mark.parametrize(
    ("to_alarm", "points", "expected"),
    [
        (3, "0-X-X", (OK, OK, OK, OK)),
        (3, "0----", (OK, OK, OK, OK)),
        (3, "-----", (UNKNOWN, BEFORE, ALARM, OK)),
        (3, "0XX-X", (ALARM, ALARM, ALARM, ALARM)),
        (3, "----X", (UNKNOWN, BEFORE, ALARM, OK)),
        (3, "X----", (ALARM, BEFORE, ALARM, OK)),
        (2, "0-X-X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "00X0X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "0-X--", (OK, OK, ALARM, OK)),
        (2, "----0", (OK, OK, ALARM, OK)),
        (2, "----X", (UNKNOWN, BEFORE, ALARM, OK)),
    ],
)
def test_the_guides_examples_of_missing_data(to_alarm: int, points: str, expected: tuple[State, ...]) -> None:
    found = [alarm(to_alarm=to_alarm, missing=how).judge(drawn(points), NOW, BEFORE) for how in COLUMNS]
    assert found == list(expected)


def test_what_is_ignored_keeps_the_state_that_there_was() -> None:
    assert alarm(missing=Missing.IGNORE).judge([], NOW, State.ALARM) is State.ALARM


def test_alarms_on_a_tables_metrics_ignore_missing_data_whatever_they_say() -> None:
    of_table = Series.of("AWS/DynamoDB", "ReadThrottleEvents", {"TableName": "jobs"})
    one = alarm(series=of_table, missing=Missing.NOT_BREACHING)
    assert one.judge([], NOW, State.ALARM) is State.ALARM
    assert one.judge(drawn("-0---", of_table), NOW, State.ALARM) is State.OK


@pytest.mark.parametrize(
    ("statistic", "value"), [("Sum", 12.0), ("Maximum", 6.0), ("Minimum", 2.0), ("Average", 4.0), ("SampleCount", 3.0)]
)
def test_a_period_is_judged_by_the_statistic_of_its_points(statistic: str, value: float) -> None:
    points = [DataPoint(series=SERIES, at=NOW - MINUTE_MS, value=one) for one in (2.0, 4.0, 6.0)]
    one = {"statistic": statistic, "periods": 1, "to_alarm": 1}
    assert alarm(**one, comparison="GreaterThanOrEqualToThreshold", threshold=value).judge(points, NOW, OK) is ALARM
    assert alarm(**one, comparison="GreaterThanThreshold", threshold=value).judge(points, NOW, OK) is OK
    assert alarm(**one, comparison="LessThanOrEqualToThreshold", threshold=value).judge(points, NOW, OK) is ALARM
    assert alarm(**one, comparison="LessThanThreshold", threshold=value).judge(points, NOW, OK) is OK


def test_other_metrics_and_other_dimensions_of_the_same_metric_do_not_count() -> None:
    others = [Series.of("test", "Works"), Series.of("other", "Waits"), Series.of("test", "Waits", {"Code": "A"})]
    points = [point for series in others for point in drawn("XXXXX", series)]
    assert alarm().judge(points, NOW, OK) is UNKNOWN
    assert alarm().judge([*points, *drawn("XXXXX")], NOW, OK) is ALARM


def test_the_minute_that_is_not_over_does_not_count_yet() -> None:
    one = alarm(period_seconds=60, periods=1, to_alarm=1, missing=Missing.NOT_BREACHING)
    points = [DataPoint(series=SERIES, at=NOW + 1, value=BAD)]
    assert one.judge(points, NOW + MINUTE_MS - 1, OK) is OK
    assert one.judge(points, NOW + MINUTE_MS, OK) is ALARM


def test_a_sum_that_must_come_is_missed_after_its_periods_and_those_beyond() -> None:
    """As the alarm of the sweep."""
    one = alarm(
        statistic="Sum",
        period_seconds=60,
        periods=15,
        to_alarm=15,
        comparison="LessThanThreshold",
        missing=Missing.BREACHING,
    )
    last = [DataPoint(series=SERIES, at=NOW, value=1.0)]
    states = [one.judge(last, NOW + minute * MINUTE_MS, OK) for minute in range(1, 20)]
    assert states == [OK] * 17 + [ALARM] * 2
