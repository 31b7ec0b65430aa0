"""Commands on a job: cancel, retry, annotate, begin anew. Each is one write or one transaction.

Erasing a job also deletes objects of the bucket: `services/common/erasure.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from services.common import metrics
from services.common.domain.annotations import check_annotations
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
from services.common.store.operations import ABSENT, ConditionFailedError, Delete, Operation, Put
from services.common.store.parts import MAX_PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from services.common.domain.lifecycle.change import Change
    from services.common.domain.records import Job, Part
    from services.common.store.announcements import Announcement, Announcer
    from services.common.store.idempotency import IdempotencyRecord
    from services.common.store.store import Store

TRIES = 3
"""How often a client's command is tried. If the job changes at the same moment, it is read again."""


class Commands:
    """Commands on the jobs of one deployment."""

    def __init__(
        self, store: Store, announcer: Announcer, uploaded_at: Callable[[Job], int], give_up: Callable[[Job], None]
    ) -> None:
        """The last two are those of `SourceObjects`."""
        self._store = store
        self._announcer = announcer
        self._uploaded_at = uploaded_at
        self._give_up = give_up

    def cancel(self, job: Job, now: int, record: IdempotencyRecord | None = None) -> Job:
        """Cancel a job that has not ended. A worker that works on it meets the fence at its next heartbeat.

        An object that lies at the job's key by now is canceled too, even if its event from S3 is still to come. An
        upload in parts that was begun is given up.

        Args:
            job: as it was read.
            now: epoch milliseconds.
            record: of the request's idempotency key, if it has one.

        Returns:
            The job after the change, or as it is if it was canceled already, or by this very request before.

        Raises:
            AlreadyEndedError: the job has ended in another way.
            ChangedMeanwhileError: the job changed at each of `TRIES` tries.

        """
        for _ in range(TRIES):
            if not JobTransition.CANCEL.allows(job.status):
                if self._store.commits.earlier(record) is None and job.status is not JobStatus.CANCELED:
                    raise AlreadyEndedError(f"The job is {job.status.value}: there is nothing to cancel.")
                return job
            change = job_changes.cancel(job, now, seen=self._uploaded_at(job))
            announcement = self._announcer.tell(change.after, EventType.CANCELED, now)
            done = self._committed(canceled(change, self._store.parts.of_job(job.job_id), announcement), record)
            read = self._store.jobs.get(job.job_id)
            if done:
                metrics.count_end(change.after)
                # As it is now: the upload in parts may have begun since the job was read for the first time.
                self._give_up(read or change.after)
                return read or change.after
            if read is None:
                break  # erased at the same moment
            job = read
        raise ChangedMeanwhileError

    def retry(self, job: Job, now: int, record: IdempotencyRecord | None = None) -> Job:
        """Queue a failed job again. Finished parts stay finished, and attempts go on counting.

        Args:
            job: as it was read.
            now: epoch milliseconds.
            record: of the request's idempotency key, if it has one.

        Returns:
            The job after the change, or as it is if this very request has queued it before.

        Raises:
            NotFailedError: the job has not failed.
            ChangedMeanwhileError: another run began at the same moment, or the job changed at each of `TRIES` tries.

        """
        if not JobTransition.RETRY.allows(job.status):
            if self._store.commits.earlier(record) is None:
                raise NotFailedError(f"The job is {job.status.value}: only a failed job is retried.")
            return job
        parts = self._store.parts.of_job(job.job_id)
        due_at = self._store.turns.take(job.client_id, turn(sum(part.seconds for part in parts)), now)
        for _ in range(TRIES):
            change = job_changes.retry(job, now)
            announcement = self._announcer.tell(change.after, EventType.QUEUED, now)
            done = self._committed(retried(change, parts, announcement, due_at), record)
            read = self._store.jobs.get(job.job_id)
            if done:
                return read or change.after
            if read is None or (read.status, read.generation) != (job.status, job.generation):
                break
            job = read
        raise ChangedMeanwhileError

    def annotate(self, job: Job, annotations: Mapping[str, Any], now: int) -> Job:
        """Update the client's own words on a job, in any status.

        Args:
            job: as it was read.
            annotations: any of `reference`, `metadata` and `names`, each replaced as a whole; None removes it.
            now: epoch milliseconds.

        Returns:
            The job after the change.

        Raises:
            InvalidAnnotationError: they break a rule; `field` names which of them.
            ChangedMeanwhileError: the job changed at each of `TRIES` tries, or is erased.

        """
        checked = check_annotations(annotations)
        for _ in range(TRIES):
            if after := self._store.jobs.annotate(job_changes.annotate(job, checked, now)):
                return after
            read = self._store.jobs.get(job.job_id)
            if read is None:
                break  # erased at the same moment
            job = read
        raise ChangedMeanwhileError

    def begin_anew(self, change: Change[Job], announcement: Announcement, *, seconds: float, due_at: int) -> bool:
        """Queue a job that ended without a text, with the recording that was uploaded once more.

        Args:
            change: of the job, `job_changes.begin_anew`.
            announcement: that the job is queued.
            seconds: of audio, estimated.
            due_at: the place in the queue.

        Returns:
            False if the job has changed since it was read.

        """
        parts = self._store.parts.of_job(change.before.job_id)
        return self._committed(begun_anew(change, parts, announcement, seconds=seconds, due_at=due_at))

    def _committed(self, operations: Sequence[Operation], record: IdempotencyRecord | None = None) -> bool:
        """Commit; False if an item is not as required.

        True also if the request was committed before, by its idempotency key.
        """
        try:
            self._store.commit(operations, record)
        except ConditionFailedError:
            return False
        return True


