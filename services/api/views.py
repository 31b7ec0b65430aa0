"""What replies say."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, Field

from services.common.domain.records import Callback, Delivery, Event, Job
from services.common.domain.states import JobStatus
from services.common.domain.times import rfc3339


class Failed(BaseModel):
    """Why a job failed."""

    code: str
    message: str
    retryable: bool


class ResultFile(BaseModel):
    bytes: int
    sha256: str
    result_url: str
    """Redirects to a fresh link."""


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
    error: Failed | None = None
    result: Result | None = None
    cost: dict[str, Any] = Field(default_factory=dict)

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
            error=Failed(**{name: job.error[name] for name in Failed.model_fields}) if job.error else None,
            result=_result(job) if job.result else None,
            cost=dict(job.cost),
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


class Upload(BaseModel):
    """Where and how the recording is uploaded: a form POST with these fields first and the file last."""

    url: str
    fields: dict[str, str]
    expires_at: str


class CallbackView(BaseModel):
    """A callback; its secret is in no reply but the one that made it."""

    callback_id: str
    url: str
    events: list[str]
    prefix: str
    """Of the upload's key, within the client's own folder."""
    status: str
    """active, pending (a challenge is under way) or disabled."""
    disabled_reason: str | None = None
    description: str | None = None
    created_at: str
    failing_since: str | None = None

    @classmethod
    def of(cls, callback: Callback, folder: str) -> CallbackView:
        return cls(
            callback_id=callback.callback_id,
            url=callback.url,
            events=list(callback.events),
            prefix=callback.prefix.removeprefix(folder),
            status=callback.status,
            disabled_reason=callback.disabled_reason,
            description=callback.description,
            created_at=rfc3339(callback.created_at),
            failing_since=rfc3339(callback.failing_since) if callback.failing_since else None,
        )


class NewSecret(CallbackView):
    secret: str
    """`whsec_…`, shown this once."""


class JobCallback(BaseModel):
    """The callback that was registered for one job alone."""

    callback_id: str
    secret: str


class CreatedJob(JobView):
    upload: Upload
    callback: JobCallback | None = None


class Try(BaseModel):
    """One attempt at a delivery."""

    at: str
    outcome: str
    """`DELIVERED`, or what went wrong."""
    status: int | None = None
    milliseconds: int | None = None
    detail: str | None = None
    """The beginning of the receiver's answer."""


class DeliveryView(BaseModel):
    """One event on its way to one callback."""

    delivery_id: str
    event_id: str
    type: str
    callback_id: str
    status: str
    """pending, delivered, exhausted or dropped."""
    attempts: int
    tries: list[Try]
    """The last twenty."""
    next_attempt_at: str | None = None

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryView:
        return cls(
            delivery_id=f"{delivery.event_id}.{delivery.callback_id}",
            event_id=delivery.event_id,
            type=delivery.event_type,
            callback_id=delivery.callback_id,
            status=delivery.status,
            attempts=delivery.attempts,
            tries=[Try(**{**entry, "at": rfc3339(entry["at"])}) for entry in delivery.tries],
            next_attempt_at=rfc3339(delivery.due_at) if delivery.status == "pending" else None,
        )


class EventView(BaseModel):
    """Something that happened, with the very body that the webhook carries."""

    event_id: str
    job_id: str
    type: str
    created_at: str
    body: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> EventView:
        return cls(
            event_id=event.event_id,
            job_id=event.job_id,
            type=event.type,
            created_at=rfc3339(event.created_at),
            body=json.loads(event.body),
        )


class Jobs(BaseModel):
    jobs: list[JobView]
    next: str | None
    """For `after`; null on the last page."""


class Callbacks(BaseModel):
    callbacks: list[CallbackView]


class Deliveries(BaseModel):
    deliveries: list[DeliveryView]
    next: str | None
    """For `after`; null on the last page."""


class Feed(BaseModel):
    events: list[EventView]
    next: str | None
    """For `after`, also when nothing is left: what comes later stands behind it. Null before the first event."""


class Link(BaseModel):
    """A link that is good for some minutes, to be followed without the API key."""

    url: str
    hint: str


class Health(BaseModel):
    status: str
