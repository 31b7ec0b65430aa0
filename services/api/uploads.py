"""Goes on with the upload of an awaited recording: a fresh form, or links for its parts, and their completion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby, islice
from typing import Any

from services.api import multipart
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem, not_found
from services.api.routes.jobs import awaited_until, upload_form
from services.api.schemas.uploads import MultipartUpload, PartLink, RenewedUpload
from services.api.service import Service
from services.common.domain.errors import ChangedMeanwhileError
from services.common.domain.lifecycle import job_changes
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.domain.times import MINUTE_MS, rfc3339

TRIES = 3
"""How often the job is read again that changes at the same moment."""
LINKS = 100
"""Most links in one reply."""
MOST_STRETCHES = 20
"""How many stretches of missing parts a refusal names."""
_ENDED_WITHOUT = {JobStatus.CANCELED, JobStatus.EXPIRED}


def renewed(job: Job, after: int, wired: Service) -> RenewedUpload:
    """A fresh form, or the links of parts with larger numbers than `after` that S3 does not have.

    Raises:
        Problem: the job does not wait for its upload, or is gone.
        ChangedMeanwhileError: it changed at each of `TRIES` tries.

    """
    for _ in range(TRIES):
        if job.status is not JobStatus.AWAITING_UPLOAD:
            raise _not_awaiting(job)
        now = wired.clock()
        begun, parts = _begun(job, wired) if "multipart" in job.declared else (None, {})
        renewal = job_changes.renew_upload(job, until=awaited_until(now, wired), multipart=begun)
        if wired.store.jobs.renew_upload(renewal):
            if begun is None:
                return RenewedUpload(upload=upload_form(job, wired, now))
            return RenewedUpload(multipart=_links(renewal.after, parts, after, wired, now))
        if begun != job.multipart:
            wired.recordings.give_up(renewal.after)
        found = wired.store.jobs.get(job.job_id)
        if found is None:
            raise not_found("job")
        job = found
    raise ChangedMeanwhileError


def completed(job: Job, wired: Service) -> Job:
    """Make the recording of its parts; returns the job, also if the recording was complete before.

    Raises:
        Problem: the job waits for no upload in parts, parts are missing, or they are not what was announced.
        ChangedMeanwhileError: a part was sent again at the same moment.

    """
    if "multipart" not in job.declared:
        raise Problem(ProblemCode.NOT_AWAITING, "The recording is uploaded with a form: there is nothing to complete.")
    if job.status in _ENDED_WITHOUT:
        raise _not_awaiting(job)
    if job.status is not JobStatus.AWAITING_UPLOAD:
        return job
    try:
        parts = multipart.received(job, wired)
        if missing := multipart.lengths(job).keys() - parts.keys():
            raise _missing(sorted(missing))
        multipart.complete(job, parts, wired)
    except multipart.GoneError:
        if not _is_there(job, wired):
            raise Problem(
                ProblemCode.MISSING_PARTS,
                "S3 has no part of this upload: `POST /api/jobs/{job_id}/upload` gives the links for all of them.",
            ) from None
    except multipart.DiffersError:
        raise _discarded(job, wired) from None
    return job


def _begun(job: Job, wired: Service) -> tuple[Mapping[str, Any] | None, multipart.Parts]:
    """The upload in parts, as `Job.multipart` has it, with the parts that S3 has; begun anew if it is gone.

    Raises:
        Problem: it is gone because it was completed, and S3's event is still on its way.

    """
    try:
        return job.multipart, multipart.received(job, wired)
    except multipart.GoneError:
        if _is_there(job, wired):
            detail = "The recording is complete: the job is queued in a moment."
            raise Problem(ProblemCode.NOT_AWAITING, detail) from None
    return multipart.begin(job, wired), {}


def _is_there(job: Job, wired: Service) -> bool:
    """Whether the recording is complete, if an upload in parts was begun for it."""
    return job.multipart is not None and wired.recordings.uploaded_at(job) > 0


def _links(job: Job, parts: multipart.Parts, after: int, wired: Service, now: int) -> MultipartUpload:
    assert job.multipart is not None
    lengths, minutes = multipart.lengths(job), wired.settings.upload_minutes
    missing = (number for number in lengths if number > after and number not in parts)
    page, more = list(islice(missing, LINKS)), next(missing, None)
    links = [
        PartLink(number=number, bytes=lengths[number], url=multipart.link(job, number, lengths[number], wired))
        for number in page
    ]
    return MultipartUpload(
        part_size=job.multipart["part_size"],
        parts=len(lengths),
        received=sorted(parts),
        links=links,
        next=page[-1] if more else None,
        expires_at=rfc3339(now + minutes * MINUTE_MS),
    )


def _discarded(job: Job, wired: Service) -> Problem:
    """Abort an upload whose parts are not what was announced, and forget it; returns the refusal."""
    wired.recordings.give_up(job)
    until = job.upload_expires_at or 0
    wired.store.jobs.renew_upload(job_changes.renew_upload(job, until=until, multipart=None))
    detail = (
        "The parts together have not the size or the checksum that was announced, and were discarded: begin again with "
        "`POST /api/jobs/{job_id}/upload`."
    )
    return Problem(ProblemCode.UPLOAD_DIFFERS, detail)


def _missing(numbers: Sequence[int]) -> Problem:
    stretches = []
    for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        stretch = [number for _, number in run]
        stretches.append(f"{stretch[0]} to {stretch[-1]}" if len(stretch) > 1 else str(stretch[0]))
    named = ", ".join(stretches[:MOST_STRETCHES]) + (" and more" if len(stretches) > MOST_STRETCHES else "")
    detail = f"Missing parts: {named}. `POST /api/jobs/{{job_id}}/upload` gives their links."
    return Problem(ProblemCode.MISSING_PARTS, detail)


def _not_awaiting(job: Job) -> Problem:
    remedy = " Register a new one." if job.status in _ENDED_WITHOUT else ""
    return Problem(ProblemCode.NOT_AWAITING, f"The job is {job.status.value}: it waits for no upload.{remedy}")
