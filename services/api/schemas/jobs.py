"""Jobs, as clients register and see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from services.api.schemas.callbacks import Target
from services.api.schemas.fields import WHOLE, Body, DateTime, Metadata, Names, Reference, Rule, Url, shown_as
from services.api.schemas.options import JobOptions
from services.api.schemas.uploads import UploadForm
from services.common.domain import media_types
from services.common.domain.events import Places, job_data
from services.common.domain.options import in_effect
from services.common.domain.progress import Progress, ProgressStage
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.domain.times import SECOND_MS, rfc3339

_Sha256 = Annotated[
    str,
    Rule(
        r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$",
        "Give the SHA-256 of the file in base64: 44 characters, the last of which is `=`.",
    ),
]
_Crc32 = Annotated[
    str,
    Rule(r"^[A-Za-z0-9+/]{5}[AQgw]==$", "Give the CRC-32 of the file, four bytes, in base64: 8 characters."),
]
_CallbackId = Annotated[str, Rule(r"^cb_[a-z2-7]{1,40}$", "Give the id of a callback as the API gave it, `cb_…`.")]
_MediaType = Annotated[str, Rule(media_types.ALLOWED, media_types.ALLOWED_WORDS)]


class NewJob(Body):
    """A recording that is about to be uploaded."""

    file_name: str = Field(min_length=1, max_length=1_000, examples=["möte.mp3"])
    size: Annotated[int, Field(ge=0), WHOLE] | None = Field(
        default=None, description="Bytes; the upload is held to it exactly. With `multipart` it is required."
    )
    content_type: _MediaType | None = Field(
        default=media_types.UNKNOWN,
        description="As a browser or phone says it: `audio/…`, `video/…`, or of `application/…` what recordings come "
        "as; parameters may follow. The upload is held to it to the letter. Empty or null: the default.",
        examples=["audio/webm;codecs=opus"],
    )
    checksum_sha256: _Sha256 | None = Field(
        default=None, description="Of the file, base64; S3 refuses an upload that differs. Not with `multipart`."
    )
    multipart: bool = Field(default=False, description="Whether the file is uploaded in parts, as a large one must be.")
    checksum_crc32: _Crc32 | None = Field(
        default=None,
        description="Of the whole file, four bytes in network order, base64; S3 refuses parts that together differ. "
        "With `multipart` only: S3 knows no SHA-256 of a whole that came in parts.",
    )
    options: JobOptions = Field(default_factory=JobOptions)
    callback: Target | None = Field(default=None, description="Told of this job alone; not with `callback_id`.")
    callback_id: _CallbackId | None = Field(
        default=None,
        description="A registered callback that is told of this job whatever its prefix; not with `callback`.",
    )
    reference: Reference | None = None
    metadata: Metadata | None = None
    names: Names | None = Field(
        default=None, description="For the speakers in the order in which they are heard first."
    )

    @field_validator("multipart")
    @classmethod
    def _whole(cls, multipart: bool, info: ValidationInfo) -> bool:
        if multipart and not info.data.get("size", True):
            raise ValueError("An upload in parts needs `size`, of 1 byte or more.")
        if multipart and info.data.get("checksum_sha256") is not None:
            raise ValueError("An upload in parts is checked by `checksum_crc32`: leave `checksum_sha256` out.")
        return multipart

    @field_validator("checksum_crc32")
    @classmethod
    def _of_parts(cls, checksum: str | None, info: ValidationInfo) -> str | None:
        if checksum is not None and not info.data.get("multipart", True):
            raise ValueError("An upload with a form is checked by `checksum_sha256`: give that, or `multipart` too.")
        return checksum

    @field_validator("callback_id")
    @classmethod
    def _one_callback(cls, callback_id: str | None, info: ValidationInfo) -> str | None:
        if callback_id is not None and info.data.get("callback") is not None:
            raise ValueError("A job has a callback of its own or names a registered one: give one of the two.")
        return callback_id


class JobUpdate(Body):
    """A client's own words on a job; what is left out stays as it is, and null removes."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    reference: Reference | None = None
    metadata: Metadata | None = None
    names: Names | None = Field(default=None, description="Of the speakers: all are replaced.")

    @model_validator(mode="after")
    def _says_something(self) -> JobUpdate:
        if not self.model_fields_set:
            raise ValueError("Give `reference`, `metadata` or `names`.")
        return self


class JobError(BaseModel):
    """Why a job failed."""

    code: Annotated[str, shown_as("JobErrorCode")]
    message: str = Field(description="A sentence for people: what was wrong, and what to do.")
    retryable: bool = Field(description="Whether the same job, unchanged, may succeed if it is tried again.")


class ResultFile(BaseModel):
    """A transcript in one format."""

    format: Annotated[str, shown_as("Format")]
    uri: Url = Field(description="Where the file lies, `s3://…`, for who may read the bucket.")
    bytes: int
    sha256: str = Field(description="Of the file, in hexadecimal digits.")
    result_url: Url | None = Field(default=None, description="Redirects to a fresh link; takes the API key.")


