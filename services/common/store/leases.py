"""The leases of parts: a part is claimed, kept by heartbeats, split, given back, taken away, or closed.

Every write by a worker has its fence as a condition: the part's (attempt, owner).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Attr

from services.common import metrics
from services.common.domain.lifecycle import job_changes, part_changes
from services.common.domain.metrics import INTERRUPTIONS
from services.common.domain.records import Job, Part
from services.common.domain.states import PartStatus
from services.common.store.changes import fence, same, update
from services.common.store.codec import from_item, known
from services.common.store.items import item_of
from services.common.store.operations import ABSENT, ConditionFailedError, Operation, Put

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.common.store.announcements import Announcement
    from services.common.store.parts import Parts
    from services.common.store.table import Table


class FencedError(Exception):
    """The worker does not hold the part any more. It must stop, and must neither write nor announce anything."""


class JobChangedError(Exception):
    """The part is still held, but its job has changed since it was read, such as by its client's update.

    `job` is as it is now: the caller makes its change from that, and writes again.
    """

    def __init__(self, job: Job) -> None:
        super().__init__(job.job_id)
        self.job = job


def changed_job(error: ConditionFailedError, job: Job) -> JobChangedError | None:
    """The error to raise if a transaction on a part and its job failed because of the job alone; else None.

    Args:
        error: of the transaction, whose first write is the part's and whose second is the job's.
        job: as it was read. In another status or run, it needs no more from the holder of the part.

    """
    part_found, job_found, *_ = error.items
    if part_found or not job_found or "status" not in job_found:
        return None
    found = next(known(Job, [job_found]), None)
    if found is None:
        return None
    same_run = (found.status, found.generation) == (job.status, job.generation)
    changed = (found.sequence, found.parts) != (job.sequence, job.parts)
    return JobChangedError(found) if same_run and changed else None


class Leases:
    """The leases of the parts in one table."""

    def __init__(self, table: Table, parts: Parts) -> None:
        self._table = table
        self._parts = parts

    def claim(
        self,
        part: Part,
        job: Job,
        *,
        owner: str,
        lease_ends: int,
        started: Announcement | None,
        times: Mapping[str, int],
    ) -> Part | None:
        """Claim a queued part.

        This is idempotent: repeated after its reply was lost, it returns the part as the first call has left it.

        Args:
            part: as it was read.
            job: as it was read.
            owner: the worker, one name per boot.
            lease_ends: epoch milliseconds.
            started: the announcement, if this claim moves the job from queued to running.
            times: the stages that the job reaches with this claim, epoch milliseconds.

        Returns:
            The claimed part; None if another worker was faster, or the job has ended or changed.

        """
        taking = part_changes.claim(part, owner, lease_ends)
        mine = taking.after
        agreeing = job_changes.start(job, times, started.sequence if started else None)
        operations: list[Operation] = [
            update(taking, same(part, "attempt")),
            # With another generation the part may be another recording's, with another number of parts another plan's.
            update(agreeing, same(job, "status", "generation") & same(part, "parts")),
        ]
        try:
            self._table.transact([*operations, *(started.operations() if started else [])])
        except ConditionFailedError as error:
            found = error.items[0]
            if found and (found["status"], found["attempt"], found.get("owner")) == (mine.status, mine.attempt, owner):
                return from_item(Part, found)
            return None
        return mine

    def heartbeat(self, part: Part, *, lease_ends: int, on_device: bool, progress: float) -> Part:
        """Write a heartbeat, which prolongs the lease; returns the part after that.

        Args:
            part: as claimed, or as the heartbeat before returned it.
            lease_ends: epoch milliseconds.
            on_device: whether the part is being decoded now; a death of the machine would count against it.
            progress: from 0 to 1.

        Raises:
            FencedError: the part was taken away, or its job was canceled.

        """
        beat = part_changes.beat(part, lease_ends, on_device=on_device, progress=progress)
        try:
            self._table.write(update(beat, fence(part)))
        except ConditionFailedError:
            raise FencedError(part.part_id) from None
        return beat.after

    def split(self, part: Part, job: Job, lengths: Sequence[float], *, due_at: int) -> Part:
        """Split a recording into several parts, in one transaction.

        Args:
            part: the claimed part, which is the whole recording.
            job: as it was read.
            lengths: of the parts, in seconds of audio; `MAX_PARTS` at most.
            due_at: the other parts' place in the queue.

        Returns:
            The first part, which stays claimed. The others join the queue.

        Raises:
            FencedError: another worker holds the part, or the job has ended.

        """
        own, count = part_changes.split_part(part, lengths), len(lengths)
        others = part_changes.further_parts(part, lengths, due_at)
        operations: list[Operation] = [
            update(own, fence(part)),
            update(job_changes.split_job(job, count), Attr("parts").eq(1)),
            *(Put(item=item_of(other), when=ABSENT) for other in others),
        ]
        try:
            self._table.transact(operations)
        except ConditionFailedError:
            current = self._parts.get(part.job_id, part.part_id)
            if current is None or (current.attempt, current.parts) != (part.attempt, count):
                raise FencedError(part.part_id) from None
        return own.after

    def give_back(
        self,
        part: Part,
        *,
        due_at: int,
        job: Job | None,
        interrupted: Announcement | None,
        counted: str | None = None,
        not_before: int = 0,
        behind: int = 0,
        suspected: bool = False,
    ) -> None:
        """Give a claimed part back to the queue.

        Args:
            part: as claimed.
            due_at: its place in the queue.
            job: the job, if it has one part only and is queued again with it.
            interrupted: the announcement of that.
            counted: `deaths`, `losses` or `faults`, which is raised by one; None if nothing counts against the part.
            not_before: when the part may be claimed again, epoch milliseconds.
            behind: when a process died over the part, epoch milliseconds: parts queued by then go first. 0: none did.
            suspected: whether a process died over several parts, this one among them.

        Raises:
            FencedError: another worker holds the part.
            JobChangedError: the job has changed since it was read.

        """
        back = part_changes.give_back(
            part, due_at, counted=counted, not_before=not_before, behind=behind, suspected=suspected
        )
        try:
            self._table.transact([update(back, fence(part)), *_requeued(job, interrupted)])
        except ConditionFailedError as error:
            if job and (changed := changed_job(error, job)):
                raise changed from None
            if not self._parts.already(part, PartStatus.QUEUED):
                raise FencedError(part.part_id) from None
        metrics.measure({INTERRUPTIONS: 1})

    def take_away(self, part: Part, *, now: int, job: Job | None, interrupted: Announcement | None) -> bool:
        """Queue a part again whose worker fell silent; False if a heartbeat came since it was read.

        Args:
            part: as it was read, with its heartbeat counter.
            now: its place in the queue, epoch milliseconds.
            job: the job, if it has one part only and is queued again with it.
            interrupted: the announcement of that.

        Raises:
            JobChangedError: the job has changed since it was read.

        """
        away = update(part_changes.take_away(part, now), fence(part) & same(part, "beat"))
        try:
            self._table.transact([away, *_requeued(job, interrupted)])
        except ConditionFailedError as error:
            if job and (changed := changed_job(error, job)):
                raise changed from None
            return False
        metrics.measure({INTERRUPTIONS: 1})
        return True

    def close(self, part: Part) -> bool:
        """Close a part whose job was found ended or gone after the part was read.

        Returns False if the part has changed since it was read. A retry, for one, gives it another place in the queue.
        """
        return self._table.attempt(update(part_changes.close(part), same(part, "attempt", "due_at")))


def _requeued(job: Job | None, interrupted: Announcement | None) -> list[Operation]:
    """The operations that queue a job again whose only part goes back to the queue."""
    if job is None:
        return []
    # The table decides whether the job has one part, not the worker: the reply to a split may have been lost.
    back = job_changes.interrupt(job, interrupted.sequence if interrupted else job.sequence)
    return [update(back, Attr("parts").eq(1)), *(interrupted.operations() if interrupted else [])]
