"""The metrics of a deployment: their names, units and dimensions, as CloudWatch, alarms and the dashboard have them.

CloudWatch counts each value of a dimension as a metric of its own, and each metric costs something in every hour in
which it is written. So few are written always, and everything else only when there is something to tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.common.domain.stages import STAGES
from services.common.domain.states import SlotStatus


class Unit(StrEnum):
    """The units that are used, as CloudWatch names them."""

    COUNT = "Count"
    SECONDS = "Seconds"
    NONE = "None"
    """Dollars, and ratios."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric."""

    name: str
    unit: Unit
    what: str
    dimension: str | None = None
    always: bool = False
    """Whether it is written also when nothing happens."""


OLDEST_WAIT = Metric(
    name="OldestWait",
    unit=Unit.SECONDS,
    always=True,
    what="how long the part of the queue has waited that has waited longest, whatever for",
)
AUDIO_WAITING = Metric(name="AudioWaiting", unit=Unit.SECONDS, always=True, what="audio in the queue")
SWEEPS = Metric(name="Sweeps", unit=Unit.COUNT, always=True, what="sweeps that came to their end")
OLDEST_DELIVERY = Metric(
    name="OldestDelivery",
    unit=Unit.SECONDS,
    always=True,
    what="for how long the delivery is overdue that is overdue longest",
)
UNACCOUNTED = Metric(
    name="Unaccounted",
    unit=Unit.COUNT,
    always=True,
    what="what the hourly audit found lost: jobs that nobody will see to, events without their deliveries, uploads "
    "without a job",
)
UNDELETED = Metric(
    name="Undeleted",
    unit=Unit.COUNT,
    what="objects that the daily walk should have deleted, and that S3 refused to delete",
)
MACHINES = {
    status: Metric(name=f"Machines{status.value.title()}", unit=Unit.COUNT, what=f"machines that are {status.value}")
    for status in SlotStatus
}
"""By the state of their slots; written while a slot is taken."""
LAUNCHES_REFUSED = Metric(
    name="LaunchesRefused",
    unit=Unit.COUNT,
    dimension="Reason",
    what="launches that were refused, by what jobs wait for",
)
INTERRUPTIONS = Metric(
    name="Interruptions", unit=Unit.COUNT, what="parts that went back to the queue before they were done"
)
DOLLARS = Metric(
    name="Dollars",
    unit=Unit.NONE,
    what="what a machine has cost from its launch to its end, with address, disk and idle time; not for a type whose "
    "price is not known",
)
STAGE_TIMES = {
    stage.until: Metric(
        name="Stage" + "".join(word.title() for word in stage.until.split("_")),
        unit=Unit.SECONDS,
        what=f"how long a completed job took until `{stage.until}`: {stage.what}",
    )
    for stage in STAGES
}
"""By the end of the stage."""
SPEED = Metric(name="Speed", unit=Unit.NONE, what="seconds of audio that a completed job had for each machine second")
JOBS_ENDED = Metric(
    name="JobsEnded",
    unit=Unit.COUNT,
    dimension="Code",
    what="jobs that ended, by `COMPLETED`, `CANCELED`, `EXPIRED` or the code of their error",
)
JOBS_FAILED = Metric(name="JobsFailed", unit=Unit.COUNT, what="jobs that failed, whatever their code")
DELIVERIES = Metric(
    name="Deliveries",
    unit=Unit.COUNT,
    dimension="Outcome",
    what="attempts at deliveries: `delivered`, `failed` (it is tried again), `exhausted` or `dropped`",
)

METRICS = (
    OLDEST_WAIT,
    AUDIO_WAITING,
    SWEEPS,
    OLDEST_DELIVERY,
    UNACCOUNTED,
    UNDELETED,
    *MACHINES.values(),
    LAUNCHES_REFUSED,
    INTERRUPTIONS,
    DOLLARS,
    *STAGE_TIMES.values(),
    SPEED,
    JOBS_ENDED,
    JOBS_FAILED,
    DELIVERIES,
)
