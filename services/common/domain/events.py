"""Events of jobs and callbacks. The webhook's body is composed once, and is frozen when the event is committed."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from services.common.domain.annotations import annotations_of
from services.common.domain.ids import event_id
from services.common.domain.object_keys import correction, in_one_spelling, named_by_client
from services.common.domain.records import Event, Job
from services.common.domain.states import CallbackStatus
from services.common.domain.times import expiry, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.common.domain.records import Callback

VERSION = 1
"""The version of the form of messages."""
MAX_LISTENERS = 20
"""Most callbacks of a client: an event and all its deliveries must fit into one transaction."""
INLINE_TEXT_BYTES = 20_000
"""Longest text that is sent in the webhook itself; the receiver fetches longer ones."""


class EventType(StrEnum):
    """The types of webhooks. Their names are part of the contract with receivers."""

    QUEUED = "transcription.queued"
    STARTED = "transcription.started"
    INTERRUPTED = "transcription.interrupted"
    COMPLETED = "transcription.completed"
    FAILED = "transcription.failed"
    CANCELED = "transcription.canceled"
    EXPIRED = "transcription.expired"
    CORRECTED = "transcript.corrected"
    CALLBACK_DISABLED = "callback.disabled"
    CALLBACK_TEST = "callback.test"
    CALLBACK_CHALLENGE = "callback.challenge"


DIRECT = frozenset({EventType.CALLBACK_TEST, EventType.CALLBACK_CHALLENGE})
"""Types that are sent to the one callback that they are about, whatever it listens to. They are not in the client's
feed."""


def compose(job: Job, kind: EventType, *, serial: str, places: Places, **extra: object) -> Event:
    """Compose an event of a job.

    The event's id is a function of the arguments, so that a repeated change makes the same event. It depends on
    `job.created_at` too, so that it differs from the events of an earlier job with the same id, which was erased or has
    aged out.

    Args:
        job: as it is after the change, whose sequence is the event's.
        kind: what happened.
        serial: tells events of the same type apart, such as a generation or an attempt.
        places: of the deployment.
        extra: further fields of the body's `data`.

    """
    return Event(
        job_id=job.job_id,
        event_id=event_id(job.job_id, kind, f"{job.created_at}.{serial}", job.sequence),
        client_id=job.client_id,
        type=kind.value,
        created_at=job.sequence,
        body=write_body(kind, job.sequence, job_data(job, places) | extra),
        expires_at=expiry(job.sequence, places.retention_days),
    )


def compose_about(
    callback: Callback,
    kind: EventType,
    *,
    subject: str,
    serial: str,
    now: int,
    expires_at: int | None,
    **data: object,
) -> Event:
    """Compose an event about a callback.

    Args:
        callback: as it is after the change.
        kind: what happened.
        subject: the id of the job whose delivery caused the event, or the callback's own id.
        serial: tells events of the same type apart.
        now: epoch milliseconds, which is the event's sequence too.
        expires_at: epoch seconds after which DynamoDB deletes the event.
        data: further fields of the body's `data`.

    """
    return Event(
        job_id=subject,
        event_id=event_id(subject, kind, f"{callback.callback_id}.{serial}", now),
        client_id=callback.client_id,
        type=kind.value,
        created_at=now,
        body=write_body(kind, now, {"callback_id": callback.callback_id, "sequence": now} | data),
        expires_at=expires_at,
    )


def write_body(kind: EventType, now: int, data: Mapping[str, object]) -> str:
    """The body that is signed and sent. Its form is described in `services/api/contract/messages.py`."""
    return as_sent({"type": kind.value, "timestamp": rfc3339(now), "version": VERSION, "data": data})


def as_sent(body: Mapping[str, object]) -> str:
    """A message as the text that is signed and sent.

    There is one text for each message. So the feed's `body`, which is parsed, gives the text of the delivery again.
    """
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


class Places:
    """The deployment's bucket and API address, to which webhooks point, and how long jobs and events are kept."""

    def __init__(self, *, bucket: str, public_url: str, retention_days: int) -> None:
        self.bucket = bucket
        self.public_url = public_url.rstrip("/")
        self.retention_days = retention_days

    def s3(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def job(self, job_id: str) -> str | None:
        """The job's URL at the API; None if the deployment has no API."""
        return f"{self.public_url}/api/jobs/{job_id}" if self.public_url else None


def job_data(job: Job, places: Places) -> dict[str, Any]:
    """What clients see of a job, with the same names in messages and at the API; what it does not have is left out."""
    data: dict[str, Any] = {
        "job_id": job.job_id,
        "status": job.status.value,
        "sequence": job.sequence,
        "file_name": job.file_name,
        "source": places.s3(job.source_key),
        "created_at": rfc3339(job.created_at),
        "times": {stage: rfc3339(moment) for stage, moment in job.times.items()},
        **annotations_of(job),
    }
    if address := places.job(job.job_id):
        data["job_url"] = address
    if job.result:
        found = {"attempt", "language", "model", "quality"} & job.result.keys()
        data |= {name: job.result[name] for name in found}
        data["duration"] = job.result.get("duration_seconds")
        data["results"] = [_file(job.job_id, name, entry, places) for name, entry in job.result["files"].items()]
    if job.cost and (job.result or job.error):  # else it is that of a run before
        data["cost"] = dict(job.cost)
    if job.error:
        data["error"] = dict(job.error)
    return data


def _file(job_id: str, form: str, entry: Mapping[str, Any], places: Places) -> dict[str, Any]:
    described = {"format": form, "uri": places.s3(entry["key"]), "bytes": entry["bytes"], "sha256": entry["sha256"]}
    if address := places.job(job_id):
        described["result_url"] = f"{address}/transcript?format={form}"
    return described


def correction_data(job: Job, places: Places) -> dict[str, Any]:
    """What a message tells of a job's newest correction.

    The size and the sha256 are those of the document at `uri`; `text` has those of what `result_url` answers, which
    never changes.
    """
    assert job.correction
    number = job.correction["number"]
    data: dict[str, Any] = {
        **{name: job.correction[name] for name in ("number", "by", "bytes", "sha256")},
        "changed_at": rfc3339(job.correction["changed_at"]),
        "uri": places.s3(correction(job.place, number)),
        "text": dict(job.correction["text"]),
    }
    if address := places.job(job.job_id):
        data["result_url"] = f"{address}/transcript?format=txt&version={number}"
    return data


def listeners(event: Event, job: Job | None, callbacks: Iterable[Callback]) -> list[Callback]:
    """The callbacks to which `event` is sent.

    Args:
        event: any but those of `DIRECT`.
        job: to which the event happened; None: it happened to a callback, and no prefix matters.
        callbacks: the client's and the job's own.

    """
    return [
        callback
        for callback in callbacks
        if callback.status is CallbackStatus.ACTIVE
        and event.type in callback.events
        and (job is None or _concerns(job, callback))
    ]


def _concerns(job: Job, callback: Callback) -> bool:
    """Whether the callback was registered for jobs like this one, or the job names it."""
    if callback.job_id is not None:
        return callback.job_id == job.job_id
    if callback.callback_id == job.named_callback:
        return True
    return in_one_spelling(named_by_client(job)).startswith(in_one_spelling(callback.prefix))
