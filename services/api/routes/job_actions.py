"""What can be done with a job: cancel, retry, erase."""

from __future__ import annotations

from dataclasses import replace

from services.api import openapi
from services.api.auth import Authenticated, Wired
from services.api.idempotency import Idempotent
from services.api.problems import Problem
from services.api.routes import lookup
from services.api.schemas import jobs as views
from services.api.schemas import receipts
from services.api.service import Service
from services.common import source_object
from services.common.domain.events import EventType, compose
from services.common.domain.fair_queue import turn
from services.common.domain.records import Job
from services.common.domain.states import JOB_TRANSITIONS, JobStatus
from services.common.store import commands
from services.common.store.events import Announcement
from services.common.store.idempotency import Once
from services.common.store.table import ConditionFailedError, Operation

router = openapi.router("/jobs/{job_id}", "jobs")
TRIES = 3
"""Of a change that meets a worker's own: what was read is read again."""


@router.post("/cancel", responses=openapi.problems(404, 409, 422))
def cancel(job_id: str, caller: Authenticated, wired: Wired, once: Idempotent) -> views.JobView:
    """End a job that has not ended; a machine that works on it stops within seconds."""
    for _ in range(TRIES):
        job, now = lookup.job(job_id, caller, wired), wired.clock()
        if job.status is JobStatus.CANCELED:
            return views.JobView.of(job)
        if JobStatus.CANCELED not in JOB_TRANSITIONS[job.status]:
            raise lookup.conflict("ALREADY_ENDED", f"The job is {job.status.value}: there is nothing to cancel.")
        after = replace(
            job,
            status=JobStatus.CANCELED,
            times={**job.times, "canceled": now},
            waiting=None,
            source_seen=_seen(job, wired),
        )
        announcement = _announce(after, EventType.CANCELED, wired, now)
        operations = commands.cancel(after, wired.store.parts.of_job(job_id), announcement, now)
        if _committed(operations, once.once(), wired):
            return views.JobView.of(lookup.job(job_id, caller, wired))
    raise lookup.conflict("CONFLICT", "The job changed at the same moment: read it and try again.")


@router.post("/retry", status_code=202, responses=openapi.problems(404, 409, 422))
def retry(job_id: str, caller: Authenticated, wired: Wired, once: Idempotent) -> views.JobView:
    """Queue a failed job again; what was finished of it stays finished."""
    job, now = lookup.job(job_id, caller, wired), wired.clock()
    if job.status is not JobStatus.FAILED:
        # Unless the reply to this very request was lost, and it comes again.
        if wired.store.commits.earlier(once.once()) is None:
            raise lookup.conflict("NOT_FAILED", f"The job is {job.status.value}: only a failed job is retried.")
        return views.JobView.of(job)
    after = commands.again(job, now)
    parts = wired.store.parts.of_job(job_id)
    start = wired.store.turns.take(caller.client_id, turn(sum(part.seconds for part in parts)), now)
    operations = commands.retry(after, parts, _announce(after, EventType.QUEUED, wired, now), start)
    if not _committed(operations, once.once(), wired):
        raise lookup.conflict("CONFLICT", "The job changed at the same moment: read it and try again.")
    return views.JobView.of(lookup.job(job_id, caller, wired))


@router.delete("", responses=openapi.problems(404))
def erase(job_id: str, caller: Authenticated, wired: Wired) -> receipts.Receipt:
    """Erase the recording, its transcripts and every record of the job; the receipt can be had again for two days."""
    try:
        job = lookup.job(job_id, caller, wired)
    except Problem:
        grave = lookup.tombstone(job_id, caller, wired)
    else:
        grave = wired.erasure.erase(job, wired.clock()) or lookup.tombstone(job_id, caller, wired)
    return receipts.Receipt.of(grave, log_days=wired.settings.log_retention_days)


def _seen(job: Job, wired: Service) -> int:
    """S3's date of what lies at the job's key: it is canceled too, though S3 may not have told of it yet."""
    there = source_object.look(wired.s3, wired.settings.bucket_name, job.source_key)
    return max(job.source_seen, there.modified if there else 0)


def _announce(job: Job, kind: EventType, wired: Service, now: int) -> Announcement:
    event = compose(job, kind, serial=str(job.generation), now=now, places=wired.places)
    return Announcement(event, job.source_key, wired.store.callbacks.of_job(job))


def _committed(operations: list[Operation], once: Once | None, wired: Service) -> bool:
    """Whether the change is made, by this request or by an earlier one under its key."""
    try:
        wired.store.commit(operations, once)
    except ConditionFailedError:
        return False
    return True