class TranscriptLink(BaseModel):
    """A link that is good for some minutes, to be followed without the API key."""

    url: Url
    hint: str


class JobProgress(BaseModel):
    """How far a job is. In lists, and in replies to actions, less is known than when the job is read alone."""

    stage: ProgressStage = Field(
        description="`starting`: it comes next, and a machine has been asked for, starts or takes it soon; `reading`: "
        "claimed, no text yet. A job in a list is never `starting` or `reading`."
    )
    fraction: Annotated[float, Field(ge=0, le=1)] | None = Field(
        description="Share of the audio whose text is done; 1 only if the job is completed. Null: not known, as of a "
        "running job of one part in a list."
    )
    estimated_seconds: Annotated[int, Field(ge=0)] | None = Field(
        description="Until the text is there. Null: nothing tells, as in lists, while the upload is awaited, while "
        "`waiting` says why there is no machine, and once the job has ended."
    )
    queue_position: Annotated[int, Field(ge=1)] | None = Field(
        description="1: the next in the queue. Null: not in the queue, beyond the 500th place, or in a list."
    )


class JobFacts(BaseModel):
    """What messages and the API say of a job, under the same names."""

    job_id: str
    status: JobStatus
    file_name: str = Field(description="As the client gave it.")
    source: str = Field(description="The recording, `s3://…`; the key is not percent-encoded.")
    created_at: DateTime
    times: Annotated[dict[str, str], shown_as("JobTimes")]
    job_url: Url | None = Field(default=None, description="The job at the API; absent where a deployment has no API.")
    attempt: int | None = Field(default=None, description="Which attempt brought the results, or was interrupted.")
    language: str | None = Field(default=None, description="ISO 639 code, of a completed job.")
    duration: float | None = Field(default=None, description="Seconds of the recording, of a completed job.")
    model: Annotated[dict[str, Any], shown_as("Model")] | None = None
    quality: Annotated[dict[str, Any], shown_as("Quality")] | None = None
    results: list[ResultFile] | None = Field(default=None, description="The transcript's files, of a completed job.")
    cost: Annotated[dict[str, Any], shown_as("JobCost")] | None = None
    error: JobError | None = Field(default=None, description="Why the job failed, if it did.")
    sequence: int = Field(
        description="Given to a new job, and grows with each message and each update: larger is later."
    )
    reference: str | None = Field(default=None, description="The client's own name for the job.")
    metadata: Annotated[dict[str, str], shown_as("Metadata")] = {}
    names: list[str | None] = Field(
        default=[], description="The client's names for the speakers `S1`, `S2`, …; null, or none: no name was given."
    )


class JobView(JobFacts):
    """A job as it stands."""

    options: Annotated[dict[str, Any], shown_as("OptionsInEffect")]
    """Those in effect, defaults included. Of a completed job, `model` is the one that was used."""
    waiting: Annotated[str, shown_as("Waiting")] | None = Field(
        default=None, description="Why a queued job has no machine yet."
    )
    waiting_reason: str | None = Field(default=None, description="The same in a sentence.")
    parts: int = Field(description="Into how many parts the machines split the recording; not those of an upload.")
    parts_done: int
    callback_id: str | None = Field(
        default=None, description="The callback that the job came with: its own, or the registered one that it names."
    )
    progress: JobProgress
    correction: Annotated[dict[str, Any], shown_as("JobCorrection")] | None = Field(
        default=None, description="The newest correction of the text; null: it is the machine's."
    )
    expires_at: DateTime | None = Field(
        default=None, description="Until when the job, its results and its recording are kept; corrections prolong it."
    )

    @classmethod
    def of(cls, job: Job, places: Places, default_model: str, progress: Progress) -> JobView:
        return cls(
            **job_data(job, places),
            options=_options(job, default_model),
            waiting=job.waiting,
            waiting_reason=job.waiting_reason,
            parts=job.parts,
            # The parts of a recording that was not split are not counted.
            parts_done=job.parts if job.status is JobStatus.COMPLETED else job.parts_done,
            progress=JobProgress.model_validate(progress, from_attributes=True),
            callback_id=job.callback_id,
            correction=_correction(job.correction) if job.correction else None,
            expires_at=None if job.expires_at is None else rfc3339(job.expires_at * SECOND_MS),
        )


def _correction(correction: Mapping[str, Any]) -> dict[str, Any]:
    return {"number": correction["number"], "changed_at": rfc3339(correction["changed_at"])}


def _options(job: Job, default_model: str) -> dict[str, Any]:
    used = ((job.result or {}).get("model") or {}).get("name")
    return in_effect({**job.options, "model": used or job.options.get("model")}, default_model)


class JobCallback(BaseModel):
    """The callback that was registered for one job alone."""

    callback_id: str
    secret: str


class CreatedJob(JobView):
    upload: UploadForm | None = Field(
        description="Null with `multipart`: the links of the parts come from `POST /api/jobs/{job_id}/upload`."
    )
    callback: JobCallback | None = None


class JobPage(BaseModel):
    jobs: list[JobView]
    next: str | None
    """For `after`; null on the last page."""
