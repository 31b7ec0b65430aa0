"""Jobs: how they come to be, arrive, wait, and are looked up. What a client does to one is in `commands.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Attr

from services.common.domain.lifecycle import job_changes
from services.common.domain.lifecycle.part_changes import first_part
from services.common.domain.records import Job
from services.common.domain.states import JobTransition
from services.common.store import keys
from services.common.store.changes import may, same, update
from services.common.store.codec import from_item, read
from services.common.store.items import item_of
from services.common.store.operations import ABSENT, Check, Operation, Put, Update

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boto3.dynamodb.conditions import ConditionBase

    from services.common.domain.lifecycle.change import Change
    from services.common.store.announcements import Announcement
    from services.common.store.table import Table


def creation(job: Job) -> Operation:
    """A job that was not there before."""
    return Put(item=item_of(job), when=ABSENT)


class Jobs:
    """The job items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, job_id: str) -> Job | None:
        item = self._table.get(keys.job(job_id))
        return from_item(Job, item) if item and "status" in item else None

    def of_client(self, client_id: str, *, after: str | None, limit: int) -> Iterator[tuple[str, Job]]:
        """A client's jobs, newest first, each with its `sort` for the next page's `after`."""
        items = self._table.of_client(client_id, keys.JOBS, after=after, newest_first=True, limit=limit)
        yield from ((item["sort"], job) for item, job in read(Job, items))

    def overdue_uploads(self, now: int, limit: int) -> list[str]:
        """Ids of jobs whose upload should have come by now."""
        return [item["job_id"] for item in self._table.due(keys.Due.UPLOAD, before=now, limit=limit)]

    def waits(self, job_id: str, waiting: str, reason: str) -> None:
        """Say why a queued job has no machine yet; said once."""
        self._note(job_id, Attr("waiting_reason").ne(reason), waiting, reason)

    def waits_no_longer(self, job_id: str) -> bool:
        """A machine comes for a queued job; False if nothing was said of its waiting."""
        return self._note(job_id, Attr("waiting").exists(), None, None)

    def _note(self, job_id: str, when: ConditionBase, waiting: str | None, reason: str | None) -> bool:
        noting = {"waiting": waiting, "waiting_reason": reason}
        return self._table.attempt(Update(key=keys.job(job_id), when=may(JobTransition.WAIT) & when, set=noting))

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
        return self._table.attempt_all(
            [
                Put(item=item_of(job), when=ABSENT | bygone),
                # What an aged-out job of this name may have left is not asked.
                Put(item=item_of(first_part(job, seconds, due_at))),
                *([Check(key=keys.of(beside), when=_unchanged(beside))] if beside else []),
                *announcement.operations(),
            ]
        )

    def note_upload(self, job: Job, *, etag: str, modified: int) -> bool:
        """The recording came once more and nothing is made of it, `job` being as it is; False if that has changed."""
        noting = {"source_etag": etag, "source_seen": modified}
        return self._table.attempt(Update(key=keys.of(job), when=_unchanged(job), set=noting))

    def arrive(self, arrival: Change[Job], announcement: Announcement, *, seconds: float, due_at: int) -> bool:
        """The awaited recording is there, and the job joins the queue; False if it had already."""
        part = first_part(arrival.after, seconds, due_at)
        return self._table.attempt_all([update(arrival), Put(item=item_of(part)), *announcement.operations()])

    def expire(self, job: Job, announcement: Announcement) -> bool:
        """Nobody uploaded in time; False if somebody has after all."""
        return self._table.attempt_all([update(job_changes.expire(job)), *announcement.operations()])


def _unchanged(job: Job) -> ConditionBase:
    """Still in the same run, at the same stage, with the same recording."""
    return same(job, "status", "generation", "source_etag")
