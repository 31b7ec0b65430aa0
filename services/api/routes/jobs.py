"""Jobs: registered, listed and read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import Query, Response

from services.api import cursors, openapi
from services.api.auth import Authenticated, Wired
from services.api.idempotency import Idempotent
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem, within
from services.api.routes import lookup
from services.api.schemas.callbacks import Target
from services.api.schemas.jobs import CreatedJob, JobCallback, JobPage, JobView, NewJob
from services.api.schemas.uploads import UploadForm
from services.api.service import Service
from services.common.domain import media_types, model_keys, object_keys
from services.common.domain.annotations import check_annotations
from services.common.domain.ids import new_id
from services.common.domain.object_keys import in_one_spelling
from services.common.domain.options import Options
from services.common.domain.progress import progress
from services.common.domain.records import Callback, Job, Part
from services.common.domain.states import CallbackStatus, JobStatus
from services.common.domain.times import MINUTE_MS, expiry, rfc3339
from services.common.domain.vocabularies import KeptWords, Vocabulary
from services.common.store import keys
from services.common.store.callbacks import registration
from services.common.store.clients import Caller
from services.common.store.jobs import creation
from services.common.webhooks.registration import new_callback

router = openapi.router("/jobs", "jobs")
_REFUSALS = (
    ProblemCode.DELETED_SINCE,
    ProblemCode.INVALID_OPTION,
    ProblemCode.INVALID_ANNOTATION,
    ProblemCode.MODEL_UNAVAILABLE,
    ProblemCode.INVALID_URL,
    ProblemCode.ADDRESS_REFUSED,
    ProblemCode.UNKNOWN_CALLBACK,
    ProblemCode.UNKNOWN_VOCABULARY,
    ProblemCode.CALLBACK_DISABLED,
)
_DECLARED = {"size", "content_type", "checksum_sha256", "checksum_crc32", "multipart"}
GB = 10**9
UPLOAD_MARGIN_MINUTES = 15
"""How much longer than its form is valid an upload is awaited: one that began in time may still be under way."""


@router.post("", status_code=201, responses=openapi.created("job", *_REFUSALS))
def create_job(
    wanted: NewJob, caller: Authenticated, wired: Wired, idempotency: Idempotent, response: Response
) -> CreatedJob:
    """Register a recording; the reply says where and how to upload it."""
    settings, now = wired.settings, wired.clock()
    options = wanted.options.model_dump(exclude_unset=True, exclude_none=True)
    with within("options"):
        Options.parse(options, settings.models, settings.unrecorded_models)
    _check_size(wanted, wired)
    annotations = check_annotations(wanted.model_dump(include={"reference", "metadata", "names"}))
    job_id = new_id("job")
    early = wired.early_launch
    secret, seed = idempotency.fresh_secret() if wanted.callback else ("", {})
    vocabulary = _vocabulary(wanted.options.vocabulary, caller, wired)
    callback = _own_callback(wanted.callback, secret, caller, wired) if wanted.callback else None
    job = Job(
        job_id=job_id,
        client_id=caller.client_id,
        status=JobStatus.AWAITING_UPLOAD,
        created_at=now,
        source_key=object_keys.upload(caller.client_id, job_id, wanted.file_name),
        file_name=wanted.file_name,
        options=options,
        vocabulary=KeptWords.of(vocabulary.words).to_json() if vocabulary else None,
        **annotations,
        sequence=now,
        own_callback=callback.callback_id if callback else None,
        named_callback=wanted.callback_id,
        times={"created": now},
        upload_expires_at=awaited_until(now, wired),
        expected_until=early.expected_until(now, wanted.size) if early else 0,
        declared=wanted.model_dump(include=_DECLARED, exclude_none=True, exclude_defaults=True),
        expires_at=expiry(now, settings.retention_days),
    )
    operations = [creation(job)]
    if callback:
        callback = dataclasses.replace(callback, job_id=job_id, expires_at=job.expires_at)
        operations += registration(callback)
    reference = {"job_id": job_id, "callback_id": job.own_callback or "", **seed}
    record = idempotency.record(**reference)
    refusal = _refusal(wanted, vocabulary, caller, wired)
    earlier = (
        lookup.carried_out_before(record, wired, else_=refusal) if refusal else wired.store.commit(operations, record)
    )
    if earlier:
        job = lookup.made_before(lookup.job, earlier["job_id"], caller, wired)
        secret = idempotency.earlier_secret(earlier) if earlier["callback_id"] else ""
    elif early and job.expected_until:
        early.ask(job_id)
    response.headers["Location"] = f"/api/jobs/{job.job_id}"
    own = JobCallback(callback_id=job.own_callback, secret=secret) if job.own_callback else None
    form = None if wanted.multipart else upload_form(job, wired, now)
    return CreatedJob(**dict(view(job, wired)), upload=form, callback=own)


def _check_size(wanted: NewJob, wired: Service) -> None:
    """Raise a 413 for a recording that is too large for the way in which it is to be uploaded."""
    settings, size = wired.settings, wanted.size or 0
    if size > settings.max_upload_gb * GB:
        detail = f"An upload has at most {settings.max_upload_gb} GB: put larger files into S3 directly."
    elif size > settings.max_upload_bytes and not wanted.multipart:
        detail = f"A form takes at most {settings.max_upload_bytes} bytes: give `multipart`, and upload it in parts."
    else:
        return
    raise Problem(ProblemCode.TOO_LARGE, detail, field="size")


def awaited_until(now: int, wired: Service) -> int:
    """Until when an upload is awaited whose form or links are made now, epoch milliseconds."""
    return now + (wired.settings.upload_minutes + UPLOAD_MARGIN_MINUTES) * MINUTE_MS


def view(job: Job, wired: Service, parts: Sequence[Part] | None = None) -> JobView:
    """The job as clients see it; its progress is told without its parts if they were not read."""
    ahead = wired.store.parts.ahead_of(parts) if parts and job.status is JobStatus.QUEUED else None
    default_model, _ = model_keys.split(wired.settings.models[0])
    told = progress(job, parts, now=wired.clock(), ahead=ahead, start_seconds=wired.settings.start_seconds)
    return JobView.of(job, wired.places, default_model, told)


def _own_callback(wanted: Target, secret: str, caller: Caller, wired: Service) -> Callback:
    """A callback for the new job alone."""
    with within("callback"):
        return new_callback(
            client_id=caller.client_id,
            url=wanted.url,
            secret=secret,
            vault=wired.vault,
            now=wired.clock(),
            events=wanted.events,
            description=wanted.description,
            allow_private=wired.settings.webhook_allow_private,
        )


def _vocabulary(name: str | None, caller: Caller, wired: Service) -> Vocabulary | None:
    return wired.store.vocabularies.get(caller.client_id, name) if name else None


def _refusal(wanted: NewJob, vocabulary: Vocabulary | None, caller: Caller, wired: Service) -> Problem | None:
    """Why no new job may name this vocabulary or this callback; None: it may, or it names none.

    Both are read before the job is stored and not in one transaction with it: jobs that name one callback would then
    hold each other up. If it is deleted or disabled in between, that is as if it were so a moment later.
    """
    if wanted.options.vocabulary and vocabulary is None:
        detail = "There is no such vocabulary, or it is not yours: make it first."
        return Problem(ProblemCode.UNKNOWN_VOCABULARY, detail, "options.vocabulary")
    if wanted.callback_id is None:
        return None
    callback = wired.store.callbacks.get(caller.client_id, wanted.callback_id)
    if callback is None:
        detail = "There is no such callback, or it is not yours: register it first."
        return Problem(ProblemCode.UNKNOWN_CALLBACK, detail, "callback_id")
    if callback.status is CallbackStatus.DISABLED:
        detail = "The callback that the job names is disabled: enable it first."
        return Problem(ProblemCode.CALLBACK_DISABLED, detail, "callback_id")
    return None


def upload_form(job: Job, wired: Service, now: int) -> UploadForm:
    """A form with which S3 accepts this key, media type, size and checksum, and nothing else."""
    settings, declared = wired.settings, job.declared
    size = declared.get("size")
    smallest, largest = (0, settings.max_upload_bytes) if size is None else (size, size)
    fields = {"Content-Type": declared.get("content_type") or media_types.UNKNOWN}
    if checksum := declared.get("checksum_sha256"):
        fields |= {"x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-sha256": checksum}
    conditions: list[Any] = [["content-length-range", smallest, largest]]
    post = wired.s3.generate_presigned_post(
        settings.bucket_name,
        job.source_key,
        Fields=dict(fields),
        Conditions=conditions + [{name: value} for name, value in fields.items()],
        ExpiresIn=settings.upload_minutes * 60,
    )
    return UploadForm(**post, expires_at=rfc3339(now + settings.upload_minutes * MINUTE_MS))


@router.get("", responses=openapi.listed("jobs", ProblemCode.INVALID_CURSOR))
def list_jobs(
    caller: Authenticated,
    wired: Wired,
    *,
    status: Annotated[list[JobStatus], Query(default_factory=list, description="Jobs in one of these states.")],
    after: Annotated[str | None, openapi.cursor(keys.JOB)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    q: Annotated[
        str | None,
        Query(min_length=1, max_length=100, description="A part of the file's name or of the reference, in any case."),
    ] = None,
    reference: Annotated[str | None, Query(min_length=1, max_length=80, description="Exactly this reference.")] = None,
) -> JobPage:
    """This client's jobs, newest first.

    With a filter, a request looks at no more than 500 jobs: a page may be short or empty although more follow. Go on
    until `next` is null.
    """
    page = wired.store.jobs.page(
        caller.client_id,
        after=cursors.decode(after, keys.JOB),
        size=limit,
        wanted=_wanted(status, q, reference) if status or q or reference else None,
    )
    return JobPage(
        jobs=[view(job, wired) for job in page.records], next=cursors.encode(page.last) if page.more else None
    )


def _wanted(status: Sequence[JobStatus], words: str | None, reference: str | None) -> Callable[[Job], bool]:
    part = words and _folded(words)
    name = reference and in_one_spelling(reference)

    def wanted(job: Job) -> bool:
        return (
            (not status or job.status in status)
            and (name is None or name == in_one_spelling(job.reference or ""))
            and (part is None or part in _folded(job.file_name) or part in _folded(job.reference or ""))
        )

    return wanted


def _folded(text: str) -> str:
    """The text in a form in which two spellings of the same letters, in any case, are equal."""
    return in_one_spelling(text.casefold())


@router.get("/{job_id}", responses=openapi.problems(ProblemCode.NOT_FOUND))
def read_job(job_id: str, caller: Authenticated, wired: Wired) -> JobView:
    """A job as it stands."""
    job, parts = lookup.job_with_parts(job_id, caller, wired)
    return view(job, wired, parts)
