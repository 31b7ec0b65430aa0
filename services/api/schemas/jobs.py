"""Jobs, as clients register and see them."""

from __future__ import annotations

import re
from itertools import chain
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.api.schemas.callbacks import Target
from services.api.schemas.fields import WHOLE, Body
from services.api.schemas.options import JobOptions
from services.common.domain.annotations import (
    MAX_KEY_CHARACTERS,
    MAX_METADATA_BYTES,
    MAX_REFERENCE_CHARACTERS,
    PRINTABLE,
    annotations_of,
)
from services.common.domain.media_types import CONTAINERS, UNKNOWN
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.domain.times import rfc3339

Reference = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_REFERENCE_CHARACTERS,
        pattern=PRINTABLE,
        description="The client's own name for the job, which its messages and its json repeat.",
        examples=["case 2026-114"],
    ),
]
_Key = Annotated[str, Field(min_length=1, max_length=MAX_KEY_CHARACTERS, pattern=PRINTABLE)]
Metadata = Annotated[
    dict[_Key, Annotated[str, Field(max_length=MAX_METADATA_BYTES, pattern=PRINTABLE)]],
    Field(
        description="What the client notes on the job for itself, and its messages and its json repeat: texts by key, "
        f"together at most {MAX_METADATA_BYTES} bytes as compact JSON in UTF-8.",
        examples=[{"department": "north", "case": "2026-114"}],
    ),
]
_Sha256 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]


def _any_case(text: str) -> str:
    """A pattern for a text in any case: a schema's pattern has no flag for that."""
    return re.sub("[a-z]", lambda letter: f"[{letter[0].upper()}{letter[0]}]", text).replace(".", r"\.")


def _media_type() -> str:
    """A pattern for media types: any audio or video, and what of `application` recordings come in, with parameters.

    `$` and the backslash are not allowed, since they have a meaning in the policy of S3's upload forms.
    """
    top = "application/"
    named = sorted(kind.removeprefix(top) for kind in (UNKNOWN, *chain(*CONTAINERS.values())) if kind.startswith(top))
    kind = f"({_any_case('audio')}|{_any_case('video')})/[A-Za-z0-9][A-Za-z0-9!#&^_.+-]{{0,126}}"
    return rf"^(({kind}|{_any_case(top)}({_any_case('|'.join(named))}))( ?;([ -#%-\[\]-~]{{0,200}}[!-#%-\[\]-~])?)?)?$"


_MediaType = Annotated[str, StringConstraints(pattern=_media_type())]


class NewJob(Body):
    """A recording that is about to be uploaded."""

    file_name: str = Field(min_length=1, max_length=1_000, examples=["möte.mp3"])
    size: Annotated[int, Field(ge=0), WHOLE] | None = Field(
        default=None, description="Bytes; the upload is held to it exactly."
    )
    content_type: _MediaType | None = Field(
        default=UNKNOWN,
        description="As a browser or phone says it: `audio/…`, `video/…`, or of `application/…` what recordings come "
        "as; parameters may follow. The upload is held to it to the letter. Empty or null: the default.",
        examples=["audio/webm;codecs=opus"],
    )
    checksum_sha256: _Sha256 | None = Field(
        default=None, description="Of the file, base64; S3 refuses an upload that differs."
    )
    options: JobOptions = Field(default_factory=JobOptions)
    callback: Target | None = Field(default=None, description="Told of this job alone.")
    reference: Reference | None = None
    metadata: Metadata | None = None


class JobUpdate(Body):
    """A client's own words on a job; what is left out stays as it is, and null removes."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    reference: Reference | None = None
    metadata: Metadata | None = None

    @model_validator(mode="after")
    def _says_something(self) -> JobUpdate:
        if not self.model_fields_set:
            raise ValueError("Give `reference`, `metadata` or both.")
        return self


class JobError(BaseModel):
    """Why a job failed."""

    code: str
    message: str
    retryable: bool


class ResultFile(BaseModel):
    bytes: int
    sha256: str
    result_url: str
    """This path redirects to a fresh link."""


class Result(BaseModel):
    """What a completed job has brought."""

    attempt: int
    language: str | None = None
    duration_seconds: float | None = None
    model: dict[str, Any] | None = None
    quality: dict[str, Any] | None = None
    files: dict[str, ResultFile]


class JobView(BaseModel):
    """A job as it stands."""

    job_id: str
    status: JobStatus
    file_name: str
    created_at: str
    times: dict[str, str]
    """Stage → when it was reached."""
    options: dict[str, Any]
    waiting: str | None = None
    """Why a queued job has no machine yet: capacity, image, breaker or quota."""
    waiting_reason: str | None = None
    parts: int
    parts_done: int
    error: JobError | None = None
    result: Result | None = None
    cost: dict[str, Any] = Field(default_factory=dict)
    sequence: int
    """Of the last message about the job, or of a later update: the larger of two numbers is the later one."""
    reference: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def of(cls, job: Job) -> JobView:
        return cls(
            job_id=job.job_id,
            status=job.status,
            file_name=job.file_name,
            created_at=rfc3339(job.created_at),
            times={stage: rfc3339(moment) for stage, moment in job.times.items()},
            options=dict(job.options),
            waiting=job.waiting,
            waiting_reason=job.waiting_reason,
            parts=job.parts,
            parts_done=job.parts_done,
            error=JobError(**{name: job.error[name] for name in JobError.model_fields}) if job.error else None,
            result=_result(job) if job.result else None,
            cost=dict(job.cost),
            sequence=job.sequence,
            **annotations_of(job),
        )


def _result(job: Job) -> Result:
    assert job.result is not None
    files = {
        form: ResultFile(
            bytes=entry["bytes"],
            sha256=entry["sha256"],
            result_url=f"/api/jobs/{job.job_id}/transcript?format={form}",
        )
        for form, entry in job.result["files"].items()
    }
    return Result(**{**job.result, "files": files})


class UploadForm(BaseModel):
    """Where and how the recording is uploaded: a form POST with these fields first and the file last."""

    url: str
    fields: dict[str, str]
    expires_at: str


class JobCallback(BaseModel):
    """The callback that was registered for one job alone."""

    callback_id: str
    secret: str


class CreatedJob(JobView):
    upload: UploadForm
    callback: JobCallback | None = None


class JobPage(BaseModel):
    jobs: list[JobView]
    next: str | None
    """For `after`; null on the last page."""
