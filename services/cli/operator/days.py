"""Stretches of days, as the clock of this machine has them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, time, timedelta

from services.common.domain.errors import InvalidOptionError
from services.common.domain.times import SECOND_MS

_FIRST_YEAR = 1971
"""Before it, midnights are below 0 in some time zones, and no key of the table is."""


@dataclass(frozen=True, kw_only=True)
class Days:
    """Whole days, from the first to the last one. A day is one of this machine's time zone, of 23 to 25 hours."""

    first: date
    last: date

    @property
    def since(self) -> int:
        """When the first one begins, epoch milliseconds."""
        return _midnight(self.first)

    @property
    def until(self) -> int:
        """When the last one ends, epoch milliseconds."""
        return _midnight(self.last + timedelta(days=1))

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"


def last_days(number: int, today: date) -> Days:
    """So many days up to today, today included."""
    return Days(first=today - timedelta(days=number - 1), last=today)


def day(option: str, text: str) -> date:
    """The day that an option names, such as `2026-11-27`.

    Raises:
        InvalidOptionError: it names none, or one that is out of reach.

    """
    try:
        named = date.fromisoformat(text)
    except ValueError:
        raise InvalidOptionError(option, f"{text} is no day: write it as 2026-11-27.") from None
    if not _FIRST_YEAR <= named.year < MAXYEAR:
        raise InvalidOptionError(option, f"{text} is out of reach: give a day from {_FIRST_YEAR} to {MAXYEAR - 1}.")
    return named


def _midnight(of: date) -> int:
    return int(datetime.combine(of, time()).astimezone().timestamp()) * SECOND_MS
