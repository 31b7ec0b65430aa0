"""What a client may do to a job that exists: cancel, retry, erase. Each is the operations of one transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.clock import DAY, SECOND
from services.common.domain.records import SCHEMA_VERSION, Job, Part
from services.common.domain.states import OPEN, JobStatus, PartStatus, sources
from services.common.store.jobs import job_key
from services.common.store.parts import MAX_PARTS, closing, part_key
from services.common.store.table import Operation, Put, Update

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.common.store.events import Announcement

TOMBSTONE_MS = DAY
ERASURE = "erasure"
"""What a tombstone is due for."""
_BEFORE_THE_QUEUE = frozenset({"created", "uploaded"})
"""Stages of a job that a retry does not go through again."""


def cancel(job: Job, parts: Sequence[Part], announcement: Announcement, now: int) -> list[Operation]:
    """The job ends; whoever works on it meets the fence at the next heartbeat."""
    ending = Update(
        key=job_key(job.job_id),
        when=Attr("status").is_in(sources(JobStatus.CANCELED)) & Attr("generation").eq(job.generation),
        set={"status": JobStatus.CANCELED, "times.canceled": now, "waiting": None, "waiting_reason": None},
        remove=["due_kind", "due_at"],
    )
    open_parts = [part for part in parts if part.status in OPEN]
    return [ending, *map(closing, open_parts[:MAX_PARTS]), *announcement.operations()]


def again(job: Job, now: int) -> Job:
    """A failed `job` once it is retried: what it reached since it was queued belongs to the run that failed."""
    return replace(
        job,
        status=JobStatus.QUEUED,
        generation=job.generation + 1,
        error=None,
        times={stage: moment for stage, moment in job.times.items() if stage in _BEFORE_THE_QUEUE} | {"queued": now},
    )


def retry(job: Job, parts: Sequence[Part], announcement: Announcement, due_at: int) -> list[Operation]:
    """A failed job, as it now is, joins the queue again; finished parts stay finished, attempts go on counting."""
    again = Update(
        key=job_key(job.job_id),
        when=Attr("status").eq(JobStatus.FAILED) & Attr("generation").eq(job.generation - 1),
        set={"status": JobStatus.QUEUED, "generation": job.generation, "error": None, "times": job.times},
    )
    unfinished = [part for part in parts if part.status is not PartStatus.DONE]
    return [again, *(_queue_part(part, due_at) for part in unfinished[:MAX_PARTS]), *announcement.operations()]


def _queue_part(part: Part, due_at: int) -> Operation:
    return Update(
        key=part_key(part.job_id, part.part_id),
        when=Attr("attempt").eq(part.attempt) & Attr("status").eq(part.status),
        set={
            "status": PartStatus.QUEUED,
            "due_kind": PartStatus.QUEUED,
            "due_at": due_at,
            "deaths": 0,
            "losses": 0,
            "faults": 0,
            "suspected": False,
            "beat": 0,
            "on_device": False,
            "not_before": 0,
            "behind": 0,
        },
        remove=["owner"],
    )


def tombstone(job: Job, now: int) -> Operation:
    """The job's item without content, due to be swept: whatever a crash leaves behind is erased all the same."""
    pk, sk = job_key(job.job_id)
    item: dict[str, Any] = {
        "pk": pk,
        "sk": sk,
        "schema_version": SCHEMA_VERSION,
        "job_id": job.job_id,
        "client_id": job.client_id,
        "erased_at": now,
        "source_key": job.source_key,
        "source_etag": job.source_etag,
        "upload_expires_at": job.upload_expires_at,
        "due_kind": ERASURE,
        "due_at": now,
        "expires_at": (now + TOMBSTONE_MS) // SECOND,
    }
    return Put(item=item, when=Attr("client_id").eq(job.client_id) & Attr("status").exists())
