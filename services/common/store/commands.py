"""What may be done to a job that exists, by whoever asks for it: cancel, retry, begin anew. Each is one transaction.

Erasing one takes the bucket too: `services/common/erasure.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.common.domain.errors import AlreadyEndedError, ChangedMeanwhileError, NotFailedError
from services.common.domain.events import EventType
from services.common.domain.fair_queue import turn
from services.common.domain.lifecycle import job_changes, part_changes
from services.common.domain.records import BEGUN_ANEW_VERSION, FIRST_PART
from services.common.domain.states import OPEN, JobStatus, JobTransition, PartStatus, PartTransition
from services.common.store import keys
from services.common.store.callbacks import prolonging
from services.common.store.changes import may, same, update
from services.common.store.items import item_of
from services.common.store.operations import ABSENT, Delete, Operation, Put
from services.common.store.parts import MAX_PARTS
from services.common.store.table import ConditionFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.common.domain.lifecycle.change import Change
    from services.common.domain.records import Job, Part
    from services.common.store.announcements import Announcement, Announcer
    from services.common.store.idempotency import IdempotencyRecord
    from services.common.store.store import Store

TRIES = 3
"""Of a cancel that meets a worker's own change: what was read is read again."""


class Commands:
    """Commands on the jobs of one deployment."""

    def __init__(self, store: Store, announcer: Announcer, uploaded_at: Callable[[Job], int]) -> None:
        """`uploaded_at`: S3's date of what lies at a job's key now, epoch milliseconds; 0: nothing."""
        self._store = store
        self._announcer = announcer
        self._uploaded_at = uploaded_at

    def cancel(self, job: Job, now: int, record: IdempotencyRecord | None = None) -> Job:
        """End a job that has not ended; returns it as it is then. Who works on it meets the fence soon.

        What lies at its key by now is canceled too, though S3 may not have told of it yet.

        Raises:
            AlreadyEndedError: it has ended otherwise.
            ChangedMeanwhileError: it changed at each try.

        """
        for _ in range(TRIES):
            if job.status is JobStatus.CANCELED:
                return job
            if not JobTransition.CANCEL.allows(job.status):
                raise AlreadyEndedError(f"The job is {job.status.value}: there is nothing to cancel.")
            change = job_changes.cancel(job, now, seen=self._uploaded_at(job))
            announcement = self._announcer.tell(change.after, EventType.CANCELED, now)
            done = self._committed(canceled(change, self._store.parts.of_job(job.job_id), announcement), record)
            job = self._store.jobs.get(job.job_id) or change.after
            if done:
                return job
        raise ChangedMeanwhileError

    def retry(self, job: Job, now: int, record: IdempotencyRecord | None = None) -> Job:
        """Queue a failed job again; finished parts stay finished, attempts count on. Returns it as it is then.

        Raises:
            NotFailedError: it has not failed; unless this very request has queued it before.
            ChangedMeanwhileError: it changed at the same moment.

        """
        if not JobTransition.RETRY.allows(job.status):
            if self._store.commits.earlier(record) is None:
                raise NotFailedError(f"The job is {job.status.value}: only a failed job is retried.")
            return job
        change = job_changes.retry(job, now)
        parts = self._store.parts.of_job(job.job_id)
        due_at = self._store.turns.take(job.client_id, turn(sum(part.seconds for part in parts)), now)
        announcement = self._announcer.tell(change.after, EventType.QUEUED, now)
        if not self._committed(retried(change, parts, announcement, due_at), record):
            raise ChangedMeanwhileError
        return self._store.jobs.get(job.job_id) or change.after

    def begin_anew(self, change: Change[Job], announcement: Announcement, *, seconds: float, due_at: int) -> bool:
        """A job that ended without a text joins the queue with the recording that was uploaded once more.

        False if it has changed since it was read.
        """
        parts = self._store.parts.of_job(change.before.job_id)
        return self._committed(begun_anew(change, parts, announcement, seconds=seconds, due_at=due_at))

    def _committed(self, operations: Sequence[Operation], record: IdempotencyRecord | None = None) -> bool:
        """Whether the change is made, by this request or by an earlier one under its key."""
        try:
            self._store.commit(operations, record)
        except ConditionFailedError:
            return False
        return True


def canceled(change: Change[Job], parts: Sequence[Part], announcement: Announcement) -> list[Operation]:
    """The operations of a cancel; `parts` are all of the job's."""
    open_parts = [part for part in parts if part.status in OPEN]
    closing = [update(part_changes.close(part)) for part in open_parts[:MAX_PARTS]]
    return [update(change, same(change.before, "generation")), *closing, *announcement.operations()]


def retried(change: Change[Job], parts: Sequence[Part], announcement: Announcement, due_at: int) -> list[Operation]:
    """The operations of a retry; `due_at` is the place in the queue of whatever is not done."""
    unfinished = [part for part in parts if part.status is not PartStatus.DONE]
    queuing = [
        update(part_changes.retry_part(part, due_at), same(part, "attempt", "status"))
        for part in unfinished[:MAX_PARTS]
    ]
    return [update(change, same(change.before, "generation")), *queuing, *announcement.operations()]


def begun_anew(
    change: Change[Job], parts: Sequence[Part], announcement: Announcement, *, seconds: float, due_at: int
) -> list[Operation]:
    """The operations of a beginning anew.

    Of its parts, which were made of the recording before, only the first is kept, for its attempts, which go on
    counting: what still holds the old one meets the fence. The job's own callback lives as long as the job.
    """
    begun = update(change, same(change.before, "generation"))
    own = [callback for callback in announcement.callbacks if callback.job_id]
    return [
        replace(begun, set={**begun.set, "schema_version": BEGUN_ANEW_VERSION}),
        _first_part(change.after, parts, seconds, due_at),
        *(Delete(key=keys.of(part)) for part in parts if part.part_id != FIRST_PART),
        *(prolonging(callback, change.after.expires_at) for callback in own),
        *announcement.operations(),
    ]


def _first_part(job: Job, parts: Sequence[Part], seconds: float, due_at: int) -> Operation:
    fresh = part_changes.first_part(job, seconds, due_at)
    before = next((part for part in parts if part.part_id == FIRST_PART), None)
    if before is None:
        return Put(item=item_of(fresh), when=ABSENT)
    unchanged = same(before, "attempt", "status") & may(PartTransition.BEGIN_ANEW)
    return Put(item=item_of(replace(fresh, attempt=before.attempt)), when=unchanged)