def canceled(change: Change[Job], parts: Sequence[Part], announcement: Announcement) -> list[Operation]:
    """The operations of a cancel; `parts` are all parts of the job."""
    open_parts = [part for part in parts if part.status in OPEN]
    closing = [update(part_changes.close(part)) for part in open_parts[:MAX_PARTS]]
    return [update(change, same(change.before, "generation")), *closing, *announcement.operations()]


def retried(change: Change[Job], parts: Sequence[Part], announcement: Announcement, due_at: int) -> list[Operation]:
    """The operations of a retry; `due_at` is the place in the queue of all parts that are not done."""
    unfinished = [part for part in parts if part.status is not PartStatus.DONE]
    queuing = [
        update(part_changes.retry_part(part, due_at, change.after.times["queued"]), same(part, "attempt", "status"))
        for part in unfinished[:MAX_PARTS]
    ]
    return [update(change, same(change.before, "generation")), *queuing, *announcement.operations()]


def begun_anew(
    change: Change[Job], parts: Sequence[Part], announcement: Announcement, *, seconds: float, due_at: int
) -> list[Operation]:
    """The operations by which a job begins anew.

    The parts were made of the earlier recording. They are deleted, but for the first one: it is replaced by a new
    part whose attempts go on counting, so that a worker that still holds the old part meets the fence. The job's own
    callback is kept as long as the job.
    """
    begun = update(change, same(change.before, "generation"))
    own = [callback for callback in announcement.callbacks if callback.job_id]
    return [
        replace(begun, set={**begun.set, "schema_version": BEGUN_ANEW_VERSION}),
        _first_part(change.after, parts, seconds, due_at),
        *(Delete(key=keys.of(part)) for part in parts if part.part_id != FIRST_PART),
        *(prolonging(keys.of(callback), change.after.expires_at) for callback in own),
        *announcement.operations(),
    ]


def _first_part(job: Job, parts: Sequence[Part], seconds: float, due_at: int) -> Operation:
    before = next((part for part in parts if part.part_id == FIRST_PART), None)
    fresh = part_changes.begin_anew(job, before, seconds, due_at)
    unchanged = same(before, "attempt", "status") & may(PartTransition.BEGIN_ANEW) if before else ABSENT
    return Put(item=item_of(fresh), when=unchanged)
