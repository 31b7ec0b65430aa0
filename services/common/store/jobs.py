"""Jobs: how they come to be, arrive, and are looked up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import FIRST_PART, Job, Part
from services.common.domain.states import JobStatus, PartStatus, sources
from services.common.store.codec import UnknownVersionError, from_item, to_item
from services.common.store.parts import part_item
from services.common.store.table import ABSENT, PRESENT, Check, ConditionFailedError, Key, Operation, Put, Update

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.common.store.events import Announcement
    from services.common.store.table import Table


def job_key(job_id: str) -> Key:
    return f"JOB#{job_id}", "JOB"


def job_item(job: Job) -> dict[str, object]:
    """An awaited upload is due when it expires; everything else that can happen to a job happens to its parts."""
    awaited = job.status is JobStatus.AWAITING_UPLOAD
    pk, sk = job_key(job.job_id)
    return to_item(
        job,
        pk=pk,
        sk=sk,
        sort=f"JOB#{job.created_at:013d}#{job.job_id}",
        due_kind="upload" if awaited else None,
        due_at=job.upload_expires_at if awaited else None,
    )


def creation(job: Job) -> Operation:
    """A job that was not there before."""
    return Put(item=job_item(job), when=ABSENT)


class Jobs:
    """The job items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, job_id: str) -> Job | None:
        item = self._table.get(job_key(job_id))
        return from_item(Job, item) if item and "status" in item else None

    def of_client(self, client_id: str, *, after: str | None, limit: int) -> Iterator[tuple[str, Job]]:
        """A client's jobs, newest first, each with its `sort` for the next page's `after`."""
        for item in self._table.of_client(client_id, "JOB#", after=after, newest_first=True, limit=limit):
            try:
                yield item["sort"], from_item(Job, item)
            except UnknownVersionError:
                continue

    def overdue_uploads(self, now: int, limit: int) -> list[str]:
        """Ids of jobs whose upload should have come by now."""
        return [item["job_id"] for item in self._table.due("upload", before=now, limit=limit)]

    def waits(self, job_id: str, waiting: str, reason: str) -> None:
        """Say why a queued job has no machine yet; said once."""
        telling = Update(
            key=job_key(job_id),
            when=Attr("status").eq(JobStatus.QUEUED.value) & Attr("waiting_reason").ne(reason),
            set={"waiting": waiting, "waiting_reason": reason},
        )
        try:
            self._table.write(telling)
        except ConditionFailedError:
            return

    def waits_no_longer(self, job_id: str) -> bool:
        """A machine comes for a queued job; False if nothing was said of its waiting."""
        silence = Update(
            key=job_key(job_id),
            when=Attr("status").eq(JobStatus.QUEUED.value) & Attr("waiting").exists(),
            set={"waiting": None, "waiting_reason": None},
        )
        try:
            self._table.write(silence)
        except ConditionFailedError:
            return False
        return True

    def await_upload(self, job: Job) -> None:
        """A job whose recording is still to come."""
        self._table.transact([creation(job)])

    def take_in(
        self, job: Job, announcement: Announcement, *, seconds: float, due_at: int, beside: Job | None = None
    ) -> bool:
        """A plain upload becomes a queued job with its first part; False if it already is one, or is being erased.

        The tombstone of an earlier one makes room: whoever asks knows that it covers this upload no more. `beside` is
        the job that has its key, and must be as it was: else the upload might be that one's.
        """
        bygone = Attr("erased_at").exists() & Attr("due_kind").not_exists()
        try:
            self._table.transact(
                [
                    Put(item=job_item(job), when=ABSENT | bygone),
                    # What an aged-out job of this name may have left is not asked.
                    Put(item=part_item(first_part(job, seconds, due_at))),
                    *([_unchanged(beside)] if beside else []),
                    *announcement.operations(),
                ]
            )
        except ConditionFailedError:
            return False
        return True

    def note_upload(self, job: Job, *, etag: str, modified: int) -> bool:
        """The recording came once more and nothing is made of it, `job` being as it is; False if that has changed."""
        noting = Update(
            key=job_key(job.job_id),
            when=_unchanged(job).when,
            set={"source_etag": etag, "source_seen": modified},
        )
        try:
            self._table.write(noting)
        except ConditionFailedError:
            return False
        return True

    def arrive(self, job: Job, announcement: Announcement, *, seconds: float, due_at: int) -> bool:
        """The awaited recording is there: `job`, as it now is, joins the queue; False if it had already."""
        arrived = Update(
            key=job_key(job.job_id),
            when=PRESENT & Attr("status").is_in([JobStatus.AWAITING_UPLOAD, JobStatus.EXPIRED]),
            set={
                "status": JobStatus.QUEUED,
                "source_etag": job.source_etag,
                "source_bytes": job.source_bytes,
                "source_modified": job.source_modified,
                "times": job.times,
                "expires_at": job.expires_at,
            },
            remove=["due_kind", "due_at"],
        )
        try:
            self._table.transact(
                [arrived, Put(item=part_item(first_part(job, seconds, due_at))), *announcement.operations()]
            )
        except ConditionFailedError:
            return False
        return True

    def expire(self, job: Job, announcement: Announcement) -> bool:
        """Nobody uploaded in time; False if somebody has after all."""
        expired = Update(
            key=job_key(job.job_id),
            when=PRESENT & Attr("status").is_in(sources(JobStatus.EXPIRED)),
            set={"status": JobStatus.EXPIRED},
            remove=["due_kind", "due_at"],
        )
        try:
            self._table.transact([expired, *announcement.operations()])
        except ConditionFailedError:
            return False
        return True


def _unchanged(job: Job) -> Check:
    """Still in the same run, at the same stage, with the same recording."""
    return Check(
        key=job_key(job.job_id),
        when=Attr("status").eq(job.status.value)
        & Attr("generation").eq(job.generation)
        & Attr("source_etag").eq(job.source_etag),
    )


def first_part(job: Job, seconds: float, due_at: int) -> Part:
    """The whole recording as one part, with its place in the queue."""
    return Part(
        job_id=job.job_id,
        part_id=FIRST_PART,
        status=PartStatus.QUEUED,
        client_id=job.client_id,
        created_at=job.times.get("queued", job.created_at),
        seconds=seconds,
        due_at=due_at,
        expires_at=job.expires_at,
    )


def queued(job: Job, *, etag: str, size: int, uploaded: int, now: int, expires_at: int, modified: int = 0) -> Job:
    """`job` once its recording has arrived; `modified` is its LastModified."""
    return replace(
        job,
        status=JobStatus.QUEUED,
        source_etag=etag,
        source_bytes=size,
        source_modified=modified,
        times={**job.times, "uploaded": uploaded, "queued": now},
        expires_at=expires_at,
        upload_expires_at=None,
    )
