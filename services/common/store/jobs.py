"""Jobs: created, taken in, queued, noted as waiting, expired, annotated and read. Commands are in `commands.py`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Attr

from services.common import metrics
from services.common.domain.lifecycle import job_changes
from services.common.domain.lifecycle.part_changes import first_part
from services.common.domain.records import Job, Part
from services.common.store import keys
from services.common.store.changes import same, same_multipart, same_upload, update, update_unread
from services.common.store.codec import from_item, known, page_of
from services.common.store.items import item_of
from services.common.store.operations import ABSENT, Check, ConditionFailedError, Operation, Put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from boto3.dynamodb.conditions import ConditionBase

    from services.common.domain.lifecycle.change import Change
    from services.common.store.announcements import Announcement
    from services.common.store.codec import Page
    from services.common.store.table import Table


def creation(job: Job) -> Operation:
    """The operation that stores a new job."""
    return Put(item=item_of(job), when=ABSENT)


class Jobs:
    """The job items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, job_id: str) -> Job | None:
        item = self._table.get(keys.job(job_id))
        return from_item(Job, item) if item and "status" in item else None

    def with_parts(self, job_id: str) -> tuple[Job, list[Part]] | None:
        """A job with its parts, in one read; None if there is no such job."""
        items = {item["sk"]: item for item in self._table.between(keys.of_job(job_id), keys.JOB, f"{keys.PARTS}~")}
        item = items.pop(keys.JOB, {})
        return (from_item(Job, item), list(known(Part, items.values()))) if "status" in item else None

    def of_client(self, client_id: str, *, limit: int) -> Iterator[Job]:
        """The newest jobs of a client, `limit` at most or one more, newest first."""
        return known(Job, self._table.of_client(client_id, keys.JOBS, newest_first=True, limit=limit))

    def made_between(self, client_id: str, since: int | Job, until: int) -> Iterator[Job]:
        """A client's jobs that were made in a stretch of time, the oldest first, read page by page.

        Args:
            client_id: of the client.
            since: its beginning, epoch milliseconds; or a job, behind which it begins.
            until: its end, epoch milliseconds, which does not belong to it.

        """
        after = (
            keys.sort(keys.JOB, since.created_at, since.job_id)
            if isinstance(since, Job)
            else keys.sort(keys.JOB, since)
        )
        last = keys.sort(keys.JOB, until)
        return known(Job, self._table.of_client(client_id, keys.JOBS, after=after, until=last, limit=None))

    def page(
        self, client_id: str, *, after: str | None, size: int, wanted: Callable[[Job], bool] | None = None
    ) -> Page[Job]:
        """A page of a client's jobs, newest first.

        Args:
            client_id: of the client.
            after: the `last` of the page before.
            size: how many jobs, at most.
            wanted: which jobs are in the list; None: all.

        """
        items = partial(self._table.of_client, client_id, keys.JOBS, after=after, newest_first=True)
        return page_of(Job, items, size=size, wanted=wanted)

    def overdue_uploads(self, now: int, limit: int) -> list[str]:
        """Ids of at most `limit` jobs whose upload should have come by now."""
        return [item["job_id"] for item in self._table.due(keys.Due.UPLOAD, before=now, limit=limit)]

    def awaited_uploads(self, limit: int) -> Iterator[Job]:
        """At most `limit` jobs whose upload is awaited, those first that expire last. The index may lag by seconds."""
        return known(Job, self._table.due(keys.Due.UPLOAD, latest_first=True, limit=limit))

    def overdue_corrections(self, now: int, limit: int) -> list[str]:
        """Ids of at most `limit` jobs whose newest correction should be announced by now."""
        return [item["job_id"] for item in self._table.due(keys.Due.CORRECTED, before=now, limit=limit)]

    def waits(self, job_id: str, waiting: str, reason: str) -> None:
        """Note why a queued job has no machine yet; nothing is written if the same reason is there already."""
        self._note(job_id, Attr("waiting_reason").ne(reason), waiting, reason)

    def waits_no_longer(self, job_id: str) -> bool:
        """Remove the note why a queued job waits, since a machine comes; False if there was none."""
        return self._note(job_id, Attr("waiting").exists(), None, None)

    def _note(self, job_id: str, when: ConditionBase, waiting: str | None, reason: str | None) -> bool:
        return self._table.attempt(update_unread(keys.job(job_id), job_changes.wait(waiting, reason), when))

    def take_in(
        self, job: Job, announcement: Announcement, *, seconds: float, due_at: int, beside: Job | None = None
    ) -> bool:
        """Queue a new job for a plain upload, with its first part.

        A final tombstone under the same id is replaced: the caller knows that it does not cover this upload.

        Args:
            job: the new job.
            announcement: that it is queued.
            seconds: of audio, estimated.
            due_at: the place in the queue.
            beside: the job that was registered for the same key. It must not have changed since it was read, since the
                upload might then be its own.

        Returns:
            False if there is such a job already, it is being erased, or `beside` has changed.

        """
        bygone = Attr("erased_at").exists() & Attr("due_kind").not_exists()
        return self._table.attempt_all(
            [
                Put(item=item_of(job), when=ABSENT | bygone),
                # Without a condition: a job of this id that has aged out may have left its part.
                Put(item=item_of(first_part(job, seconds, due_at))),
                *([Check(key=keys.of(beside), when=_unchanged(beside))] if beside else []),
                *announcement.operations(),
            ]
        )

    def note_upload(self, job: Job, *, etag: str, modified: int) -> bool:
        """Note an upload of which no run is made.

        Args:
            job: as it was read.
            etag: of the uploaded object.
            modified: S3's LastModified of it, epoch milliseconds.

        Returns:
            False if the job has changed since it was read.

        """
        noting = job_changes.note_upload(job, etag=etag, modified=modified)
        return self._table.attempt(update(noting, _unchanged(job)))

    def arrive(self, arrival: Change[Job], announcement: Announcement, *, seconds: float, due_at: int) -> bool:
        """Queue a job whose awaited recording has come; False if it waits no more.

        Args:
            arrival: the change, `job_changes.arrive`.
            announcement: that the job is queued.
            seconds: of audio, estimated.
            due_at: the place in the queue.

        """
        part = first_part(arrival.after, seconds, due_at)
        return self._table.attempt_all([update(arrival), Put(item=item_of(part)), *announcement.operations()])

    def renew_upload(self, renewal: Change[Job]) -> bool:
        """Write that an upload is awaited for longer, or as which upload in parts; `job_changes.renew_upload`.

        Returns:
            False if the job waits no more, if somebody has begun or given up an upload in parts since it was read, or
            if it is awaited for longer already.

        """
        not_shorter = Attr("upload_expires_at").lte(renewal.after.upload_expires_at)
        return self._table.attempt(update(renewal, same_multipart(renewal.before) & not_shorter))

    def expire(self, expiry: Change[Job], announcement: Announcement) -> bool:
        """Expire a job whose recording was not uploaded in time; False if it came or is awaited for longer."""
        expired = self._table.attempt_all([update(expiry, same_upload(expiry.before)), *announcement.operations()])
        if expired:
            metrics.count_end(expiry.after)
        return expired

    def tell_correction(self, telling: Change[Job], announcement: Announcement) -> bool:
        """Note that a job's newest correction is announced; `telling` is `job_changes.tell_correction`.

        False if the job has changed since it was read: then it is corrected once more, announced already, or gone.
        """
        return self._table.attempt_all([update(telling), *announcement.operations()])

    def annotate(self, change: Change[Job]) -> Job | None:
        """Update the client's own words on a job; `change` is `job_changes.annotate`.

        Returns the job after that; None if it has changed since it was read, or is gone.
        """
        try:
            return from_item(Job, self._table.write(update(change)))
        except ConditionFailedError:
            return None


def _unchanged(job: Job) -> ConditionBase:
    """The condition that the job is still in the same run and status, with the same recording."""
    return same(job, "status", "generation", "source_etag")
