"""The operator's schedule of machines that are kept warm: which are wanted at a moment, by the clock on the wall. Pure.

It is imported only by deployments that have a schedule, since time zones are slow to read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from services.common.domain.times import SECOND_MS
from services.common.settings import SettingsError
from services.orchestrator.expected import NOTHING, STAY_MS, Expected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
END_OF_DAY = "24:00"
_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class Window(BaseModel):
    """Hours of some weekdays in which machines are kept warm. All of it is read off the clock on the wall."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: Annotated[frozenset[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Field(min_length=1)]
    """The days on which it begins."""
    begins: Annotated[str, Field(alias="from", pattern=_TIME)]
    ends: Annotated[str, Field(alias="to", pattern=rf"{_TIME}|^{END_OF_DAY}$")]
    """If this is earlier than `begins`, the window goes on into the next day."""
    machines: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.begins == self.ends:
            raise ValueError(f"from and to are both {self.begins}")
        return self

    def open_at(self, local: datetime) -> bool:
        """Whether it is open when the clock on the wall shows `local`.

        So an hour that the clock skips in spring is never open, and one that it shows twice in autumn is open twice.
        """
        today, yesterday = (WEEKDAYS[local.weekday() - back] in self.days for back in (0, 1))
        shown = f"{local:%H:%M}"
        if self.begins < self.ends:
            return today and self.begins <= shown < self.ends
        return (today and shown >= self.begins) or (yesterday and shown < self.ends)


_WINDOWS = TypeAdapter(tuple[Window, ...])


@dataclass(frozen=True, kw_only=True)
class WarmHours:
    """A schedule in its time zone."""

    windows: Sequence[Window]
    zone: ZoneInfo

    @classmethod
    def read(cls, windows: str, zone: str) -> Self:
        """Read a schedule as Terraform writes it.

        Args:
            windows: a JSON list of objects with `days`, `from`, `to` and `machines`.
            zone: the name of an IANA time zone.

        Raises:
            SettingsError: it cannot be read.

        """
        try:
            return cls(windows=_WINDOWS.validate_json(windows), zone=ZoneInfo(zone))
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, problem['loc'])) or 'the list'}: {problem['msg'].lower()}"
                for problem in error.errors()
            )
            raise SettingsError(f"No machine is kept warm, since WARM_HOURS is wrong: {wrong}.") from None
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise SettingsError(f"No machine is kept warm, since WARM_ZONE is no time zone: {zone}.") from None

    def machines_at(self, now: int) -> int:
        """How many machines are to be warm at `now`, epoch milliseconds: the most of any window that is open."""
        local = datetime.fromtimestamp(now / SECOND_MS, self.zone)
        return max((window.machines for window in self.windows if window.open_at(local)), default=0)

    def expected(self, now: int) -> Expected:
        """The same, for the fleet."""
        machines = self.machines_at(now)
        return Expected(machines=machines, stay_until=now + STAY_MS) if machines else NOTHING
