"""Every change of a job. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.common.domain.lifecycle.change import Change
from services.common.domain.records import Job
from services.common.domain.states import JobTransition

_WAITS_NO_LONGER: Mapping[str, None] = {"waiting": None, "waiting_reason": None}
_BEFORE_THE_QUEUE = frozenset({"created", "uploaded"})
"""Stages of a job that a further run does not go through again."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a job ends: exactly one of `result` and `error`."""

    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    cost: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A recording that lies in the bucket, and the run of a job that is made of it."""

    etag: str
    size: int
    """Bytes."""
    modified: int
    """S3's LastModified, in whole seconds; 0 where nobody asked."""
    uploaded: int
    """When it was put, as S3's event says."""
    queued: int
    expires_at: int
    """Epoch seconds after which DynamoDB deletes the job."""

    def fields(self, times: Mapping[str, int]) -> dict[str, Any]:
        """Of a job that is made of it; `times` are the stages that it has been through."""
        return {
            "source_etag": self.etag,
            "source_bytes": self.size,
            "source_modified": self.modified,
            "times": {**times, "uploaded": self.uploaded, "queued": self.queued},
            "expires_at": self.expires_at,
        }


def arrive(job: Job, arrival: Arrival) -> Change[Job]:
    """The recording that the job has waited for is there."""
    return Change(before=job, transition=JobTransition.ARRIVE, set=arrival.fields(job.times))


def expire(job: Job) -> Change[Job]:
    """Nobody uploaded in time."""
    return Change(before=job, transition=JobTransition.EXPIRE)


def start(job: Job, times: Mapping[str, int]) -> Change[Job]:
    """One of its parts is claimed; `times` are the stages that were reached by that."""
    reached = {f"times.{stage}": moment for stage, moment in times.items()}
    return Change(before=job, transition=JobTransition.START, set={**_WAITS_NO_LONGER, **reached})


def interrupt(job: Job) -> Change[Job]:
    """Its only part goes back to the queue, and the job with it."""
    return Change(before=job, transition=JobTransition.INTERRUPT)


def end(job: Job, outcome: Outcome, times: Mapping[str, int]) -> Change[Job]:
    """The job is completed or has failed; `times` are the stages that this attempt has reached."""
    return Change(
        before=job,
        transition=JobTransition.FAIL if outcome.error else JobTransition.COMPLETE,
        set={
            "result": outcome.result,
            "error": outcome.error,
            "cost": outcome.cost or job.cost,
            "times": {**job.times, **times},
            **_WAITS_NO_LONGER,
        },
    )


def cancel(job: Job, now: int, *, seen: int) -> Change[Job]:
    """Its client wants no text; `seen`: S3's date of what lies at its key by now, which is canceled too."""
    fields = {"times.canceled": now, "source_seen": max(job.source_seen, seen), **_WAITS_NO_LONGER}
    return Change(before=job, transition=JobTransition.CANCEL, set=fields)


def retry(job: Job, now: int) -> Change[Job]:
    """A failed job runs again: what it reached since it was queued belongs to the run before."""
    fields = {"generation": job.generation + 1, "error": None, "times": {**_before_the_queue(job), "queued": now}}
    return Change(before=job, transition=JobTransition.RETRY, set=fields)


def begin_anew(job: Job, arrival: Arrival) -> Change[Job]:
    """A job that ended without a text runs with the recording that was uploaded once more, and with nothing else."""
    return Change(
        before=job,
        transition=JobTransition.BEGIN_ANEW,
        set={
            "generation": job.generation + 1,
            "edition": job.edition + 1,
            "error": None,
            "source_seen": 0,
            "parts": 1,
            "parts_done": 0,
            **arrival.fields(_before_the_queue(job)),
        },
    )


def _before_the_queue(job: Job) -> dict[str, int]:
    return {stage: moment for stage, moment in job.times.items() if stage in _BEFORE_THE_QUEUE}


def split_job(job: Job, parts: int) -> Change[Job]:
    """Its recording is cut into so many parts."""
    return Change(before=job, transition=JobTransition.SPLIT, set={"parts": parts})


def count_part(job: Job) -> Change[Job]:
    """One more of its parts is done."""
    return Change(before=job, transition=JobTransition.COUNT, set={"parts_done": job.parts_done + 1})
