"""What jobs have cost, added up. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.common.domain.states import TERMINAL, JobStatus
from services.common.domain.times import HOUR_MS, SECOND_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.common.domain.records import Job, Part

_HOUR_SECONDS = HOUR_MS // SECOND_MS


def interruptions(job: Job, parts: Sequence[Part] | None = None) -> int:
    """How often a part of the job was claimed once more after a first time.

    Args:
        job: as it was read.
        parts: all of its parts; needed unless `tells_attempts`.

    Returns:
        Their number. A retry of the job claims its parts once more as well: one claim of each retry is taken off.

    """
    if tells_attempts(job):
        further = int((job.result or {}).get("attempt", 1)) - 1
    else:
        further = sum(max(0, part.attempt - 1) for part in parts or ())
    return max(0, further - job.generation)


def tells_attempts(job: Job) -> bool:
    """Whether the job says by itself how often it was claimed: if it is completed, and has one part."""
    return job.parts == 1 and job.result is not None


@dataclass(kw_only=True)
class Bill:
    """The sum of what jobs have cost, and of what was had for it."""

    jobs: int = 0
    completed: int = 0
    failed: int = 0
    open: int = 0
    """Those that have not ended: only what earlier runs and parts that are done have cost is known of them."""
    audio_seconds: float = 0.0
    """Of the completed ones."""
    machine_seconds: float = 0.0
    interruptions: int = 0
    dollars: float = 0.0
    unpriced: int = 0
    """Those that a machine without a known price did, as a person's own box."""
    priced_audio_seconds: float = 0.0
    """Of the completed ones whose dollars are known."""

    def add(self, job: Job, interrupted: int) -> None:
        """Add a job, which was interrupted so often."""
        self.jobs += 1
        self.completed += job.status is JobStatus.COMPLETED
        self.failed += job.status is JobStatus.FAILED
        self.open += job.status not in TERMINAL
        self.interruptions += interrupted
        spent, dollars = job.cost.get("machine_seconds"), job.cost.get("dollars")
        self.machine_seconds += spent or 0.0
        self.dollars += dollars or 0.0
        self.unpriced += spent is not None and dollars is None
        if job.status is JobStatus.COMPLETED:
            seconds = (job.result or {}).get("duration_seconds") or 0.0
            self.audio_seconds += seconds
            self.priced_audio_seconds += seconds if dollars is not None else 0.0

    def join(self, other: Bill) -> None:
        """Add all of another bill."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    @property
    def audio_hours(self) -> float:
        """Hours of audio that have their text."""
        return self.audio_seconds / _HOUR_SECONDS

    @property
    def machine_hours(self) -> float:
        """Hours of machines that jobs paid for."""
        return self.machine_seconds / _HOUR_SECONDS

    @property
    def dollars_per_audio_hour(self) -> float | None:
        """Dollars for an hour of audio, failed jobs paid too; None: nothing tells."""
        return self.dollars / self.priced_audio_seconds * _HOUR_SECONDS if self.priced_audio_seconds else None

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        each = self.dollars_per_audio_hour
        return {
            "jobs": self.jobs,
            "completed": self.completed,
            "failed": self.failed,
            "open": self.open,
            "audio_hours": round(self.audio_hours, 4),
            "machine_hours": round(self.machine_hours, 4),
            "interruptions": self.interruptions,
            "dollars": round(self.dollars, 6),
            "dollars_per_audio_hour": None if each is None else round(each, 6),
            "unpriced_jobs": self.unpriced,
        }
