"""What can be done with a job: go on with its upload, update its annotations, cancel, retry, erase."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from services.api import openapi
from services.api.auth import Authenticated, Wired
from services.api.idempotency import Idempotent
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem
from services.api.routes import jobs, lookup
from services.api.schemas import jobs as views
from services.api.schemas import receipts
from services.api.schemas.uploads import RenewedUpload

router = openapi.router("/jobs/{job_id}", "jobs")
_CHANGING = (ProblemCode.NOT_FOUND, ProblemCode.CONFLICT)
_COMPLETING = (*_CHANGING, ProblemCode.NOT_AWAITING, ProblemCode.MISSING_PARTS, ProblemCode.UPLOAD_DIFFERS)

# What goes on with uploads is imported by the requests that need it, so that a cold start does not pay for it.


@router.post("/upload", responses=openapi.followed("complete_upload", *_CHANGING, ProblemCode.NOT_AWAITING))
def renew_upload(
    job_id: str,
    caller: Authenticated,
    wired: Wired,
    after: Annotated[int, Query(ge=0, le=10_000, description="Links for parts behind the one of this number.")] = 0,
) -> RenewedUpload:
    """A fresh form for an awaited recording, or the next links of one that is uploaded in parts.

    From then on the upload is awaited for as long as after its registration. The first request for links begins the
    upload in parts; further ones tell which parts S3 has, so that a broken upload can go on.
    """
    from services.api import uploads  # noqa: PLC0415

    return uploads.renewed(lookup.job(job_id, caller, wired), after, wired)


@router.post("/upload/complete", responses=openapi.problems(*_COMPLETING))
def complete_upload(job_id: str, caller: Authenticated, wired: Wired) -> views.JobView:
    """Make the recording of its parts, once S3 has them all; S3's event then queues the job.

    It may be repeated: a recording that is complete stays so. It can take S3 longer than this request may take: repeat
    it after a 500 or 503.
    """
    from services.api import uploads  # noqa: PLC0415

    return jobs.view(uploads.completed(lookup.job(job_id, caller, wired), wired), wired)


@router.patch("", responses=openapi.problems(*_CHANGING, ProblemCode.INVALID_ANNOTATION))
def update_job(job_id: str, wanted: views.JobUpdate, caller: Authenticated, wired: Wired) -> views.JobView:
    """Replace the job's reference, metadata or names, in any status; messages that follow have the new words.

    Transcripts of the latest version have the new names at once.
    """
    job = lookup.job(job_id, caller, wired)
    updated = wired.commands.annotate(job, wanted.model_dump(exclude_unset=True), wired.clock())
    return jobs.view(updated, wired)


@router.post("/cancel", responses=openapi.problems(*_CHANGING, ProblemCode.ALREADY_ENDED))
def cancel_job(job_id: str, caller: Authenticated, wired: Wired, idempotency: Idempotent) -> views.JobView:
    """End a job that has not ended; a machine that works on it stops within seconds."""
    job = lookup.job(job_id, caller, wired)
    return jobs.view(wired.commands.cancel(job, wired.clock(), idempotency.record()), wired)


@router.post("/retry", status_code=202, responses=openapi.problems(*_CHANGING, ProblemCode.NOT_FAILED))
def retry_job(job_id: str, caller: Authenticated, wired: Wired, idempotency: Idempotent) -> views.JobView:
    """Queue a failed job again; what was finished of it stays finished."""
    job = lookup.job(job_id, caller, wired)
    return jobs.view(wired.commands.retry(job, wired.clock(), idempotency.record()), wired)


@router.delete("", responses=openapi.problems(*_CHANGING))
def erase_job(job_id: str, caller: Authenticated, wired: Wired) -> receipts.Receipt:
    """Erase the recording, its transcripts and every record of the job; the same request shows the receipt again.

    It is kept until three days after the last search at least.
    """
    try:
        job = lookup.job(job_id, caller, wired)
    except Problem:
        tombstone = lookup.tombstone(job_id, caller, wired)
    else:
        tombstone = wired.erasure.erase(job, wired.clock()) or lookup.tombstone(job_id, caller, wired)
    return receipts.Receipt.of(tombstone, log_days=wired.settings.log_retention_days)
