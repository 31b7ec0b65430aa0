"""What recordings will cost and how long their texts take, before they are sent. Pure.

The seconds are those of the budget (`stages.py`), the dollars what the jobs will report as their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.common.domain.prices import dollars_per_hour
from services.common.domain.progress import FIXED_SECONDS
from services.common.domain.stages import SPEED, STAGES
from services.common.domain.times import HOUR_MS, SECOND_MS

ALONE_SECONDS, PART_SECONDS = 3_600, 1_800
"""A longer recording is split, into parts of at least half an hour, unless the deployment's workers are told
otherwise."""
_HOUR_SECONDS = HOUR_MS // SECOND_MS
_QUEUE = next(place for place, stage in enumerate(STAGES) if stage.since == "queued")
_LAUNCH = next(place for place, stage in enumerate(STAGES) if stage.since == "launched")


class Start(StrEnum):
    """How a machine comes to the recordings."""

    RUNNING = "a machine runs"
    OWN_IMAGE = "own image"
    """It starts, with an image of one's own."""
    PUBLIC_IMAGE = "public image"
    """It starts with AWS's public image, and provisions itself first."""


def parts(seconds: float) -> int:
    """Into how many parts a recording of this length is split, at most: pauses in the sound decide where."""
    return 1 if seconds <= ALONE_SECONDS else int(seconds // PART_SECONDS)


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What recordings of these lengths, in seconds, take on one machine, one after the other."""

    lengths: tuple[float, ...]

    @property
    def work_seconds(self) -> float:
        """From the first claim to the last text. A recording that is split is put together in the end."""
        fixed = sum(1 + (parts(seconds) > 1) for seconds in self.lengths) * FIXED_SECONDS
        return fixed + sum(self.lengths) / SPEED

    def seconds(self, start: Start) -> float:
        """From the last upload to the last text."""
        return _budget(start, _QUEUE) + self.work_seconds

    def machine_seconds(self, start: Start) -> float:
        """What the jobs pay for: the work, and the machine's start from its launch on."""
        return _budget(start, _LAUNCH) + self.work_seconds

    def dollars(self, start: Start, instance_type: str, market: str) -> float | None:
        """The same in dollars, on such a machine; None: its price is not known."""
        price = dollars_per_hour(instance_type, market)
        return None if price is None else self.machine_seconds(start) / _HOUR_SECONDS * price


def _budget(start: Start, first: int) -> float:
    """Seconds of a start from this stage on, until the claim."""
    stages = STAGES[first:-1]
    match start:
        case Start.OWN_IMAGE:
            return sum(stage.own_image for stage in stages)
        case Start.PUBLIC_IMAGE:
            return sum(stage.public_image for stage in stages)
        case Start.RUNNING:
            return 0.0
