"""One alarm of CloudWatch: what it watches, and its state by CloudWatch's rules. Pure.

The rules are those of "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data" (CloudWatch User
Guide). CloudWatch looks at more periods than an alarm names, so that real data points count before missing ones. How
many more it does not say; in its examples it is two.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from services.local.cloudwatch.data_points import DataPoint, Series

FURTHER_PERIODS = 2
"""Periods at which CloudWatch looks beside those that the alarm names."""
MINUTE_MS = 60_000
NEVER_MISSING = "AWS/DynamoDB"
"""Of metrics of this namespace, alarms ignore missing data, whatever they say (PutMetricAlarm's documentation)."""


class State(StrEnum):
    """The states of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Missing(StrEnum):
    """How an alarm takes a period without data."""

    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"
    IGNORE = "ignore"
    MISSING = "missing"


COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": len,
}


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """An alarm on one metric."""

    name: str
    series: Series
    statistic: str
    period_seconds: int
    periods: int
    """The evaluation periods: N of "M out of N"."""
    to_alarm: int
    """The data points to alarm: M."""
    comparison: str
    threshold: float
    missing: Missing
    description: str = ""
    topics: Sequence[str] = ()
    """ARNs of the topics that are told when it rings; `ok_topics`: when it is over."""
    ok_topics: Sequence[str] = ()

    def judge(self, points: Iterable[DataPoint], now: int, state: State) -> State:
        """The state at a moment.

        Args:
            points: of its own metric, and perhaps of others.
            now: epoch milliseconds. The last period ends with the last whole minute.
            state: so far.

        """
        values = self._values(points, now // MINUTE_MS * MINUTE_MS)
        breaching = [value is not None and self._breaches(value) for value in values]
        real = [broken for value, broken in zip(values, breaching, strict=True) if value is not None]
        if len(real) >= self.periods:
            return self._decided(sum(real[-self.periods :]))
        missing = Missing.IGNORE if self.series.namespace == NEVER_MISSING else self.missing
        if missing is Missing.BREACHING:
            return self._decided(sum(real) + self.periods - len(real))
        if missing is Missing.NOT_BREACHING or not all(real):
            return self._decided(sum(real))
        if missing is Missing.IGNORE:
            return state
        return State.ALARM if breaching[0] else State.INSUFFICIENT_DATA

    def _decided(self, breaching: int) -> State:
        return State.ALARM if breaching >= self.to_alarm else State.OK

    def _breaches(self, value: float) -> bool:
        return COMPARISONS[self.comparison](value, self.threshold)

    def _values(self, points: Iterable[DataPoint], end: int) -> list[float | None]:
        """The statistic of each period that is looked at, the oldest first; None: there is no data."""
        length = self.period_seconds * 1_000
        count = self.periods + FURTHER_PERIODS
        found: list[list[float]] = [[] for _ in range(count)]
        for point in points:
            place = (point.at - (end - count * length)) // length
            if point.series == self.series and 0 <= place < count:
                found[place].append(point.value)
        return [STATISTICS[self.statistic](values) if values else None for values in found]
