"""How jobs end: with the part that decides, in one transaction with the event and its deliveries.

A job that fails takes its other parts along. Left in the queue they would be nobody's, hide from the workers what
stands behind them, and bring machines that have nothing to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.common.domain.lifecycle import job_changes, part_changes
from services.common.domain.states import JobTransition, PartStatus
from services.common.store.changes import fence, same, update
from services.common.store.items import item_of
from services.common.store.leases import FencedError
from services.common.store.operations import ABSENT, Operation, Put, Update
from services.common.store.table import ConditionFailedError

if TYPE_CHECKING:
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
        """The part that decides: the job ends with it, in one transaction with its event and deliveries.

        Args:
            part: as claimed.
            ending: the job's end, `job_changes.end`.
            announcement: of the end.

        Raises:
            FencedError: it is not ours to end.

        """
        own = part_changes.fail(part) if _fails(ending) else part_changes.finish(part)
        try:
            self._end(part, update(own, fence(part)), ending, announcement)
        except ConditionFailedError:
            if not self._parts.already(part, own.after.status):
                raise FencedError(part.part_id) from None

    def give_up(self, part: Part, ending: Change[Job], announcement: Announcement) -> bool:
        """The job fails because of a part whose worker fell silent; False if it has been heard of meanwhile."""
        own = update(part_changes.give_up(part), fence(part) & same(part, "beat"))
        try:
            self._end(part, own, ending, announcement)
        except ConditionFailedError:
            return False
        return True

    def _end(self, part: Part, own: Update, ending: Change[Job], announcement: Announcement) -> None:
        """The part that decides (`own`), the job, its other parts, event and deliveries: all of it or nothing.

        Raises:
            ConditionFailedError: the part or the job is not as required.

        """
        # Provided that it still has the parts that it had.
        job = update(ending, same(ending.before, "parts"))
        while True:
            others = self._others(part, ending)
            try:
                self._table.transact([own, job, *others, *announcement.operations()])
            except ConditionFailedError as error:
                part_found, job_found, *found = error.items
                if part_found or job_found or not any(found[: len(others)]):
                    raise
                # Only another part has ended meanwhile, which leaves one fewer to close.
            else:
                return

    def _others(self, part: Part, ending: Change[Job]) -> list[Operation]:
        if not _fails(ending) or ending.before.parts == 1:
            return []
        others = [other for other in self._parts.open_of(part.job_id) if other.part_id != part.part_id]
        return [update(part_changes.close(other)) for other in others]

    def finish_slice(self, part: Part, job: Job, *, merge_due_at: int) -> bool:
        """One of several parts is done; the last one makes the merge due. False: others finished meanwhile, read again.

        Raises:
            FencedError: the part is not ours to finish.

        """
        count = job_changes.count_part(job)
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
