"""What a client may do to a job that exists: cancel, retry, begin anew, erase. Each is one transaction's operations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import BEGUN_ANEW_VERSION, FIRST_PART, SCHEMA_VERSION, Job, Part
from services.common.domain.states import OPEN, WITHOUT_TEXT, JobStatus, PartStatus, sources
from services.common.domain.times import DAY_MS, SECOND_MS
from services.common.store.callbacks import prolonging
from services.common.store.jobs import first_part, job_key
from services.common.store.parts import MAX_PARTS, closing, part_item, part_key
from services.common.store.table import ABSENT, Delete, Operation, Put, Update

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.common.store.events import Announcement

TOMBSTONE_MS = DAY_MS
"""After the last search: as long as what is uploaded for the erased job is erased."""
LINGER_MS = DAY_MS
"""So much longer the tombstone is kept: uploads of which S3 told nobody are found by a search, some time later."""
ERASURE = "erasure"
"""What a tombstone is due for."""
ERASED_KINDS = ("recording", "results", "work", "records")
"""What a receipt counts."""
_BEFORE_THE_QUEUE = frozenset({"created", "uploaded"})
"""Stages of a job that a retry does not go through again."""


def cancel(job: Job, parts: Sequence[Part], announcement: Announcement, now: int) -> list[Operation]:
    """The job, as it now is, ends; whoever works on it meets the fence at the next heartbeat."""
    ending = Update(
        key=job_key(job.job_id),
        when=Attr("status").is_in(sources(JobStatus.CANCELED)) & Attr("generation").eq(job.generation),
        set={
            "status": JobStatus.CANCELED,
            "times.canceled": now,
            "source_seen": job.source_seen,
            "waiting": None,
            "waiting_reason": None,
        },
        remove=["due_kind", "due_at"],
    )
    open_parts = [part for part in parts if part.status in OPEN]
    return [ending, *map(closing, open_parts[:MAX_PARTS]), *announcement.operations()]


def again(job: Job, now: int) -> Job:
    """`job` once it runs again: what it reached since it was queued belongs to the run before."""
    return replace(
        job,
        status=JobStatus.QUEUED,
        generation=job.generation + 1,
        error=None,
        times={stage: moment for stage, moment in job.times.items() if stage in _BEFORE_THE_QUEUE} | {"queued": now},
    )


def anew(job: Job, now: int) -> Job:
    """`job` once its recording came once more: nothing that was made of the one before is used for this one."""
    return replace(again(job, now), edition=job.edition + 1, source_seen=0, parts=1, parts_done=0)


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


def begin_anew(
    job: Job, parts: Sequence[Part], announcement: Announcement, *, seconds: float, due_at: int
) -> list[Operation]:
    """A job that ended without a text joins the queue, as it now is, with the recording that was uploaded once more.

    Its `parts` were made of the recording before. Only the first is kept, for its attempts, which go on counting: what
    still holds the old one meets the fence.
    """
    beginning = Update(
        key=job_key(job.job_id),
        when=Attr("status").is_in(sorted(WITHOUT_TEXT)) & Attr("generation").eq(job.generation - 1),
        set={
            "schema_version": BEGUN_ANEW_VERSION,
            "status": JobStatus.QUEUED,
            "generation": job.generation,
            "edition": job.edition,
            "source_etag": job.source_etag,
            "source_bytes": job.source_bytes,
            "source_modified": job.source_modified,
            "parts": job.parts,
            "parts_done": job.parts_done,
            "times": job.times,
            "expires_at": job.expires_at,
        },
        remove=["error", "source_seen"],
    )
    before = next((part for part in parts if part.part_id == FIRST_PART), None)
    fresh = replace(first_part(job, seconds, due_at), attempt=before.attempt if before else 0)
    same = Attr("attempt").eq(before.attempt) & Attr("status").eq(before.status) if before else ABSENT
    return [
        beginning,
        Put(item=part_item(fresh), when=same),
        *(Delete(key=part_key(part.job_id, part.part_id)) for part in parts if part.part_id != FIRST_PART),
        *(prolonging(callback, job.expires_at) for callback in announcement.callbacks if callback.job_id),
        *announcement.operations(),
    ]


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
        "receipt": dict.fromkeys(ERASED_KINDS, 0),
        "due_kind": ERASURE,
        "due_at": now,
        **kept_beyond(now),
    }
    return Put(item=item, when=Attr("client_id").eq(job.client_id) & Attr("status").exists())


def kept_beyond(last_search: int, *, until: int | None = None) -> dict[str, int]:
    """How long a tombstone stands for the job: not shorter than it did (`until`), nor while a search is to come."""
    until = max(last_search + TOMBSTONE_MS, until or 0)
    return {"until": until, "expires_at": (until + LINGER_MS) // SECOND_MS}
