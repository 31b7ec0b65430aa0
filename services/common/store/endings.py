"""How jobs end: with their last or failed part, in one transaction with the event and its deliveries.

If a job fails, its other parts are closed with it. Left in the queue, they would hide other jobs' parts from the
workers, and machines would be launched for them that have nothing to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.common import metrics
from services.common.domain.lifecycle import job_changes, part_changes
from services.common.domain.states import JobTransition, PartStatus
from services.common.store.changes import fence, same, update
from services.common.store.items import item_of
from services.common.store.leases import FencedError, changed_job
from services.common.store.operations import ABSENT, ConditionFailedError, Operation, Put, Update

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.common.domain.lifecycle.change import Change
    from services.common.domain.records import Job, Part
    from services.common.store.announcements import Announcement
    from services.common.store.parts import Parts
    from services.common.store.table import Table


class Endings:
    """The last writes of parts and jobs of one table."""

    def __init__(self, table: Table, parts: Parts) -> None:
        self._table = table
        self._parts = parts

    def finish(self, part: Part, ending: Change[Job], announcement: Announcement) -> None:
        """End a part and its job, in one transaction with the event and its deliveries.

        Args:
            part: as claimed.
            ending: the job's end, `job_changes.end`.
            announcement: of the end.

        Raises:
            FencedError: another worker holds the part, or the job has ended.
            JobChangedError: the job has changed since it was read.

        """
        own = part_changes.fail(part) if _fails(ending) else part_changes.finish(part)
        try:
            self._end(part, update(own, fence(part)), ending, announcement)
        except ConditionFailedError as error:
            if changed := changed_job(error, ending.before):
                raise changed from None
            if not self._parts.already(part, own.after.status):
                raise FencedError(part.part_id) from None
        metrics.count_end(ending.after)

    def give_up(self, part: Part, ending: Change[Job], announcement: Announcement) -> bool:
        """Fail a job because of a part whose worker fell silent; False if a heartbeat came since the part was read.

        Raises:
            JobChangedError: the job has changed since it was read.

        """
        own = update(part_changes.give_up(part), fence(part) & same(part, "beat"))
        try:
            self._end(part, own, ending, announcement)
        except ConditionFailedError as error:
            if changed := changed_job(error, ending.before):
                raise changed from None
            return False
        metrics.count_end(ending.after)
        return True

    def _end(self, part: Part, own: Update, ending: Change[Job], announcement: Announcement) -> None:
        """Write the end of the part (`own`), the job and its other parts, the event and its deliveries, all or none.

        Raises:
            ConditionFailedError: the part or the job is not as required.

        """
        # The job must still have as many parts as when it was read.
        job = update(ending, same(ending.before, "parts"))
        while True:
            others = self._others(part, ending)
            try:
                self._table.transact([own, job, *others, *announcement.operations()])
            except ConditionFailedError as error:
                part_found, job_found, *found = error.items
                if part_found or job_found or not any(found[: len(others)]):
                    raise
                # Only another part has ended meanwhile: it need not be closed any more.
            else:
                return

    def _others(self, part: Part, ending: Change[Job]) -> list[Operation]:
        if not _fails(ending) or ending.before.parts == 1:
            return []
        others = [other for other in self._parts.open_of(part.job_id) if other.part_id != part.part_id]
        return [update(part_changes.close(other)) for other in others]

    def finish_slice(self, part: Part, job: Job, *, merge_due_at: int, cost: Mapping[str, Any]) -> bool:
        """Finish one of several parts; the last one puts the merge into the queue.

        Args:
            part: as claimed.
            job: as it was read.
            merge_due_at: the merge's place in the queue.
            cost: of this attempt, as a job shows it.

        Returns:
            False if another part finished meanwhile: then the caller reads the job again.

        Raises:
            FencedError: another worker holds the part.

        """
        count = job_changes.count_part(job, cost)
        operations: list[Operation] = [
            update(part_changes.finish(part), fence(part)),
            update(count, same(job, "parts_done")),
        ]
        if count.after.parts_done == job.parts:
            merge = part_changes.merge_part(part, merge_due_at)
            operations.append(Put(item=item_of(merge), when=ABSENT))
        try:
            self._table.transact(operations)
        except ConditionFailedError:
            if self._parts.already(part, PartStatus.DONE):
                return True
            current = self._parts.get(part.job_id, part.part_id)
            if current is None or (current.attempt, current.owner) != (part.attempt, part.owner):
                raise FencedError(part.part_id) from None
            return False
        return True


def _fails(ending: Change[Job]) -> bool:
    return ending.transition is JobTransition.FAIL
