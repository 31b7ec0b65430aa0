"""What can be done with a job: update its annotations, cancel, retry, erase."""

from __future__ import annotations

from services.api import openapi
from services.api.auth import Authenticated, Wired
from services.api.idempotency import Idempotent
from services.api.problems import Problem
from services.api.routes import lookup
from services.api.schemas import jobs as views
from services.api.schemas import receipts
from services.common.domain.errors import AlreadyEndedError, ChangedMeanwhileError, NotFailedError

router = openapi.router("/jobs/{job_id}", "jobs")


@router.patch("", responses=openapi.problems(404, 409, 422))
def update_job(job_id: str, wanted: views.JobUpdate, caller: Authenticated, wired: Wired) -> views.JobView:
    """Replace the job's reference, its metadata or both, in any status; messages that follow have the new words."""
    job = lookup.job(job_id, caller, wired)
    try:
        return views.JobView.of(
            wired.commands.annotate(job, wanted.model_dump(exclude_unset=True), wired.clock()), wired.places
        )
    except ChangedMeanwhileError as error:
        raise lookup.conflict(error.code, str(error)) from None


@router.post("/cancel", responses=openapi.problems(404, 409, 422))
def cancel_job(job_id: str, caller: Authenticated, wired: Wired, idempotency: Idempotent) -> views.JobView:
    """End a job that has not ended; a machine that works on it stops within seconds."""
    job = lookup.job(job_id, caller, wired)
    try:
        return views.JobView.of(wired.commands.cancel(job, wired.clock(), idempotency.record()), wired.places)
    except (AlreadyEndedError, ChangedMeanwhileError) as error:
        raise lookup.conflict(error.code, str(error)) from None


@router.post("/retry", status_code=202, responses=openapi.problems(404, 409, 422))
def retry_job(job_id: str, caller: Authenticated, wired: Wired, idempotency: Idempotent) -> views.JobView:
    """Queue a failed job again; what was finished of it stays finished."""
    job = lookup.job(job_id, caller, wired)
    try:
        return views.JobView.of(wired.commands.retry(job, wired.clock(), idempotency.record()), wired.places)
    except (NotFailedError, ChangedMeanwhileError) as error:
        raise lookup.conflict(error.code, str(error)) from None


@router.delete("", responses=openapi.problems(404))
def erase_job(job_id: str, caller: Authenticated, wired: Wired) -> receipts.Receipt:
    """Erase the recording, its transcripts and every record of the job; the receipt can be had again for two days."""
    try:
        job = lookup.job(job_id, caller, wired)
    except Problem:
        tombstone = lookup.tombstone(job_id, caller, wired)
    else:
        tombstone = wired.erasure.erase(job, wired.clock()) or lookup.tombstone(job_id, caller, wired)
    return receipts.Receipt.of(tombstone, log_days=wired.settings.log_retention_days)
